"""A prediction drawn over its photograph: outlines of cells and a caption, as a PNG."""

from __future__ import annotations

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
"""Longer side of an overlay; more would only cost disk."""


def draw_overlay(
    image: NDArray[np.uint8], name: str, prediction: Prediction, classes: tuple[str, ...]
) -> Image.Image:
    """Draw outlines in the colours of the classes, and the caption, over a photograph."""
    factor = shrink_factor(image.shape, MAX_SIDE_PX)
    size = (image.shape[0] // factor, image.shape[1] // factor)
    pixels = np.array(resize(image, size))
    if prediction.labels is not None:
        _outline(pixels, prediction, classes, factor)
    picture = Image.fromarray(pixels)
    font = ImageFont.load_default(max(12, size[0] // 32))
    draw = ImageDraw.Draw(picture)
    colour = UNCERTAIN
    if prediction.class_name is not None and not prediction.uncertain:
        colour = class_colours(classes)[prediction.class_name]
    _text(draw, (8, 6), f"{name}: {answer_text(prediction)}", font, colour)
    height = max(10, size[0] // 48)
    small = ImageFont.load_default(height)
    _text(draw, (8, size[0] - 2 * height), RESEARCH_ONLY, small, "#FFFFFF")
    return picture


Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def _text(
    draw: ImageDraw.ImageDraw, place: tuple[int, int], text: str, font: Font, colour: str
) -> None:
    box = draw.textbbox(place, text, font=font)
    draw.rectangle((box[0] - 4, box[1] - 3, box[2] + 4, box[3] + 3), fill="#202020")
    draw.text(place, text, font=font, fill=colour)


def _outline(
    pixels: NDArray[np.uint8], prediction: Prediction, classes: tuple[str, ...], factor: int
) -> None:
    """Paint a rim of 3 pixels inside each nucleus; uncertain ones in grey."""
    labels = np.asarray(prediction.labels)[::factor, ::factor]
    labels = labels[: pixels.shape[0], : pixels.shape[1]]
    low, high = ndimage.minimum_filter(labels, 5), ndimage.maximum_filter(labels, 5)
    rim = (labels > 0) & ((low != labels) | (high != labels))
    colours = class_colours(classes)
    palette = np.zeros((int(labels.max(initial=0)) + 1, 3), np.uint8)
    table = prediction.table
    for index, answer, uncertain in zip(
        table["index"], table["class"], table["uncertain"], strict=True
    ):
        if index < len(palette):
            palette[index] = rgb(UNCERTAIN if uncertain else colours[answer])
    pixels[: labels.shape[0], : labels.shape[1]][rim] = palette[labels[rim]]


def write_overlay(
    path: Path,
    image: NDArray[np.uint8],
    name: str,
    prediction: Prediction,
    classes: tuple[str, ...],
) -> None:
    """Write :func:`draw_overlay` as a PNG that is recognised as this program's own."""
    save_png(draw_overlay(image, name, prediction, classes), path, OVERLAY)
