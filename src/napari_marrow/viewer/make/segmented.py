"""Segmenting photographs that are open: nuclei and cytoplasm as Labels layers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.settings import SegmentSettings
from napari_marrow.viewer.layer_info import Kind, LayerInfo, layer_id
from napari_marrow.viewer.make.layers import LayerData, nucleus_features
from napari_marrow.viewer.photograph.labelling import Target
from napari_marrow.viewer.run_length import Packed
from napari_marrow.viewer.stack import LazyStack
from napari_marrow.viewer.transforms import place_of


@dataclass(frozen=True)
class Segmented:
    """What was found in one field; of one that can't be read nothing, and why."""

    nuclei: Packed
    cytoplasm: Packed | None
    count: int
    problem: str = ""


def segment_target(
    target: Target, settings: SegmentSettings, cytoplasm: bool
) -> Iterator[Segmented]:
    """Segment a target's fields, one a step, so that a worker can show progress and stop.

    A field that can't be read stays empty, with its problem.

    Raises
    ------
    MarrowError
        When not one of the fields can be read.
    """
    # imported in the worker: opening a widget costs nothing
    from napari_marrow.jobs.segment import segment_each

    images = [partial(target.image, row) for row in range(len(target))]
    for found in segment_each(images, settings, cytoplasm):
        if isinstance(found, MarrowError):
            nothing = Packed.of(np.zeros(target.data.shape[-3:-1], np.uint16))
            yield Segmented(nothing, nothing if cytoplasm else None, 0, str(found))
        else:
            packed = None if found.cytoplasm is None else Packed.of(found.cytoplasm)
            yield Segmented(Packed.of(found.nuclei), packed, found.count)


def segmented_layers(target: Target, found: list[Segmented], layers: Any) -> list[LayerData]:
    """Labels layers of what was found, in the place of the photograph; the nuclei come last.

    They become the photograph's nuclei, which training and labelling use, unless it has some from
    elsewhere. What was segmented before makes room for them.
    """
    image = target.layer
    identity = layer_id(image)
    own = [x for x in layers if LayerInfo.of(x).photograph == identity]
    segmented = [x for x in own if LayerInfo.of(x).segmented]
    has_nuclei = any(LayerInfo.of(x).kind is Kind.NUCLEI for x in own if x not in segmented)
    for older in segmented:
        _set_aside(older)
    nuclei = [f.nuclei for f in found]
    cytoplasm = [f.cytoplasm for f in found if f.cytoplasm is not None]
    made: list[LayerData] = []
    for word, parts in (("cytoplasm", cytoplasm), ("nuclei", nuclei)):
        if not parts:
            continue
        kind = Kind(f"segmented {word}" if has_nuclei else word)
        info = LayerInfo(kind=kind, photograph=identity, segmented=True)
        options = {
            "name": f"{image.name} {kind}",
            "opacity": 0.5 if word == "nuclei" else 0.3,
            "metadata": info.metadata(),
            **place_of(image),
        }
        made.append((_data(target, parts), options, "labels"))
    labels, options, _ = made[-1]
    if isinstance(labels, LazyStack):
        labels.names = [f.name for f in target.fields]
        labels.cytoplasm = made[0][0] if len(made) > 1 else None
    else:
        options["features"] = nucleus_features(labels, made[0][0] if len(made) > 1 else None)
    return made


def _set_aside(older: Any) -> None:
    """Keep a layer that was segmented before, which may have been corrected, under another name."""
    info = LayerInfo.of(older)
    if info.kind is not None and not info.kind.startswith("earlier"):
        replace(info, kind=info.kind.earlier).set_on(older)
        older.name, older.visible = f"{older.name} (earlier)", False


def _data(target: Target, parts: list[Packed]) -> Any:
    if target.data.ndim == 3:
        return parts[0].labels()
    shape = target.data.shape[1:3]
    return LazyStack([partial(Packed.labels, part) for part in parts], shape, np.uint16)
