"""The classes of cells drawn over their photograph at its full size, with a legend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from napari_marrow.report.colours import UNCERTAIN
from napari_marrow.report.exports.pixels import FieldPixels
from napari_marrow.report.overlay import RIM_PX, draw_caption, draw_rims

if TYPE_CHECKING:
    import pandas as pd

RIM_PARTS = 400
"""The rim of a cell is so small a part of the photograph's height, but at least RIM_PX."""


def draw_cells(table: pd.DataFrame, pixels: FieldPixels, colours: Mapping[str, str]) -> Image.Image:
    """Draw the nuclei of a table of cells in the colours of their classes; uncertain ones dashed.

    The legend names the classes that there are, with the number of cells of each. Cells without a
    class have no rim.

    Parameters
    ----------
    table
        Of one field, as :func:`.cell_table` returns it.
    pixels
        Of the field.
    colours
        ``#RRGGBB`` of each class.
    """
    shown = table[table["class"] != ""]
    rims = {int(k): colours[name] for k, name in zip(shown["index"], shown["class"], strict=True)}
    dashed = dict.fromkeys(shown["index"][shown["uncertain"]].astype(int), UNCERTAIN)
    picture = np.array(pixels.image[..., :3])
    width = max(RIM_PX, round(picture.shape[0] / RIM_PARTS))
    draw_rims(picture, pixels.nuclei, rims, width, dashed)
    counts = shown["class"].value_counts()
    name = str(table["image"].iloc[0]) if len(table) else ""
    lines = [(name, "#FFFFFF")] if name else []
    lines += [(f"{one}: {counts[one]}", colours[one]) for one in colours if one in counts]
    if dashed:
        lines.append((f"dashed: uncertain ({len(dashed)})", UNCERTAIN))
    if without := len(table) - len(shown):
        lines.append((f"without a class: {without}", "#FFFFFF"))
    made = Image.fromarray(picture)
    draw_caption(made, lines)
    return made
