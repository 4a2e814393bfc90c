"""Show measured features of cells in the features tables of the layers with these cells.

The class that a cell counted for gets a column of its own: the column ``class`` holds what a person
annotated cell by cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import napari
import pandas as pd
from napari.layers import Labels

from napari_marrow.viewer.behaviours.current_table import attach_current_table
from napari_marrow.viewer.layer_info import LayerInfo
from napari_marrow.viewer.photograph.slice_tables import kept_tables, of_one_slice, set_tables
from napari_marrow.viewer.training.measuring import TableTarget

SCORED_CLASS = "scored_class"
"""The column with the class that a cell counted for."""
_Part = tuple[pd.DataFrame, pd.DataFrame | None]
"""The measured rows of one field, and what is known of its nuclei without them."""
MAX_SHOWN_FEATURES = 40
"""Of more features, only the selected ones are shown in layers."""


def columns_for(features: Sequence[str], scores: pd.DataFrame | None) -> list[str]:
    """Return the features to show in layers: all of a few, else the selected ones, best first."""
    if len(features) <= MAX_SHOWN_FEATURES:
        return list(features)
    return [] if scores is None else scores.loc[scores["selected"], "feature"].tolist()


def show_tables(
    viewer: napari.Viewer,
    places: Mapping[str, TableTarget],
    table: pd.DataFrame,
    names: Sequence[str],
) -> list[str]:
    """Put the features of cells into their layers; on the viewer's thread.

    Parameters
    ----------
    viewer
        Layers that are no longer in it are passed over.
    places
        By field, as the column ``image`` of the table has it.
    table
        One row a cell.
    names
        The features to put there.

    Returns
    -------
    list of str
        Messages for the user.
    """
    by_layer: dict[Labels, dict[int, _Part]] = {}
    removed: dict[str, None] = {}  # in order, each once
    changed: list[str] = []
    shown: list[str] = []
    ambiguous: list[str] = []
    for image, place in places.items():
        layer = place.layer
        if layer not in viewer.layers:
            removed[layer.name] = None
        elif not place.is_as_measured:
            changed.append(f"{layer.name} was changed in {image} meanwhile")
        else:
            rows = table.loc[table["image"] == image, ["index", *names, "class"]]
            part = (rows.rename(columns={"class": SCORED_CLASS}), place.nuclei)
            by_layer.setdefault(layer, {})[place.row] = part
    for layer, parts in by_layer.items():
        (shown if _show(viewer, layer, parts) else ambiguous).append(layer.name)
    messages = [f"The features are in the table of {', '.join(shown)}."] if shown else []
    messages += [f"{text}; measure again to have its table." for text in changed]
    messages += [f"{name} was removed meanwhile; its table is not shown." for name in removed]
    messages += [f"{name} has the same numbers in several fields: no table." for name in ambiguous]
    n_missing = table["image"].nunique() - len(places)
    if n_missing:
        messages.append(
            f"No layer shows the cells of {n_missing} field{'s' * (n_missing > 1)} as they were "
            "measured; segment nuclei first to have their table in a layer."
        )
    return messages


def _show(viewer: napari.Viewer, layer: Labels, parts: Mapping[int, _Part]) -> bool:
    """Put features into one layer, unless its cells have the same numbers in several fields."""
    info = LayerInfo.of(layer)
    if layer.ndim == 3 and info.holds_nuclei and of_one_slice(info, layer.features):
        kept = {row: t for row, t in kept_tables(info, layer.features).items() if len(t)}
        tables = {
            row: _joined(kept.get(row, nuclei), rows, info.measured)
            for row, (rows, nuclei) in parts.items()
        }
        set_tables(layer, tables)
        attach_current_table(viewer)
    else:
        rows = pd.concat([rows for rows, _ in parts.values()])
        if rows["index"].duplicated().any():
            return False
        layer.features = _joined(layer.features, rows, info.measured)
    columns = next(iter(parts.values()))[0].columns[1:]
    replace(LayerInfo.of(layer), measured=tuple(columns)).set_on(layer)
    return True


def _joined(
    before: pd.DataFrame | None, rows: pd.DataFrame, measured: Sequence[str]
) -> pd.DataFrame:
    """Return the table of a layer with new features in place of those measured before."""
    if before is None or before.empty:
        return rows.reset_index(drop=True)
    before = before.drop(columns=[c for c in before if c in measured or c in rows.columns[1:]])
    if "index" not in before:
        before = before.assign(index=range(len(before)))  # as napari takes it
    joined = before.merge(rows, on="index", how="outer")
    return joined[["index", *(c for c in joined if c != "index")]]
