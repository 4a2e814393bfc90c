"""Negative controls of a comparison: what is reached on the same folds without cells.

Where a control is clearly above chance, the score of a model may come from the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from napari_marrow.data.fields import Collection
from napari_marrow.learning.comparison.folds import Fold, judged
from napari_marrow.learning.comparison.remains import BACKGROUND, SHAPE, measure_remains
from napari_marrow.learning.learners import Callbacks, Learner
from napari_marrow.learning.scores.evaluation import Evaluation, Score
from napari_marrow.learning.scores.findings import Control
from napari_marrow.learning.scores.metrics import score_units
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.measure.colour import MEAN_COLOUR

N_PERMUTATIONS = 5
"""Permutations of the classes; one of a network, which takes minutes a fold."""
MAX_TRIES = 20
"""Permutations tried until every training side has all classes."""


def run_controls(
    learner: Learner,
    settings: TrainingSettings,
    folds: Sequence[Fold],
    collection: Collection,
    callbacks: Callbacks,
) -> tuple[Control, ...]:
    """Return the controls of a comparison.

    Parameters
    ----------
    learner, settings
        The pipeline that is refitted to permuted classes.
    folds
        Of protocol ``honest``, with rows of the learner's table.
    collection
        The photographs.
    callbacks
        Hear of progress.
    """
    table = learner.table
    left = measure_remains(collection, table, settings.unit, callbacks.part(0, 0.5).progress)
    parts = {
        "background": ("pixels outside the cells", _columns(left, BACKGROUND)),
        "shape": ("the outlines of the cells", _columns(left, SHAPE)),
        "colour": ("the mean colour", table[list(MEAN_COLOUR)].to_numpy(np.float64)),
    }
    found = []
    permuted = permuted_control(learner, settings, folds, callbacks.part(0.5, 1))
    if permuted is not None:
        found.append(permuted)
    for name, (text, values) in parts.items():
        if np.isfinite(values).any():
            found.append(_control(name, text, score_plainly(table, values, folds)))
    return tuple(found)


def _columns(table: pd.DataFrame, start: str) -> NDArray[np.float64]:
    names = [name for name in table if name.startswith(start)]
    return table[names].to_numpy(np.float64)


def _control(name: str, text: str, scored: Evaluation) -> Control:
    score = scored.metrics["balanced_accuracy"]
    return Control.of_score(name, text, score, scored.few_sources)


def score_plainly(
    table: pd.DataFrame, values: NDArray[np.float64], folds: Sequence[Fold]
) -> Evaluation:
    """Return the scores of standardised logistic regression on a few numbers.

    Parameters
    ----------
    table
        A row a unit, with ``class`` and ``source``.
    values
        (units, columns), not a number where one is missing.
    folds
        With rows of both.
    """
    classes = table["class"].to_numpy(str)
    answers = []
    for fold in folds:
        model = make_pipeline(
            SimpleImputer(strategy="median"),
            StandardScaler(),
            LogisticRegression(class_weight="balanced", max_iter=2000),
        )
        known = np.isfinite(values[fold.train]).any(axis=0)
        own = values[:, known] if known.any() else np.zeros((len(values), 1))
        model.fit(own[fold.train], classes[fold.train])
        answers.append(model.predict_proba(own[fold.test]))
    return _score([judged(table, fold) for fold in folds], answers)


def _score(asked: Sequence[pd.DataFrame], answers: Sequence[NDArray[np.float64]]) -> Evaluation:
    """Score answers for the units of each fold."""
    table = pd.concat(asked)
    classes = tuple(sorted(table["class"].unique()))
    return score_units(table, np.concatenate(answers), classes)


def permuted_control(
    learner: Learner, settings: TrainingSettings, folds: Sequence[Fold], callbacks: Callbacks
) -> Control | None:
    """Refit the model to permuted classes; None where these leave a training side without one.

    A source can have any class over several permutations, but more sources than there are do not
    tell more. The score and the ends of its interval are therefore means over the permutations,
    and a class has the sources that it has in one of them.
    """
    first = [fold for fold in folds if fold.repeat == 1]
    count = N_PERMUTATIONS if settings.kind == "classical" else 1
    scored = []
    rng = np.random.default_rng(settings.seed)
    for k in range(count):
        classes = _learnable_permutation(learner.table, first, rng)
        if classes is None:
            return None
        other = learner.relabelled(classes)
        answers = []
        for j, fold in enumerate(first):
            callbacks.progress((k + j / len(first)) / count, f"Permuted classes, {k + 1}")
            answers.append(other.fit_fold(settings, fold.train).predict(fold.test))
        scored.append(_score([judged(other.table, fold) for fold in first], answers))
    each = [astuple(one.metrics["balanced_accuracy"]) for one in scored]
    score = Score(*np.mean(each, axis=0).tolist())
    text = f"{settings.model} fitted to permuted classes"
    return Control.of_score("permuted", text, score, scored[0].few_sources)


def _learnable_permutation(
    table: pd.DataFrame, folds: Sequence[Fold], rng: np.random.Generator
) -> NDArray[np.str_] | None:
    names = set(table["class"])
    for _ in range(MAX_TRIES):
        classes = permuted_classes(table["class"].to_numpy(str), table["source"].to_numpy(str), rng)
        counts = [pd.Series(classes[fold.train]).value_counts() for fold in folds]
        if all(set(own.index) == names and own.min() > 1 for own in counts):
            return classes
    return None


def permuted_classes(
    classes: NDArray[np.str_], sources: NDArray[np.str_], rng: np.random.Generator
) -> NDArray[np.str_]:
    """Permute classes so that the units of a source keep together what they have in common.

    Sources of one class exchange their classes; in sources of several the units do.

    Parameters
    ----------
    classes, sources
        (n,) of each unit.
    rng
        For the order.
    """
    found = classes.copy()
    names, codes = np.unique(sources, return_inverse=True)
    pure = np.array([len(np.unique(classes[codes == k])) == 1 for k in range(len(names))])
    own = np.array([classes[codes == k][0] for k in range(len(names))])
    own[pure] = rng.permutation(own[pure])
    for k in range(len(names)):
        rows = np.flatnonzero(codes == k)
        found[rows] = own[k] if pure[k] else rng.permutation(classes[rows])
    return found
