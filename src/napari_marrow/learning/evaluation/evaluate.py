"""Judge a trained model on photographs with classes that it has not seen.

Nothing is written to disk. Progress goes to callbacks, and a callback may raise
:class:`~napari_marrow.data.errors.Stopped` to end the work.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from napari_marrow.audit.audit import audit
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.failures import Failures
from napari_marrow.data.fields import Collection, with_classes_only
from napari_marrow.data.file_index import FileIndex
from napari_marrow.data.text import counted, listed
from napari_marrow.learning.bundle_files import ONNX
from napari_marrow.learning.bundles.bundle import Bundle, observe_one
from napari_marrow.learning.bundles.info import BundleInfo
from napari_marrow.learning.bundles.predictor import LOW_PROBABILITY
from napari_marrow.learning.bundles.sealed import sha256
from napari_marrow.learning.bundles.versions import versions
from napari_marrow.learning.counting.result import CountSettings
from napari_marrow.learning.evaluation.asked import Asked, Photograph, answers_for
from napari_marrow.learning.evaluation.controls import ask_controls
from napari_marrow.learning.evaluation.shares import count_sentences, shares_of
from napari_marrow.learning.learners import SILENT, Callbacks
from napari_marrow.learning.scores.described import described
from napari_marrow.learning.scores.evaluation import Evaluation
from napari_marrow.learning.scores.metrics import score_units
from napari_marrow.learning.scores.results import EvaluationResult, ModelResult
from napari_marrow.learning.scores.summary import data_summary, worst_mistakes
from napari_marrow.learning.scores.verdict import OF_CELLS, verdict_of
from napari_marrow.learning.scores.words import headline, score_text
from napari_marrow.learning.settings import EvaluateSettings
from napari_marrow.learning.units.samples import with_classes

AUDITED_FRACTION = 0.1
"""Fraction of the time after which the photographs have been looked at."""
LIMITS = (
    "The model was asked about one collection: on photographs of another microscope, stain or "
    "laboratory it can be far worse.",
    "Every unit gets one of the model's classes, also one that is none of them, unless it is "
    "marked.",
)


@dataclass(frozen=True)
class Evaluated:
    """The result of an evaluation.

    Attributes
    ----------
    result
        All that was found.
    answers
        A row a unit: its given class, source, answer, probabilities, and why it is uncertain.
    collection
        The photographs that were asked about.
    """

    result: EvaluationResult
    answers: pd.DataFrame
    collection: Collection


def evaluate(
    bundle: Bundle,
    collection: Collection,
    settings: EvaluateSettings | None = None,
    callbacks: Callbacks = SILENT,
    *,
    strict: bool = False,
) -> Evaluated:
    """Judge a model on the photographs that it neither learnt from nor was judged by.

    Parameters
    ----------
    bundle
        The model.
    collection
        Photographs with classes. Those that the model knows are left out: it learnt from them, or
        they were held out, and its own scores are of these. So are those of the same source as
        one that it learnt from.
    settings
        How it is asked.
    callbacks
        Hear of progress and can end the work.
    strict
        Whether a photograph that can't be used ends the work, instead of being left out.

    Raises
    ------
    MarrowError
        When the model knows none of the classes, or all of the photographs, or none can be used.
    Stopped
        When a callback ended the work.
    """
    settings = settings or EvaluateSettings()
    settings.check()
    bundle = bundle.with_engine(settings.engine)
    known, about = with_classes_only(collection)
    _check_classes(known, bundle)
    if settings.count and settings.count not in bundle.info.classes:
        raise MarrowError(
            f"{bundle.path} does not know the class {settings.count}; choose one to count from "
            f"{listed(bundle.info.classes)}."
        )
    audited = audit(known, callbacks.part(0, AUDITED_FRACTION).progress, strict)
    failures = Failures(strict)
    for failure in audited.failed:
        failures.add(failure.image, failure.reason)
    observed = AUDITED_FRACTION + (0.3 if settings.controls else 0.85)
    asked = _ask(bundle, audited.collection, callbacks.part(AUDITED_FRACTION, observed), failures)
    answers, adaptation = answers_for(bundle, asked.photographs, settings.adapt)
    scored = answers[answers["class"].isin(bundle.info.classes)].reset_index(drop=True)
    _check_some(scored, answers, bundle)
    part = callbacks.part(observed, 1)
    model = _model_result(bundle, scored)
    found = EvaluationResult(
        "evaluate",
        (),
        replace(
            data_summary(
                audited.collection,
                bundle.info.settings.unit,
                scored,
                known=asked.learnt,
                failed=failures.found,
                findings=audited.sentences,
            ),
            held_out=asked.held_out,
            same_source=asked.same_source,
        ),
        (model,),
        controls=ask_controls(bundle, asked, scored, settings, part) if settings.controls else (),
        shares=shares_of(bundle, scored),
        count=_count(bundle, scored, settings),
        mistakes=worst_mistakes(scored.assign(model=model.model)),
        notes=(
            *collection.warnings,
            *about,
            *failures.note(),
            *_class_notes(answers, bundle.info),
            *_photograph_notes(asked, bundle.info),
        ),
        limits=LIMITS,
        confounding=audited.confounding,
        settings=settings.texts(),
        versions=versions(),
    )
    shift = adaptation.sentence(
        len(asked.photographs), bundle.info.settings.unit, bundle.info.elsewhere
    )
    used = [x.field for x in asked.photographs]
    return Evaluated(
        replace(found, verdict=_verdict(found, bundle.info, shift)),
        answers,
        replace(audited.collection, fields=tuple(used)),
    )


def _check_classes(collection: Collection, bundle: Bundle) -> None:
    """Raise MarrowError where a collection and a model have no class in common."""
    given = {f.class_name for f in collection.fields if f.class_name is not None}
    given |= {name for f in collection.fields for name in f.cell_classes.values()}
    if not given:
        raise MarrowError(
            f"{collection.root} holds no photograph with a class; evaluation needs one folder a "
            "class, or a table of classes."
        )
    if not given & set(bundle.info.classes):
        raise MarrowError(
            f"{collection.root} has the classes {listed(sorted(given))}, and {bundle.path} knows "
            f"{listed(bundle.info.classes)}, none in common; choose photographs of its classes."
        )


def _check_some(scored: pd.DataFrame, answers: pd.DataFrame, bundle: Bundle) -> None:
    """Raise MarrowError where no unit can be scored."""
    if len(scored):
        return
    names = listed(sorted(answers["class"].unique())) if len(answers) else ""
    found = f"only units of {names}" if names else "no cell"
    raise MarrowError(
        f"{found[0].upper()}{found[1:]} found in the photographs that {bundle.path} does not know; "
        "add photographs of its classes."
    )


def _ask(bundle: Bundle, collection: Collection, callbacks: Callbacks, failures: Failures) -> Asked:
    """Measure the photographs that a model does not know, nor others of their sources."""
    found, sides = [], Counter[str]()
    learnt_from = _sources_elsewhere(bundle, collection)
    unit = bundle.info.settings.unit
    unusable = set(failures.images)
    fields = [f for f in collection.fields if collection.label(f) not in unusable]
    for k, field in enumerate(fields):
        callbacks.progress(k / len(fields), f"Labelling {field.name}")
        label = collection.label(field)
        with failures.leaving_out(label):
            seen = observe_one(bundle, field, engine=bundle.engine).without_labels()
            truth = with_classes(seen.units[["index"]], field, label, unit)
            side = bundle.side_of(seen, {sha256(field.path)})
            if side is None:
                found.append(Photograph(field, label, seen, truth))
            else:
                sides[side] += 1
                if side == "learnt":
                    learnt_from.add(field.source)
    failures.check_some_left(len(collection.fields))
    # units of one source never stand on both sides
    new = tuple(one for one in found if one.field.source not in learnt_from)
    same_source = len(found) - len(new)
    if not new:
        of_sources = f", {same_source} of the same source as one of these" if same_source else ""
        raise MarrowError(
            f"{bundle.path} knows all {counted(sum(sides.values()) + same_source, 'photograph')} "
            f"of {collection.root} ({sides['learnt']} learnt from{of_sources}, "
            f"{sides['held out']} held out); evaluate it on others. Its scores on those held out "
            "are in its card."
        )
    return Asked(new, sides["learnt"], sides["held out"], same_source)


def _sources_elsewhere(bundle: Bundle, collection: Collection) -> set[str]:
    """Return the sources that a table gives to photographs learnt from that are not here."""
    if not collection.elsewhere:
        return set()
    names = FileIndex({name: name for name in bundle.learnt})
    found = names.find_all([image for image, _ in collection.elsewhere])
    pairs = zip(collection.elsewhere, found, strict=True)
    return {source for (_, source), learnt in pairs if len(learnt) == 1}


def _model_result(bundle: Bundle, scored: pd.DataFrame) -> ModelResult:
    """Return the scores of all answers, and of those that are not marked."""
    info = bundle.info

    def score(rows: pd.DataFrame) -> Evaluation:
        names = [f"probability_{name}" for name in info.classes]
        return score_units(rows, rows[names].to_numpy(np.float64), info.classes)

    certain = scored[~scored["uncertain"].to_numpy(bool)]
    found = ModelResult(
        info.settings.model,
        "honest",
        score(scored),
        model_bytes=(bundle.path / ONNX).stat().st_size,
        certain=score(certain) if len(certain) else None,
        low_probability=_low_fraction(scored),
    )
    return described(found, scored, info.classes, info.settings.unit)


def _count(bundle: Bundle, scored: pd.DataFrame, settings: EvaluateSettings) -> tuple[str, ...]:
    """Return what the share of a class means against a cut-off, where one was named."""
    if not settings.count:
        return ()
    return count_sentences(
        bundle, scored, CountSettings(class_name=settings.count, cutoff=settings.cutoff)
    )


def _low_fraction(scored: pd.DataFrame) -> float:
    """Return the fraction of the answers that are marked for their low probability."""
    reasons = scored["reason"].str.split("; ")
    return float(reasons.map(lambda one: LOW_PROBABILITY in one).mean())


def _class_notes(answers: pd.DataFrame, info: BundleInfo) -> list[str]:
    """Say what became of units of classes that the model does not know."""
    others = answers[~answers["class"].isin(info.classes)]
    if others.empty:
        return []
    names, unit = listed(sorted(others["class"].unique())), info.settings.unit
    marked = int(others["uncertain"].sum())
    verb = "was" if marked == 1 else "were"
    return [
        f"{counted(len(others), unit)} of {names}, which the model does not know, "
        f"{'is' if len(others) == 1 else 'are'} in no score; {marked} {verb} marked uncertain."
    ]


def _photograph_notes(asked: Asked, info: BundleInfo) -> list[str]:
    """Say which photographs are in no score, and what else a reader must know of them."""
    notes = []
    if asked.learnt or asked.held_out:
        notes.append(
            f"Photographs that the model knows were left out: {asked.learnt} that it learnt from "
            f"and {asked.held_out} that were held out when it was trained."
        )
    if asked.same_source:
        verb = "was" if asked.same_source == 1 else "were"
        notes.append(
            f"{counted(asked.same_source, 'photograph')} of the same source as one that the model "
            f"learnt from {verb} left out: units of one source never stand on both sides."
        )
    if empty := [x.label for x in asked.photographs if not len(x.seen.units)]:
        notes.append(f"No nucleus, and so no answer: {listed(empty)}.")
    places = {x.field.acquisition for x in asked.photographs} - {None}
    if len(places) > 1 and info.acquisitions:
        notes.append(
            f"The photographs are of {len(places)} acquisitions and were standardised together, as "
            "predict does; evaluate each in a folder of its own to see how it does there."
        )
    sources = set(info.split.get("train", ())) | set(info.split.get("validation", ()))
    same = sources & {x.field.source for x in asked.photographs}
    if same:
        notes.append(
            f"Sources of the same name as some that were learnt from: {listed(sorted(same))}. If "
            "they are the same patients, the score can be too good."
        )
    return [*notes, *filter(None, [info.others_sentence])]


def _verdict(result: EvaluationResult, info: BundleInfo, shift: str) -> tuple[str, ...]:
    """Return what the result means; what may make it worthless comes first."""
    said = verdict_of(result)
    alarms = int(any(x.does_well and x.name not in OF_CELLS for x in result.controls))
    first = [] if info.confounding is None else [info.confounding.sentence]
    (model,) = result.models
    return (*said[:alarms], *first, *filter(None, [shift]), *said[alarms:], _of_certain(model))


def _of_certain(model: ModelResult) -> str:
    """Say how good the answers are that stand, and how many do."""
    certain, total = model.certain, model.evaluation.units
    if certain is None:
        return f"None of the {total} answers stands: all are marked uncertain."
    if certain.units == total:
        return "No answer is marked uncertain."
    name, _ = headline(model.evaluation)  # the measure of the sentence before
    score = certain.metrics[name]
    return (
        f"{certain.units} of {total} answers ({certain.units / total:.0%}) stand, the others are "
        f"marked uncertain; of these the {name.replace('_', ' ')} is "
        f"{score_text(score, certain.few_sources)}."
    )
