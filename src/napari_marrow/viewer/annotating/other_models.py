"""Train a model on the annotated cells, and ask a trained one about all cells; for a worker."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.failures import Failures
from napari_marrow.data.fields import Collection, Field
from napari_marrow.imaging.run_length import label_checksums
from napari_marrow.jobs.client import Child
from napari_marrow.jobs.events import Emit, Event, ShouldStop
from napari_marrow.jobs.train import TrainingResult, TrainJob
from napari_marrow.learning.annotating.other_answers import OtherAnswers
from napari_marrow.learning.bundles.bundle import load_bundle
from napari_marrow.learning.registry import KINDS
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.viewer.annotating.open_field import field_name
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.training.learning import LearntSlice
from napari_marrow.viewer.training.session import write_session

if TYPE_CHECKING:
    from napari_marrow.viewer.make.predictions import LabelledPhotograph


@dataclass(frozen=True, eq=False)
class Answered:
    """What a trained model answers for the cells of photographs.

    Attributes
    ----------
    answers
        For :meth:`.LiveCells.use`.
    sentences
        What a reader of the answers must know: how good it is, of what it learnt, and whether the
        photographs are of another acquisition.
    """

    answers: OtherAnswers
    sentences: tuple[str, ...]


def train_on_annotated(
    child: Child,
    photographs: Sequence[Photograph],
    settings: TrainingSettings,
    folder: Path,
    out: Path,
    emit: Emit,
    should_stop: ShouldStop,
    unseen: Container[tuple[str, int]] = (),
) -> TrainingResult:
    """Train on the cells that have a class, in the child process.

    Parameters
    ----------
    child
        Runs the training.
    photographs
        With their annotations.
    settings
        Of the training; the unit is ``cell``.
    folder
        Is made, for pixels that are in no file.
    out
        The bundle that is written.
    emit, should_stop
        Progress; asked all the time.
    unseen
        Cells that are not learnt from, by name of the field and number: nobody looked at the answer
        that was accepted for them.

    Raises
    ------
    MarrowError
        When too few cells have a class, or the training fails.
    Stopped
        When ``should_stop`` returned True.
    """
    folder.mkdir(parents=True)
    names: dict[str, str] = {}  # of fields in the project, by those in the collection

    def written(one: LearntSlice, field: Field) -> None:
        names[field.name] = field_name(one.photograph, one.row)

    collection, _ = write_session(photographs, folder, "cell", True, emit, should_stop, written)
    collection = _without(collection, names, unseen)
    keras = KINDS[settings.kind].needs_keras
    emit(Event("progress", "Starting TensorFlow..." if keras else "Starting...", 0.0))
    out.parent.mkdir(parents=True, exist_ok=True)
    job = TrainJob(collection, settings, out).to_dict()
    return TrainingResult.from_dict(child.run("train", job, emit, should_stop))


def _without(
    collection: Collection, names: Mapping[str, str], unseen: Container[tuple[str, int]]
) -> Collection:
    """Leave out cells that nobody looked at, and fields without any other.

    Raises
    ------
    MarrowError
        When no cell is left.
    """
    fields = []
    for field in collection.fields:
        name = names[field.name]
        own = {k: x for k, x in field.cell_classes.items() if (name, k) not in unseen}
        if own:
            fields.append(replace(field, cell_classes=own))
    if not fields:
        raise MarrowError(
            "All classes are answers that were accepted together, of which a model would learn its "
            "own errors; give cells their class one by one."
        )
    return replace(collection, fields=tuple(fields))


def ask_bundle(
    path: Path, photographs: Sequence[Photograph], emit: Emit, should_stop: ShouldStop
) -> Answered:
    """Ask a trained model about all cells of photographs; features adapt to them.

    Raises
    ------
    MarrowError
        When the model can't be opened or no field can be read.
    Stopped
        When ``should_stop`` returned True.
    """
    from napari_marrow.report.tables import verdict
    from napari_marrow.viewer.make.predictions import predict_photographs

    bundle = load_bundle(path)
    failures = Failures()
    found = predict_photographs(bundle, photographs, emit, should_stop, failures)
    info = bundle.info
    shifts = dict.fromkeys(x.shift for x in found if x.shift)
    sentences = [*verdict(info.evaluation, info.confounding), *shifts]
    sentences += [f"Left out: {one.reason}" for one in failures.found]
    return Answered(_answers(path.stem, found, info.classes), tuple(sentences))


def _answers(
    model: str, found: Sequence[LabelledPhotograph], classes: Sequence[str]
) -> OtherAnswers:
    """Return the answers for the cells of photographs, and checksums of their pixels."""
    import pandas as pd

    parts, names, checksums = [], list[str](), list[int]()
    for labelled in found:
        for row in labelled.rows:
            table = labelled.predictions[row].table
            known = label_checksums(labelled.cells[row].decode())
            parts.append(table)
            names += [field_name(labelled.photograph, row)] * len(table)
            checksums += [known[k] for k in table["index"].tolist()]
    joined = pd.concat(parts, ignore_index=True)
    return OtherAnswers(
        model,
        tuple(classes),
        np.array(names, str),
        joined["index"].to_numpy(np.intp),
        joined[[f"probability_{name}" for name in classes]].to_numpy(np.float64),
        joined["reason"].to_numpy(str),
        np.array(checksums, np.int64),
    )
