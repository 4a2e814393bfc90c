"""Pictures of single units for a report: a cell with its surroundings, or a whole field."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection, Field
from napari_marrow.imaging.nuclei import field_labels
from napari_marrow.imaging.resize import resize
from napari_marrow.learning.scores.findings import DoubtfulLabel, UnitAnswer
from napari_marrow.learning.scores.results import EvaluationResult
from napari_marrow.learning.units.samples import cells_of

UnitKey = tuple[str, int]
"""Name of the image and number of the cell, 0 of a whole field: as tables of answers have them."""
Pictures = Mapping[UnitKey, NDArray[np.uint8]]
SIDE_PX = 224
"""Longer side of a picture."""
MAX_UNITS = 24
"""Mistakes, and doubtful labels, that have a picture; the CSV lists all."""
SURROUND_DIAMETERS = 4.0
"""Side of the square about a cell, in diameters of its nucleus."""
_JPEG_QUALITY = 82


def shown_units(result: EvaluationResult) -> list[UnitAnswer | DoubtfulLabel]:
    """Return the mistakes and doubtful labels that a report shows as pictures."""
    return [*result.mistakes[:MAX_UNITS], *result.doubtful[:MAX_UNITS]]


def unit_pictures(
    collection: Collection,
    result: EvaluationResult,
    progress: Callable[[float, str], None] = lambda fraction, text: None,
) -> dict[UnitKey, NDArray[np.uint8]]:
    """Return a small picture of each mistake and doubtful label of a result.

    A cell is shown in the middle of a square with a ring about its nucleus. Photographs that
    can't be read have none.

    Parameters
    ----------
    collection
        The photographs that were evaluated.
    result
        With ``data.unit`` and the units.
    progress
        Called with a fraction and a text; what it raises is raised here.

    Returns
    -------
    dict
        (height, width, 3) uint8 by image and number.
    """
    by_image: dict[str, set[int]] = {}
    for unit in shown_units(result):
        by_image.setdefault(unit.image, set()).add(unit.index)
    fields = {collection.label(field): field for field in collection.fields}
    found: dict[UnitKey, NDArray[np.uint8]] = {}
    for k, (image, indices) in enumerate(by_image.items()):
        progress(k / len(by_image), f"Pictures of {image}")
        if image in fields:
            found |= _of_field(fields[image], image, indices, result.data.unit)
    return found


def _of_field(
    field: Field, image: str, indices: Iterable[int], unit: str
) -> dict[UnitKey, NDArray[np.uint8]]:
    try:
        pixels = field.image()
        labels = cells_of(pixels, field_labels(field)) if unit == "cell" else None
    except MarrowError:
        return {}  # it was readable when it was judged; the report has its name
    if labels is None:
        return {(image, index): small(pixels) for index in indices}
    found = {}
    for index in indices:
        y, x = np.nonzero(labels == index)
        if len(y):
            found[image, index] = ringed(pixels, float(y.mean()), float(x.mean()), len(y))
    return found


def small(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a photograph at the size of a report's pictures."""
    height, width = pixels.shape[:2]
    factor = min(1.0, SIDE_PX / max(height, width))
    return resize(pixels, (max(1, round(height * factor)), max(1, round(width * factor))))


def ringed(pixels: NDArray[np.uint8], y: float, x: float, area: int) -> NDArray[np.uint8]:
    """Return the square about a cell, with a ring about its nucleus.

    Parameters
    ----------
    pixels
        The photograph, (height, width, 3).
    y, x, area
        Centroid and area of the nucleus, in pixels.
    """
    diameter = 2 * np.sqrt(area / np.pi)
    side = max(8, round(SURROUND_DIAMETERS * diameter))
    side = min(side, *pixels.shape[:2])
    top = int(np.clip(round(y - side / 2), 0, pixels.shape[0] - side))
    left = int(np.clip(round(x - side / 2), 0, pixels.shape[1] - side))
    picture = Image.fromarray(
        resize(
            np.ascontiguousarray(pixels[top : top + side, left : left + side]), (SIDE_PX, SIDE_PX)
        )
    )
    scale = SIDE_PX / side
    centre = ((x - left + 0.5) * scale, (y - top + 0.5) * scale)
    radius = 0.75 * diameter * scale
    box = [centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius]
    draw = ImageDraw.Draw(picture)
    draw.ellipse(box, outline="black", width=4)  # visible on any stain
    draw.ellipse([box[0] + 1, box[1] + 1, box[2] - 1, box[3] - 1], outline="white", width=2)
    return np.asarray(picture)


def jpeg(pixels: NDArray[np.uint8]) -> bytes:
    """Return a picture as a JPEG file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return file.getvalue()
