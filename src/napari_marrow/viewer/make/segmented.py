"""Segmenting photographs that are open: nuclei and cytoplasm as Labels layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from napari.layers import Labels, Layer

from napari_marrow.data.failures import Failures
from napari_marrow.data.progress import never
from napari_marrow.imaging.run_length import RunLengthLabels
from napari_marrow.imaging.settings import SegmentSettings
from napari_marrow.jobs.events import Emit, Event, ShouldStop, silent
from napari_marrow.viewer.layer_info import Kind, LayerInfo, layer_id, linked_info
from napari_marrow.viewer.make.layers import labels_options, set_aside
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.photograph.slice_tables import nucleus_features
from napari_marrow.viewer.stack import EditableStack, LazyStack, Pixels
from napari_marrow.viewer.transforms import place_of


@dataclass(frozen=True)
class Segmented:
    """Nuclei and cytoplasm of one field; of one that can't be read nothing, and why."""

    nuclei: RunLengthLabels
    cytoplasm: RunLengthLabels | None
    count: int
    problem: str = ""


def segment_photograph(
    photograph: Photograph,
    settings: SegmentSettings,
    cytoplasm: bool,
    emit: Emit = silent,
    should_stop: ShouldStop = never,
) -> list[Segmented]:
    """Segment the fields of a photograph; for a worker.

    A field that can't be read stays empty, with its problem.

    Raises
    ------
    MarrowError
        When not one of the fields can be read.
    Stopped
        When ``should_stop`` returned True.
    """
    # imported in the worker: opening a widget costs nothing
    from napari_marrow.jobs.segment import segment_each

    images = [(str(row), partial(photograph.image, row)) for row in range(len(photograph))]
    found, failures = list[Segmented](), Failures()
    for one in segment_each(images, settings, cytoplasm, should_stop, failures):
        if one is None:
            nothing = RunLengthLabels.encode(np.zeros(photograph.data.shape[-3:-1], np.uint16))
            reason = failures.found[-1].reason
            found.append(Segmented(nothing, nothing if cytoplasm else None, 0, reason))
        else:
            around = None if one.cytoplasm is None else RunLengthLabels.encode(one.cytoplasm)
            found.append(Segmented(RunLengthLabels.encode(one.nuclei), around, one.count))
        emit(
            Event("progress", f"Segmented {len(found)} of {len(images)}", len(found) / len(images))
        )
    return found


def segmented_layers(
    photograph: Photograph, found: Sequence[Segmented], layers: Sequence[Layer]
) -> list[Labels]:
    """Return Labels layers of what was found, over the photograph; the nuclei come last.

    As the topmost ones they are the nuclei that training and labelling use. What was segmented
    before is hidden and gets another name.
    """
    identity = layer_id(photograph.layer)
    infos = [(x, LayerInfo.of(x)) for x in layers]
    own = [(x, info) for x, info in infos if info.photograph == identity]
    has_nuclei = any(i.kind is Kind.NUCLEI and not i.segmented for _, i in own)
    for older, info in own:
        if info.segmented and info.kind and not info.kind.startswith("earlier"):
            set_aside(older)
    cytoplasm = _stacked(photograph, [f.cytoplasm for f in found if f.cytoplasm is not None])
    nuclei = _stacked(photograph, [f.nuclei for f in found])
    assert nuclei is not None
    features = None
    if isinstance(nuclei, LazyStack):
        nuclei.names = [f.name for f in photograph.files]
        nuclei.cytoplasm = cytoplasm if isinstance(cytoplasm, LazyStack) else None
    else:
        features = nucleus_features(nuclei, cytoplasm)
    made = []
    for word, data in (("cytoplasm", cytoplasm), ("nuclei", nuclei)):
        if data is None:
            continue
        kind = Kind(f"segmented {word}" if has_nuclei else word)
        info = replace(linked_info(photograph.layer, kind), segmented=True)
        options = labels_options(f"{photograph.name} {kind}", info)
        options["features"] = features if word == "nuclei" else None
        made.append(Labels(data, **options, **place_of(photograph.layer)))
    return made


def _stacked(photograph: Photograph, encoded: list[RunLengthLabels]) -> Pixels | None:
    """The labels of all fields as the data of one layer; None where there are none."""
    if not encoded or not photograph.is_stack:
        return encoded[0].decode() if encoded else None
    return EditableStack([p.decode for p in encoded], photograph.data.shape[1:3], np.uint16)
