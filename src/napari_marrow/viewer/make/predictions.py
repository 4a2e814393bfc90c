"""Predictions as layers: a field's answer in its metadata, its cells in a coloured Labels layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import napari
import numpy as np
from napari.layers import Image, Labels, Layer
from numpy.typing import NDArray

from napari_marrow.data.failures import Failures
from napari_marrow.data.progress import never
from napari_marrow.data.text import counted
from napari_marrow.imaging.run_length import RunLengthLabels
from napari_marrow.jobs.events import Emit, ShouldStop, silent
from napari_marrow.learning.bundles.bundle import Bundle
from napari_marrow.learning.bundles.predictor import Prediction
from napari_marrow.learning.model_settings import Adapt
from napari_marrow.report.tables import answer_text
from napari_marrow.viewer.layer_info import Kind, LayerInfo, linked_info
from napari_marrow.viewer.make.cell_table import (
    cell_colours,
    cell_table,
    cells_checksum,
    shown_classes,
)
from napari_marrow.viewer.make.layers import set_aside
from napari_marrow.viewer.photograph.corrections import (
    carried,
    has_answers,
    is_corrected,
)
from napari_marrow.viewer.photograph.links import is_of
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.records import AnsweringModel, FieldPrediction
from napari_marrow.viewer.stack import LazyStack, Pixels
from napari_marrow.viewer.transforms import place_of

if TYPE_CHECKING:
    from napari_marrow.jobs.predict import Predicted, PredictInput

CONTOUR_PX = (2, 4)
"""Least and greatest width of the outlines of predicted cells, less one."""


@dataclass(frozen=True, eq=False)
class LabelledPhotograph:
    """The predictions of a photograph's fields, and of each field the cells that were classified.

    Only the fields of ``rows`` were classified; the others have empty predictions.
    The cells are run-length encoded: label images of a whole folder would not fit into memory.
    ``shift`` says that all that was labelled together is of another acquisition; "" where not.
    ``shares`` have of each field with cells the share of its class, with an interval, see
    :func:`.field_share`.
    """

    photograph: Photograph
    predictions: list[Prediction]
    cells: list[RunLengthLabels]
    rows: tuple[int, ...]
    shift: str = ""
    shares: Mapping[int, str] = field(default_factory=dict)


def predict_photographs(
    bundle: Bundle,
    photographs: Sequence[Photograph],
    emit: Emit = silent,
    should_stop: ShouldStop = never,
    failures: Failures | None = None,
    adapt: Adapt = "auto",
) -> list[LabelledPhotograph]:
    """Classify the chosen fields of photographs, or the cells in them; for a worker.

    All are one batch, whose features are standardised as :meth:`.Adaptation.of_batch` says. Fields
    that can't be read are added to ``failures``; a photograph of nothing else is left out.

    Raises
    ------
    MarrowError
        When no field can be read, or one can't and there is no ``failures``.
    Stopped
        When ``should_stop`` returned True.
    """
    # imported in the worker: reading a table of cells, which needs their colours, costs nothing
    from napari_marrow.jobs.predict import predict_each
    from napari_marrow.viewer.make.field_share import field_share, held_out_errors

    slices = [(x, row) for x in photographs for row in x.chosen]
    needs_nuclei = bundle.info.needs_nuclei
    inputs = [
        (f"{k} of {len(slices)}", partial(slice_input, x, row, needs_nuclei))
        for k, (x, row) in enumerate(slices, 1)
    ]
    batch = predict_each(bundle, inputs, emit, should_stop, failures=failures, adapt=adapt)
    found, shift = batch.photographs, batch.sentence(bundle.info)
    errors = held_out_errors(bundle)
    labelled = []
    for x in photographs:
        pairs = zip(slices, found, strict=True)
        own = {row: one for (y, row), one in pairs if y is x and one is not None}
        if own:
            one = replace(_all_slices(x, own), shift=shift)
            answered = {row: one.predictions[row] for row in (one.rows if one.cells else ())}
            shares = {k: field_share(x.table, x.class_name, errors) for k, x in answered.items()}
            labelled.append(replace(one, shares=shares))
    return labelled


def slice_input(photograph: Photograph, row: int, needs_nuclei: bool) -> PredictInput:
    """Describe a slice to who classifies it: its files where they hold what is seen, else pixels.

    Raises
    ------
    MarrowError
        When what is in no file can't be read, or :meth:`.Photograph.check` raises it.
    """
    from napari_marrow.jobs.predict import PredictInput

    photograph.check(row)
    shown = photograph.files[row] if photograph.files else photograph.image(row)
    own = needs_nuclei and (photograph.has_own_nuclei(row) or not photograph.files)
    labels = photograph.labels(row) if own else None
    nuclei = None if labels is None else RunLengthLabels.encode(labels)
    return PredictInput(shown, nuclei, keep_cells=True)


def _all_slices(photograph: Photograph, found: Mapping[int, Predicted]) -> LabelledPhotograph:
    """Put an empty prediction wherever a slice has none."""
    one = next(iter(found.values()))
    empty = Prediction(one.prediction.table.iloc[:0], None, 0, False, None)
    predictions, cells = [empty] * len(photograph), []
    for row, x in found.items():
        predictions[row] = x.prediction
    if one.cells is not None:
        frame = photograph.data.shape[-3:-1]
        nothing = RunLengthLabels.encode(np.zeros(frame, np.uint8))
        encoded = {row: x.cells for row, x in found.items() if x.cells is not None}
        cells = [encoded.get(row, nothing) for row in range(len(photograph))]
    return LabelledPhotograph(photograph, predictions, cells, tuple(found))


def show_predictions(
    viewer: napari.Viewer,
    labelled: LabelledPhotograph,
    classes: Sequence[str],
    model: AnsweringModel | None = None,
) -> str:
    """Put predictions into the viewer; on the viewer's thread.

    Earlier answers of the fields that were not classified now are kept where they are of the same
    model, or of one of the same classes and unit where ``model`` is not given. An earlier layer is
    replaced, or set aside if a person changed more than classes.

    Returns
    -------
    str
        What became of the answers of other fields, or ''.
    """
    layer, new = labelled.photograph.layer, {*labelled.rows}
    labelled, note = _with_earlier(labelled, model)
    _shown[layer] = _Shown(
        labelled.photograph.data, labelled.predictions, labelled.cells, labelled.rows, model
    )
    before = LayerInfo.of(layer).predictions
    kept = tuple(
        before[row]
        if row in labelled.rows and row not in new and row < len(before)
        else FieldPrediction(
            p.class_name,
            p.probability,
            p.uncertain,
            answer_text(p, in_lines=True) if row in labelled.rows else "",
            p.table,
            labelled.shares.get(row, ""),
        )
        for row, p in enumerate(labelled.predictions)
    )
    replace(LayerInfo.of(layer), predictions=kept, model=model).set_on(layer)
    if not labelled.cells:  # fields were classified
        return note
    made = predictions_layer(labelled, classes)
    return " ".join(filter(None, [note, *_put_in(viewer, made, labelled.photograph, model)]))


def _put_in(
    viewer: napari.Viewer, made: Labels, photograph: Photograph, model: AnsweringModel | None
) -> list[str]:
    """Put predicted cells into the viewer, with the corrections of earlier ones.

    Returns
    -------
    list of str
        What became of the corrections.
    """
    identity = LayerInfo.of(made).photograph
    infos = [(x, i) for x in viewer.layers if (i := LayerInfo.of(x)).kind is Kind.PREDICTED]
    notes, reused = list[str](), None
    for older, info in infos:
        if info.photograph != identity and not _was_saved(info, photograph.layer, viewer.layers):
            continue
        note, complete = _take_corrections(older, made)
        if not complete or info.checksum != cells_checksum(older):
            set_aside(older)
        elif reused is None and older.data.shape == made.data.shape:
            reused = older
        else:
            viewer.layers.remove(older)
        if note:
            notes.append(note if complete else f"{note}, but for those that only {older.name} has")
    if is_corrected(made.features).any():
        made.colormap = cell_colours(made.features, shown_classes(made.features))
    if reused is None:
        reused = viewer.add_layer(made)
    else:
        _update(reused, made, photograph)
    reused.visible = True
    replace(LayerInfo.of(reused), checksum=cells_checksum(reused), model=model).set_on(reused)
    return [f"{note}." for note in notes]


def _take_corrections(older: Labels, made: Labels) -> tuple[str, bool]:
    """Give predicted cells the corrections of earlier ones; say so, and whether all had a cell."""
    n = int(is_corrected(older.features).sum()) if has_answers(older.features) else 0
    made.features, complete = carried(made.features, made, older)
    text = "keeps its class" if n == 1 else "keep their classes"
    return f"{counted(n, 'cell')} that you corrected {text}" if n else "", complete


def _update(layer: Labels, made: Labels, photograph: Photograph) -> None:
    """Let a layer show other cells: napari keeps some of each layer that is removed."""
    layer.visible = False  # so that it is drawn once
    layer.data, layer.colormap = made.data, made.colormap
    layer.features, layer.metadata, layer.name = made.features, made.metadata, made.name
    for name, value in place_of(photograph.layer).items():
        setattr(layer, name, value)


def _was_saved(info: LayerInfo, photograph: Image, layers: Sequence[Layer]) -> bool:
    """Whether labels were saved and opened again, and belong to a photograph."""
    return info.photograph is None and is_of(info, photograph, layers)


@dataclass(frozen=True, eq=False)
class _Shown:
    """The answers that a photograph shows, the pixels that they are of, and whose they are."""

    data: Pixels
    predictions: list[Prediction]
    cells: list[RunLengthLabels]
    rows: tuple[int, ...]
    model: AnsweringModel | None


_shown: WeakKeyDictionary[Layer, _Shown] = WeakKeyDictionary()


def _with_earlier(
    labelled: LabelledPhotograph, model: AnsweringModel | None
) -> tuple[LabelledPhotograph, str]:
    """Add the earlier answers of other fields, and say whether they are kept."""
    before = _shown.get(labelled.photograph.layer)
    others = () if before is None else sorted({*before.rows} - {*labelled.rows})
    if before is None or not others:
        return labelled, ""
    what = f"earlier answers of {counted(len(others), 'other field')}"
    one, other = labelled.predictions[labelled.rows[0]], before.predictions[others[0]]
    same = [*one.table] == [*other.table] and bool(before.cells) == bool(labelled.cells)
    another = (before.model and before.model.id) != (model and model.id)
    if not same or another or before.data is not labelled.photograph.data:
        why = "another model gave them" if another else "they have other classes or another unit"
        why = why if another or not same else "the photograph was changed"
        return labelled, f"The {what} are dropped: {why}."
    predictions, cells = [*labelled.predictions], [*labelled.cells]
    for row in others:
        predictions[row] = before.predictions[row]
        if cells:
            cells[row] = before.cells[row]
    rows = tuple(sorted((*labelled.rows, *others)))
    joined = replace(labelled, predictions=predictions, cells=cells, rows=rows)
    return joined, f"The {what} are kept."


def predictions_layer(labelled: LabelledPhotograph, classes: Sequence[str]) -> Labels:
    """Return the Labels layer of predicted cells, exactly over the photograph; hidden.

    Were it shown, napari would find its outlines here and again when it is added. The cells of a
    stack are numbered through, and its features have a row for each of them.
    """
    photograph, predictions = labelled.photograph, labelled.predictions
    highest = [int(p.table["index"].max()) if len(p.table) else 0 for p in predictions]
    offsets = [0, *np.cumsum(highest[:-1]).tolist()]
    table = cell_table(predictions, offsets, classes)
    labels: Pixels = labelled.cells[0].decode()
    if photograph.is_stack:
        readers = [partial(_numbered, *pair) for pair in zip(labelled.cells, offsets, strict=True)]
        labels = LazyStack(readers, photograph.data.shape[1:3], np.int32)
    layer = Labels(
        labels,
        name=f"{photograph.name} {Kind.PREDICTED}",
        features=table,
        colormap=cell_colours(table, classes),
        opacity=1,
        visible=False,
        **place_of(photograph.layer),
        metadata=linked_info(photograph.layer, Kind.PREDICTED).metadata(),
    )
    # Outlines leave the chromatin to be seen; their width is in pixels of the photograph. napari
    # finds them anew for each slice, in a time that grows with the square of the width.
    layer.contour = int(np.clip(labels.shape[-2] // 480, *CONTOUR_PX))
    return layer


def _numbered(encoded: RunLengthLabels, offset: int) -> NDArray[np.integer]:
    values = encoded.values.astype(np.int32)
    return replace(encoded, values=np.where(values > 0, values + np.int32(offset), 0)).decode()
