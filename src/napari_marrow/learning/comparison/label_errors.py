"""Units whose given class is doubtful, by confident learning. They are listed, never changed.

C. G. Northcutt, L. Jiang and I. L. Chuang, "Confident learning: estimating uncertainty in dataset
labels", Journal of Artificial Intelligence Research 70, 2021. A unit counts for the class with the
highest probability among those that are above the class's threshold: the mean probability of the
class over the units that are given as it. Where that is another class than the given one, the unit
is off the diagonal of the confident joint. Probabilities are those of models that did not learn
from the unit, averaged over all of them, and most of these must answer with the other class. Models
that err nearly as often as guessing have no say: they would doubt half of the units.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_marrow.learning.scores.evaluation import Evaluation
from napari_marrow.learning.scores.findings import DoubtfulLabel
from napari_marrow.learning.scores.intervals import t_quantile, wilson

MAX_ERROR_SHARE = 0.5
"""Of the error rate of guessing: models with more don't tell a wrong class from a wrong answer."""
_UNIT = ["image", "index", "y", "x", "class"]


def can_doubt(evaluation: Evaluation, sources: int) -> bool:
    """Return whether a model errs so seldom that its answers are a reason to doubt a class.

    Its error rate has to be low, and told from guessing by the number of sources. Acquisitions do
    not count for that: a few of them make every interval wide.

    Parameters
    ----------
    evaluation
        Of the model.
    sources
        Number of sources of what it was asked about.
    """
    score = evaluation.metrics["balanced_accuracy"]
    low, _ = wilson(score.estimate * sources, sources, t_quantile(sources))
    return score.estimate >= 1 - MAX_ERROR_SHARE * (1 - score.chance) and low > score.chance


def confident_classes(
    probabilities: NDArray[np.float64], given: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Return the class that each unit confidently is of; -1 where there is none.

    Parameters
    ----------
    probabilities
        (n, classes), of models that did not learn from the unit.
    given
        (n,) column of the given class; each at least once.
    """
    columns = range(probabilities.shape[1])
    thresholds = np.array([probabilities[given == k, k].mean() for k in columns])
    above = np.where(probabilities >= thresholds, probabilities, -1.0)
    return np.where(above.max(axis=1) >= 0, above.argmax(axis=1), -1)


def doubtful_labels(answers: pd.DataFrame) -> tuple[DoubtfulLabel, ...]:
    """Return the units whose given class is doubtful, the least probable first.

    Parameters
    ----------
    answers
        A row a unit, model and repeat: ``image``, ``index``, ``y``, ``x``, ``class``, ``model``,
        ``predicted`` and ``probability_<class>``, of models that did not learn from the unit.
    """
    classes = sorted(answers["class"].unique())
    names = [f"probability_{name}" for name in classes]
    units = answers.groupby(_UNIT, sort=False)
    means = units[names].mean().reset_index()
    given = pd.Categorical(means["class"], categories=classes).codes.astype(np.intp)
    probabilities = means[names].to_numpy(np.float64)
    found = confident_classes(probabilities, given)
    # a model answers with the class that is the most probable over its repeats
    own = answers.groupby([*_UNIT, "model"], sort=False)[names].mean().reset_index()
    own["answer"] = own[names].to_numpy().argmax(axis=1)
    voted = means.merge(own.pivot(index=_UNIT, columns="model", values="answer"), on=_UNIT)
    voted = voted.drop(columns=means.columns).to_numpy()
    doubted = []
    for k in np.flatnonzero((found >= 0) & (found != given)):
        votes = int((voted[k] == found[k]).sum())
        if 2 * votes <= voted.shape[1]:
            continue
        unit = means.iloc[k]
        doubted.append(
            DoubtfulLabel(
                str(unit["image"]),
                int(unit["index"]),
                float(unit["y"]),
                float(unit["x"]),
                classes[given[k]],
                classes[found[k]],
                float(probabilities[k, given[k]]),
                votes,
                voted.shape[1],
            )
        )
    return tuple(sorted(doubted, key=lambda one: one.probability))
