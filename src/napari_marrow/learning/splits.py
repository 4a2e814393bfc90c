"""Splits of units into training, validation and held-out side, and folds of a cross-validation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import (
    GroupKFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    train_test_split,
)

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.layouts.listing import natural_key

Rows = NDArray[np.intp]
Folds = list[tuple[Rows, Rows]]
MIN_UNITS = 2
"""Units of a class that every model can learn from."""
MAX_RANDOM_CUTS = 500
"""Random cuts tried where a stratified one leaves a class out of a training side."""


@dataclass(frozen=True)
class Split:
    """Rows of the units' table on each side, and what a reader of the scores must know."""

    train: Rows
    validation: Rows
    heldout: Rows
    notes: tuple[str, ...] = ()


def split_by_source(
    classes: NDArray,
    sources: NDArray,
    heldout: float,
    validation: float,
    seed: int,
    acquisitions: NDArray | None = None,
) -> Split:
    """Split so that units of one source stand on one side only, with every class on each side.

    Parameters
    ----------
    classes, sources
        Class and source of each unit, (n,).
    heldout
        Fraction of all sources that is held out.
    validation
        Fraction of the remaining sources for validation.
    seed
        Of the shuffle.
    acquisitions
        (n,) that of each unit; about the same fraction of each is then held out, so that of a few
        cells of a new place as many are learnt from as can be expected.

    Returns
    -------
    Split
        Where a class has fewer than two sources nothing can be held out, and where it has fewer
        than two left nothing can validate: that side is empty, and a note says so.
    """
    everything = np.arange(len(classes))
    notes, places = [], classes if acquisitions is None else acquisitions
    rest, judged = _cut(classes, sources, places, everything, heldout, seed)
    if not len(judged):
        notes.append(
            f"Nothing could be held out: {_poorest(classes, sources)}. "
            "The result is not measured; add at least one more source of each class."
        )
    train, watched = _cut(classes, sources, places, rest, validation, seed)
    if not len(watched):
        notes.append(
            "Too few sources to validate on: probabilities are not calibrated, and a network's "
            "training stops by its own loss."
        )
    return Split(train, watched, judged, tuple(notes))


def _cut(
    classes: NDArray, sources: NDArray, places: NDArray, rows: Rows, part: float, seed: int
) -> tuple[Rows, Rows]:
    """Cut off about ``part`` of the sources of each class and place; nothing of too few."""
    few = _fewest(classes, sources, rows)
    if few < 2:
        return rows, rows[:0]
    folds = min(few, max(2, round(1 / part)))
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    strata = _strata(classes[rows], sources[rows], places[rows], folds)
    pairs = [(rows[a], rows[b]) for a, b in splitter.split(rows, strata, sources[rows])]
    # Folds are uneven where sources are few: take the one with most sources of the rarest class.
    # A source of two classes can even leave a side without one of them; then nothing is cut off.
    train, test = max(pairs, key=lambda fold: _fewest(classes, sources, fold[1]))
    if min(_fewest(classes, sources, side) for side in (train, test)) == 0:
        return rows, rows[:0]
    return train, test


def _strata(classes: NDArray, sources: NDArray, places: NDArray, least: int) -> NDArray[np.intp]:
    """Return a number for each class and place with so many sources, and for the rest of a class.

    Places with too few sources are one; where that has too few, too, all of the class are.
    """
    kinds, codes = np.unique(classes, return_inverse=True)
    found = codes + len(kinds) * (1 + np.unique(places, return_inverse=True)[1])
    for code in range(len(kinds)):
        own = codes == code
        for stratum in np.unique(found[own]):
            rows = found == stratum
            if len(np.unique(sources[rows])) < least:
                found[rows] = code
        if 0 < len(np.unique(sources[found == code])) < least:
            found[own] = code
    return found


def folds_by_source(
    classes: NDArray, sources: NDArray, folds: int, seed: int
) -> list[tuple[Rows, Rows]]:
    """Return training and test rows of each fold; every source is on one side only.

    Raises
    ------
    MarrowError
        When a class has fewer sources than there are folds, or no cut is found that leaves
        something of every class to learn from.
    """
    check_folds(classes, sources, folds)
    rows = np.arange(len(classes))
    splitters = [
        StratifiedGroupKFold(folds, shuffle=True, random_state=seed),
        *(GroupKFold(folds, shuffle=True, random_state=seed + k) for k in range(MAX_RANDOM_CUTS)),
    ]
    for splitter in splitters:
        pairs = list(splitter.split(rows, classes, sources))
        # sources of several classes can leave a class on one side only, or a fold without any
        if all(len(test) and _fewest(classes, sources, train) for train, test in pairs):
            return pairs
    raise MarrowError(
        f"No cut into {folds} folds was found that leaves every class to learn from, as sources "
        "hold several classes; ask for another number of folds, or give smaller groups."
    )


def folds_by_acquisition(classes: NDArray, sources: NDArray, acquisitions: NDArray) -> Folds:
    """Return training and test rows with one acquisition after the other left out, by name.

    What else there is of a source of the one left out is not learnt from.

    Raises
    ------
    MarrowError
        When there is one acquisition only, or without one of them a class is left without units to
        learn from.
    """
    names = sorted(set(acquisitions.tolist()), key=natural_key)
    if len(names) < 2:
        raise MarrowError(
            f"All photographs are of one acquisition, {names[0]}, so none can be left out; name "
            "those of each microscope in a column acquisition of a table, or compare by source."
        )
    folds = []
    for name in names:
        test = acquisitions == name
        train = ~np.isin(sources, sources[test])
        if gone := sorted(set(classes) - set(classes[train])):
            held = (f"{c} is in {', '.join(sorted(set(acquisitions[classes == c])))}"
                    for c in sorted(set(classes)))  # fmt: skip
            raise MarrowError(
                f"Without the acquisition {name} nothing of {' and '.join(gone)} is left to learn "
                f"from: {'; '.join(held)}. Class and acquisition can't be told apart then; add "
                "photographs of each class from another acquisition, or compare by source."
            )
        folds.append((np.flatnonzero(train), np.flatnonzero(test)))
    return folds


def cross_fitting_folds(classes: NDArray, sources: NDArray, folds: int, seed: int) -> Folds:
    """Return up to so many folds by source; none where a class has too few sources or units.

    Each training side has two units of each class, which every model can learn from.
    """
    count = min(folds, _fewest(classes, sources, np.arange(len(classes))))
    if count < 2:
        return []
    try:
        found = folds_by_source(classes, sources, count, seed)
    except MarrowError:  # sources of several classes
        return []
    names = np.unique(classes)
    counts = (np.sum(classes[train] == name) for train, _ in found for name in names)
    return found if min(counts) >= MIN_UNITS else []


def check_folds(classes: NDArray, sources: NDArray, folds: int) -> None:
    """Raise MarrowError when a class has fewer sources than there are folds."""
    if _fewest(classes, sources, np.arange(len(classes))) < folds:
        raise MarrowError(
            f"{_poorest(classes, sources)}, too few for {folds} folds; ask for fewer folds, or add "
            "sources."
        )


def folds_at_random(classes: NDArray, folds: int, seed: int) -> list[tuple[Rows, Rows]]:
    """Return training and test rows of each fold without regard to sources, as published.

    Raises
    ------
    MarrowError
        When a class has fewer units than there are folds.
    """
    count = int(np.unique(classes, return_counts=True)[1].min())
    if count < folds:
        raise MarrowError(
            f"A class has {count} units, too few for {folds} folds; ask for fewer folds."
        )
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    return list(splitter.split(np.arange(len(classes)), classes))


def _fewest(classes: NDArray, sources: NDArray, rows: Rows) -> int:
    """Return the number of sources of the class that has fewest among these rows."""
    return min(len(set(sources[rows][classes[rows] == c])) for c in set(classes))


def _poorest(classes: NDArray, sources: NDArray) -> str:
    counts = {c: len(set(sources[classes == c])) for c in sorted(set(classes))}
    name = min(counts, key=lambda c: counts[c])
    return f"{name} has {counts[name]} source{'s' * (counts[name] != 1)} of its own"


def split_as_published(classes: NDArray, heldout: float, validation: float, seed: int) -> Split:
    """Split the augmented units at random, as the paper did: copies of one field on both sides.

    Raises
    ------
    MarrowError
        When there are too few units for every class to be on each side.
    """
    rows = np.arange(len(classes))
    try:
        cut = partial(train_test_split, random_state=seed)
        rest, judged = cut(rows, test_size=heldout, stratify=classes)
        train, watched = cut(rest, test_size=validation, stratify=classes[rest])
    except ValueError as error:  # scikit-learn's sentence speaks of test_size
        raise MarrowError(
            f"{len(classes)} augmented units are too few to split them as published; "
            "add fields, raise the parts held out and for validation, or use the protocol honest."
        ) from error
    note = (
        "Protocol paper: augmented before splitting, so copies of one source stand on both sides; "
        "the scores can be too good."
    )
    return Split(train, watched, judged, (note,))
