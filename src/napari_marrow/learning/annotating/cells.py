"""The measured cells of several fields, and what a model says of each beside what a person said.

This is what the parts of the widget "Annotate cells" share: the overlay, the gallery, the counts,
the explanations and the exports all show rows of :class:`CellAnswers`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.project.annotations import (
    PERSON,
    Annotations,
    Place,
    is_by_person,
)
from napari_marrow.learning.annotating.codes import UNKNOWN, Codes, Values

if TYPE_CHECKING:
    import pandas as pd

KEYS = ("index", "y", "x")
"""Columns of a table of cells before its features: the number of the label, and its centre."""


@dataclass(frozen=True, eq=False)
class MeasuredField:
    """The cells of one field, measured.

    Attributes
    ----------
    table
        ``index``, ``y``, ``x`` (centre, pixels), and a column a feature; a row a cell.
    places
        (n, 2) row and column of a pixel of each cell, by which a project keeps it.
    acquisition
        That of the field; "" where it is not known.
    background
        (3,) colour where no cell is; None where it is not seen.
    checksums
        (n,) of the pixels of each cell, see :func:`.label_checksums`; None where not known.
    """

    table: pd.DataFrame
    places: NDArray[np.intp]
    acquisition: str = ""
    background: NDArray[np.floating] | None = None
    checksums: NDArray[np.int64] | None = None


@dataclass(frozen=True, eq=False)
class MeasuredCells:
    """The cells of several fields, measured; a row each, by field and then by number.

    Attributes
    ----------
    fields
        Names of the fields, as a project has them.
    field
        (n,) position in ``fields``.
    index
        (n,) number of the label in its field.
    places
        (n, 2) row and column of a pixel of each cell.
    acquisitions
        (n,) that of each cell.
    features
        (n, features) as they were measured; not a number where one could not be.
    checksums
        (n,) of the pixels of each cell; None where not known.
    """

    fields: tuple[str, ...]
    field: Codes
    index: NDArray[np.intp]
    places: NDArray[np.intp]
    acquisitions: NDArray[np.str_]
    features: pd.DataFrame
    checksums: NDArray[np.int64] | None = None

    @classmethod
    def of(cls, measured: Mapping[str, MeasuredField]) -> MeasuredCells:
        """Join the cells of fields, by name; at least one field."""
        import pandas as pd

        counts = [len(x.table) for x in measured.values()]
        table = pd.concat([x.table for x in measured.values()], ignore_index=True)
        checksums = [x.checksums for x in measured.values() if x.checksums is not None]
        return cls(
            fields=tuple(measured),
            field=np.repeat(np.arange(len(counts)), counts),
            index=table["index"].to_numpy(np.intp),
            places=np.concatenate([x.places.reshape(-1, 2) for x in measured.values()]),
            acquisitions=np.repeat([x.acquisition for x in measured.values()], counts),
            features=table.drop(columns=[*KEYS]),
            checksums=np.concatenate(checksums) if len(checksums) == len(counts) else None,
        )

    def __len__(self) -> int:
        return len(self.index)

    @cached_property
    def together(self) -> MeasuredCells:
        """The same cells, as if all were of one acquisition."""
        return replace(self, acquisitions=np.full(len(self), ""))

    @cached_property
    def values(self) -> Values:
        """(n, features) standardised by acquisition, see :func:`.standardized`."""
        from napari_marrow.learning.annotating.live import standardized  # scikit-learn

        return standardized(self.features.to_numpy(np.float64), self.acquisitions)

    @cached_property
    def row_by_number(self) -> Mapping[tuple[str, int], int]:
        """The row of each cell by the name of its field and its number there."""
        names = [self.fields[k] for k in self.field.tolist()]
        return {key: row for row, key in enumerate(zip(names, self.index.tolist(), strict=True))}

    @property
    def field_names(self) -> NDArray[np.str_]:
        """(n,) name of the field of each cell."""
        return np.array(self.fields, str)[self.field]

    def rows_of(self, field_name: str) -> NDArray[np.intp]:
        """Return the rows of the cells of a field; empty where it was not measured."""
        if field_name not in self.fields:
            return np.empty(0, np.intp)
        return np.flatnonzero(self.field == self.fields.index(field_name))

    def row_of(self, field_name: str, index: int) -> int | None:
        """Return the row of a cell by field and number; None where it was not measured."""
        return self.row_by_number.get((field_name, index))

    def place(self, row: int) -> Place:
        """Return the pixel by which a project keeps a cell that has no class yet."""
        y, x = self.places[row].tolist()
        return Place(self.fields[self.field[row]], y, x)


@dataclass(frozen=True, eq=False)
class CellAnswers:
    """What is known of the class of each measured cell.

    Attributes
    ----------
    cells
        The cells.
    classes
        Names of the classes, in the order of their keys.
    given
        (n,) position in ``classes`` of the class that was given, or -1.
    origins
        (n,) who gave it: ``person``, or the name of the model whose answer was accepted; "" where
        none was given.
    model
        Name of the model that answered; "" where there is none yet.
    probabilities
        (n, classes) of its answers; 0 for a class that it does not know. NaN without a model, and
        for cells that it did not see.
    reasons
        (n,) why the model's answer is uncertain; "" where it is not.
    unseen
        (n,) which of the given classes are answers that were accepted together with others, see
        :func:`.accepted_together`; None where none is.
    """

    cells: MeasuredCells
    classes: tuple[str, ...]
    given: Codes
    origins: NDArray[np.str_]
    model: str
    probabilities: Values
    reasons: NDArray[np.str_]
    unseen: NDArray[np.bool_] | None = None

    @classmethod
    def unanswered(
        cls,
        cells: MeasuredCells,
        annotations: Annotations,
        numbers: Mapping[Place, int],
        together: Collection[Place] = frozenset(),
    ) -> CellAnswers:
        """Return what persons gave, before any model answers.

        Parameters
        ----------
        cells
            The cells.
        annotations
            What a project has.
        numbers
            The number of the cell that each annotated pixel is of; those of no cell are left out.
        together
            The annotated pixels whose class is an answer that was accepted together with others.
        """
        classes = tuple(x.name for x in annotations.classes)
        given = np.full(len(cells), UNKNOWN, np.intp)
        origins, unseen = np.full(len(cells), "", object), np.zeros(len(cells), bool)
        rows = cells.row_by_number
        code = {name: k for k, name in enumerate(classes)}
        for place, one in annotations.cells.items():  # of joined cells the last given stands
            row = rows.get((place.image, numbers.get(place, 0)))
            if row is not None and one.class_name in code:
                given[row], origins[row] = code[one.class_name], one.who
                unseen[row] = not is_by_person(one.who) and place in together
        nothing = np.full((len(cells), len(classes)), np.nan)
        reasons = np.full(len(cells), "", str)
        return cls(cells, classes, given, origins.astype(str), "", nothing, reasons, unseen)

    def answered_as(self, other: CellAnswers) -> CellAnswers:
        """Return what was given here, with the answers there for the same cells and classes."""
        probabilities, reasons = other.probabilities, other.reasons
        return replace(self, model=other.model, probabilities=probabilities, reasons=reasons)

    @property
    def reviewed(self) -> Codes:
        """(n,) the class that was given to a cell that a person looked at; else -1.

        A model learns from these alone. An answer that a person accepted for one cell is among
        them, as the cell was seen and the person agreed. Of those that were accepted together a
        model would learn nothing but its own errors, and grow surer of them.
        """
        return self.given if self.unseen is None else np.where(self.unseen, UNKNOWN, self.given)

    @property
    def unseen_cells(self) -> frozenset[tuple[str, int]]:
        """The cells of ``unseen``, by the name of their field and their number."""
        if self.unseen is None:
            return frozenset()
        rows, cells = np.flatnonzero(self.unseen), self.cells
        return frozenset((cells.fields[cells.field[k]], int(cells.index[k])) for k in rows)

    @property
    def answered(self) -> NDArray[np.bool_]:
        """(n,) whether the model answered for a cell."""
        known = np.isfinite(self.probabilities).all(axis=1)
        return np.asarray(known & bool(self.classes), bool)

    @property
    def answers(self) -> Codes:
        """(n,) the model's answer, a position in ``classes``; -1 where it has none."""
        found = np.full(len(self.cells), UNKNOWN, np.intp)
        known = self.answered
        found[known] = self.probabilities[known].argmax(axis=1)
        return found

    @property
    def top(self) -> Values:
        """(n,) the probability of the model's answer; NaN where it has none."""
        found = np.full(len(self.cells), np.nan)
        known = self.answered
        found[known] = self.probabilities[known].max(axis=1)
        return found

    @property
    def final(self) -> Codes:
        """(n,) the class that was given, else the model's answer, else -1."""
        return np.where(self.given != UNKNOWN, self.given, self.answers)

    @property
    def uncertain(self) -> NDArray[np.bool_]:
        """(n,) whether no class was given and the model's answer is marked."""
        return (self.given == UNKNOWN) & (self.reasons != "")

    def describe(self, row: int) -> str:
        """Say what is known of one cell.

        For example "MM, given by a person; the live model says ALL (71%): low probability".
        """
        given, answer = int(self.given[row]), int(self.answers[row])
        parts = []
        if given != UNKNOWN:
            who = self.origins[row]
            where = "" if who == PERSON else f" in {who}"
            by = f"by a person{where}" if is_by_person(who) else f"as the {who} says"
            parts.append(f"{self.classes[given]}, given {by}")
        if answer != UNKNOWN:
            reason = f": {self.reasons[row]}" if self.reasons[row] else ""
            said = f"{self.classes[answer]} ({self.top[row]:.0%}){reason}"
            parts.append(f"the {self.model} says {said}")
        elif self.reasons[row]:
            parts.append(f"no answer of the {self.model}: {self.reasons[row]}")
        return "; ".join(parts) or "no class"


def class_names(codes: Codes, classes: Sequence[str]) -> NDArray[np.str_]:
    """Return the names of classes; "" for -1."""
    return np.array([*classes, ""], object)[codes].astype(str)
