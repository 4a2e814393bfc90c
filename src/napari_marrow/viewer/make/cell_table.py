"""The table of predicted cells, and the colours that it gives them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import pandas as pd
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap

from napari_marrow.learning.bundles.predictor import Prediction
from napari_marrow.report.colours import UNCERTAIN, class_colours
from napari_marrow.viewer.photograph.corrections import (
    CORRECTED,
    PREDICTED_CLASS,
    has_answers,
    is_corrected,
    with_corrections,
)
from napari_marrow.viewer.stack import LazyStack

PROBABILITY = "probability_"
"""Begins the columns of the probability of each class."""


def cell_table(
    predictions: Sequence[Prediction], offsets: Sequence[int], classes: Sequence[str] = ()
) -> pd.DataFrame:
    """Return the features of a predictions layer: a row a cell, numbered through a whole stack.

    Columns ``index``, ``class`` (those of the model can be chosen in napari's table),
    ``probability`` of the model's answer, whether that is ``uncertain``, the ``reason``,
    ``predicted_class`` and ``corrected`` (see :mod:`.corrections`), ``field`` (slice of the stack),
    ``y``, ``x``, and one ``probability_<class>`` a class.
    """
    tables = [
        prediction.table.assign(field=row, index=prediction.table["index"] + offset)
        for row, (prediction, offset) in enumerate(zip(predictions, offsets, strict=True))
    ]
    joined = pd.concat(tables, ignore_index=True)
    columns = [name for name in joined.columns if name.startswith(PROBABILITY)]
    joined["probability"] = joined[columns].max(axis=1)
    answers = joined["class"].astype(object)
    offered = list(dict.fromkeys([*classes, *answers]))
    joined[PREDICTED_CLASS], joined[CORRECTED] = answers, False
    joined["class"] = pd.Categorical(answers, categories=offered)
    first = ["index", "class", "probability", "uncertain", "reason"]
    place = [PREDICTED_CLASS, CORRECTED, "field", "y", "x"]
    return joined[[*first, *place, *columns]]


def cells_checksum(layer: Labels) -> int:
    """Return a checksum of what a person can change of predicted cells, but for corrections.

    That is of name, table and pixels. Corrections are taken over by a later layer.
    """
    data = layer.data
    pixels = b"" if isinstance(data, LazyStack) else np.ascontiguousarray(data).tobytes()
    table = layer.features
    if has_answers(table):
        answers = table[PREDICTED_CLASS].astype(object).to_numpy()
        table = with_corrections(table, answers, np.zeros(len(table), bool))
    text = f"{layer.name}\n{table.to_csv(index=False)}"
    return zlib.crc32(pixels, zlib.crc32(text.encode()))


def cell_colours(table: pd.DataFrame, classes: Sequence[str]) -> DirectLabelColormap:
    """Return each cell's colour: that of its class, or grey where the model's is uncertain."""
    shown = table["class"].astype(object).map(class_colours(classes))
    if "uncertain" in table:
        doubted = table["uncertain"].astype(bool) & ~is_corrected(table)
        shown = shown.where(~doubted, UNCERTAIN)
    mapping = dict(zip(table["index"].astype(int), shown, strict=True))
    return DirectLabelColormap(color_dict={None: "transparent", 0: "transparent", **mapping})


def class_colormap(table: pd.DataFrame) -> DirectLabelColormap | None:
    """Return the colours of a table that has cells and their classes, else None.

    All classes of a model have a column, also those that no cell got; else those that occur count.
    """
    if not {"index", "class"} <= set(table) or not pd.api.types.is_numeric_dtype(table["index"]):
        return None
    known = table.dropna(subset=["index", "class"])
    known = known.assign(**{"class": known["class"].astype(str)})
    return cell_colours(known, shown_classes(known))


def shown_classes(table: pd.DataFrame) -> list[str]:
    """Return the classes of the model that a table is of, then others that occur in it."""
    of_model = [c.removeprefix(PROBABILITY) for c in table if c.startswith(PROBABILITY)]
    return list(dict.fromkeys([*of_model, *table["class"].dropna().astype(str)]))
