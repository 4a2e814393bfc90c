"""Cross-validate models on the same folds, as a function of a collection and settings.

Nothing is written to disk. Progress goes to callbacks, and a callback may raise
:class:`~napari_marrow.data.errors.Stopped` to end the work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from napari_marrow.data.failures import Failure, Failures
from napari_marrow.data.fields import Collection, with_acquisitions_only
from napari_marrow.learning.audited import audit_training
from napari_marrow.learning.bundles.versions import versions
from napari_marrow.learning.comparison.assemble import with_findings
from napari_marrow.learning.comparison.controls import run_controls
from napari_marrow.learning.comparison.cross_validation import CrossValidated, cross_validate
from napari_marrow.learning.comparison.folds import FoldPlan
from napari_marrow.learning.comparison.forecast import forecast
from napari_marrow.learning.learners import SILENT, Callbacks, Learner
from napari_marrow.learning.listed_units import check_learnable, list_units, prepare_learner
from napari_marrow.learning.registry import MODELS
from napari_marrow.learning.scores.findings import Control, Forecast, Protocol
from napari_marrow.learning.scores.results import EvaluationResult
from napari_marrow.learning.scores.summary import data_summary
from napari_marrow.learning.scores.verdict import leading_model
from napari_marrow.learning.settings import CompareSettings, Preprocessing
from napari_marrow.learning.units.samples import drawn_notes

AUDITED_FRACTION = 0.05
"""Fraction of the time after which the photographs have been looked at."""
LISTED_FRACTION = 0.1
"""Fraction of the time after which the units are listed."""
EXTRA_TIME = 0.7
"""Time that controls, or a forecast, take for that of the scores."""


@dataclass(frozen=True)
class Further:
    """What is found by further fits, where it is asked for."""

    controls: tuple[Control, ...] = ()
    forecast: Forecast | None = None


@dataclass(frozen=True)
class Comparison:
    """The result of a cross-validation.

    Attributes
    ----------
    result
        The scores of each model under each protocol, and what follows from them.
    answers
        A row a unit, repeat, model and protocol: its class, fold, predicted class, probabilities.
    failed
        The fields that can't be used.
    """

    result: EvaluationResult
    answers: pd.DataFrame
    failed: tuple[Failure, ...] = ()


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
    feature selection, each with 75 % to learn from (``paper``), to show what that leaks.
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
    failures = Failures(strict)
    listed = collection if strict else usable
    units = list_units(
        listed, settings, callbacks.part(AUDITED_FRACTION, LISTED_FRACTION), failures
    )
    plans = [FoldPlan.of_units(units, settings, x, acquisitions) for x in protocols_of(settings)]
    for plan in plans:
        plan.check([settings.training(model, plan.protocol) for model in settings.models])
    callbacks = callbacks.part(LISTED_FRACTION, 1)
    leave_out = audited.leaves_out(units, settings.adapt)
    found: list[CrossValidated] = []
    more = Further()
    for k, plan in enumerate(plans):
        part = callbacks.part(k / len(plans), (k + 1) / len(plans))
        learners = _prepare(collection, settings, plan.protocol, leave_out, part, failures)
        if plan.protocol == "honest":
            end = 1 / (1 + EXTRA_TIME * (settings.controls + settings.forecast))
            honest = _cross_validate_all(learners, settings, plan, part.part(0, end))
            more = _ask_more(learners, settings, plan, honest, collection, part.part(end, 1))
            found += honest
        else:
            found += _cross_validate_all(learners, settings, plan, part)
    preprocessings = [Preprocessing.of(settings.training(x, "honest")) for x in settings.models]
    measure = any(x.families for x in preprocessings)
    of_features = audited.features_note(settings.families if leave_out and measure else ())
    notes = [*of_features, *about, *failures.note(), *_notes(settings)]
    for preprocessing in preprocessings:
        notes += drawn_notes(collection, preprocessing.features)
    used = units[~units["image"].isin(failures.images)]
    result = EvaluationResult(
        kind="compare",
        verdict=(),
        data=data_summary(
            collection, settings.unit, used, failed=failures.found, findings=audited.notes
        ),
        models=(),
        folds=tuple(part for plan in plans for part in plan.parts),
        notes=tuple(dict.fromkeys(notes)),
        controls=more.controls,
        forecast=more.forecast,
        confounding=audited.confounding,
        settings=settings.texts(),
        versions=versions(),
    )
    answers = pd.concat([one.answers for one in found], ignore_index=True)
    return Comparison(with_findings(result, found), answers, tuple(failures.found))


def _ask_more(
    learners: Mapping[str, Learner],
    settings: CompareSettings,
    plan: FoldPlan,
    honest: Sequence[CrossValidated],
    collection: Collection,
    callbacks: Callbacks,
) -> Further:
    """Run controls and make a forecast, where they are asked for, of one model.

    That is the classical one with the highest score, as it is fitted often; a network where there
    is no other.
    """
    if not (settings.controls or settings.forecast):
        return Further()
    of_kind = [x.result for x in honest if MODELS[x.result.model].kind == "classical"]
    model = leading_model(of_kind or [x.result for x in honest], None).model
    training = settings.training(model, "honest")
    learner = learners[training.kind]
    folds = plan.for_table(learner.table)
    middle = 0.5 if settings.controls and settings.forecast else float(settings.controls)
    controls: tuple[Control, ...] = ()
    if settings.controls:
        part = callbacks.part(0, middle)
        controls = run_controls(learner, training, folds, collection, part)
    found = None
    if settings.forecast:
        found = forecast(learner, training, folds, callbacks.part(middle, 1))
    return Further(controls, found)


def protocols_of(settings: CompareSettings) -> tuple[Protocol, ...]:
    """Return the protocols that a comparison is made under, in order."""
    return ("honest", "paper") if settings.protocol == "both" else (settings.protocol,)


def _notes(settings: CompareSettings) -> list[str]:
    """Say what a reader must know of the protocol."""
    notes = []
    if "paper" in protocols_of(settings):
        notes.append(
            "Protocol paper: copies of one source stand on both sides, and features were chosen "
            "with the test side, which can make scores too good; that it also learns from and "
            "judges pictures of edges can make them lower."
        )
    if settings.repeats > 1:
        notes.append(
            f"The folds were made {settings.repeats} times: a confusion matrix counts each unit as "
            "often, and intervals take its source as one."
        )
    return notes


def _prepare(
    collection: Collection,
    settings: CompareSettings,
    protocol: Protocol,
    leave_out: bool,
    callbacks: Callbacks,
    failures: Failures,
) -> dict[str, Learner]:
    """Measure or load the units, in the first half of the time; a learner a kind of model."""
    trainings = [settings.training(model, protocol) for model in settings.models]
    first_of_kind = {training.kind: training for training in reversed(trainings)}
    learners = {}
    for k, (kind, training) in enumerate(sorted(first_of_kind.items())):
        start, stop = (0.5 * j / len(first_of_kind) for j in (k, k + 1))
        part = callbacks.part(start, stop)
        learners[kind] = prepare_learner(collection, training, leave_out, part, failures)
    return learners


def _cross_validate_all(
    learners: Mapping[str, Learner],
    settings: CompareSettings,
    plan: FoldPlan,
    callbacks: Callbacks,
) -> list[CrossValidated]:
    """Cross-validate each model under one protocol, in the second half of the time."""
    trainings = [settings.training(model, plan.protocol) for model in settings.models]
    found = []
    for k, training in enumerate(trainings):
        learner = learners[training.kind]
        folds = plan.for_table(learner.table)
        for fold in folds:  # what was listed may not have been measured
            check_learnable(learner.table, fold.train, training)
        start, stop = (0.5 + 0.5 * j / len(trainings) for j in (k, k + 1))
        found.append(cross_validate(learner, training, folds, callbacks.part(start, stop)))
    return found
