"""Rotation of photographs by three shears, each along rows or columns and so along memory.

After Paeth, A fast algorithm for general raster rotation, Graphics Interface 1986, p. 77. Between
two pixels the value is mixed by their distances, so edges of cells stay smooth.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_ROWS = 16
"""Rows that are mixed at a time, in the cache."""


def rotated_by_shears(image: NDArray[np.uint8], degrees: float) -> NDArray[np.uint8]:
    """Rotate about the centre, counter-clockwise; the size stays, edges are mirrored.

    Parameters
    ----------
    image
        (height, width, 3), uint8.
    degrees
        From -45 to 45.
    """
    height, width = image.shape[:2]
    across, along = math.tan(math.radians(degrees) / 2), -math.sin(math.radians(degrees))
    # From the last shear to the first: how far each reaches is what the one before must give more.
    third = _moves(height, across)
    wide = width + 2 * _reach(third)
    second = _moves(wide, along)
    high = height + 2 * _reach(second)
    first = _moves(high, across)
    rows, columns = _reach(second), _reach(third) + _reach(first)
    out = np.pad(image, ((rows, rows), (columns, columns), (0, 0)), mode="symmetric")
    out = _along_rows(out, first, wide)
    out = _along_columns(out, second, height)
    return _along_rows(out, third, width)


def _moves(count: int, slope: float) -> NDArray[np.float64]:
    """By how many pixels each of ``count`` lines moves, the middle not at all."""
    return np.multiply(slope, np.arange(count) - (count - 1) / 2, dtype=np.float64)


def _reach(moves: NDArray[np.float64]) -> int:
    return math.ceil(np.abs(moves).max()) + 1


def _starts(moves: NDArray[np.float64], margin: int) -> tuple[NDArray[np.intp], NDArray[np.uint16]]:
    """Where each line begins: the whole pixel before, and 256ths of the way to the next."""
    places = np.rint(256 * (margin - moves)).astype(np.intp)
    return places >> 8, (places & 255).astype(np.uint16)


def _along_rows(
    image: NDArray[np.uint8], moves: NDArray[np.float64], length: int
) -> NDArray[np.uint8]:
    """Move each row to the right, cut to ``length`` about the middle."""
    height, width, channels = image.shape
    begin, weight = _starts(moves, (width - length) // 2)
    out = np.empty((height, length, channels), np.uint8)
    lines = np.empty((_ROWS, length + 1, channels), np.uint16)
    for top in range(0, height, _ROWS):
        count = min(_ROWS, height - top)
        for k in range(count):
            start = begin[top + k]
            lines[k] = image[top + k, start : start + length + 1]
        part = weight[top : top + count, None, None]
        out[top : top + count] = _mixed(lines[:count, :-1], lines[:count, 1:], part)
    return out


def _along_columns(
    image: NDArray[np.uint8], moves: NDArray[np.float64], length: int
) -> NDArray[np.uint8]:
    """Move each column down, cut to ``length`` about the middle."""
    height, width, channels = image.shape
    begin, weight = _starts(moves, (height - length) // 2)
    whole = np.empty((length + 1, width, channels), np.uint8)
    start = 0
    for end in (*(np.flatnonzero(np.diff(begin)) + 1), width):  # neighbours go together
        whole[:, start:end] = image[begin[start] : begin[start] + length + 1, start:end]
        start = end
    out = np.empty((length, width, channels), np.uint8)
    weights = np.repeat(weight[:, None], channels, axis=1)
    for top in range(0, length, _ROWS):
        lines = whole[top : top + _ROWS + 1].astype(np.uint16)
        out[top : top + _ROWS] = _mixed(lines[:-1], lines[1:], weights)
    return out


def _mixed(
    first: NDArray[np.uint16], second: NDArray[np.uint16], weight: NDArray[np.uint16]
) -> NDArray[np.uint16]:
    """Mix two images by the 256ths of the second, rounded; 255 * 256 + 128 is within 16 bits."""
    mixed = first * (np.uint16(256) - weight)
    mixed += second * weight
    mixed += np.uint16(128)
    mixed >>= np.uint16(8)
    return mixed
