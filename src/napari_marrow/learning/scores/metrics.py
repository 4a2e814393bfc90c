"""Scores of a model on units it never saw, with intervals, chance and a baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from napari_marrow.learning.scores.agreement import (
    macro_f1,
    matthews,
    mean_recall,
    score_by_recalls,
)
from napari_marrow.learning.scores.evaluation import Evaluation, Score, find_few_sources
from napari_marrow.learning.scores.intervals import (
    count_sources,
    design_effect,
    t_quantile,
    wilson,
)
from napari_marrow.learning.scores.ranking import score_ranking
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
    right, n_classes = truth == predicted, len(classes)
    shares = np.bincount(truth, minlength=n_classes) / len(truth)
    confusion = confusion_matrix(truth, predicted, labels=range(n_classes))
    sides = [truth == k for k in range(n_classes)]
    recalls = [
        proportion(right[own], sources[own], 1 / n_classes) if own.any() else None for own in sides
    ]
    of_recalls = partial(
        score_by_recalls,
        counts=confusion.astype(float),
        recalls=recalls,
        sources=[sources[own] for own in sides],
    )
    metrics = {"balanced_accuracy": of_recalls(mean_recall, lowest=0.0, chance=1 / n_classes)}
    metrics |= {"accuracy": proportion(right, sources, float(shares.max()))}
    effect = design_effect(right, sources)
    positive = classes.index(positive_class(classes))
    if n_classes == 2:
        metrics |= _two_class(truth == positive, predicted == positive, sources)
    else:
        metrics |= {"macro_f1": of_recalls(macro_f1, lowest=0.0, chance=1 / n_classes)}
    if (shares > 0).sum() > 1:
        metrics |= {"mcc": of_recalls(matthews, lowest=-1.0, chance=0.0)}
    if n_classes == 2:
        metrics |= score_ranking(truth == positive, probabilities[:, positive], sources, effect)
    return Evaluation(
        metrics,
        confusion.tolist(),
        classes,
        classes[positive],
        len(truth),
        count_sources(sources),
        effect,
        few_sources=find_few_sources(zip(table["class"], sources, strict=True), classes),
    )


def positive_class(classes: Sequence[str]) -> str:
    """Return the class that precision, recall, F1 and AUC are about."""
    return "ALL" if "ALL" in classes else classes[0]


def proportion(right: NDArray[np.bool_], sources: NDArray, chance: float) -> Score:
    """Score the share of right answers; the sources are those of the units that it is of."""
    count = len(right)
    if not count:
        return Score(float("nan"), 0.0, 1.0, chance)
    effect, quantile = design_effect(right, sources), t_quantile(count_sources(sources))
    ends = wilson(right.sum() / effect, count / effect, quantile)
    return Score(float(right.mean()), *ends, chance)


def _two_class(
    truth: NDArray[np.bool_], called: NDArray[np.bool_], sources: NDArray
) -> dict[str, Score]:
    """Score which units are, and are called, positive; what would divide by 0 is left out."""
    prevalence, either = float(truth.mean()), truth | called
    # F1 is a monotone function of TP / (TP + FP + FN), whose Wilson interval is carried over.
    both = proportion((truth & called)[either], sources[either], prevalence / (2 - prevalence))
    scores = {
        "precision": proportion(truth[called], sources[called], prevalence),
        "recall": proportion(called[truth], sources[truth], prevalence),
        "specificity": proportion(~called[~truth], sources[~truth], 1 - prevalence),
        "f1": Score(**{name: 2 * value / (1 + value) for name, value in asdict(both).items()}),
    }
    return {name: score for name, score in scores.items() if not np.isnan(score.estimate)}


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
    return proportion(correct, heldout["source"].to_numpy(), float(chance))


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
