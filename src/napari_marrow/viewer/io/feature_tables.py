"""Measured features of cells in the features of the layers that show the cells.

The class that was scored goes into a column of its own: in ``class`` stands what a person said of
single cells, and it would be taken for that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari.layers import Labels

from napari_marrow.viewer.behaviours.current_table import attach_current_table
from napari_marrow.viewer.layer_info import LayerInfo
from napari_marrow.viewer.photograph.measuring import Place
from napari_marrow.viewer.photograph.slice_tables import kept_tables, of_one_slice, set_tables

if TYPE_CHECKING:
    import pandas as pd

SCORED = "scored_class"
"""The column with the class that a cell counted for."""
MANY = 40
"""Where there are more features, only the chosen ones go to the layers."""


def columns_for(features: Sequence[str], scores: pd.DataFrame | None) -> list[str]:
    """The features that go to the layers: all of a few, else the chosen ones, the best first."""
    if len(features) <= MANY:
        return list(features)
    return [] if scores is None else scores.loc[scores["selected"], "feature"].tolist()


def show_tables(
    viewer: Any, places: Mapping[str, Place], table: pd.DataFrame, names: Sequence[str]
) -> list[str]:
    """Put the features of cells into their layers; on the viewer's thread.

    Parameters
    ----------
    viewer
        Layers that are no longer in it are passed over.
    places
        By field, as the column ``image`` of the table has it.
    table
        A row a cell.
    names
        The features to put there.

    Returns
    -------
    list of str
        What is to be said of it.
    """
    by_layer: dict[Labels, dict[int, tuple[pd.DataFrame, pd.DataFrame | None]]] = {}
    changed: dict[Labels, list[str]] = {}
    for image, place in places.items():
        if place.layer in viewer.layers and not place.is_as_measured:
            changed.setdefault(place.layer, []).append(image)
            continue
        part = table.loc[table["image"] == image, ["index", *names, "class"]]
        part = part.rename(columns={"class": SCORED})
        by_layer.setdefault(place.layer, {})[place.row] = part, place.nuclei
    shown, told = [], []
    for layer, images in changed.items():
        at = f" in {', '.join(images)}" if layer.ndim > 2 else ""
        told.append(f"{layer.name} was changed{at} meanwhile; measure again to have its table.")
    for layer, parts in by_layer.items():
        if layer not in viewer.layers:
            told.append(f"{layer.name} was removed meanwhile; its table is not shown.")
            continue
        if _show(viewer, layer, parts):
            shown.append(layer.name)
        else:
            told.append(f"{layer.name} has the same numbers in several fields: no table there.")
    if shown:
        told.insert(0, f"The features are in the table of {', '.join(shown)}.")
    missing = table["image"].nunique() - len(places)
    if missing:
        fields = "1 field" if missing == 1 else f"{missing} fields"
        told.append(
            f"No layer shows the cells of {fields} as they were measured; segment nuclei first to "
            "have their table in a layer."
        )
    return told


def _show(
    viewer: Any, layer: Labels, parts: dict[int, tuple[pd.DataFrame, pd.DataFrame | None]]
) -> bool:
    """Whether one table of the layer can tell its cells apart."""
    info = LayerInfo.of(layer)
    earlier = info.measured
    if layer.ndim == 3 and info.holds_nuclei and of_one_slice(info, layer.features):
        kept = {r: t for r, t in kept_tables(info, layer.features).items() if len(t)}
        tables = {
            row: _joined(kept.get(row, nuclei), part, earlier)
            for row, (part, nuclei) in parts.items()
        }
        set_tables(layer, tables)
        attach_current_table(viewer)
    else:
        import pandas as pd

        joined = pd.concat([part for part, _ in parts.values()])
        if joined["index"].duplicated().any():
            return False
        layer.features = _joined(layer.features, joined, earlier)
    some, _ = next(iter(parts.values()))
    replace(LayerInfo.of(layer), measured=tuple(some.columns[1:])).set_on(layer)
    return True


def _joined(
    before: pd.DataFrame | None, part: pd.DataFrame, earlier: Sequence[str]
) -> pd.DataFrame:
    """What a layer said of its cells, with the features beside it, ``index`` first."""
    if before is None or before.empty:
        return part.reset_index(drop=True)
    before = before.drop(columns=[c for c in before if c in earlier or c in part.columns[1:]])
    if "index" not in before:
        before = before.assign(index=range(len(before)))  # as napari takes it
    joined = before.merge(part, on="index", how="outer")
    return joined[["index", *(c for c in joined if c != "index")]]
