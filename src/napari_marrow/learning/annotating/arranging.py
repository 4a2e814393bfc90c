"""Which of the measured cells are looked at, in which groups, and in which order within each.

By similarity, cells are grouped by k-means of their standardised features; neighbouring groups are
similar, too, as their centres follow each other as the leaves of a tree of average linkage do in
their optimal order (Bar-Joseph, Gifford and Jaakkola, Bioinformatics 17, 2001).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.imports import importing
from napari_marrow.data.options import Settings, option

if TYPE_CHECKING:
    from napari_marrow.learning.annotating.cells import CellAnswers
    from napari_marrow.learning.annotating.live import Codes, Values

GroupBy = Literal["similarity", "class", "field"]
OrderBy = Literal["typical first", "least certain first", "most certain first"]
Shown = Literal["all cells", "without a class", "uncertain"]
Rows = NDArray[np.intp]
NO_ANSWER = "no answer"
"""The group of cells that have no class and of which no model says one."""
MAX_GROUPS = 100
N_STARTS = 10
"""Of k-means, of which the best is kept: a few groups can be far from good after one."""
MAX_CELLS_OF_STARTS = 1000
"""Cells above which one start has to do: there are many groups then, and it takes its time."""


@dataclass(frozen=True)
class CellFilter(Settings):
    """Which cells are looked at: those that meet all of these."""

    class_name: str = option("", "Class", "The class given, else the answer; empty for any.")
    shown: Shown = option(
        "all cells",
        "Show",
        "Those without a class have been given none; uncertain are answers that are marked.",
    )
    reason: str = option("", "Reason", "Why an answer is uncertain; empty for any.")
    low: float = option(
        0.0, "Probability from", "Lowest probability of the answer.", low=0.0, high=1.0
    )
    high: float = option(
        1.0, "Probability to", "Highest probability of the answer.", low=0.0, high=1.0
    )


@dataclass(frozen=True)
class Arrangement(Settings):
    """How the cells that are looked at follow each other."""

    groups: GroupBy = option(
        "similarity", "Group by", "Similar cells together, those of a class, or those of a field."
    )
    order: OrderBy = option(
        "typical first",
        "Order",
        "In each group. Typical is near the middle of the group, so that odd cells come last; "
        "certain is a class that was given, then the probability of the answer.",
    )
    group_size: int = option(
        20,
        "Cells in a group",
        "About so many similar cells make a group.",
        low=5,
        high=500,
    )


@dataclass(frozen=True, eq=False)
class CellGroup:
    """Cells that are shown together.

    Attributes
    ----------
    title
        What they have in common.
    rows
        Rows of the table of cells, in order.
    """

    title: str
    rows: Rows


def filtered(answers: CellAnswers, wanted: CellFilter) -> Rows:
    """Return the rows of the cells that are looked at.

    Cells without an answer have no probability: they are in no range of it but the whole.
    """
    found = np.ones(len(answers.cells), bool)
    if wanted.class_name:
        known = wanted.class_name in answers.classes
        code = answers.classes.index(wanted.class_name) if known else None
        found &= answers.final == code if known else False
    if wanted.shown == "without a class":
        found &= answers.given < 0
    elif wanted.shown == "uncertain":
        found &= answers.uncertain
        if wanted.reason:
            found &= [wanted.reason in reason.split("; ") for reason in answers.reasons]
    if wanted.low > 0 or wanted.high < 1:
        found &= (answers.top >= wanted.low) & (answers.top <= wanted.high)
    return np.flatnonzero(found)


def reasons_of(answers: CellAnswers) -> tuple[str, ...]:
    """Return why answers are uncertain, by name; one answer may have several reasons."""
    texts = np.unique(answers.reasons[answers.uncertain]).tolist()
    return tuple(sorted({reason for text in texts for reason in text.split("; ")}))


def arranged(
    answers: CellAnswers, rows: Rows, how: Arrangement, seed: int = 0
) -> tuple[CellGroup, ...]:
    """Return groups of cells, of which none is empty.

    Parameters
    ----------
    answers
        What is known of all cells.
    rows
        Those that are looked at.
    how
        Groups, and the order within each.
    seed
        Of k-means.
    """
    made = {
        "similarity": lambda: _by_similarity(answers.cells.values[rows], how.group_size, seed),
        "class": lambda: _by_code(answers.final[rows], [*answers.classes, NO_ANSWER]),
        "field": lambda: _by_code(answers.cells.field[rows], answers.cells.fields),
    }[how.groups]()
    return tuple(CellGroup(title, _ordered(answers, rows[own], how.order)) for title, own in made)


def _by_code(codes: Codes, names: Iterable[str]) -> list[tuple[str, Rows]]:
    """Return names with the positions of the cells of each; -1 is the last name."""
    listed = [*names]
    at = codes % len(listed)
    return [(name, np.flatnonzero(at == k)) for k, name in enumerate(listed) if (at == k).any()]


def _by_similarity(values: Values, group_size: int, seed: int) -> list[tuple[str, Rows]]:
    if not len(values):
        return []
    from sklearn.cluster import KMeans

    wanted = min(max(1, round(len(values) / group_size)), MAX_GROUPS)
    count = min(wanted, len(np.unique(values, axis=0)))
    n_starts = N_STARTS if len(values) <= MAX_CELLS_OF_STARTS else 1
    model = KMeans(count, n_init=n_starts, random_state=seed).fit(values)
    order = similar_neighbours(model.cluster_centers_)
    found = [np.flatnonzero(model.labels_ == k) for k in order]
    return [(f"Group {k}", own) for k, own in enumerate([x for x in found if len(x)], 1)]


def similar_neighbours(values: Values) -> Rows:
    """Return an order of points in which neighbours are similar.

    Parameters
    ----------
    values
        (n, features) of at least one point.
    """
    if len(values) < 3:
        return np.arange(len(values))
    with importing:
        from scipy.cluster.hierarchy import leaves_list, linkage

    return leaves_list(linkage(values, "average", optimal_ordering=True)).astype(np.intp)


def _ordered(answers: CellAnswers, rows: Rows, order: OrderBy) -> Rows:
    """Return the cells of a group in order; of equals the one that comes first in the table."""
    if order == "typical first":
        own = answers.cells.values[rows]
        keys: tuple[NDArray, ...] = (np.linalg.norm(own - own.mean(axis=0), axis=1),)
    else:
        top, given = np.nan_to_num(answers.top[rows]), answers.given[rows] >= 0
        keys = (top, ~answers.uncertain[rows], given)
        if order == "most certain first":
            keys = tuple(-key.astype(np.float64) for key in keys)
    return rows[np.lexsort(keys)]
