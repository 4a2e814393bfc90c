"""The training job: fields in, a bundle out. Light to import, as the viewer makes such jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from napari_marrow.audit.verdict import Confounding
from napari_marrow.data.atomic import atomic_folder
from napari_marrow.data.failures import Failure
from napari_marrow.data.fields import Collection
from napari_marrow.data.options import settings_from_dict
from napari_marrow.data.outputs import input_files
from napari_marrow.data.progress import never
from napari_marrow.jobs.events import (
    Emit,
    Event,
    ShouldStop,
    progress_callback,
    silent,
)
from napari_marrow.jobs.watched import WatchedReporter
from napari_marrow.learning.bundle_files import CARD, HISTORY
from napari_marrow.learning.bundles.bundle import BUNDLE, Bundle, load_bundle, write_bundle
from napari_marrow.learning.network_training.unfinished import kept_until_written
from napari_marrow.learning.scores.evaluation import Evaluation
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.report.tables import verdict


@dataclass(frozen=True)
class TrainJob:
    """Train on these fields, with these settings, into this folder.

    ``watch`` also reports what a network answers for a few images while it learns.
    """

    collection: Collection
    settings: TrainingSettings
    out: Path
    force: bool = False
    strict: bool = False
    watch: bool = False

    def to_dict(self) -> dict[str, object]:
        """Return the job as JSON, for the child process."""
        return {
            "collection": self.collection.to_dict(),
            "settings": asdict(self.settings),
            "out": str(self.out),
            "force": self.force,
            "strict": self.strict,
            "watch": self.watch,
        }

    @classmethod
    def from_dict(cls, values: Mapping) -> TrainJob:
        """Return the job that :meth:`to_dict` stored."""
        return cls(
            Collection.from_dict(values["collection"]),
            settings_from_dict(TrainingSettings, values["settings"]),
            Path(values["out"]),
            bool(values.get("force")),
            bool(values.get("strict")),
            bool(values.get("watch")),
        )


@dataclass(frozen=True)
class TrainingResult:
    """What a training job made.

    Attributes
    ----------
    bundle
        The folder that was written.
    evaluation
        Scores on the held-out units, or None.
    notes
        Sentences that a reader of the scores must know.
    failed
        The fields that can't be used and were left out.
    history
        Of a network, the losses of each epoch.
    device
        Where it was trained.
    classes
        Names of the classes, in order.
    confounding
        What goes with the class in the training set.
    """

    bundle: Path
    evaluation: Evaluation | None
    notes: tuple[str, ...]
    failed: tuple[Failure, ...]
    history: tuple[Mapping[str, float], ...]
    device: str
    classes: tuple[str, ...]
    confounding: Confounding | None = None

    @property
    def verdict(self) -> list[str]:
        """What the scores mean, in sentences; what they can't show comes first."""
        return verdict(self.evaluation, self.confounding)

    def to_dict(self) -> dict[str, object]:
        """Return the result as JSON: the last event of the job, and what ``train --json`` shows."""
        return {
            "verdict": self.verdict,
            "confounding": None if self.confounding is None else self.confounding.to_dict(),
            "bundle": str(self.bundle),
            "evaluation": None if self.evaluation is None else self.evaluation.to_dict(),
            "notes": list(self.notes),
            "failed": [failure.to_dict() for failure in self.failed],
            "history": [dict(row) for row in self.history],
            "device": self.device,
            "classes": list(self.classes),
        }

    @classmethod
    def from_dict(cls, values: Mapping) -> TrainingResult:
        """Return the result that :meth:`to_dict` stored."""
        found, confounding = values["evaluation"], values["confounding"]
        return cls(
            Path(values["bundle"]),
            None if found is None else Evaluation.from_dict(found),
            tuple(values["notes"]),
            tuple(Failure(**failure) for failure in values["failed"]),
            tuple(values["history"]),
            values["device"],
            tuple(values["classes"]),
            None if confounding is None else Confounding.from_dict(confounding),
        )


def train(
    collection: Collection,
    settings: TrainingSettings | None = None,
    out: Path | str = "model.marrow",
    emit: Emit = silent,
    should_stop: ShouldStop = never,
) -> Bundle:
    """Train on the fields of a collection, write the bundle to ``out``, and open it.

    See :func:`run_training` for what it raises.
    """
    job = TrainJob(collection, settings or TrainingSettings(), Path(out))
    return load_bundle(run_training(job, emit, should_stop).bundle)


def run_training(
    job: TrainJob, emit: Emit = silent, should_stop: ShouldStop = never
) -> TrainingResult:
    """Train the model that the settings name and write its bundle.

    Parameters
    ----------
    job
        What to do.
    emit
        Called with progress: one event per epoch, with its losses in ``values``.
    should_stop
        Called often; True ends the job.

    Raises
    ------
    MarrowError
        When the fields or the settings can't work.
    Stopped
        When ``should_stop`` returned True.
    """
    from napari_marrow.learning import training
    from napari_marrow.learning.learners import Callbacks
    from napari_marrow.report.card import write_card
    from napari_marrow.report.figures import write_figures

    def on_epoch(row: dict[str, float]) -> None:
        emit(_epoch_event(row, job.settings))

    for sentence in job.settings.without_effect:
        emit(Event("message", sentence))
    # A folder without permission is reported now, not after the training.
    inputs = input_files([job.collection])
    with kept_until_written(), atomic_folder(job.out, BUNDLE, inputs, job.force) as folder:
        hear = Callbacks(
            progress_callback(emit, should_stop),
            on_epoch,
            should_stop,
            lambda text: emit(Event("message", text)),
            WatchedReporter(emit) if job.watch else None,
        )
        trained = training.train(job.collection, job.settings, hear, strict=job.strict)
        write_figures(folder / "figures", trained.info.evaluation, trained.tables)
        model = trained.model
        write_card(folder / CARD, trained.info, model.parameters)
        write_bundle(
            folder, trained.info, model.onnx, trained.tables, model.weights, trained.reference
        )
    info, history = trained.info, trained.tables.get(HISTORY)
    return TrainingResult(
        job.out,
        info.evaluation,
        info.notes,
        trained.failed,
        () if history is None else tuple(history.to_dict("records")),
        info.versions["device"],
        info.classes,
        info.confounding,
    )


def _epoch_event(row: dict[str, float], settings: TrainingSettings) -> Event:
    text = f"Epoch {int(row['epoch'])} of at most {settings.epochs}: loss {row['loss']:.3f}"
    if "val_loss" in row:
        text += f", validation {row['val_loss']:.3f}"
    before = int(row.get("member", 1)) - 1
    if settings.members > 1:
        text = f"Network {before + 1} of {settings.members}, {text[0].lower()}{text[1:]}"
    done = (before + row["epoch"] / settings.epochs) / settings.members
    return Event("progress", text, 0.1 + 0.85 * done, row)
