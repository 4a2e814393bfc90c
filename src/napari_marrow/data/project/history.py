"""The history of a project: which entries still stand, and what each did in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from napari_marrow.data.project.annotations import PERSON, Change, Entry
from napari_marrow.data.text import counted, listed

NO_CLASS = "no class"


@dataclass(frozen=True)
class _Stand:
    """An entry that stands, and what stood before it."""

    entry: Entry
    before: _Stand | None


def standing(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries that the annotations are made of now, in order.

    Those that were taken back are left out, and after an earlier moment was brought back those that
    came after it.

    Parameters
    ----------
    entries
        All of a project, from the first.
    """
    before: dict[int, _Stand | None] = {}
    after: dict[int, _Stand | None] = {0: None}
    now: _Stand | None = None
    for entry in entries:
        before[entry.number] = now
        if entry.of is None:
            now = _Stand(entry, now)
        else:
            now = (before if entry.action == "undo" else after)[entry.of]
        after[entry.number] = now
    found = []
    while now is not None:
        found.append(now.entry)
        now = now.before
    return found[::-1]


def answers(entries: Sequence[Entry]) -> list[Change]:
    """Return the changes by which cells were given their classes, in order, as they still stand.

    A class that gets another name is no answer of anybody.

    Parameters
    ----------
    entries
        All of a project, from the first.
    """
    given = [entry for entry in standing(entries) if entry.action != "classes"]
    return [change for entry in given for change in entry.changes]


def in_words(entry: Entry) -> str:
    """Return what an entry did, in a few words.

    >>> in_words(Entry(7, "2026-01-01T00:00:00.000+00:00", "undo", of=5))
    'undo of 5'
    """
    if entry.action == "restore":
        return f"brought back {entry.of}"
    if entry.of is not None:
        return f"{entry.action} of {entry.of}"
    if entry.classes is not None:
        return f"classes: {listed([x.name for x in entry.classes])}"
    return changes_in_words(entry.changes)


def changes_in_words(changes: Iterable[Change]) -> str:
    """Return how many cells get each class: "12 cells: ALL, 1 cell: no class"."""
    after = Counter(NO_CLASS if x.after is None else x.after.class_name for x in changes)
    return ", ".join(f"{counted(number, 'cell')}: {name}" for name, number in after.most_common())


def origin(entry: Entry) -> str:
    """Return whose answers an entry holds: ``person``, or the name of the model."""
    found = {x.after.who for x in entry.changes if x.after is not None}
    given = entry.of is None and entry.action != "classes"
    return listed(sorted(found)) if given and found else PERSON
