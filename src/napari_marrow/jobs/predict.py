"""Classify photographs with a bundle, in memory or into a table and overlays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from napari_marrow.audit.verdict import Confounding
from napari_marrow.data.atomic import atomic_file, atomic_files
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.failures import Failure, Failures
from napari_marrow.data.fields import Collection, warnings_of
from napari_marrow.data.outputs import FileKind, input_files, write_csv
from napari_marrow.data.progress import ignore, never
from napari_marrow.imaging.run_length import RunLengthLabels
from napari_marrow.jobs.events import Emit, Event, ShouldStop, silent
from napari_marrow.jobs.output_names import PREDICTIONS, field_names, file_stems
from napari_marrow.jobs.pool import run_each
from napari_marrow.jobs.predict_files import PredictInput, write_input
from napari_marrow.learning.adaptation.shift import Adaptation
from napari_marrow.learning.bundles.bundle import Bundle, observe_one
from napari_marrow.learning.bundles.info import BundleInfo
from napari_marrow.learning.bundles.predictor import Observation, Prediction, joined_tables
from napari_marrow.learning.bundles.sealed import sha256
from napari_marrow.learning.model_settings import Adapt, EngineName
from napari_marrow.report.exports.geojson import GEOJSON
from napari_marrow.report.overlay import OVERLAY

OBSERVED_FRACTION = 0.95
"""Fraction of the time of a prediction after which all photographs are measured."""


@dataclass(frozen=True)
class Predicted:
    """The answer for a photograph, without its label image, and the cells if they are kept."""

    prediction: Prediction
    cells: RunLengthLabels | None = None


@dataclass(frozen=True)
class PredictedBatch:
    """The answers for photographs of one acquisition.

    Attributes
    ----------
    photographs
        In the order of the inputs; None where one was left out.
    adaptation
        How features were standardised, and whether they are of another acquisition.
    """

    photographs: list[Predicted | None]
    adaptation: Adaptation

    def sentence(self, info: BundleInfo) -> str:
        """Say that the photographs are of another acquisition; "" where they are not."""
        count = sum(one is not None for one in self.photographs)
        return self.adaptation.sentence(count, info.settings.unit, info.elsewhere)


@dataclass(frozen=True)
class Observed:
    """What a model saw of a photograph, without its label image, and the cells if they are kept."""

    observation: Observation
    cells: RunLengthLabels | None = None


def observe_input(
    bundle: Bundle | Path, one: PredictInput, engine: EngineName = "auto"
) -> Observed:
    """Measure a photograph: what runs first for each, perhaps in another process."""
    nuclei = None if one.nuclei is None else one.nuclei.decode()
    seen = observe_one(bundle, one.photograph, nuclei, engine)
    kept = seen.labels is not None and (one.keep_cells or one.has_files)
    cells = RunLengthLabels.encode(seen.labels) if kept and seen.labels is not None else None
    return Observed(seen.without_labels(), cells)


def predict_each(
    bundle: Bundle,
    inputs: Sequence[tuple[str, Callable[[], PredictInput]]],
    emit: Emit = silent,
    should_stop: ShouldStop = never,
    workers: int = 1,
    failures: Failures | None = None,
    executor: Executor | None = None,
    adapt: Adapt = "auto",
) -> PredictedBatch:
    """Classify photographs of one acquisition, or the cells in them.

    All are measured first, as what is usual in them decides how features are standardised.

    Parameters
    ----------
    bundle
        The model.
    inputs
        What progress calls each photograph, and :class:`Failures` where it can't be read; and a
        function that describes it, called here when its turn comes: the pixels of all would not fit
        into memory.
    emit, should_stop
        Progress after each photograph; asked all the time.
    workers
        Number of photographs classified at the same time; with several, in any order.
    failures
        Takes the photographs that can't be read; without it, the first ends the work.
    executor
        Where they are classified: processes, or machines that see the same files. By default
        threads of this process.
    adapt
        How features are standardised; see :meth:`.Adaptation.of_batch`.

    Raises
    ------
    MarrowError
        When no photograph can be read, or one can't and there is no ``failures``.
    Stopped
        When ``should_stop`` returned True; what is being classified is waited for.
    """
    failures = Failures(strict=True) if failures is None else failures
    model = bundle if executor is None else bundle.path  # what is open here can't be sent
    predictor = bundle.predictor  # opened once, before several threads ask for it
    engine = predictor.engine  # and chosen here for all other processes
    if engine.note:
        emit(Event("message", engine.note))
    written: dict[int, Callable[[], PredictInput]] = {}

    def observing(k: int, describe: Callable[[], PredictInput]) -> Callable[[], Observed]:
        if (one := describe()).has_files:
            written[k] = describe
        return partial(observe_input, model, one, engine.name)

    def done(count: int, title: str) -> None:
        emit(Event("progress", f"Labelled {title}", OBSERVED_FRACTION * count / len(inputs)))

    with ExitStack() as stack:
        pool = executor or stack.enter_context(ThreadPoolExecutor(workers))
        run = partial(run_each, pool, should_stop=should_stop, workers=workers, failures=failures)
        tasks = [(x, partial(observing, k, describe)) for k, (x, describe) in enumerate(inputs)]
        seen = run(tasks, done)
        failures.check_some_left(len(inputs))
        adaptation = predictor.adaptation([x.observation for x in seen if x is not None], adapt)
        found = [
            None if x is None else Predicted(predictor.answer(x.observation, adaptation), x.cells)
            for x in seen
        ]
        asked = bundle.path.stem, bundle.info.classes
        writing = [
            (inputs[k][0], partial(_writing, *asked, describe, one))
            for k, describe in written.items()
            if (one := found[k]) is not None
        ]
        run(writing, ignore)
    return PredictedBatch(found, adaptation)


def _writing(
    model: str, classes: tuple[str, ...], describe: Callable[[], PredictInput], one: Predicted
) -> Callable[[], None]:
    return partial(write_input, model, classes, describe(), one.prediction, one.cells)


@dataclass(frozen=True)
class PredictJob:
    """Classify these collections with this bundle; write a CSV and, if asked for, files a field.

    These are pictures in the folder ``overlay``, and the cells as GeoJSON in ``geojson``.
    """

    bundle: Bundle
    collections: Sequence[Collection]
    out: Path
    overlay: Path | None = None
    workers: int = 1
    force: bool = False
    strict: bool = False
    adapt: Adapt = "auto"
    geojson: Path | None = None


@dataclass(frozen=True)
class PredictResult:
    """What a prediction job wrote.

    Attributes
    ----------
    out
        The CSV.
    table
        Its rows: ``image, index, y, x, class, probability_<class>..., uncertain, reason``.
    names
        Of the fields.
    predictions
        One a field, in the same order, without label images.
    failed
        The fields that can't be read and were left out.
    learnt_from, held_out
        How many of the photographs the model learnt from, and was judged by.
    warnings
        What reading the folders found: photographs that a table leaves out, say.
    shift
        That the photographs are of another acquisition, how they differ and what to do; else "".
    others
        That cells of other classes can't be told from those learnt from; else "".
    confounding
        What goes with the class in the training set.
    engine
        What ran the model: name, version and device.
    engine_note
        That another engine than the one asked for ran it, and why; else "".
    """

    out: Path
    table: pd.DataFrame
    names: list[str]
    predictions: list[Prediction]
    failed: tuple[Failure, ...] = ()
    learnt_from: int = 0
    held_out: int = 0
    warnings: tuple[str, ...] = ()
    shift: str = ""
    others: str = ""
    confounding: Confounding | None = None
    engine: str = ""
    engine_note: str = ""

    @property
    def notes(self) -> list[str]:
        """Sentences for the user; what the training set can't show comes first."""
        first = [] if self.confounding is None else [self.confounding.sentence]
        first += [text for text in (self.shift, self.others) if text]
        if not self.learnt_from:
            return [*first, *self.warnings]
        held = f", {self.held_out} {'were' if self.held_out != 1 else 'was'} held out"
        return [
            *first,
            *self.warnings,
            f"The model learnt from {self.learnt_from} of these {len(self.names)} photographs "
            f"(training and validation){held if self.held_out else ''}: its answers for those it "
            "learnt from do not tell how good it is.",
        ]

    def to_dict(self) -> dict[str, object]:
        """Return the result as JSON."""
        fields = [
            {
                "image": name,
                "class": p.class_name,
                "probability": None if p.class_name is None else p.probability,
                "uncertain": p.uncertain,
                "reason": p.reason,
            }
            for name, p in zip(self.names, self.predictions, strict=True)
        ]
        failed = [failure.to_dict() for failure in self.failed]
        return {
            "out": str(self.out),
            "rows": len(self.table),
            "fields": fields,
            "failed": failed,
            "confounding": None if self.confounding is None else self.confounding.to_dict(),
            "shift": self.shift,
            "learnt_from": self.learnt_from,
            "held_out": self.held_out,
            "engine": self.engine,
            "engine_note": self.engine_note,
            "notes": self.notes,
        }


def run_prediction(
    job: PredictJob,
    emit: Emit = silent,
    should_stop: ShouldStop = never,
    executor: Executor | None = None,
) -> PredictResult:
    """Classify every field, where ``executor`` says; the files appear when all of them are done.

    Raises
    ------
    MarrowError
        When no field can be read (of a strict job: one) or an output can't be written.
    Stopped
        When ``should_stop`` returned True.
    """
    named = field_names(job.collections)
    fields = [field for _, field in named]
    stems = file_stems([field.path for field in fields])
    read = input_files(job.collections, job.bundle.path)
    if job.geojson is not None and job.bundle.info.settings.unit == "field":
        raise MarrowError(
            f"{job.bundle.path} answers for whole photographs, which have no outlines; leave "
            "GeoJSON out, or train with one prediction per cell."
        )
    with ExitStack() as stack:  # what can't be written is refused before the work

        def files(folder: Path | None, ending: str, kind: FileKind) -> list[Path | None]:
            """Return where to write a file of each field."""
            names = [f"{stem}{ending}" for stem in stems]
            if folder is None:
                return [None] * len(names)
            if job.out.resolve() in {(folder / name).resolve() for name in names}:
                raise MarrowError(f"{job.out} is the name of {kind.name} too; choose another.")
            kinds = dict.fromkeys(names, kind)
            part = stack.enter_context(atomic_files(folder, kinds, read, job.force))
            return [part / name for name in names]

        overlays = files(job.overlay, ".png", OVERLAY)
        outlines = files(job.geojson, ".geojson", GEOJSON)
        part = stack.enter_context(atomic_file(job.out, PREDICTIONS, read, job.force))
        inputs = [
            (name, partial(PredictInput, f, name=name, overlay=picture, geojson=outline))
            for (name, f), picture, outline in zip(named, overlays, outlines, strict=True)
        ]
        failures = Failures(job.strict)
        batch = predict_each(
            job.bundle, inputs, emit, should_stop, job.workers, failures, executor, job.adapt
        )
        found = [
            (pair, x) for pair, x in zip(named, batch.photographs, strict=True) if x is not None
        ]
        predictions = [x.prediction for _, x in found]
        table = joined_tables([name for (name, _), _ in found], [x.table for x in predictions])
        write_csv(table, part)
    sides = Counter(job.bundle.side_of(x.prediction, {sha256(f.path)}) for (_, f), x in found)
    names, order = [f.name for (_, f), _ in found], [name for name, _ in named]
    failed = sorted(failures.found, key=lambda failure: order.index(failure.image))
    return PredictResult(
        job.out,
        table,
        names,
        predictions,
        tuple(failed),
        learnt_from=sides["learnt"],
        held_out=sides["held out"],
        warnings=warnings_of(job.collections),
        shift=batch.sentence(job.bundle.info),
        others=job.bundle.info.others_sentence,
        confounding=job.bundle.info.confounding,
        engine=job.bundle.predictor.engine.describe(),
        engine_note=job.bundle.predictor.engine.note,
    )
