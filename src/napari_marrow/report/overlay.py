"""Answers drawn over their photograph: outlines of cells and a caption, as a PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from napari_marrow.data.outputs import png_kind, save_png
from napari_marrow.imaging.resize import resize, shrink_factor
from napari_marrow.learning.bundles.predictor import Prediction
from napari_marrow.report.colours import RESEARCH_ONLY, UNCERTAIN, class_colours, rgb
from napari_marrow.report.tables import answer_text

OVERLAY = png_kind("an overlay")
MAX_SIDE_PX = 1280
"""Longer side of an overlay of a prediction; more would only cost disk."""
RIM_PX = 2
"""Width of an outline."""
N_DASHES = 12
"""Dashes around a cell whose outline is dashed."""
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def draw_overlay(
    image: NDArray[np.uint8], name: str, prediction: Prediction, classes: tuple[str, ...]
) -> Image.Image:
    """Draw outlines in the colours of the classes, and the caption, over a photograph."""
    factor = shrink_factor(image.shape, MAX_SIDE_PX)
    size = (image.shape[0] // factor, image.shape[1] // factor)
    pixels = np.array(resize(image, size))
    colours = class_colours(classes)
    if prediction.labels is not None:
        table = prediction.table
        shown = np.where(table["uncertain"], UNCERTAIN, table["class"].map(colours))
        labels = np.asarray(prediction.labels)[::factor, ::factor]
        draw_rims(pixels, labels, dict(zip(table["index"], shown, strict=True)))
    picture = Image.fromarray(pixels)
    colour = UNCERTAIN
    if prediction.class_name is not None and not prediction.uncertain:
        colour = colours[prediction.class_name]
    draw_caption(picture, [(f"{name}: {answer_text(prediction)}", colour)])
    return picture


def draw_rims(
    pixels: NDArray[np.uint8],
    labels: NDArray[np.integer],
    colours: Mapping[int, str],
    width: int = RIM_PX,
    dashes: Mapping[int, str] | None = None,
) -> None:
    """Paint a rim inside each cell that has a colour.

    Parameters
    ----------
    pixels
        (height, width, 3), painted on.
    labels
        Of the cells; those of another size are cut off.
    colours
        ``#RRGGBB`` by number.
    width
        Of the rim, in pixels.
    dashes
        Second colour by number, of those whose rim is dashed.
    """
    height, breadth = pixels.shape[:2]
    labels = labels[:height, :breadth]
    size = 2 * width + 1
    low, high = ndimage.minimum_filter(labels, size), ndimage.maximum_filter(labels, size)
    known = np.zeros((int(labels.max(initial=0)) + 1, 2, 3), np.uint8)
    has_colour = np.zeros(len(known), bool)
    for number, colour in colours.items():
        if 0 < number < len(known):
            known[number] = rgb(colour), rgb((dashes or {}).get(number, colour))
            has_colour[number] = True
    y, x = np.nonzero(has_colour[labels] & ((low != labels) | (high != labels)))
    own = labels[y, x]
    counts = np.maximum(np.bincount(own, minlength=len(known)), 1)
    middle = [np.bincount(own, place, len(known)) / counts for place in (y, x)]
    turn = np.arctan2(y - middle[0][own], x - middle[1][own]) / (2 * np.pi)  # -0.5 to 0.5
    pixels[y, x] = known[own, np.floor(2 * N_DASHES * turn).astype(np.intp) % 2]


def draw_caption(picture: Image.Image, lines: Sequence[tuple[str, str]]) -> None:
    """Write lines with their colours, ``#RRGGBB``, at the upper left; below what it is not for."""
    height = picture.height
    font = ImageFont.load_default(max(12, height // 32))
    draw, top = ImageDraw.Draw(picture), 6.0
    for text, colour in lines:
        top = _text(draw, (8, top), text, font, colour) + 6
    size = max(10, height // 48)
    small = ImageFont.load_default(size)
    _text(draw, (8, height - 2 * size), RESEARCH_ONLY, small, "#FFFFFF")


def _text(
    draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, font: Font, colour: str
) -> float:
    """Write a text on a dark box; return where that ends below."""
    box = draw.textbbox(place, text, font=font)
    draw.rectangle((box[0] - 4, box[1] - 3, box[2] + 4, box[3] + 3), fill="#202020")
    draw.text(place, text, font=font, fill=colour)
    return box[3] + 3


def write_overlay(
    path: Path,
    image: NDArray[np.uint8],
    name: str,
    prediction: Prediction,
    classes: tuple[str, ...],
) -> None:
    """Write :func:`draw_overlay` as a PNG that is recognised as this program's own."""
    save_png(draw_overlay(image, name, prediction, classes), path, OVERLAY)
