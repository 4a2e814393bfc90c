"""Cross-validation of one model: its scores over all folds, and its answers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from napari_marrow.learning.comparison.folds import Fold
from napari_marrow.learning.learners import Callbacks, Learner
from napari_marrow.learning.scores.described import described
from napari_marrow.learning.scores.evaluation import AcquisitionScores
from napari_marrow.learning.scores.loss import with_losses
from napari_marrow.learning.scores.metrics import UNIT_COLUMNS, score_units, with_answers
from napari_marrow.learning.scores.results import ModelResult
from napari_marrow.learning.settings import TrainingSettings


@dataclass(frozen=True)
class CrossValidated:
    """What a model answers for units that it did not learn from.

    Attributes
    ----------
    result
        Its scores; with repeats each unit counts once in each, and its source is what intervals
        take as independent.
    answers
        A row a unit and repeat, with ``fold``, ``repeat``, ``predicted`` and probabilities.
    by_fold
        A row a fold: its scores, not a number where one can't be computed, and in ``test_share``
        how many units it holds out for each that it learns from.
    """

    result: ModelResult
    answers: pd.DataFrame
    by_fold: pd.DataFrame


def cross_validate(
    learner: Learner, settings: TrainingSettings, folds: Sequence[Fold], callbacks: Callbacks
) -> CrossValidated:
    """Fit a model on the training side of each fold and ask it about the other.

    Where folds have the names of acquisitions, these count as sources.
    """
    table, classes = learner.table, tuple(sorted(learner.table["class"].unique()))
    by_fold, seconds, parameters, left_out, answers, histories = [], [], [], [], [], []
    model_bytes = 0
    for k, fold in enumerate(folds):
        text = f"Fitting {settings.model}, fold {k + 1} of {len(folds)}"
        callbacks.progress(k / len(folds), text)
        start = time.perf_counter()
        model = learner.fit_fold(settings, fold.train)
        probabilities = model.predict(fold.test)
        seconds.append(time.perf_counter() - start)
        parameters.append(model.parameters)
        model_bytes = model_bytes or len(model.export())
        if model.history is not None:
            histories.append(model.history)
        own = table.iloc[fold.test]
        scored = score_units(own, probabilities, classes)
        by_fold.append({name: score.estimate for name, score in scored.metrics.items()})
        by_fold[-1]["test_share"] = len(fold.test) / len(fold.train)
        if fold.name:
            left_out.append(AcquisitionScores(fold.name, str(own["image"].iloc[0]), scored))
        own = own[UNIT_COLUMNS].assign(fold=fold.number)
        named = own.assign(repeat=fold.repeat, acquisition=fold.name)
        answers.append(with_answers(named, probabilities, classes))
    found = pd.concat(answers).sort_index(kind="stable").sort_values("repeat", kind="stable")
    judged = found.assign(source=found["acquisition"]) if left_out else found
    names = [f"probability_{name}" for name in classes]
    scored = score_units(judged, found[names].to_numpy(), classes)
    scores = pd.DataFrame(by_fold).reindex(columns=[*scored.metrics, "test_share"])
    # a fold without a positive answer has no precision: it does not count
    spread = scores.std().to_dict()
    result = ModelResult(
        settings.model,
        settings.protocol,
        replace(scored, units=len(found) // found["repeat"].nunique()),
        spread={n: None if np.isnan(spread[n]) else spread[n] for n in scored.metrics},
        fit_seconds=float(np.mean(seconds)),
        parameters=round(float(np.mean(parameters))),
        model_bytes=model_bytes,
        acquisitions=tuple(left_out),
    )
    result = described(result, judged, classes, settings.unit)
    if histories:
        result = with_losses(result, pd.concat(histories))
    found = found.drop(columns="acquisition").reset_index(drop=True)
    found.insert(list(found.columns).index("predicted"), "repeat", found.pop("repeat"))
    return CrossValidated(
        result, found.assign(model=settings.model, protocol=settings.protocol), scores
    )
