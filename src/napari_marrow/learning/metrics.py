"""Scores of a model on units it never saw, with intervals, chance and a baseline."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from napari_marrow.learning.evaluation import Evaluation, Score
from napari_marrow.learning.intervals import design_effect, newcombe, wilson
from napari_marrow.measure.colour import MEAN_COLOUR


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
    predicted = probabilities.argmax(axis=1)
    effect = design_effect(truth == predicted, table["source"].to_numpy())
    matrix = confusion_matrix(truth, predicted, labels=range(len(classes)))
    shares = np.bincount(truth, minlength=len(classes)) / len(truth)
    metrics = {"balanced_accuracy": _balanced(matrix, effect)}
    metrics |= {"accuracy": _proportion(np.trace(matrix), len(truth), effect, float(shares.max()))}
    positive = classes.index("ALL") if "ALL" in classes else 0
    if len(classes) == 2:
        metrics |= _two_class(matrix, positive, effect)
        metrics |= _auc(truth == positive, probabilities[:, positive], effect)
    return Evaluation(
        metrics,
        matrix.tolist(),
        classes,
        classes[positive],
        len(truth),
        int(table["source"].nunique()),
        effect,
    )


def _proportion(right: float, count: float, effect: float, chance: float) -> Score:
    low, high = wilson(right / effect, count / effect)
    return Score(float(right / count) if count else float("nan"), low, high, chance)


def _balanced(matrix: NDArray[np.integer], effect: float) -> Score:
    """Return the mean share of right answers of the classes that there are.

    Its interval comes from theirs (G. Zou and A. Donner, "Construction of confidence limits about
    effect measures", Statistics in Medicine 27, 2008).
    """
    right, counts = np.diag(matrix), matrix.sum(axis=1)
    pairs = zip(right[counts > 0], counts[counts > 0], strict=True)
    recalls = [_proportion(k, n, effect, 1 / len(matrix)) for k, n in pairs]
    estimate = float(np.mean([r.estimate for r in recalls]))
    below = float(np.linalg.norm([r.estimate - r.low for r in recalls])) / len(recalls)
    above = float(np.linalg.norm([r.high - r.estimate for r in recalls])) / len(recalls)
    return Score(estimate, max(0.0, estimate - below), min(1.0, estimate + above), 1 / len(matrix))


def _two_class(matrix: NDArray[np.integer], positive: int, effect: float) -> dict[str, Score]:
    """Score a 2 x 2 confusion matrix; scores that would divide by 0 are left out."""
    negative = 1 - positive
    tp, fn = matrix[positive, positive], matrix[positive, negative]
    fp, tn = matrix[negative, positive], matrix[negative, negative]
    prevalence = float((tp + fn) / matrix.sum())
    # F1 is a monotone function of TP / (TP + FP + FN), whose Wilson interval is carried over.
    overlap = _proportion(tp, tp + fp + fn, effect, prevalence / (2 - prevalence))
    scores = {
        "precision": _proportion(tp, tp + fp, effect, prevalence),
        "recall": _proportion(tp, tp + fn, effect, prevalence),
        "specificity": _proportion(tn, tn + fp, effect, 1 - prevalence),
        "f1": Score(**{name: 2 * value / (1 + value) for name, value in asdict(overlap).items()}),
    }
    return {name: score for name, score in scores.items() if not np.isnan(score.estimate)}


def _auc(
    truth: NDArray[np.bool_], probability: NDArray[np.float64], effect: float
) -> dict[str, Score]:
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return {}
    area = float(roc_auc_score(truth, probability))
    low, high = newcombe(area, max(1, positives / effect), max(1, negatives / effect))
    return {"auc": Score(area, low, high, 0.5)}


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
    effect = design_effect(correct, heldout["source"].to_numpy())
    chance = heldout["class"].value_counts(normalize=True).max()
    return _proportion(correct.sum(), len(correct), effect, float(chance))
