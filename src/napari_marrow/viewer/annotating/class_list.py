"""Changes of a project's list of classes: further ones, other names, colours and order, removal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.project.annotations import Annotations, ClassColour
from napari_marrow.data.text import counted, folded
from napari_marrow.report.colours import free_colour

Classes = tuple[ClassColour, ...]


def with_classes(classes: Sequence[ClassColour], names: Iterable[str]) -> Classes:
    """Return the list with further classes, in colours that are free.

    >>> with_classes([ClassColour("ALL", "#56B4E9")], ["blast"])[1]
    ClassColour(name='blast', colour='#D55E00')
    """
    found = list(classes)
    for name in names:
        found.append(ClassColour(name, free_colour(name, [x.colour for x in found])))
    return tuple(found)


def with_names(classes: Sequence[ClassColour], renamed: Mapping[str, str]) -> Classes:
    """Return the list with other names for some classes.

    Raises
    ------
    MarrowError
        When a name is empty, or two look the same.
    """
    found = tuple(replace(x, name=renamed.get(x.name, x.name)) for x in classes)
    names = [folded(x.name) for x in found]
    for old, new in renamed.items():
        if not folded(new) or names.count(folded(new)) > 1:
            raise MarrowError(
                f"{old} can't be renamed to {new!r}: type the name of a class that is not in the "
                "list yet."
            )
    return found


def with_colour(classes: Sequence[ClassColour], name: str, colour: str) -> Classes:
    """Return the list with another colour, ``#RRGGBB``, of one class."""
    return tuple(replace(x, colour=colour) if x.name == name else x for x in classes)


def moved(classes: Sequence[ClassColour], position: int, by: int) -> Classes:
    """Return the list with a class so many places further down, or up if ``by`` is negative.

    It stays as it is where the class would leave it.

    >>> [x.name for x in moved([ClassColour(x, "") for x in "abc"], 2, -1)]
    ['a', 'c', 'b']
    """
    found = list(classes)
    if 0 <= position + by < len(found):
        found.insert(position + by, found.pop(position))
    return tuple(found)


def without(annotations: Annotations, name: str) -> Classes:
    """Return the list without a class.

    Raises
    ------
    MarrowError
        When cells have it, or no other is left.
    """
    if count := annotations.counts[name]:
        have = "has" if count == 1 else "have"
        raise MarrowError(
            f"{counted(count, 'cell')} {have} the class {name}; give them another, or none, first."
        )
    found = tuple(x for x in annotations.classes if x.name != name)
    if not found:
        raise MarrowError(f"{name} is the only class; add another one first.")
    return found
