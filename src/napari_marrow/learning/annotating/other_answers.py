"""The answers of a trained model for cells, kept while nuclei and the list of classes change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.text import counted
from napari_marrow.learning.annotating.cells import CellAnswers
from napari_marrow.learning.annotating.codes import Values

CHANGED = "changed since it was answered"
NOT_LISTED = "a class that is not in the list"
"""Reasons why a cell has no answer."""


@dataclass(frozen=True, eq=False)
class OtherAnswers:
    """What a model other than the live one answered; a row a cell.

    Attributes
    ----------
    model
        Its name.
    classes
        Those that it knows; they need not be those of a project.
    fields, index
        (n,) name of the field and number of each cell.
    probabilities
        (n, classes); not a number where the model did not see the cell.
    reasons
        (n,) why the answer is uncertain; "" where it is not.
    checksums
        (n,) of the pixels of each cell, see :func:`.label_checksums`; None where they are not
        known.
    """

    model: str
    classes: tuple[str, ...]
    fields: NDArray[np.str_]
    index: NDArray[np.intp]
    probabilities: Values
    reasons: NDArray[np.str_]
    checksums: NDArray[np.int64] | None = None

    @classmethod
    def of(
        cls, known: CellAnswers, model: str, probabilities: Values, reasons: NDArray[np.str_]
    ) -> OtherAnswers:
        """Return answers for cells as they are now."""
        cells = known.cells
        names, checksums = cells.field_names, cells.checksums
        return cls(model, known.classes, names, cells.index, probabilities, reasons, checksums)

    @cached_property
    def row_by_number(self) -> Mapping[tuple[str, int], int]:
        """The row of each cell by the name of its field and its number there."""
        keys = zip(self.fields.tolist(), self.index.tolist(), strict=True)
        return {key: row for row, key in enumerate(keys)}


def with_other_answers(unanswered: CellAnswers, other: OtherAnswers) -> CellAnswers:
    """Return the answers of another model.

    Cells of fields that it did not see have none. A cell whose pixels have changed since, or that
    is new in a field that it saw, has none either, with a reason; so has one of a class that the
    project does not list, which must not count as any that it lists.
    """
    cells, classes = unanswered.cells, unanswered.classes
    at = np.array([other.row_by_number.get(key, -1) for key in cells.row_by_number], np.intp)
    is_there = at >= 0
    changed = ~is_there & np.isin(cells.field_names, other.fields)
    if other.checksums is not None and cells.checksums is not None:
        changed |= is_there & (other.checksums[at] != cells.checksums)
    rows = np.flatnonzero(is_there & ~changed)
    own = other.probabilities[at[rows]]
    listed = [k for k, name in enumerate(other.classes) if name in classes]
    is_known = np.isfinite(own).all(axis=1)
    is_listed = np.isin(own.argmax(axis=1), listed)
    answered, unlisted = rows[is_known & is_listed], rows[is_known & ~is_listed]
    probabilities = np.full((len(cells), len(classes)), np.nan)
    probabilities[answered] = 0
    columns = np.array([classes.index(other.classes[k]) for k in listed], np.intp)
    probabilities[np.ix_(answered, columns)] = own[is_known & is_listed][:, listed]
    reasons = np.full(len(cells), "", object)
    reasons[answered] = other.reasons[at[answered]]
    reasons[changed], reasons[unlisted] = CHANGED, NOT_LISTED
    return replace(
        unanswered, model=other.model, probabilities=probabilities, reasons=reasons.astype(str)
    )


def changed_in_words(known: CellAnswers) -> str:
    """Return how many cells lost the answer of the model, and what to do; "" without any."""
    count = int(np.count_nonzero(known.reasons == CHANGED))
    if not count:
        return ""
    were = "was" if count == 1 else "were"
    return (
        f"{counted(count, 'cell')} {were} changed since {known.model} answered; choose it again "
        "under Answers by."
    )
