"""Which cell to ask a person about next.

First typical cells: the densest of the largest group of similar cells that has no class yet, as
TypiClust has it (Hacohen, Dekel and Weinshall, ICML 2022), in the acquisition of which the fewest
have one. Once each class has some, the cell between whose two classes the model decides least
(margin sampling: Scheffer, Decomain and Wrobel, 2001), for the answers of each class in turn. Every
tenth is drawn at random from all without a class, so that these tell how good the model is; and
one in twenty, between them, is one that was asked before, so that they tell how far the person
agrees with themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.neighbors import NearestNeighbors

from napari_marrow.data.project.annotations import Asked
from napari_marrow.learning.annotating.codes import UNKNOWN, Codes, Values
from napari_marrow.learning.annotating.live import Live

RANDOM_EVERY, AGAIN_EVERY, FIRST_AGAIN = 10, 20, 5
"""Of the questions 10, 20, 30, ... are drawn at random, and 5, 25, 45, ... were asked before."""
MIN_TYPICAL = 3
"""Cells of each class after which the margin decides."""
MAX_TYPICAL = 10
"""Typical cells asked for each class, after which it does in any case: a class may be rare."""
MAX_GROUPS = 50
"""Groups of similar cells at most."""
N_NEIGHBOURS = 20
"""Most similar cells, by whose distance a cell is typical."""
MIN_BETWEEN = 10
"""Cells asked between the first and the second time."""


@dataclass(frozen=True)
class Question:
    """A cell to ask about, by its row, and why; of one asked before that is not there now -1."""

    row: int
    why: Asked


def next_question(
    values: Values,
    acquisitions: NDArray[np.str_],
    given: Codes,
    n_classes: int,
    live: Live | None,
    asked: Sequence[Question],
    seed: int = 0,
) -> Question | None:
    """Return the next cell to ask about; None where all have a class.

    Parameters
    ----------
    values
        (n, features) of all cells, see :func:`.standardized`.
    acquisitions
        (n,) that of each cell.
    given
        (n,) the code of each cell's class, or -1.
    n_classes
        Number of classes that cells may be given.
    live
        The model of what was given; None where there is none yet.
    asked
        What was asked, in order.
    seed
        Of what is drawn; with the number of questions it makes the same choice each time.
    """
    number = len(asked) + 1
    rng = np.random.default_rng([seed, number])
    is_again = number % AGAIN_EVERY == FIRST_AGAIN
    if is_again and (row := _asked_before(given, asked, rng)) is not None:
        return Question(row, "again")
    open_rows = np.flatnonzero(given == UNKNOWN)
    if not len(open_rows):
        return None
    if number % RANDOM_EVERY == 0:
        return Question(int(rng.choice(open_rows)), "random")
    counts = np.bincount(given[given != UNKNOWN], minlength=n_classes)
    is_early = counts.min() < MIN_TYPICAL and number <= MAX_TYPICAL * n_classes
    if live is None or is_early:
        return Question(_typical(values, acquisitions, given, seed), "typical")
    return Question(_least_margin(live, given, open_rows), "margin")


def _asked_before(given: Codes, asked: Sequence[Question], rng: np.random.Generator) -> int | None:
    """Return a cell that has a class, was asked a while ago and not twice; None without any."""
    twice = {x.row for x in asked if x.why == "again"}
    twice.add(UNKNOWN)
    rows = [x.row for x in asked[:-MIN_BETWEEN] if x.row not in twice and given[x.row] != UNKNOWN]
    return int(rng.choice(rows)) if rows else None


def _typical(values: Values, acquisitions: NDArray[np.str_], given: Codes, seed: int) -> int:
    """Return the most typical cell of the largest group of which none has a class."""
    names = np.unique(acquisitions[given == UNKNOWN])
    known = [np.count_nonzero(given[acquisitions == name] != UNKNOWN) for name in names]
    rows = np.flatnonzero(acquisitions == names[int(np.argmin(known))])
    own, has_class = values[rows], given[rows] != UNKNOWN
    count = min(has_class.sum() + 1, MAX_GROUPS, len(np.unique(own, axis=0)))
    groups = KMeans(count, n_init=1, random_state=seed).fit_predict(own)
    free = [k for k in np.unique(groups) if not has_class[groups == k].any()]
    if not free:  # more were given than there are groups: those with the smallest part
        parts = {k: has_class[groups == k].mean() for k in np.unique(groups)}
        free = [min(parts, key=parts.__getitem__)]
    largest = max(free, key=lambda k: np.count_nonzero(groups == k))
    members = np.flatnonzero(groups == largest)
    order = members[np.argsort(_mean_distance(own[members]), kind="stable")]
    return int(rows[next(k for k in order if not has_class[k])])


def _mean_distance(values: Values) -> Values:
    """Return the mean distance of each cell to those most similar to it."""
    count = min(N_NEIGHBOURS, len(values) - 1)
    if count < 1:
        return np.zeros(len(values))
    distances, _ = NearestNeighbors(n_neighbors=count).fit(values).kneighbors()
    return distances.mean(axis=1)


def _least_margin(live: Live, given: Codes, open_rows: NDArray[np.intp]) -> int:
    """Return the cell of the least margin among the answers of the class that has fewest cells."""
    answers, margins = live.answers[open_rows], live.margins[open_rows]
    counts = {code: np.count_nonzero(given == code) for code in np.unique(answers).tolist()}
    fewest = min(counts, key=counts.__getitem__)
    own = np.flatnonzero(answers == fewest)
    return int(open_rows[own[np.argmin(margins[own])]])
