"""Cells that have the answer of a model which was accepted together with others.

Nobody looked at them one by one: they count as answers, and not as given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.project.annotations import Entry, Place, is_by_person
from napari_marrow.data.project.history import standing
from napari_marrow.learning.annotating.cells import MeasuredCells


def accepted_together(entries: Sequence[Entry]) -> frozenset[Place]:
    """Return the cells that have the answer of a model which nobody looked at one by one."""
    found: set[Place] = set()
    for entry in standing(entries):
        if entry.action == "classes":
            continue  # a class got another name
        for change in entry.changes:
            by_model = change.after is not None and not is_by_person(change.after.who)
            (found.add if by_model and len(entry.changes) > 1 else found.discard)(change.place)
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
    keys = zip(cells.field.tolist(), cells.index.tolist(), strict=True)
    rows = {(cells.fields[field], index): row for row, (field, index) in enumerate(keys)}
    return [rows.get((place.image, numbers.get(place, 0))) for place in places]


def unseen_rows(
    cells: MeasuredCells, entries: Sequence[Entry], numbers: Mapping[Place, int]
) -> NDArray[np.bool_]:
    """Return which cells, (n,), have an answer that was accepted together with others.

    Parameters
    ----------
    cells
        The cells.
    entries
        The journal of the project.
    numbers
        The number of the cell that each annotated pixel is of.
    """
    found = np.zeros(len(cells), bool)
    rows = rows_at(cells, accepted_together(entries), numbers)
    found[[row for row in rows if row is not None]] = True
    return found
