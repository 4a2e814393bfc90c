"""Scores of a model on units it never saw, with intervals, chance and a baseline."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from napari_marrow.learning.scores.evaluation import Evaluation, Score, find_few_sources
from napari_marrow.learning.scores.intervals import (
    count_sources,
    design_effect,
    newcombe,
    t_quantile,
    wilson,
)
from napari_marrow.learning.splits import Split
from napari_marrow.measure.colour import MEAN_COLOUR

UNIT_COLUMNS = ["image", "index", "y", "x", "class", "source"]
"""Columns of a table of answers that tell a unit."""


def score_units(
    table: pd.DataFrame, probabilities: NDArray[np.float64], classes: tuple[str, ...]
) -> Evaluation:
    """Score predictions against the truth.

    Parameters
    ----------
    table
        A row a unit with ``class`` and ``source``.
    probabilities
        (n, classes), rows that add up to 1.
    classes
        Names of the columns. ``ALL`` is the positive class; without it the first is.
    """
    truth = pd.Categorical(table["class"], categories=list(classes)).codes
    predicted, sources = probabilities.argmax(axis=1), table["source"].to_numpy()
    right, shares = truth == predicted, np.bincount(truth, minlength=len(classes)) / len(truth)
    metrics = {"balanced_accuracy": _balanced(right, truth, sources, len(classes))}
    metrics |= {"accuracy": _proportion(right, sources, float(shares.max()))}
    effect = design_effect(right, sources)
    positive = classes.index("ALL") if "ALL" in classes else 0
    if len(classes) == 2:
        metrics |= _two_class(truth == positive, predicted == positive, sources)
        metrics |= _auc(truth == positive, probabilities[:, positive], sources, effect)
    return Evaluation(
        metrics,
        confusion_matrix(truth, predicted, labels=range(len(classes))).tolist(),
        classes,
        classes[positive],
        len(truth),
        count_sources(sources),
        effect,
        few_sources=find_few_sources(zip(table["class"], sources, strict=True), classes),
    )


def _proportion(right: NDArray[np.bool_], sources: NDArray, chance: float) -> Score:
    """Score the share of right answers; the sources are those of the units that it is of."""
    count = len(right)
    if not count:
        return Score(float("nan"), 0.0, 1.0, chance)
    effect, quantile = design_effect(right, sources), t_quantile(count_sources(sources))
    ends = wilson(right.sum() / effect, count / effect, quantile)
    return Score(float(right.mean()), *ends, chance)


def _balanced(
    right: NDArray[np.bool_], truth: NDArray[np.integer], sources: NDArray, classes: int
) -> Score:
    """Return the mean share of right answers of the classes that there are.

    Its interval comes from theirs (G. Zou and A. Donner, "Construction of confidence limits about
    effect measures", Statistics in Medicine 27, 2008). Shares of two classes are taken to be as
    correlated as sources hold both: what makes a source hard may do so for each of its classes.
    """
    own = [truth == k for k in np.unique(truth)]
    recalls = [_proportion(right[rows], sources[rows], 1 / classes) for rows in own]
    held = np.stack([np.isin(np.unique(sources), sources[rows]) for rows in own]).astype(float)
    held /= np.linalg.norm(held, axis=1, keepdims=True)

    def half(widths: list[float]) -> float:
        return float(np.linalg.norm(np.array(widths) @ held)) / len(widths)

    estimate = float(np.mean([r.estimate for r in recalls]))
    below = half([r.estimate - r.low for r in recalls])
    above = half([r.high - r.estimate for r in recalls])
    return Score(estimate, max(0.0, estimate - below), min(1.0, estimate + above), 1 / classes)


def _two_class(
    truth: NDArray[np.bool_], called: NDArray[np.bool_], sources: NDArray
) -> dict[str, Score]:
    """Score which units are, and are called, positive; what would divide by 0 is left out."""
    prevalence, either = float(truth.mean()), truth | called
    # F1 is a monotone function of TP / (TP + FP + FN), whose Wilson interval is carried over.
    both = _proportion((truth & called)[either], sources[either], prevalence / (2 - prevalence))
    scores = {
        "precision": _proportion(truth[called], sources[called], prevalence),
        "recall": _proportion(called[truth], sources[truth], prevalence),
        "specificity": _proportion(~called[~truth], sources[~truth], 1 - prevalence),
        "f1": Score(**{name: 2 * value / (1 + value) for name, value in asdict(both).items()}),
    }
    return {name: score for name, score in scores.items() if not np.isnan(score.estimate)}


def _auc(
    truth: NDArray[np.bool_],
    probability: NDArray[np.float64],
    sources: NDArray,
    effect: float,
) -> dict[str, Score]:
    """Score the order of the probabilities; the sources are those of the class with fewest."""
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return {}
    area = float(roc_auc_score(truth, probability))
    quantile = t_quantile(min(count_sources(sources[truth]), count_sources(sources[~truth])))
    effective = (max(1, positives / effect), max(1, negatives / effect))
    return {"auc": Score(area, *newcombe(area, *effective, quantile), 0.5)}


def colour_baseline(train: pd.DataFrame, heldout: pd.DataFrame) -> Score | None:
    """Score logistic regression on nothing but each unit's mean colour.

    Where it is as accurate as the model, the classes may differ by stain and not by cells.

    Parameters
    ----------
    train, heldout
        A row a unit with ``class``, ``source`` and the columns ``MEAN_COLOUR``.

    Returns
    -------
    Score or None
        Accuracy on the held-out units; None where the training side has one class only.
    """
    if train["class"].nunique() < 2:
        return None
    columns = list(MEAN_COLOUR)
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced"))
    model.fit(train[columns].to_numpy(), train["class"])
    correct = model.predict(heldout[columns].to_numpy()) == heldout["class"].to_numpy()
    chance = heldout["class"].value_counts(normalize=True).max()
    return _proportion(correct, heldout["source"].to_numpy(), float(chance))


def evaluate_heldout(
    table: pd.DataFrame,
    split: Split,
    probabilities: NDArray[np.float64],
    classes: tuple[str, ...],
) -> Evaluation:
    """Score the held-out side, beside a baseline that knows the mean colour alone.

    Parameters
    ----------
    table
        A row a unit, with its mean colour.
    split
        Rows of the table on each side.
    probabilities
        (held-out units, classes).
    classes
        Names of the columns.
    """
    heldout = table.iloc[split.heldout].reset_index(drop=True)
    baseline = colour_baseline(table.iloc[split.train], heldout)
    return replace(score_units(heldout, probabilities, classes), colour_only=baseline)


def with_answers(
    table: pd.DataFrame, probabilities: NDArray[np.float64], classes: tuple[str, ...]
) -> pd.DataFrame:
    """Return a table of units with their predicted class and (units, classes) probabilities."""
    columns = {f"probability_{name}": probabilities[:, k] for k, name in enumerate(classes)}
    predicted = [classes[k] for k in probabilities.argmax(axis=1)]
    return table.assign(predicted=predicted, **columns)
