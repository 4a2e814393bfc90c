"""Cells cut out of a field, each in a square about its nucleus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.nuclei import nucleus_table
from napari_marrow.imaging.resize import resize
from napari_marrow.imaging.validate import checked_labels, checked_photograph


def cut_cells(
    image: NDArray[np.uint8],
    labels: NDArray[np.integer],
    size: int,
    factor: float = 2.5,
    fill: int = 240,
    *,
    fixed: bool = False,
    background: Literal["keep", "blank"] = "keep",
    cells: NDArray[np.integer] | None = None,
) -> tuple[NDArray[np.uint8], dict[str, NDArray]]:
    """Cut a square about every nucleus, all of one size.

    The side of the square is ``factor`` times the diameter of a circle of the nucleus's area, so
    a cell looks the same at any magnification, or ``size`` pixels of the photograph as they are.
    What lies outside of the photograph is ``fill``.

    Parameters
    ----------
    image
        RGB photograph, (height, width, 3), uint8.
    labels
        (height, width), 0 outside and one whole number a nucleus.
    size
        Side of the crops in pixels.
    factor
        Side of the square in nucleus diameters; not used when ``fixed``.
    fill
        Grey value where the photograph ends and of what is blanked, 0 to 255.
    fixed
        Cut ``size`` by ``size`` pixels without resampling; large cells then look large.
    background
        "blank" leaves only the pixels of the crop's own cell.
    cells
        (height, width), the nuclei's numbers in whole cells, to blank all but the cell; all but
        the nucleus is blanked when None.

    Returns
    -------
    crops : ndarray of uint8, shape (n, size, size, 3)
    table : dict
        Columns ``index``, ``y``, ``x``, ``area`` as
        :func:`~napari_marrow.imaging.nuclei.nucleus_table` has them; ``top``, ``left`` and
        ``side`` of the square in the photograph; ``cut_off``: True where it reaches over the
        photograph's edge.

    Raises
    ------
    MarrowError
        When labels or cells are no whole numbers from 0 of the photograph's height and width, the
        photograph is no RGB of 8 bits, or size, factor or fill can't work.
    """
    image = checked_photograph(image)
    if size < 1 or factor <= 0 or not 0 <= fill <= 255:
        raise MarrowError(
            f"Crops of {size} pixels, {factor:g} diameters and fill {fill} can't be cut; the first "
            "two must be above 0, and the fill from 0 to 255."
        )
    labels = checked_labels(labels, image.shape)
    if cells is not None:
        cells = checked_labels(cells, image.shape, "cells")
        cells = cells.astype(np.promote_types(cells.dtype, labels.dtype), copy=False)
    if background not in ("keep", "blank"):
        raise MarrowError(f"The background is {background!r}; choose keep or blank.")
    table = nucleus_table(labels)
    if fixed:
        sides = np.full(len(table["index"]), size)
    else:
        sides = np.maximum(4, np.round(factor * np.sqrt(4 / np.pi * table["area"]))).astype(int)
    tops = np.rint(table["y"] - sides / 2).astype(int)
    lefts = np.rint(table["x"] - sides / 2).astype(int)
    height, width = labels.shape
    cut_off = (tops < 0) | (lefts < 0) | (tops + sides > height) | (lefts + sides > width)
    table |= {"top": tops, "left": lefts, "side": sides, "cut_off": cut_off}
    owners = (labels if cells is None else cells) if background == "blank" else None
    crops = np.empty((len(sides), size, size, 3), np.uint8)
    for k, (top, left, side) in enumerate(zip(tops, lefts, sides, strict=True)):
        square = _square(image, top, left, side, fill)
        if owners is not None:
            own = _square(owners, top, left, side, 0) == table["index"][k]
            square = np.where(own[..., None], square, np.uint8(fill))
        crops[k] = square if fixed else resize(square, (size, size))
    return crops, table


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
