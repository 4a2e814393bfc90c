"""The classes of cells, and the changes that led to them: values without files.

An annotation belongs to one pixel of a cell, and not to the number of its label. So it stays with
the cell where labels are numbered anew, joined, cut or painted on, as long as the pixel is of one.
Annotations are the sum of all changes, in order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

Action = Literal["annotate", "classes", "undo", "redo", "restore"]
"""What was done: cells got or lost a class, the list of classes changed, and with it names that
cells have, the last thing done was taken back or done again, or an earlier moment was brought back.
"""
Asked = Literal["", "typical", "margin", "random", "again", "doubtful"]
"""Why a cell was shown: of the person's own choice, as typical of a group of similar cells, for its
small margin between two classes, drawn at random, a second time, or as its class is doubted."""
PERSON = "person"
"""Who gave a class that no model suggested."""
QUPATH, FEATURE_CLASSIFIER = "QuPath", "napari-feature-classifier"
"""Programs from which classes are taken over that a person gave there."""


def is_by_person(who: str) -> bool:
    """Whether a person gave a class, here or in another program, and did not accept a model's."""
    return who in (PERSON, QUPATH, FEATURE_CLASSIFIER)


@dataclass(frozen=True, order=True)
class Place:
    """One pixel of a cell: the name of the photograph in tables, row and column from 0."""

    image: str
    y: int
    x: int


@dataclass(frozen=True)
class Given:
    """The class of a cell, and where it is from.

    Attributes
    ----------
    class_name
        The class.
    who
        ``person``, the program in which a person gave it, or the name of the model whose answer was
        accepted.
    asked
        Why the cell was shown.
    """

    class_name: str
    who: str = PERSON
    asked: Asked = ""


@dataclass(frozen=True)
class Change:
    """A cell before and after; None where it has no class."""

    place: Place
    before: Given | None = None
    after: Given | None = None

    @property
    def reversed(self) -> Change:
        """The change that takes this one back."""
        return Change(self.place, self.after, self.before)


@dataclass(frozen=True)
class ClassColour:
    """A class and its colour, ``#RRGGBB``."""

    name: str
    colour: str


@dataclass(frozen=True)
class Entry:
    """What was done at one moment.

    Attributes
    ----------
    number
        1 for the first, and one more for each.
    when
        Coordinated universal time, as ISO 8601 has it.
    action
        What was done.
    changes
        The cells that changed.
    classes
        All classes from now on, where the list changed; else None.
    of
        Of ``undo``, ``redo`` and ``restore`` the number of the entry that is meant; of ``restore``
        0 is the moment before the first.
    """

    number: int
    when: str
    action: Action
    changes: tuple[Change, ...] = ()
    classes: tuple[ClassColour, ...] | None = None
    of: int | None = None


@dataclass(frozen=True)
class Annotations:
    """The classes that there are, and those that cells have, after a number of entries.

    Attributes
    ----------
    classes
        In the order of their keys, 1 to 9.
    cells
        What each annotated cell has; what was given last stands last.
    number
        That of the last entry; 0 before the first.
    """

    classes: tuple[ClassColour, ...] = ()
    cells: Mapping[Place, Given] = field(default_factory=dict)
    number: int = 0

    def after(self, entries: Iterable[Entry]) -> Annotations:
        """Return the annotations after further entries, in order."""
        cells, classes, number = dict(self.cells), self.classes, self.number
        for entry in entries:
            for change in entry.changes:
                if entry.action != "classes":  # what was given last stands last
                    cells.pop(change.place, None)
                if change.after is not None:
                    cells[change.place] = change.after
            classes = entry.classes if entry.classes is not None else classes
            number = entry.number
        return replace(self, classes=classes, cells=cells, number=number)

    def changes_to(self, other: Annotations) -> tuple[Change, ...]:
        """Return the changes of cells that lead from these annotations to others."""
        places = sorted({*self.cells, *other.cells})
        found = (Change(place, self.cells.get(place), other.cells.get(place)) for place in places)
        return tuple(change for change in found if change.before != change.after)

    @cached_property
    def by_image(self) -> Mapping[str, tuple[Place, ...]]:
        """The pixels of annotated cells by photograph; what was given last stands last."""
        found: dict[str, list[Place]] = {}
        for place in self.cells:
            found.setdefault(place.image, []).append(place)
        return {name: tuple(places) for name, places in found.items()}

    @property
    def counts(self) -> Counter[str]:
        """Number of annotated cells of each class."""
        return Counter(x.class_name for x in self.cells.values())
