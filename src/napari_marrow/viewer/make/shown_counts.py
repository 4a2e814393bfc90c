"""How many cells of each class are predicted, as they are shown: for captions and legends."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari.layers import Image, Labels, Layer

from napari_marrow.report.colours import UNCERTAIN, class_colours, colour_name
from napari_marrow.viewer.layer_info import Kind, LayerInfo, layer_id
from napari_marrow.viewer.photograph.corrections import is_corrected
from napari_marrow.viewer.photograph.links import is_of

if TYPE_CHECKING:
    import pandas as pd

MAX_LINE_CHARACTERS = 44
"""On a screen of 1366 pixels the canvas is as narrow as 540 pixels, 11.5 a character."""
UNCERTAIN_WORD = "uncertain"


@dataclass(frozen=True)
class ClassCounts:
    """Cells by what their colour says.

    Attributes
    ----------
    classes
        Number of cells of each class that are not uncertain; those of the model first.
    uncertain
        Number of cells that the model is not sure of, and nobody has corrected.
    corrected
        Number of cells whose class a person gave.
    """

    classes: Mapping[str, int]
    uncertain: int
    corrected: int = 0

    @property
    def shown(self) -> list[tuple[str, str, int]]:
        """Name, colour and number of each class, then of what is uncertain."""
        colours = class_colours(list(self.classes))
        found = [(name, colours[name], number) for name, number in self.classes.items()]
        return [*found, (UNCERTAIN_WORD, UNCERTAIN, self.uncertain)]

    @property
    def text(self) -> str:
        r"""The same in words, in lines that fit beside a wide dock.

        >>> ClassCounts({"ALL": 8, "MM": 3}, 1).text
        '8 ALL (orange), 3 MM (green),\n1 uncertain (grey)'
        """
        lines = [""]
        for name, hue, number in self.shown:
            part = f"{number} {name} ({colour_name(hue)})"
            if len(lines[-1]) + len(part) > MAX_LINE_CHARACTERS:
                lines.append("")
            lines[-1] += f"{' ' if lines[-1] else ''}{part},"
        return "\n".join(lines).removesuffix(",")


@dataclass(frozen=True, eq=False)
class _Counted:
    table: pd.DataFrame
    by_field: Mapping[int, ClassCounts]
    whole: ClassCounts


_counted: weakref.WeakKeyDictionary[Labels, _Counted] = weakref.WeakKeyDictionary()


def shown_predictions(image: Image, layers: Sequence[Layer]) -> Labels | None:
    """Return the topmost visible layer of predicted cells of a photograph."""
    for layer in reversed(layers):
        info = LayerInfo.of(layer)
        if not isinstance(layer, Labels) or info.kind is not Kind.PREDICTED or not layer.visible:
            continue
        own = info.photograph == layer_id(image)  # else perhaps saved and opened again
        if {"class", "uncertain"} <= set(layer.features) and (own or is_of(info, image, layers)):
            return layer
    return None


def field_counts(layer: Labels, row: int) -> ClassCounts:
    """Return the cells of one field by class; counted anew where the table is another one."""
    found = _count(layer)
    return found.by_field.get(row, ClassCounts(dict.fromkeys(found.whole.classes, 0), 0))


def all_counts(layer: Labels) -> ClassCounts:
    """Return the cells of all fields by class."""
    return _count(layer).whole


def _count(layer: Labels) -> _Counted:
    from napari_marrow.viewer.make.cell_table import shown_classes

    table = layer.features
    known = _counted.get(layer)
    if known is None or known.table is not table:
        classes = shown_classes(table)
        rows = table.groupby("field") if "field" in table else [(0, table)]
        by_field = {int(row): _of_rows(own, classes) for row, own in rows}
        known = _counted[layer] = _Counted(table, by_field, _of_rows(table, classes))
    return known


def _of_rows(table: pd.DataFrame, classes: Sequence[str]) -> ClassCounts:
    corrected = is_corrected(table)
    doubted = table["uncertain"].astype(bool) & ~corrected
    numbers = table["class"].astype(str)[~doubted].value_counts()
    counts = {name: int(numbers.get(name, 0)) for name in classes}
    return ClassCounts(counts, int(doubted.sum()), int(corrected.sum()))
