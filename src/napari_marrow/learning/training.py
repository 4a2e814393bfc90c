"""Train a model and evaluate it, as a function of a collection and settings.

Nothing is written to disk. Progress goes to callbacks, and a callback may raise
:class:`~napari_marrow.data.errors.Stopped` to end the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from napari_marrow.data.failures import Failure, Failures
from napari_marrow.data.fields import Collection, Field
from napari_marrow.learning.adaptation.acquisitions import (
    MIN_KNOWN_UNITS,
    little_known,
    with_photographs,
)
from napari_marrow.learning.adaptation.reference import PictureSummary, Reference
from napari_marrow.learning.audited import audit_training
from napari_marrow.learning.bundle_files import HELDOUT
from napari_marrow.learning.bundles.info import BundleInfo
from napari_marrow.learning.bundles.sealed import sha256
from napari_marrow.learning.bundles.versions import versions
from napari_marrow.learning.confidence.calibration import apply_temperature
from napari_marrow.learning.learners import SILENT, Callbacks, FittedModel, learner_class
from napari_marrow.learning.listed_units import (
    checked_split,
    list_units,
    prepare_learner,
    to_split,
)
from napari_marrow.learning.scores.evaluation import Evaluation, find_few_sources
from napari_marrow.learning.scores.metrics import UNIT_COLUMNS, evaluate_heldout, with_answers
from napari_marrow.learning.settings import Preprocessing, TrainingSettings
from napari_marrow.learning.splits import Rows, Split
from napari_marrow.learning.units.samples import drawn_notes

AUDITED_FRACTION = 0.05
"""Fraction of the time of a training after which the photographs have been looked at."""
TRAINED_FRACTION = 0.95
"""Fraction of the time of a training after which the model is fitted."""
SCORED_FRACTION = 0.97
"""Fraction of the time of a training after which its scores are known."""


@dataclass(frozen=True)
class TrainedModel:
    """The result of a training, all that a bundle is written from.

    Attributes
    ----------
    info
        Description, with the evaluation on the held-out units.
    model
        The fitted model.
    tables
        By the name of the file: the held-out units with their probabilities, and the history of a
        network or the features of a classical model.
    reference
        What it learnt from looks like.
    failed
        The fields that can't be used.
    """

    info: BundleInfo
    model: FittedModel
    tables: dict[str, pd.DataFrame]
    reference: Reference
    failed: tuple[Failure, ...] = ()


def train(
    collection: Collection,
    settings: TrainingSettings,
    callbacks: Callbacks = SILENT,
    *,
    strict: bool = False,
) -> TrainedModel:
    """Train a model and evaluate it on the held-out units.

    Parameters
    ----------
    collection, settings
        What to learn from, and how.
    callbacks
        Hear of progress and can end the training.
    strict
        Whether a field that can't be used ends the training, instead of being left out.

    Raises
    ------
    MarrowError
        When the fields or the settings can't work.
    Stopped
        When a callback ended the work.
    """
    audited = audit_training(collection, settings, callbacks.part(0, AUDITED_FRACTION))
    collection = audited.collection
    prepared = learner_class(settings.kind).PREPARATION_FRACTION
    listed_part = (AUDITED_FRACTION + prepared) / 2
    failures = Failures(strict)
    # what can't be used is reported before too few units
    listed = collection if strict else audited.usable
    units = list_units(listed, settings, callbacks.part(AUDITED_FRACTION, listed_part), failures)
    acquisitions = {collection.label(f): f.acquisition for f in collection.fields}
    checked_split(to_split(units, settings), settings, acquisitions)
    leave_out = audited.leaves_out(units, settings.adapt)
    part = callbacks.part(listed_part, prepared)
    learner = prepare_learner(collection, settings, leave_out, part, failures)
    split = checked_split(learner.table, settings, acquisitions)
    callbacks.progress(prepared, f"Training {settings.model}")
    model = learner.fit_calibrated(settings, split)
    callbacks.progress(TRAINED_FRACTION, "Evaluating on held-out units")
    evaluation, heldout = _evaluate(learner.table, model, split)
    used = [f for f in collection.fields if collection.label(f) not in failures.images]
    preprocessing = Preprocessing.of(settings, leave_out=leave_out)
    measures = bool(preprocessing.families)
    # of the training side alone it can be so where it just is not of all
    unadapted = audited.confounding is not None and model.standardizer.removes_class
    sides = {"train": split.train, "validation": split.validation, "heldout": split.heldout}
    info = BundleInfo(
        classes=tuple(sorted(learner.table["class"].unique())),
        settings=settings,
        preprocessing=preprocessing,
        confidence=model.confidence,
        elsewhere=model.elsewhere,
        evaluation=evaluation,
        split={side: sorted(set(learner.table["source"].iloc[x])) for side, x in sides.items()},
        fingerprints={collection.label(f): sha256(f.path) for f in used},
        notes=(
            *audited.features_note(settings.families if leave_out and measures else ()),
            *audited.notes,
            *failures.note(),
            *split.notes,
            *drawn_notes(collection, preprocessing.features),
            *model.notes,
        ),
        versions=versions() | {"device": model.device},
        features=model.features,
        kind=settings.kind,
        confounding=audited.confounding,
        inseparable=audited.is_inseparable(units) or unadapted,
        tells_others=_tells_others(model, learner.table.iloc[[*split.train, *split.validation]]),
    )
    callbacks.progress(SCORED_FRACTION, "Looking at the training pictures")
    learnt = np.concatenate([split.train, split.validation])
    info, reference = _with_reference(info, model, learner.table, learnt, collection, used)
    info = replace(info, notes=(*info.notes, *_confidence_notes(info)))
    tables = {HELDOUT: heldout, **model.tables}
    return TrainedModel(info, model, tables, reference, tuple(failures.found))


def _evaluate(
    table: pd.DataFrame, model: FittedModel, split: Split
) -> tuple[Evaluation | None, pd.DataFrame]:
    """Return the scores of the held-out units, None without any, and their table of answers."""
    heldout = table.iloc[split.heldout][UNIT_COLUMNS].reset_index(drop=True)
    if not len(split.heldout):
        return None, heldout
    classes = tuple(sorted(table["class"].unique()))
    probabilities = apply_temperature(model.predict(split.heldout), model.confidence.temperature)
    evaluation = evaluate_heldout(table, split, probabilities, classes)
    return evaluation, with_answers(heldout, probabilities, classes)


def _with_reference(
    info: BundleInfo,
    model: FittedModel,
    table: pd.DataFrame,
    learnt: Rows,
    collection: Collection,
    used: Sequence[Field],
) -> tuple[BundleInfo, Reference]:
    """Return the description with its acquisitions' photographs, and what doubts answers.

    Parameters
    ----------
    info, model
        The description so far, and the fitted model.
    table, learnt
        A row a unit; rows of those learnt from.
    collection, used
        What was learnt from, and its fields that can be used.
    """
    labels, names = [collection.label(f) for f in used], [f.acquisition for f in used]
    summaries = [PictureSummary.of_field(f, info.preprocessing) for f in used]
    measured = np.stack([x.photograph for x in summaries])
    standardizer = model.standardizer
    info = replace(
        info,
        acquisitions=with_photographs([*standardizer.acquisitions.values()], names, measured),
        observed=with_photographs(standardizer.observed, names, measured),
    )
    learnt_images = set(table["image"].iloc[learnt])
    of_most = table.groupby("image")["class"].agg(lambda own: own.mode()[0])
    reference = Reference.of_summaries(
        summaries,
        [f.source for f in used],
        [label in learnt_images for label in labels],
        names,
        of_most.reindex(labels, fill_value="").tolist(),
        little_known(info.acquisitions),
    )
    return info, reference.with_conformal(model.conformal)


def _tells_others(model: FittedModel, learnt: pd.DataFrame) -> bool:
    """Whether a model can tell that a unit is of none of its classes."""
    classes = sorted(learnt["class"].unique())
    few = find_few_sources(zip(learnt["class"], learnt["source"], strict=True), classes)
    return model.conformal is not None and model.conformal.can_tell and not few


def _confidence_notes(info: BundleInfo) -> list[str]:
    """Say which answers stand unmarked, and what the model can't tell."""
    if info.inseparable:
        return ["Every answer is marked uncertain, as class and acquisition can't be told apart."]
    texts = [info.confidence.sentence("photographs not learnt from")]
    if info.elsewhere is not None:
        texts.append(info.elsewhere.sentence("acquisitions left out of training"))
    few = {one.name: sum(one.units.values()) for one in info.observed}
    for name in sorted(little_known(info.acquisitions)):
        texts.append(
            f"Answers for the acquisition {name} stay marked: it takes {MIN_KNOWN_UNITS} "
            f"{info.settings.unit}s of it to learn from, and there were {few[name]}."
        )
    texts.append(info.others_sentence)
    return [text for text in texts if text]
