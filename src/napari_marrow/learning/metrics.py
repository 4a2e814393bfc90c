"""How good a model is on units it never saw, with intervals, chance and a yardstick.

Proportions have Wilson's interval (Wilson 1927). Units of one source are not independent, so
their number is divided by the design effect (Kish 1965) before. F1 is a monotone function of
TP / (TP + FP + FN), whose Wilson interval is carried over; the interval of the area under the ROC
curve is Newcombe's method 5 (Newcombe 2006), which stays honest for a perfect score.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from napari_marrow.measure.colour import MEAN_COLOUR

Z = float(norm.ppf(0.975))


@dataclass(frozen=True)
class Score:
    """An estimate, its 95 % interval, and what guessing by the classes' shares would give."""

    estimate: float
    low: float
    high: float
    chance: float


def wilson(right: float, count: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion; ``count`` may be an effective number."""
    if count <= 0:
        return 0.0, 1.0
    share = right / count
    centre = (share + Z**2 / (2 * count)) / (1 + Z**2 / count)
    half = Z * np.sqrt(share * (1 - share) / count + Z**2 / (4 * count**2)) / (1 + Z**2 / count)
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def design_effect(correct: NDArray[np.bool_], sources: NDArray) -> float:
    """How many units are worth one, since those of a source go right and wrong together.

    Variance of the ratio estimate over sources by that of a simple random sample; at least 1.
    Where every answer is right (or wrong) the data can't tell, and only whole sources count.
    """
    codes, count = np.unique(sources, return_inverse=True)[1], len(set(sources))
    sizes = np.bincount(codes)
    share = correct.mean()
    if count < 2 or share in (0.0, 1.0):
        return len(correct) / count
    residuals = np.bincount(codes, weights=correct - share)
    variance = count / (count - 1) * (residuals**2).sum() / len(correct) ** 2
    simple = share * (1 - share) / len(correct)
    return float(np.clip(variance / simple, 1, sizes.max() if count else 1))


def auc_interval(area: float, positives: float, negatives: float) -> tuple[float, float]:
    """95 % interval of the area under the ROC curve, Newcombe's method 5."""
    middle = (positives + negatives) / 2 - 1
    area = float(np.clip(area, 1e-9, 1 - 1e-9))  # at 0 and 1 the variance is 0: a false root

    def excess(theta: float) -> float:
        spread = 1 + middle * (1 - theta) / (2 - theta) + middle * theta / (1 + theta)
        variance = theta * (1 - theta) * spread / (positives * negatives)
        return (area - theta) ** 2 - Z**2 * variance

    return float(brentq(excess, 0, area)), float(brentq(excess, area, 1))


def score_units(
    table: pd.DataFrame, probabilities: NDArray[np.float64], classes: tuple[str, ...]
) -> dict[str, Any]:
    """Score predictions against the truth.

    Parameters
    ----------
    table
        A row a unit with ``class`` and ``source``.
    probabilities
        (n, classes), rows that add up to 1.
    classes
        Names of the columns. ``ALL`` is the positive class; without it the first is.

    Returns
    -------
    dict
        JSON-ready: ``metrics`` (a :class:`Score` each; what has nothing to divide by is left
        out), ``confusion`` (rows truth, columns prediction), ``classes``, ``positive``, ``units``,
        ``sources``.
    """
    truth = pd.Categorical(table["class"], categories=list(classes)).codes
    answer = probabilities.argmax(axis=1)
    effect = design_effect(truth == answer, table["source"].to_numpy())
    matrix = confusion_matrix(truth, answer, labels=range(len(classes)))
    shares = np.bincount(truth, minlength=len(classes)) / len(truth)
    metrics = {"accuracy": _proportion(np.trace(matrix), len(truth), effect, float(shares.max()))}
    positive = classes.index("ALL") if "ALL" in classes else 0
    if len(classes) == 2:
        # Without a positive answer there is no precision to speak of: NaN is left out.
        found = _two_class(matrix, positive, effect)
        metrics |= {name: score for name, score in found.items() if score.estimate >= 0}
        metrics |= _auc(truth == positive, probabilities[:, positive], effect)
    return {
        "metrics": {name: asdict(score) for name, score in metrics.items()},
        "confusion": matrix.tolist(),
        "classes": list(classes),
        "positive": classes[positive],
        "units": len(truth),
        "sources": int(table["source"].nunique()),
        "design_effect": effect,
    }


def _proportion(right: float, count: float, effect: float, chance: float) -> Score:
    low, high = wilson(right / effect, count / effect)
    return Score(float(right / count) if count else float("nan"), low, high, chance)


def _two_class(matrix: NDArray, positive: int, effect: float) -> dict[str, Score]:
    negative = 1 - positive
    tp, fn = matrix[positive, positive], matrix[positive, negative]
    fp, tn = matrix[negative, positive], matrix[negative, negative]
    prevalence = float((tp + fn) / matrix.sum())
    scores = {
        "precision": _proportion(tp, tp + fp, effect, prevalence),
        "recall": _proportion(tp, tp + fn, effect, prevalence),
        "specificity": _proportion(tn, tn + fp, effect, 1 - prevalence),
    }
    overlap = _proportion(tp, tp + fp + fn, effect, prevalence / (2 - prevalence))
    f1 = {name: 2 * value / (1 + value) for name, value in asdict(overlap).items()}
    return {**scores, "f1": Score(**f1)}


def _auc(truth: NDArray, probability: NDArray, effect: float) -> dict[str, Score]:
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return {}
    area = float(roc_auc_score(truth, probability))
    low, high = auc_interval(area, max(1, positives / effect), max(1, negatives / effect))
    return {"auc": Score(area, low, high, 0.5)}


def colour_yardstick(train: pd.DataFrame, heldout: pd.DataFrame) -> Score | None:
    """Accuracy of logistic regression on nothing but each unit's mean colour.

    Where it does as well as the network, the classes may differ by stain and not by cells.
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
