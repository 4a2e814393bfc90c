"""Read a photograph, a mask, saved labels, a folder, its table, or several, into layers."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from napari.layers import Labels, Layer
from napari.utils.notifications import show_warning
from qtpy.QtCore import QTimer

from napari_marrow.data.errors import LeftOutError, MarrowError
from napari_marrow.data.fields import Collection, usable
from napari_marrow.data.fingerprint import fingerprint
from napari_marrow.data.images import image_size, is_image_name
from napari_marrow.data.layouts import put_together, scan_all
from napari_marrow.data.layouts.listing import folders_with_images, images_in
from napari_marrow.data.layouts.table_files import is_field_table
from napari_marrow.data.masks import looks_like_mask, mask_kind, read_mask
from napari_marrow.data.outputs import is_own_png
from napari_marrow.data.text import listed
from napari_marrow.imaging.nuclei import separate
from napari_marrow.viewer.behaviours.opening import prepare_viewer
from napari_marrow.viewer.io.opened import is_open_mask, is_open_table, lone_masks, open_kinds
from napari_marrow.viewer.layer_info import LayerInfo
from napari_marrow.viewer.make.layers import LayerData, collection_layers, place_of_files
from napari_marrow.viewer.per_viewer import open_viewers, while_open
from napari_marrow.viewer.photograph.origins import Slices
from napari_marrow.viewer.photograph.slice_tables import nucleus_features

PathOrPaths = str | Sequence[str]
NO_LAYERS: list[LayerData] = [(None,)]
"""What a reader returns that has nothing to add."""


def get_reader(path: PathOrPaths) -> Callable[[PathOrPaths], list[LayerData]] | None:
    """Return the reading function for images, folders and tables of images, else None."""
    paths = _as_paths(path)
    return read if paths and all(_is_ours(p) for p in paths) else None


def _as_paths(path: PathOrPaths) -> list[Path]:
    return [Path(path)] if isinstance(path, str | os.PathLike) else [Path(p) for p in path]


def _is_ours(path: Path) -> bool:
    """Whether a path names an image, a table of fields, or a folder in which scan finds one."""
    if not path.is_dir():
        if is_own_png(path) and not mask_kind(path):
            return False  # an overlay, say: a picture for any other reader
        return is_image_name(path) or is_field_table(path)
    try:
        return bool(images_in(path)) or next(iter(folders_with_images(path)), None) is not None
    except MarrowError:
        return False  # no permission: another reader may say so better


def read(path: PathOrPaths) -> list[LayerData]:
    """Read paths into layers; several photographs become one stack.

    Files that can't be used are named in a warning; the rest is opened. Masks open with their
    photographs, once.

    Raises
    ------
    MarrowError
        When nothing can be read.
    """
    paths = [Path(os.path.abspath(p)) for p in _as_paths(path)]
    viewer = next(iter(open_viewers()), None)
    open_now = [] if viewer is None else list(viewer.layers)
    if viewer is not None and len(paths) == 1 and is_open_mask(open_now, paths[0]):
        viewer.status = f"{paths[0].name} is open already, over its photograph."
        return NO_LAYERS
    if len(paths) == 1 and paths[0].suffix.lower() in (".tif", ".tiff"):
        from napari_marrow.viewer.io.saved_labels import is_saved_labels  # it needs pandas

        if is_saved_labels(paths[0]):
            return [_saved_labels(paths[0], open_now)]
    if len(paths) == 1 and (known := mask_kind(paths[0])):
        return [_lone_mask(paths[0], *known)]
    masks = [
        p
        for p in paths
        if len(paths) > 1 and not p.is_dir() and (mask_kind(p) or looks_like_mask(p))
    ]
    if len(masks) == len(paths) > 1:
        return [_lone_mask(p, *known) for p in masks if (known := mask_kind(p))]
    try:
        found = _scan_all([p for p in paths if p not in masks])
    except LeftOutError as error:  # an error would end the opening of what was dropped with it
        show_warning(str(error))
        return NO_LAYERS
    if viewer is not None and len(paths) == 1 and is_open_table(open_now, paths[0], found):
        viewer.status = f"The photographs of {paths[0].name} are open already."
        return NO_LAYERS
    used = {mask for c in found for f in c.fields for mask in f.mask_files}
    warnings = [warning for c in found for warning in c.warnings]
    together = found[0]
    if len(found) > 1:
        together = put_together(found)
        warnings += together.warnings
    if bare := [p.name for p in masks if p not in used]:
        warnings.append(f"Masks without their photograph, left out: {listed(bare)}.")
    if warnings:
        show_warning("\n".join(warnings))
    shown = usable(together)
    layers = collection_layers(shown)
    if viewer is not None and len(together.fields) == 1:
        [field] = together.fields
        kinds = open_kinds(open_now, field.path)
        layers = [x for x in layers if LayerInfo.from_metadata(x[1]["metadata"]).kind not in kinds]
        for lone in lone_masks(open_now, field.mask_files):
            if _is_unchanged(lone):
                viewer.layers.remove(lone)  # its photograph brings it along
    prepare_viewer(layers)
    pixels = layers[0][0]
    if viewer is not None and any(isinstance(layer, Labels) for layer in open_now):
        from napari_marrow.viewer.io.arranging import arrange_open, raise_labels  # it needs pandas

        QTimer.singleShot(0, while_open(viewer, raise_labels))  # the viewer gets these layers now
        if pixels.ndim == 3:
            return layers
        files = tuple(f.path for f in shown.fields)
        slices = Slices(files, tuple(map(fingerprint, files)))
        arrange_open(viewer, slices, pixels.shape[1:3])
    return layers


def _scan_all(paths: Sequence[Path]) -> list[Collection]:
    """Scan each path; masks that one photograph has are no photographs of their own."""
    found = scan_all(paths)
    masks = {mask for c in found for f in c.fields for mask in f.mask_files}
    return [c for c in found if not all(f.path in masks for f in c.fields)]


def _is_unchanged(lone: Labels) -> bool:
    """Whether a layer shows its mask as it was read."""
    path = Path(lone.source.path or "")
    known = mask_kind(path)
    return known is not None and np.array_equal(lone.data, _lone_mask(path, *known)[0])


def _lone_mask(path: Path, stem: str, kind: str) -> LayerData:
    """Return a mask that was opened by itself; of nuclei, as instances with their features."""
    mask, place = read_mask(path, image_size(path)), place_of_files([path])
    if kind == "nucleus":
        labels = separate(mask)
        features = nucleus_features(labels)
        return labels, {"name": f"{stem} nuclei", "features": features, **place}, "labels"
    return mask.astype("uint16"), {"name": f"{stem} {kind}", **place}, "labels"


def _saved_labels(path: Path, layers: Sequence[Layer]) -> LayerData:
    """Return a saved Labels layer, coloured by class, over the photograph that it belongs to."""
    import pandas as pd

    from napari_marrow.viewer.io.arranging import over_open
    from napari_marrow.viewer.io.saved_labels import load_labels
    from napari_marrow.viewer.make.cell_table import class_colormap

    labels, table, options, info = load_labels(path)
    if missing := table is None:
        show_warning(f"{path.with_suffix('.csv')} is not there: the labels open without features.")
        table = pd.DataFrame()
    if isinstance(table, dict):
        info = replace(info, tables=table, shown_row=0)
        prepare_viewer([])  # the table follows the slider
        table = table[0] if 0 in table else next(iter(table.values())).iloc[:0]
    elif (colours := class_colormap(table)) is not None:
        options["colormap"] = colours
    found = over_open(labels, info, table, layers)
    data, info, table = (labels, info, table) if found is None else found
    if info.kind is not None or info.origin or info.paged:
        options["metadata"] = info.metadata()
    if not missing:
        options["features"] = table
    return data, options, "labels"
