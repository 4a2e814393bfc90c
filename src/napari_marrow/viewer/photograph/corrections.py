"""Corrected classes in the table of predicted cells: what a person said, and what the model said.

The column ``class`` is what counts. ``predicted_class`` keeps the model's answer, and ``corrected``
says that a person gave the class, or ticked the model's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray

from napari_marrow.viewer.stack import read_slice

if TYPE_CHECKING:
    import pandas as pd

PREDICTED_CLASS, CORRECTED = "predicted_class", "corrected"


def has_answers(table: pd.DataFrame) -> bool:
    """Return whether a table has the model's answers beside the classes."""
    return {"index", "class", PREDICTED_CLASS, CORRECTED} <= set(table)


def is_corrected(table: pd.DataFrame) -> pd.Series:
    """Return of each row whether a person gave its class; of a table without answers, of none."""
    import pandas as pd

    if CORRECTED not in table:
        return pd.Series(False, table.index)
    return table[CORRECTED].fillna(False).astype(bool)


@dataclass(frozen=True, eq=False)
class Noted:
    """Classes and ticks of a table, as they were when it was looked at last."""

    index: NDArray[np.integer]
    classes: NDArray[np.object_]
    corrected: NDArray[np.bool_]

    @classmethod
    def of(cls, table: pd.DataFrame) -> Noted:
        """Note those of a table."""
        classes = table["class"].astype(object).to_numpy(copy=True)
        ticks = is_corrected(table).to_numpy(copy=True)  # the table may be edited in place
        return cls(table["index"].to_numpy(copy=True), classes, ticks)

    def is_of(self, table: pd.DataFrame) -> bool:
        """Return whether a table still has them."""
        now = Noted.of(table)
        return self._same_cells(now) and all(
            np.array_equal(one, other)
            for one, other in ((self.classes, now.classes), (self.corrected, now.corrected))
        )

    def _same_cells(self, other: Noted) -> bool:
        return np.array_equal(self.index, other.index)

    def unticked(self, now: Noted) -> NDArray[np.bool_]:
        """Return of which cells the tick was taken away, and the class was left."""
        if not self._same_cells(now):
            return np.zeros(len(now.index), bool)
        return self.corrected & ~now.corrected & (self.classes == now.classes)


def settled(table: pd.DataFrame, before: Noted | None = None) -> pd.DataFrame:
    """Return a table that may have been edited, with what the edits mean.

    A class that is not the model's is a correction. An empty class, or a tick that is taken away,
    gives back the model's answer.

    Parameters
    ----------
    table
        With the model's answers.
    before
        Of the table before it was edited.
    """
    now = Noted.of(table)
    answers = table[PREDICTED_CLASS].astype(object).to_numpy()
    empty = np.array([not isinstance(x, str) or not x.strip() for x in now.classes], bool)
    back = empty if before is None else empty | before.unticked(now)
    classes = np.where(back, answers, now.classes)
    corrected = (now.corrected | (classes != answers)) & ~back
    return with_corrections(table, classes, corrected)


def with_corrections(
    table: pd.DataFrame, classes: NDArray[np.object_], corrected: NDArray[np.bool_]
) -> pd.DataFrame:
    """Return a table with these classes and ticks; classes can be chosen from those there are."""
    import pandas as pd

    known = table["class"]
    offered = [*known.cat.categories] if hasattr(known, "cat") else []
    offered = list(dict.fromkeys([*offered, *(str(x) for x in classes)]))
    column = pd.Categorical(classes, categories=offered)
    return table.assign(**{"class": pd.Series(column, index=table.index), CORRECTED: corrected})


def carried(table: pd.DataFrame, made: Labels, older: Labels) -> tuple[pd.DataFrame, bool]:
    """Return the table of newly predicted cells with the corrections of an earlier layer.

    A correction goes to the cell that has most of the pixels of the corrected one.

    Parameters
    ----------
    table
        Of ``made``.
    made, older
        Predicted cells of the same photograph.

    Returns
    -------
    DataFrame, bool
        And whether each correction has found its cell.
    """
    given = older.features[is_corrected(older.features)] if has_answers(older.features) else None
    if given is None or given.empty:
        return table, True
    if older.data.shape != made.data.shape:
        return table, False
    noted, complete = Noted.of(table), True
    classes, corrected = noted.classes.copy(), noted.corrected.copy()
    place = {number: k for k, number in enumerate(noted.index.tolist())}
    for row in sorted({*given["field"].astype(int)}):
        own = given[given["field"] == row]
        pairs = (older.data, made.data)
        before, now = (read_slice(x, row) if older.ndim == 3 else np.asarray(x) for x in pairs)
        for number, name in zip(own["index"], own["class"].astype(str), strict=True):
            under = now[(before == number) & (now > 0)]
            found = place.get(int(np.bincount(under).argmax())) if under.size else None
            complete &= found is not None
            if found is not None:
                classes[found], corrected[found] = name, True
    return with_corrections(table, classes, corrected), complete
