"""Cross-validate models on the same folds, as a function of a collection and settings.

Nothing is written to disk. Progress goes to callbacks, and a callback may raise
:class:`~napari_marrow.data.errors.Stopped` to end the work.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from napari_marrow.audit.verdict import Confounding
from napari_marrow.data.failures import Failure, Failures
from napari_marrow.data.fields import Collection, with_acquisitions_only
from napari_marrow.learning.audited import audit_training
from napari_marrow.learning.learners import SILENT, Callbacks, Learner
from napari_marrow.learning.listed_units import (
    checked_folds,
    list_units,
    prepare_learner,
    to_split,
)
from napari_marrow.learning.scores.evaluation import AcquisitionScores
from napari_marrow.learning.scores.metrics import UNIT_COLUMNS, score_units, with_answers
from napari_marrow.learning.scores.results import ModelResult, Protocol
from napari_marrow.learning.settings import CompareSettings, Preprocessing, TrainingSettings
from napari_marrow.learning.splits import Rows
from napari_marrow.learning.units.samples import drawn_notes

AUDITED_FRACTION = 0.05
"""Fraction of the time after which the photographs have been looked at."""
LISTED_FRACTION = 0.1
"""Fraction of the time after which the units are listed."""


@dataclass(frozen=True)
class Comparison:
    """The result of a cross-validation.

    Attributes
    ----------
    models
        The scores of each model under each protocol.
    answers
        A row a unit, model and protocol: its class, fold, predicted class and probabilities.
    notes
        Sentences that a reader of the scores must know.
    failed
        The fields that can't be used.
    confounding
        What goes with the class, so that no score says anything about other microscopes.
    """

    models: tuple[ModelResult, ...]
    answers: pd.DataFrame
    notes: tuple[str, ...]
    failed: tuple[Failure, ...] = ()
    confounding: Confounding | None = None


def compare(
    collection: Collection,
    settings: CompareSettings,
    callbacks: Callbacks = SILENT,
    *,
    strict: bool = False,
) -> Comparison:
    """Cross-validate every model on the same folds.

    The folds are made by source, so that no source is on both sides, or one acquisition after the
    other is left out (protocol ``honest``). Or they are made at random after augmentation and
    feature selection (``paper``), to show what that leaks.
    Fields that can't be used are left out, unless the comparison is ``strict``.

    Raises
    ------
    MarrowError
        When the settings can't work, there are too few sources for the folds, or an acquisition
        can't be left out.
    Stopped
        When a callback ended the work.
    """
    audited = audit_training(collection, settings, callbacks.part(0, AUDITED_FRACTION))
    collection, usable, about = audited.collection, audited.usable, audited.notes
    acquisitions: dict[str, str] = {}
    if settings.by == "acquisition":
        collection, left_out = with_acquisitions_only(collection)
        usable, about = with_acquisitions_only(usable)[0], (*about, *left_out)
        acquisitions = {collection.label(f): f.acquisition for f in collection.fields}
    protocols: tuple[Protocol, ...] = ("honest", "paper")
    if settings.protocol != "both":
        protocols = (settings.protocol,)
    failures = Failures(strict)
    listed = collection if strict else usable
    units = list_units(
        listed, settings, callbacks.part(AUDITED_FRACTION, LISTED_FRACTION), failures
    )
    for protocol, model in itertools.product(protocols, settings.models):
        training = settings.training(model, protocol)
        checked_folds(to_split(units, training), training, settings.folds, acquisitions)
    callbacks = callbacks.part(LISTED_FRACTION, 1)
    leave_out = audited.leaves_out(units, settings.adapt)
    found = []
    for k, protocol in enumerate(protocols):
        part = callbacks.part(k / len(protocols), (k + 1) / len(protocols))
        found += _compare(collection, settings, protocol, acquisitions, leave_out, part, failures)
    models, answers = zip(*found, strict=True)
    confounding = audited.confounding
    preprocessings = [Preprocessing.of(settings.training(x, "honest")) for x in settings.models]
    measure = any(x.families for x in preprocessings)
    of_features = audited.features_note(settings.families if leave_out and measure else ())
    notes = [*of_features, *about, *failures.note()]
    if confounding is not None:
        is_of_others = settings.by == "acquisition"  # the scores are of other microscopes, then
        first = confounding.sentence if is_of_others else confounding.before_score("a score")
        notes.insert(0, first)
    if "paper" in protocols:
        notes.append(
            "Protocol paper: copies of one source stand on both sides, and features were chosen "
            "with the test side; its scores are too good."
        )
    for preprocessing in preprocessings:
        notes += drawn_notes(collection, preprocessing.features)
    unique = tuple(dict.fromkeys(notes))
    table = pd.concat(answers, ignore_index=True)
    return Comparison(models, table, unique, tuple(failures.found), confounding)


def _compare(
    collection: Collection,
    settings: CompareSettings,
    protocol: Protocol,
    acquisitions: Mapping[str, str],
    leave_out: bool,
    callbacks: Callbacks,
    failures: Failures,
) -> list[tuple[ModelResult, pd.DataFrame]]:
    """Return the scores and the answers of each model under one protocol."""
    trainings = [settings.training(model, protocol) for model in settings.models]
    first_of_kind = {training.kind: training for training in reversed(trainings)}
    learners = {}
    for k, (kind, training) in enumerate(sorted(first_of_kind.items())):
        start, stop = (0.5 * j / len(first_of_kind) for j in (k, k + 1))
        part = callbacks.part(start, stop)
        learners[kind] = prepare_learner(collection, training, leave_out, part, failures)
    found = []
    for k, training in enumerate(trainings):
        start, stop = (0.5 + 0.5 * j / len(trainings) for j in (k, k + 1))
        part = callbacks.part(start, stop)
        learner = learners[training.kind]
        folds = checked_folds(learner.table, training, settings.folds, acquisitions)
        names = acquisitions if protocol == "honest" else {}
        found.append(_cross_validate(learner, training, folds, names, part))
    return found


def _cross_validate(
    learner: Learner,
    settings: TrainingSettings,
    folds: Sequence[tuple[Rows, Rows]],
    acquisitions: Mapping[str, str],
    callbacks: Callbacks,
) -> tuple[ModelResult, pd.DataFrame]:
    """Return the scores of one model over all folds, and its answers.

    With acquisitions by photograph each fold is one of them, and they count as sources.
    """
    table, classes = learner.table, tuple(sorted(learner.table["class"].unique()))
    probabilities = np.zeros((len(table), len(classes)))
    fold_of = np.zeros(len(table), int)
    by_fold, seconds, parameters, left_out = [], [], [], []
    for k, (train_rows, test_rows) in enumerate(folds):
        text = f"Fitting {settings.model}, fold {k + 1} of {len(folds)}"
        callbacks.progress(k / len(folds), text)
        start = time.perf_counter()
        model = learner.fit_fold(settings, train_rows)
        probabilities[test_rows] = model.predict(test_rows)
        seconds.append(time.perf_counter() - start)
        parameters.append(model.parameters)
        fold_of[test_rows] = k + 1
        own = table.iloc[test_rows]
        scored = score_units(own, probabilities[test_rows], classes)
        by_fold.append({name: score.estimate for name, score in scored.metrics.items()})
        if acquisitions:
            image = str(own["image"].iloc[0])
            left_out.append(AcquisitionScores(acquisitions[image], image, scored))
    judged = table.assign(source=table["image"].map(acquisitions)) if acquisitions else table
    scored = score_units(judged, probabilities, classes)
    # a fold without a positive answer has no precision: it does not count
    spread = pd.DataFrame(by_fold, columns=list(scored.metrics)).std().to_dict()
    found = ModelResult(
        settings.model,
        settings.protocol,
        scored,
        spread={name: None if np.isnan(value) else value for name, value in spread.items()},
        fit_seconds=float(np.mean(seconds)),
        parameters=round(float(np.mean(parameters))),
        acquisitions=tuple(left_out),
    )
    answers = with_answers(table[UNIT_COLUMNS].assign(fold=fold_of), probabilities, classes)
    return found, answers.assign(model=settings.model, protocol=settings.protocol)
