"""Write a Labels layer with its features, or the predictions of a photograph."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypedDict

import pandas as pd
from napari.layers import Image
from napari.utils.notifications import show_warning
from numpy.typing import NDArray

from napari_marrow.data.atomic import atomic_file
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.text import listed
from napari_marrow.viewer.io.opened import opened_files, photograph_of
from napari_marrow.viewer.io.saved_labels import SUFFIXES, save_labels
from napari_marrow.viewer.layer_info import LayerInfo, slice_contents, slice_files
from napari_marrow.viewer.photograph.slice_tables import all_tables, painted_since
from napari_marrow.viewer.stack import LazyStack


class LayerOptions(TypedDict, total=False):
    """What of a layer's options is read here; napari hands all of them."""

    name: str
    features: pd.DataFrame
    metadata: dict[str, object]
    multiscale: bool


def write_labels(path: str, data: LazyStack | NDArray, layer: LayerOptions) -> list[str]:
    """Write a Labels layer as a 16-bit TIFF, and its features as a CSV beside it.

    Raises
    ------
    MarrowError
        When that is not possible; older files then stay as they are.
    """
    saved, read = data, opened_files(saved=data)
    data = data[0] if layer.get("multiscale") else data
    table = pd.DataFrame(layer.get("features"))
    info = LayerInfo.from_metadata(layer.get("metadata", {}))
    tables = all_tables(data, info, table)
    if data.ndim == 2 and info.holds_nuclei:
        table = painted_since(data, table)
    target = _with_suffix(path, SUFFIXES)
    info = _with_photograph(info, photograph_of(saved))
    made = save_labels(target, data, tables or table, layer, info, read)
    return [str(p) for p in made]


def _with_photograph(info: LayerInfo, photograph: Image | None) -> LayerInfo:
    """Return what is known of labels with the files of their photograph, as those are now."""
    if photograph is None:
        return info
    origin, known = slice_files(photograph), dict(zip(info.origin, info.contents, strict=False))
    now = zip(origin, slice_contents(photograph), strict=True)
    contents = tuple(content or known.get(path, "") for path, content in now)
    pairs = zip(origin, contents, strict=True)
    if lost := [str(path) for path, content in pairs if not content and len(path.parts) > 1]:
        show_warning(
            f"{listed(lost)} can't be read as opened: the saved labels know it by its path and "
            "name only; put it back, open it again and save them again."
        )
    return replace(info, origin=origin, contents=contents)


def write_predictions(path: str, data: LazyStack | NDArray, layer: LayerOptions) -> list[str]:
    """Write the predictions of a photograph or a stack as ``napari-marrow predict`` does.

    Raises
    ------
    MarrowError
        When the layer has no predictions, or the file can't be written.
    """
    from napari_marrow.data.fields import Collection
    from napari_marrow.data.outputs import write_csv
    from napari_marrow.jobs.output_names import PREDICTIONS, field_names
    from napari_marrow.learning.bundles.predictor import joined_tables

    info, name = LayerInfo.from_metadata(layer.get("metadata", {})), layer.get("name", "The layer")
    if not info.predictions:
        raise MarrowError(f"{name} has no predictions yet; label it with a model, then save them.")
    if info.fields and info.root:
        names = [label for label, _ in field_names([Collection(info.root, info.fields)])]
    else:  # a layer of another reader
        n_fields = len(info.predictions)
        names = [name] if n_fields == 1 else [f"{name} {row}" for row in range(n_fields)]
    target = _with_suffix(path, (".csv",))
    with atomic_file(target, PREDICTIONS, opened_files()) as part:
        write_csv(joined_tables(names, [p.table for p in info.predictions]), part)
    return [str(target)]


def _with_suffix(path: str, suffixes: tuple[str, ...]) -> Path:
    """Return the path with the first suffix added, unless it has one of them."""
    found = Path(path)
    known = found.suffix.lower() in suffixes
    return found if known else found.with_name(f"{found.name}{suffixes[0]}")
