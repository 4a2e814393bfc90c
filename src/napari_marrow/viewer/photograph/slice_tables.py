"""Features of stacks: a layer shows those of one slice, and the others are kept beside it.

napari knows one table a layer, with one row a label, but in a stack the labels of every field
begin with 1. So the layer's features are those of the field that is shown. Those of other fields to
which somebody added columns are kept in :class:`.LayerInfo`: ``tables``, by slice, and
``shown_row``, the slice of which the features are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Layer
from numpy.typing import ArrayLike, NDArray

from napari_marrow.imaging.nuclei import nucleus_table
from napari_marrow.viewer.layer_info import LayerInfo
from napari_marrow.viewer.stack import LazyStack, read_slice

if TYPE_CHECKING:
    import pandas as pd

MEASURED = frozenset({"index", "field", "y", "x", "area", "cytoplasm_area", "nucleus_to_cell"})
"""Columns that can be measured again; others were added by somebody, and are kept."""


def nucleus_features(labels: ArrayLike, cytoplasm: ArrayLike | None = None) -> pd.DataFrame:
    """Return the features of a nuclei layer: see :func:`nucleus_table`."""
    import pandas as pd  # napari itself imports it only with the first table

    around = None if cytoplasm is None else np.asarray(cytoplasm)
    return pd.DataFrame(nucleus_table(np.asarray(labels), around))


def measure(stack: LazyStack, row: int) -> pd.DataFrame:
    """Measure the nuclei of one slice of a stack, with the field's name and the cytoplasm."""
    around = None if stack.cytoplasm is None else stack.cytoplasm.read(row)
    table = nucleus_features(stack.read(row), around)
    table.insert(1, "field", stack.names[row] if stack.names else "")
    return table


def measure_again(data: NDArray | LazyStack, row: int, table: pd.DataFrame) -> pd.DataFrame:
    """Return the table of a slice that may have been painted on; itself where it was not.

    One without columns, as napari leaves it when it converts a layer, is measured.
    Where somebody added columns, nuclei that are gone stay in it with an area of 0: after an undo
    they have their values again.
    """
    import pandas as pd

    labels = read_slice(data, row)
    lost = table.columns.empty
    now = nucleus_features(labels) if lost else painted_since(labels, table)
    if now is table:
        return table
    if set(table.columns) <= MEASURED:
        if isinstance(data, LazyStack) and (data.cytoplasm or "cytoplasm_area" not in table):
            return measure(data, row)
        return now  # of a saved stack the cytoplasm is not known
    gone = table[~table["index"].isin(now["index"])].assign(area=0.0)
    return now if gone.empty else pd.concat([now, gone], ignore_index=True)


def kept_tables(info: LayerInfo, features: pd.DataFrame) -> dict[int, pd.DataFrame]:
    """Return the tables of slices that are kept, with the present features for the one shown."""
    shown = {} if info.shown_row is None else {info.shown_row: features}
    return {**info.tables, **shown}


def show_table(layer: Layer, row: int, table: pd.DataFrame) -> None:
    """Make a slice's table the layer's features; those of the one shown before are kept."""
    info = LayerInfo.of(layer)
    tables, shown = dict(info.tables), info.shown_row
    if shown is not None and (shown in tables or not set(layer.features.columns) <= MEASURED):
        tables[shown] = layer.features
    layer.features = tables.get(row, table)
    replace(info, tables=tables, shown_row=row).set_on(layer)


def set_tables(layer: Layer, tables: Mapping[int, pd.DataFrame]) -> None:
    """Keep these tables of slices; that of the slice that is shown becomes the features."""
    info = LayerInfo.of(layer)
    replace(info, tables={**kept_tables(info, layer.features), **tables}).set_on(layer)
    if info.shown_row is not None and info.shown_row in tables:
        layer.features = tables[info.shown_row]


def of_one_slice(info: LayerInfo, features: pd.DataFrame) -> bool:
    """Return whether the features of a stack are of one slice: measured, or not there yet."""
    return info.shown_row is not None or set(features.columns) <= MEASURED


def all_tables(
    data: NDArray | LazyStack, info: LayerInfo, features: pd.DataFrame
) -> dict[int, pd.DataFrame] | None:
    """Return the tables of all slices, by slice, as they are saved.

    Slices without a kept table are measured now. None where the features are not of
    one slice: then they are the one table there is.
    """
    nuclei = info.holds_nuclei
    sliced = info.paged or (nuclei and isinstance(data, LazyStack))
    if not sliced or not of_one_slice(info, features):
        return None
    kept = kept_tables(info, features)
    tables = {}
    for row in range(len(data)):
        table = kept.get(row)
        if table is None and isinstance(data, LazyStack):
            table = measure(data, row)
        elif table is not None and nuclei:
            table = painted_since(read_slice(data, row), table)
        if table is not None:
            tables[row] = table
    return tables or None


def painted_since(labels: ArrayLike, table: pd.DataFrame) -> pd.DataFrame:
    """Return the table of nuclei for labels that may have been painted on since it was measured.

    Position and area are measured again, new nuclei get rows, those that are gone lose theirs.
    Other columns stay with their nucleus; those of the cytoplasm are missing for new ones.

    Parameters
    ----------
    labels
        (height, width), whole numbers.
    table
        As it was measured, perhaps with other columns.
    """
    own = {"index", "y", "x", "area"}
    if not own <= set(table.columns) or table["index"].duplicated().any():
        return table
    now = nucleus_features(labels)
    before = table[list(now.columns)].sort_values("index", ignore_index=True)
    if len(now) == len(before) and np.allclose(now, before):
        return table
    kept = table.drop(columns=list(own - {"index"}))
    found = now.merge(kept, on="index", how="left")[list(table.columns)]
    if "field" in found and len(fields := table["field"].unique()) == 1:
        found["field"] = fields[0]
    if {"cytoplasm_area", "nucleus_to_cell"} <= set(found.columns):
        whole = found["area"] + found["cytoplasm_area"]
        found["nucleus_to_cell"] = (found["area"] / whole).where(found["cytoplasm_area"] > 0)
    return found
