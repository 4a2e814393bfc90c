"""Cut one nucleus in two at a pair of points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Point = tuple[int, int]


def cut_in_two(nucleus: NDArray[np.bool_], first: Point, second: Point) -> NDArray[np.bool_]:
    """Return the part of a nucleus that belongs to the second of two points in it.

    Each point stands for the largest disc in the nucleus that holds it and not the other point. The
    cut is the radical axis of the two circles (Aurenhammer 1987): where the discs overlap, it goes
    through both places where their outlines meet, and so through the neck.

    Parameters
    ----------
    nucleus
        (height, width), True inside.
    first, second
        Row and column of two different pixels inside.
    """
    y, x = np.nonzero(nucleus)
    depth = _depth(nucleus, y, x)
    discs = [_disc(depth, y, x, one, other) for one, other in ((first, second), (second, first))]
    power = [(y - row) ** 2 + (x - column) ** 2 - radius**2 for row, column, radius in discs]
    part = np.zeros(nucleus.shape, bool)
    part[y, x] = power[1] < power[0]
    part[first], part[second] = False, True
    return _held_together(nucleus, part, first, second)


def _depth(
    nucleus: NDArray[np.bool_], y: NDArray[np.intp], x: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Distance of each pixel of a nucleus to what is outside, as is what the picture cuts off."""
    top, left = y.min(), x.min()
    box = nucleus[top : y.max() + 1, left : x.max() + 1]
    return ndimage.distance_transform_edt(np.pad(box, 1))[y - top + 1, x - left + 1]


def _disc(
    radii: NDArray[np.float64],
    y: NDArray[np.intp],
    x: NDArray[np.intp],
    point: Point,
    other: Point,
) -> tuple[int, int, float]:
    """Centre and radius of the largest disc that holds a point and not the other."""
    to_point, to_other = (np.hypot(y - row, x - column) for row, column in (point, other))
    holding = np.flatnonzero((to_point <= radii) & (to_other >= radii) & (to_point < to_other))
    if not holding.size:  # the points are next to each other
        return *point, 0.0
    best = holding[np.argmax(radii[holding])]
    return int(y[best]), int(x[best]), float(radii[best])


def _held_together(
    nucleus: NDArray[np.bool_], part: NDArray[np.bool_], first: Point, second: Point
) -> NDArray[np.bool_]:
    """Give pieces without a point of their own to the other side."""
    connected = np.ones((3, 3))
    pieces = ndimage.label(part, connected)[0]
    stays = ndimage.label(nucleus & (pieces != pieces[second]), connected)[0]
    return nucleus & (stays != stays[first])
