"""Cells that have the answer of a model which was accepted together with others.

Nobody looked at them one by one: they count as answers, and not as given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from napari_marrow.data.project.annotations import Entry, Place, is_by_person
from napari_marrow.data.project.history import standing
from napari_marrow.learning.annotating.cells import MeasuredCells


def accepted_together(entries: Sequence[Entry]) -> frozenset[Place]:
    """Return the cells that have the answer of a model which nobody looked at one by one."""
    found: set[Place] = set()
    for entry in standing(entries):
        if entry.action == "classes":
            continue  # a class got another name
        accepted = [x.place for x in entry.changes if x.after and not is_by_person(x.after.who)]
        found.difference_update(x.place for x in entry.changes)
        found.update(accepted if len(accepted) > 1 else ())
    return frozenset(found)


def rows_at(
    cells: MeasuredCells, places: Iterable[Place], numbers: Mapping[Place, int]
) -> list[int | None]:
    """Return the row of the cell at each place; None where it was not measured.

    Parameters
    ----------
    cells
        The cells.
    places
        Pixels by which a project keeps cells.
    numbers
        The number of the cell that each pixel is of, where that is known.
    """
    rows = cells.row_by_number
    return [rows.get((place.image, numbers.get(place, 0))) for place in places]
