"""Predictions as layers: a field's answer in its metadata, its cells in a coloured Labels layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from napari.layers import Image, Labels
from napari.utils.colormaps import DirectLabelColormap

from napari_marrow.learning.predictor import Prediction
from napari_marrow.report.colours import UNCERTAIN, class_colours
from napari_marrow.report.tables import answer_text
from napari_marrow.viewer.layer_info import FieldPrediction, Kind, LayerInfo, layer_id
from napari_marrow.viewer.transforms import place_of


def summary(prediction: Prediction) -> FieldPrediction:
    """Return what a photograph's layer keeps of a field's prediction."""
    return FieldPrediction(
        prediction.class_name,
        prediction.probability,
        prediction.uncertain,
        answer_text(prediction),
        prediction.table,
    )


def cell_table(predictions: Sequence[Prediction], offsets: Sequence[int]) -> pd.DataFrame:
    """The features of a predictions layer: a row a cell, numbered through a whole stack.

    Columns ``index``, ``field`` (slice of the stack), ``y``, ``x``, ``class``, ``probability`` (of
    that class), ``uncertain``, and one ``probability_<class>`` a class.
    """
    tables = []
    for row, (prediction, offset) in enumerate(zip(predictions, offsets, strict=True)):
        table = prediction.table.assign(field=row)
        table["index"] += offset
        tables.append(table)
    joined = pd.concat(tables, ignore_index=True)
    columns = [name for name in joined.columns if name.startswith("probability_")]
    joined["probability"] = joined[columns].max(axis=1)
    first = ["index", "class", "probability", "uncertain", "field", "y", "x"]
    return joined[[*first, *columns]]


def cell_colours(table: pd.DataFrame, classes: Sequence[str]) -> DirectLabelColormap:
    """Each cell in its class's colour, uncertain ones in grey."""
    colours = class_colours(classes)
    shown = table["class"].map(colours)
    if "uncertain" in table:
        shown = shown.where(~table["uncertain"].astype(bool), UNCERTAIN)
    mapping = dict(zip(table["index"].astype(int), shown, strict=True))
    return DirectLabelColormap(color_dict={None: "transparent", 0: "transparent", **mapping})


def class_colormap(table: pd.DataFrame) -> DirectLabelColormap | None:
    """The colours of a table that has cells and their classes, else None.

    All classes of a model have a column, also those that no cell got; else those that occur count.
    """
    if not {"index", "class"} <= set(table) or not pd.api.types.is_numeric_dtype(table["index"]):
        return None
    known = table.dropna(subset=["index", "class"])
    known = known.assign(**{"class": known["class"].astype(str)})
    of_model = [c.removeprefix("probability_") for c in table if c.startswith("probability_")]
    return cell_colours(known, list(dict.fromkeys([*of_model, *known["class"]])))


def label_offsets(predictions: Sequence[Prediction]) -> list[int]:
    """What to add to each field's instance numbers so that no two cells of a stack share one."""
    highest = [int(p.table["index"].max()) if len(p.table) else 0 for p in predictions]
    return [0, *np.cumsum(highest[:-1]).tolist()]


def predictions_layer(
    image: Image, labels: Any, predictions: Sequence[Prediction], classes: Sequence[str]
) -> Labels:
    """The Labels layer of predicted cells, lying exactly on the image it was made from.

    Parameters
    ----------
    image
        The photograph's layer, whose place, units and axis labels are taken over.
    labels
        Instance labels of the shape of the image without its colours, numbered as
        :func:`cell_table` says.
    predictions, classes
        What the bundle said, a prediction a field.
    """
    table = cell_table(predictions, label_offsets(predictions))
    height = labels.shape[-2]
    layer = Labels(
        labels,
        name=f"{image.name} {Kind.PREDICTED}",
        features=table,
        colormap=cell_colours(table, classes),
        opacity=1,
        **place_of(image),
        metadata=LayerInfo(kind=Kind.PREDICTED, photograph=layer_id(image)).metadata(),
    )
    # Outlines leave the chromatin to be seen; their width is in pixels of the photograph.
    layer.contour = max(2, height // 160)
    return layer
