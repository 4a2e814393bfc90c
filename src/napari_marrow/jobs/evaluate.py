"""The evaluation job: a trained model and photographs with classes in, a report out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from pathlib import Path

import pandas as pd

from napari_marrow.data.atomic import atomic_folder
from napari_marrow.data.outputs import FolderKind, input_files, write_csv
from napari_marrow.data.progress import never
from napari_marrow.data.text import printable
from napari_marrow.jobs.command_text import repeat_command
from napari_marrow.jobs.evaluate_job import EvaluateJob
from napari_marrow.jobs.events import Emit, Event, ShouldStop, progress_callback, silent
from napari_marrow.learning.bundle_files import HISTORY
from napari_marrow.learning.bundles.bundle import Bundle, load_bundle
from napari_marrow.learning.bundles.sealed import sha256
from napari_marrow.learning.evaluation.evaluate import evaluate
from napari_marrow.learning.learners import Callbacks
from napari_marrow.learning.scores.loss import with_losses
from napari_marrow.learning.scores.results import EvaluationResult, ModelResult, to_json
from napari_marrow.report.colours import RESEARCH_ONLY
from napari_marrow.report.evaluation.card import card_of_bundle
from napari_marrow.report.evaluation.pictures import unit_pictures
from napari_marrow.report.evaluation.write import write_report

FULL, ANSWERS = "evaluation.json", "predictions.csv"
ASKED_FRACTION = 0.9
"""Fraction of the time after which the model has answered."""


def _evaluation_files(path: Path) -> dict[str, bool]:
    """Return the files that ``evaluation.json`` lists, and whether each is as it was written."""
    try:
        content = json.loads((path / FULL).read_text(encoding="utf-8"))
        listed = {str(name): digest for name, digest in content["files"].items()}
        ours = content["kind"] == "evaluate" and bool(content["metrics"])
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return {}
    found = {name: digest for name, digest in listed.items() if (path / name).is_file()}
    states = {name: sha256(path / name) == digest for name, digest in found.items()}
    return {FULL: True, **states} if ours else {}


EVALUATION = FolderKind("an evaluation", _evaluation_files, (FULL, ANSWERS))


@dataclass(frozen=True)
class EvaluationRun:
    """What an evaluation job wrote.

    Attributes
    ----------
    out
        The folder.
    result
        What was found.
    """

    out: Path
    result: EvaluationResult

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        """The scores of all answers by their name, each with its interval."""
        return metrics_of(self.result.models[0])

    def to_dict(self) -> dict[str, object]:
        """Return the result as JSON."""
        return {
            "metrics": self.metrics,
            "out": str(self.out),
            **json.loads(to_json(self.result)),
            "research_use_only": RESEARCH_ONLY,
        }


def metrics_of(model: ModelResult) -> dict[str, dict[str, float]]:
    """Return all scores of a model by their name, with those of its probabilities."""
    found = {name: asdict(score) for name, score in model.evaluation.metrics.items()}
    if (own := model.recalibration) is not None:
        found["brier"] = asdict(own.brier)
        ends = {"calibration_slope": own.slope, "calibration_intercept": own.intercept}
        found |= {name: asdict(one) for name, one in ends.items() if one is not None}
    return found


def run_evaluation(
    job: EvaluateJob, emit: Emit = silent, should_stop: ShouldStop = never
) -> EvaluationRun:
    """Judge a model on photographs it does not know; write the result and its report.

    The folder has ``evaluation.json``, ``predictions.csv`` and ``report.html``.

    Raises
    ------
    MarrowError
        When the model knows none of the classes, or all of the photographs, or none can be used.
    Stopped
        When ``should_stop`` returned True.
    """
    bundle = load_bundle(job.bundle).with_engine(job.settings.engine)
    inputs = input_files([job.collection], job.bundle, job.groups)
    if note := bundle.predictor.engine.note:
        emit(Event("message", note))
    hear = Callbacks(progress_callback(emit, should_stop), should_stop=should_stop)
    with atomic_folder(job.out, EVALUATION, inputs, job.force) as folder:
        found = evaluate(
            bundle,
            job.collection,
            job.settings,
            hear.part(0, ASKED_FRACTION),
            strict=job.strict,
        )
        models = _with_losses(found.result.models, bundle)
        result = replace(
            found.result,
            models=models,
            card=card_of_bundle(bundle.info, found.result, printable(job.bundle.name)),
            command=_command(job),
        )
        write_csv(found.answers, folder / ANSWERS)
        drawing = hear.part(ASKED_FRACTION, 1)
        write_report(folder, result, unit_pictures(found.collection, result, drawing.progress))
        run = EvaluationRun(job.out, result)
        files = {
            path.relative_to(folder).as_posix(): sha256(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        text = json.dumps({**_without_place(run.to_dict()), "files": files}, indent=2)
        (folder / FULL).write_text(text, encoding="utf-8")
    return run


def _with_losses(models: tuple[ModelResult, ...], bundle: Bundle) -> tuple[ModelResult, ...]:
    """Return results with the losses of the training, where the model is a network."""
    if not (bundle.path / HISTORY).is_file():
        return models
    return bundle.read(
        HISTORY,
        lambda content: tuple(with_losses(one, pd.read_csv(BytesIO(content))) for one in models),
    )


def _without_place(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if name != "out"}


def _command(job: EvaluateJob) -> str:
    """Return the command line that repeats a job."""
    inputs = [job.bundle, job.collection.root]
    return repeat_command("evaluate", inputs, job.out, job.settings, job.groups)
