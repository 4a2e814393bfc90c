"""What of a photograph and its masks is open already, so that files dropped together open once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from napari.layers import Image, Labels, Layer

from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.masks import MaskKind
from napari_marrow.data.outputs import input_files
from napari_marrow.viewer.layer_info import Kind, LayerInfo
from napari_marrow.viewer.per_viewer import open_viewers
from napari_marrow.viewer.photograph.links import labels_of

KIND_SHOWN_AS: dict[MaskKind, Kind] = {
    "nucleus": Kind.NUCLEI,
    "cytoplasm": Kind.CYTOPLASM,
    "background": Kind.BACKGROUND,
}
"""Which kind of layer shows which kind of mask."""


def opened_files(saved: object = None) -> list[Path]:
    """Return the files that are open in any viewer, saved labels with their tables among them.

    Parameters
    ----------
    saved
        Data of a layer that is being saved: the files that it came from itself are left out, so
        that it can be saved back.
    """
    layers = list(chain.from_iterable(viewer.layers for viewer in open_viewers()))
    found = input_files(LayerInfo.of(layer).collection for layer in layers)
    own = {path for x in layers if x.data is saved for path in _source_files(x)}
    return found + [path for x in layers for path in _source_files(x) if path not in own]


def photograph_of(saved: object) -> Image | None:
    """Return the open photograph that labels with these data belong to where they lie."""
    for viewer in open_viewers():
        for image, own in labels_of(list(viewer.layers)).items():
            if any(layer.data is saved for layer in own):
                return image
    return None


def _source_files(layer: Layer) -> list[Path]:
    """Return the file that a layer was opened from, and the table of saved labels."""
    path = Path(layer.source.path or "")
    if not path.is_file():  # a folder's photographs are in the layer's fields
        return []
    from napari_marrow.viewer.io.saved_labels import is_saved_labels  # it needs pandas

    return [path, path.with_suffix(".csv")] if is_saved_labels(path) else [path]


def open_kinds(layers: Sequence[Layer], photograph: Path) -> set[Kind]:
    """Return the kinds of labels that are open over a photograph that was opened by itself."""
    return {kind for field, kind in _open_labels(layers) if field.path == photograph}


def is_open_mask(layers: Sequence[Layer], mask: Path) -> bool:
    """Whether a mask is open over its photograph."""
    return any(
        path == mask and KIND_SHOWN_AS.get(of) is kind
        for field, kind in _open_labels(layers)
        for of, path in field.masks.items()
    )


def is_open_table(layers: Sequence[Layer], table: Path, collections: Sequence[Collection]) -> bool:
    """Whether all photographs of a table are open, as the table has them now."""
    infos = [LayerInfo.of(layer) for layer in layers]
    shown = {_row(f) for info in infos if table in info.class_tables for f in info.fields}
    return all(c.tables == (table,) and {*map(_row, c.fields)} <= shown for c in collections)


def _row(field: Field) -> tuple[Path, str | None, str]:
    return field.path, field.class_name, field.source


def _open_labels(layers: Sequence[Layer]) -> Iterator[tuple[Field, Kind]]:
    """Yield each photograph that was opened by itself with the kinds of its labels."""
    infos = [LayerInfo.of(layer) for layer in layers]
    single = {info.id: info.fields[0] for info in infos if info.id and len(info.fields) == 1}
    for info in infos:
        if info.photograph in single and info.kind is not None:
            yield single[info.photograph], info.kind


def lone_masks(layers: Sequence[Layer], masks: Sequence[Path]) -> list[Labels]:
    """Return the layers of masks that were opened before their photograph, by themselves."""
    return [
        layer
        for layer in layers
        if isinstance(layer, Labels)
        and layer.source.path is not None
        and Path(layer.source.path) in masks
        and LayerInfo.of(layer).photograph is None
    ]
