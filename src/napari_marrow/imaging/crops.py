"""Cells cut out of a field, each in a square about its nucleus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_marrow.imaging.nuclei import nucleus_table
from napari_marrow.imaging.resize import resize
from napari_marrow.imaging.validate import checked_labels, checked_photograph


def cut_cells(
    image: NDArray[np.uint8],
    labels: NDArray[np.integer],
    size: int,
    factor: float = 2.5,
    fill: int = 240,
) -> tuple[NDArray[np.uint8], dict[str, NDArray]]:
    """Cut a square about every nucleus, all of one size.

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
        Columns ``index``, ``y``, ``x``, ``area`` of
        :func:`~napari_marrow.imaging.nuclei.nucleus_table`, and ``top``, ``left`` and ``side`` of
        the square in the photograph.

    Raises
    ------
    MarrowError
        When labels are no whole numbers from 0 of the photograph's height and width, or the
        photograph is no RGB of 8 bits.
    """
    image = checked_photograph(image)
    table = nucleus_table(checked_labels(labels, image.shape))
    sides = np.maximum(4, np.round(factor * np.sqrt(4 / np.pi * table["area"]))).astype(int)
    tops = np.rint(table["y"] - sides / 2).astype(int)
    lefts = np.rint(table["x"] - sides / 2).astype(int)
    crops = np.empty((len(sides), size, size, 3), np.uint8)
    for k, square in enumerate(zip(tops, lefts, sides, strict=True)):
        crops[k] = resize(_square(image, *square, fill), (size, size))
    return crops, table | {"top": tops, "left": lefts, "side": sides}


def cut_masks(
    regions: Sequence[NDArray[np.integer]], table: Mapping[str, NDArray], size: int
) -> NDArray[np.bool_]:
    """Cut each crop's own part of label arrays, in the squares of :func:`cut_cells`.

    Parameters
    ----------
    regions
        (height, width) each, the nuclei's numbers where the region is, and 0 elsewhere.
    table
        Of :func:`cut_cells`, for the same photograph.
    size
        Side of the crops in pixels.

    Returns
    -------
    ndarray of bool, shape (regions, n, size, size)
        True where at least half of what a pixel was made of has the crop's number.
    """
    found = np.empty((len(regions), len(table["index"]), size, size), bool)
    kind = np.result_type(np.min_scalar_type(table["index"].max(initial=0)), *regions)
    for masks, region in zip(found, regions, strict=True):
        region = region.astype(kind, copy=False)
        squares = (table[name] for name in ("index", "top", "left", "side"))
        for k, (number, top, left, side) in enumerate(zip(*squares, strict=True)):
            own = _square(region, top, left, side, 0) == kind.type(number)
            masks[k] = resize(np.negative(own.view(np.uint8)), (size, size)) > 127
    return found


def _square(array: NDArray, top: int, left: int, side: int, fill: int) -> NDArray:
    """The square of ``side`` pixels from (top, left) on, filled where the array ends."""
    inside = array[max(top, 0) : top + side, max(left, 0) : left + side]
    if inside.shape[:2] == (side, side):
        return inside
    square = np.full((side, side, *array.shape[2:]), fill, array.dtype)
    row, column = max(-top, 0), max(-left, 0)
    square[row : row + inside.shape[0], column : column + inside.shape[1]] = inside
    return square
