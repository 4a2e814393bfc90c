"""Writing: a Labels layer with its features, and the predictions of a labelled photograph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_marrow.data.atomic import atomic_file
from napari_marrow.data.errors import MarrowError
from napari_marrow.viewer.io.saved_labels import SUFFIXES, save_labels
from napari_marrow.viewer.layer_info import LayerInfo
from napari_marrow.viewer.photograph.slice_tables import all_tables, painted_since

if TYPE_CHECKING:
    import pandas as pd


def write_labels(path: str, data: Any, layer: dict[str, Any]) -> list[str]:
    """Write a Labels layer as a 16-bit TIFF, and its features as a CSV beside it.

    Raises
    ------
    MarrowError
        When that is not possible; then older files are as they were.
    """
    import pandas as pd

    data = data[0] if layer.get("multiscale") else data
    table = layer.get("features")
    table = pd.DataFrame() if table is None else pd.DataFrame(table)
    target = _with_suffix(path, SUFFIXES)
    info = LayerInfo.from_metadata(layer.get("metadata", {}))
    tables = all_tables(data, info, table)
    if data.ndim == 2 and info.holds_nuclei:
        table = painted_since(data, table)
    return [str(p) for p in save_labels(target, data, tables or table, layer)]


def write_predictions(path: str, data: Any, layer: dict[str, Any]) -> list[str]:
    """Write what was predicted of a photograph, or a stack, as ``napari-marrow predict`` does.

    Raises
    ------
    MarrowError
        When the layer has no predictions, or the file can't be written.
    """
    target = _with_suffix(path, (".csv",))
    table = _predictions(layer)
    from napari_marrow.jobs.output_names import PREDICTIONS

    with atomic_file(target, PREDICTIONS) as part:
        table.to_csv(part, index=False)
    return [str(target)]


def _with_suffix(path: str, suffixes: tuple[str, ...]) -> Path:
    """The path with the ending of its format: added, where it has another or none."""
    found = Path(path)
    if found.suffix.lower() in suffixes:
        return found
    return found.with_name(f"{found.name}{suffixes[0]}")


def _predictions(layer: dict[str, Any]) -> pd.DataFrame:
    from napari_marrow.data.fields import Collection
    from napari_marrow.jobs.output_names import field_names
    from napari_marrow.learning.predictor import joined_tables

    info = LayerInfo.from_metadata(layer.get("metadata", {}))
    name, found = layer.get("name", "The layer"), info.predictions
    if not found:
        raise MarrowError(f"{name} has no predictions yet; label it with a model, then save them.")
    if info.fields and info.root:
        names = [label for label, _ in field_names([Collection(info.root, info.fields)])]
    else:  # a layer of another reader
        names = [name] if len(found) == 1 else [f"{name} {row}" for row in range(len(found))]
    return joined_tables(names, [prediction.table for prediction in found])
