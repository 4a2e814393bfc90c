"""Cells cut out of a field, each in a square about its nucleus."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_marrow.imaging.nuclei import nucleus_table
from napari_marrow.imaging.scale import resize


def cut_cells(
    image: NDArray[np.uint8],
    labels: NDArray[np.integer],
    size: int,
    factor: float = 2.5,
    fill: int = 240,
) -> tuple[NDArray[np.uint8], dict[str, NDArray]]:
    """Cut a square about every nucleus and bring it to one size.

    The side of the square is ``factor`` times the diameter of a circle of the nucleus's area, so
    a cell looks the same at any magnification. What lies outside of the photograph is ``fill``.

    Parameters
    ----------
    image
        RGB photograph, (height, width, 3), uint8.
    labels
        (height, width), 0 outside and one whole number a nucleus.
    size
        Side of the crops in pixels.
    factor
        Side of the square in nucleus diameters.
    fill
        Grey value where the photograph ends, 0 to 255.

    Returns
    -------
    crops : ndarray of uint8, shape (n, size, size, 3)
    table : dict
        Columns ``index``, ``y``, ``x``, ``area`` of :func:`nucleus_table`, and ``cut_off``: True
        where the square reaches over the edge of the photograph.
    """
    table = nucleus_table(labels)
    count = len(table["index"])
    crops = np.empty((count, size, size, 3), np.uint8)
    cut_off = np.zeros(count, bool)
    sides = np.maximum(4, np.round(factor * np.sqrt(4 / np.pi * table["area"]))).astype(int)
    for k in range(count):
        square, cut_off[k] = _square(image, table["y"][k], table["x"][k], sides[k], fill)
        crops[k] = resize(square, (size, size))
    return crops, {**table, "cut_off": cut_off}


def _square(
    image: NDArray[np.uint8], y: float, x: float, side: int, fill: int
) -> tuple[NDArray[np.uint8], bool]:
    """Cut the square of ``side`` pixels centred at (y, x), filled where the image ends."""
    top, left = round(y - side / 2), round(x - side / 2)
    inside = image[max(top, 0) : top + side, max(left, 0) : left + side]
    if inside.shape[:2] == (side, side):
        return inside, False
    square = np.full((side, side, 3), fill, np.uint8)
    row, column = max(-top, 0), max(-left, 0)
    square[row : row + inside.shape[0], column : column + inside.shape[1]] = inside
    return square, True
