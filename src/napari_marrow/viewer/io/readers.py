"""Read a photograph, a mask, saved labels, a folder, or several of these, into layers."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from napari.utils.notifications import show_warning

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection, usable
from napari_marrow.data.images import image_size, is_image_name
from napari_marrow.data.layouts import scan
from napari_marrow.data.layouts.levels import with_common_bits
from napari_marrow.data.layouts.listing import folders_with_images, images_in
from napari_marrow.data.masks import mask_kind, read_mask
from napari_marrow.imaging.nuclei import separate
from napari_marrow.viewer.behaviours.opening import prepare_viewer
from napari_marrow.viewer.layer_info import Kind, LayerInfo
from napari_marrow.viewer.make.layers import LayerData, collection_layers, place_of_files
from napari_marrow.viewer.photograph.slice_tables import nucleus_features

PathOrPaths = str | Sequence[str]


def get_reader(path: PathOrPaths) -> Callable[[PathOrPaths], list[LayerData]] | None:
    """Return the reading function for images and folders of images, else None."""
    paths = _as_paths(path)
    return read if paths and all(_is_ours(p) for p in paths) else None


def _as_paths(path: PathOrPaths) -> list[Path]:
    return [Path(path)] if isinstance(path, str | os.PathLike) else [Path(p) for p in path]


def _is_ours(path: Path) -> bool:
    """Whether a path has the name of an image or is a folder in which :func:`scan` finds one."""
    if not path.is_dir():
        return is_image_name(path)
    try:
        return bool(images_in(path)) or next(iter(folders_with_images(path)), None) is not None
    except MarrowError:
        return False  # no permission: another reader may say so better


def read(path: PathOrPaths) -> list[LayerData]:
    """Read paths into layers; several photographs become one stack.

    Files that can't be used are named in a warning; the rest is opened.

    Raises
    ------
    MarrowError
        When nothing can be read.
    """
    paths = _as_paths(path)
    if len(paths) == 1 and paths[0].suffix.lower() in (".tif", ".tiff"):
        from napari_marrow.viewer.io.saved_labels import is_saved_labels  # it needs pandas

        if is_saved_labels(paths[0]):
            return [_saved_labels(paths[0])]
    if len(paths) == 1 and (known := mask_kind(paths[0])):
        return [_lone_mask(paths[0], *known)]
    found = with_common_bits(scan(p) for p in paths)
    warnings = [warning for c in found for warning in c.warnings]
    if warnings:
        show_warning("\n".join(warnings))
    root = found[0].root if len(found) == 1 else Path(os.path.commonpath([c.root for c in found]))
    fields = tuple(f for c in found for f in c.fields)
    collection = usable(Collection(root, fields))
    layers = collection_layers(collection)
    prepare_viewer(layers)
    return layers


def _lone_mask(path: Path, stem: str, kind: str) -> LayerData:
    """Return a mask that was opened by itself; of nuclei, as instances with their features."""
    mask, place = read_mask(path, image_size(path)), place_of_files([path])
    if kind == "nucleus":
        labels = separate(mask)
        features = nucleus_features(labels)
        return labels, {"name": f"{stem} nuclei", "features": features, **place}, "labels"
    return mask.astype("uint16"), {"name": f"{stem} {kind}", **place}, "labels"


def _saved_labels(path: Path) -> LayerData:
    """Return a saved Labels layer, coloured by class if it has classes."""
    from napari_marrow.viewer.io.saved_labels import load_labels
    from napari_marrow.viewer.make.predictions import class_colormap

    labels, table, options, kind = load_labels(path)
    info = LayerInfo(kind=None if kind is None else Kind(kind))
    if kind is not None:
        options["metadata"] = info.metadata()
    if table is None:
        show_warning(f"{path.with_suffix('.csv')} is not there: the labels open without features.")
        return labels, options, "labels"
    if isinstance(table, dict):
        options["metadata"] = replace(info, tables=table, shown_row=0).metadata()
        prepare_viewer([])  # the table follows the slider
        first = table[0] if 0 in table else next(iter(table.values())).iloc[:0]
        return labels, {**options, "features": first}, "labels"
    colours = class_colormap(table)
    if colours is not None:
        options["colormap"] = colours
    return labels, {**options, "features": table}, "labels"
