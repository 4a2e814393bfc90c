"""The outlines of labels as polygons of the edges of their pixels.

A polygon has exactly the area of the pixels inside it. Pixels that touch at a corner alone are
pieces of their own, and rings may touch at a corner, as the simple features of the Open Geospatial
Consortium allow: all polygons are valid there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ring = list[list[int]]
"""Corners, x and y, of a closed ring: the first is the last, too."""
Polygon = list[Ring]
"""The ring around a piece, counter-clockwise where y points up, then those of its holes."""


def outlines(labels: NDArray[np.integer]) -> dict[int, list[Polygon]]:
    """Return the polygons of each label.

    Parameters
    ----------
    labels
        (height, width); 0 has none. Pixel (row, column) is the square from (column, row) to
        (column + 1, row + 1) in x and y.

    Returns
    -------
    dict
        By number, in order, a polygon for each piece; corners only.

    >>> outlines(np.array([[7, 7]]))
    {7: [[[[0, 0], [2, 0], [2, 1], [0, 1], [0, 0]]]]}
    """
    sides = _Sides.of(labels)
    points = np.column_stack([sides.x, sides.y]).tolist()
    parts, numbers = sides.parts.tolist(), sides.number.tolist()
    shells: dict[int, list[Polygon]] = {number: [] for number in sorted({*numbers})}
    holes: list[tuple[int, Ring]] = []
    for loop in _loops(sides):
        ring = [points[side] for side in loop]
        ring.append(ring[0])
        if sum(parts[side] for side in loop) > 0:
            shells[numbers[loop[0]]].append([ring])
        else:
            holes.append((numbers[loop[0]], ring))
    for number, ring in holes:
        _around(shells[number], ring).append(ring)
    return shells


def _around(polygons: list[Polygon], hole: Ring) -> Polygon:
    """Return the polygon that a hole is in: the smallest of those around it."""
    if len(polygons) == 1:
        return polygons[0]
    # a point just outside the hole, which the piece covers: left of the middle of its first side
    (x0, y0), (x1, y1) = hole[:2]
    length = abs(x1 - x0) + abs(y1 - y0)
    x = (x0 + x1) / 2 - 0.25 * (y1 - y0) / length
    y = (y0 + y1) / 2 + 0.25 * (x1 - x0) / length
    holding = [polygon for polygon in polygons if _holds(polygon[0], x, y)]
    return min(holding, key=lambda polygon: abs(_doubled_area(polygon[0])))


def _holds(ring: Ring, x: float, y: float) -> bool:
    """Return whether a point is inside a ring, by the upright sides to its right."""
    corners = np.array(ring)
    (x0, y0), (x1, y1) = corners[:-1].T, corners[1:].T
    crossed = (x0 == x1) & (x0 > x) & (np.minimum(y0, y1) < y) & (y < np.maximum(y0, y1))
    return bool(np.count_nonzero(crossed) % 2)


def _doubled_area(ring: Ring) -> int:
    x, y = np.array(ring).T
    return int(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))


class _Direction(NamedTuple):
    """A direction to walk around a pixel in, with the pixel at one's right where y points down.

    Attributes
    ----------
    ahead, beyond
        Steps (rows, columns) to the next pixel on the way, and to the one across the edge.
    start, end
        Corners of the pixel (rows, columns from its upper left one) where its edge starts and ends.
    """

    ahead: tuple[int, int]
    beyond: tuple[int, int]
    start: tuple[int, int]
    end: tuple[int, int]


_DIRECTIONS = (
    _Direction((0, 1), (-1, 0), (0, 0), (0, 1)),
    _Direction((1, 0), (0, 1), (0, 1), (1, 1)),
    _Direction((0, -1), (1, 0), (1, 1), (1, 0)),
    _Direction((-1, 0), (0, -1), (1, 0), (0, 0)),
)
"""Each is the one before after a turn to the right."""


@dataclass(frozen=True)
class _Sides:
    """The sides of all polygons: longest straight runs of edges of one label.

    Attributes
    ----------
    x, y
        (n,) the corner where each starts.
    number
        (n,) the label it is of.
    parts
        (n,) of the area inside: they sum to that of a loop, negative of a hole.
    next
        (n,) the side that goes on at its end.
    pinched
        (n,) whether two pieces, or a piece and itself, touch at its end.
    """

    x: NDArray[np.intp]
    y: NDArray[np.intp]
    number: NDArray[np.integer]
    parts: NDArray[np.intp]
    next: NDArray[np.intp]
    pinched: NDArray[np.bool_]

    @classmethod
    def of(cls, labels: NDArray[np.integer]) -> _Sides:
        padded = np.pad(labels, 1)
        width = padded.shape[1] + 1  # corners in a row
        runs = [_runs(padded, direction) for direction in _DIRECTIONS]
        flat = padded.ravel()
        starts, ends, numbers, turns, pinched = [], [], [], [], []
        for (first, last), direction in zip(runs, _DIRECTIONS, strict=True):
            ahead = last + _offset(direction.ahead, padded)
            number = flat[last]
            turns.append(flat[ahead] == number)  # to the left, else to the right
            across = flat[ahead + _offset(direction.beyond, padded)] == number
            pinched.append(across & ~turns[-1])
            starts.append(_corner(first, direction.start, padded.shape[1]))
            ends.append(_corner(last, direction.end, padded.shape[1]))
            numbers.append(number)
        follow = _followers(starts, ends, turns)
        start, end = np.concatenate(starts), np.concatenate(ends)
        (y0, x0), (y1, x1) = (np.divmod(corner, width) for corner in (start, end))
        parts = np.where(y0 == y1, -y0 * (x1 - x0), 0)
        number, pinch = np.concatenate(numbers), np.concatenate(pinched)
        return cls(x0 - 1, y0 - 1, number, parts, follow, pinch)


def _offset(step: tuple[int, int], image: NDArray) -> int:
    return step[0] * image.shape[1] + step[1]


def _corner(pixels: NDArray[np.intp], corner: tuple[int, int], width: int) -> NDArray[np.intp]:
    """Return the number of a corner of each pixel, row by row."""
    y, x = np.divmod(pixels, width)
    return (y + corner[0]) * (width + 1) + x + corner[1]


def _runs(
    padded: NDArray[np.integer], direction: _Direction
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the first and the last pixel of each run of edges, in order of the lines."""
    upright = direction.ahead[0] != 0
    image = padded.T if upright else padded  # so that runs go along rows
    beyond = direction.beyond[::-1] if upright else direction.beyond
    has_edge = np.zeros(image.shape, bool)
    inner = image[1:-1, 1:-1]
    rows = slice(1 + beyond[0], image.shape[0] - 1 + beyond[0])
    has_edge[1:-1, 1:-1] = (inner != 0) & (inner != image[rows, 1:-1])
    goes_on = has_edge[:, :-1] & has_edge[:, 1:] & (image[:, :-1] == image[:, 1:])
    low, high = has_edge.copy(), has_edge
    low[:, 1:] &= ~goes_on
    high[:, :-1] &= ~goes_on
    found = []
    for ends in (low, high):
        row, column = np.divmod(np.flatnonzero(ends), image.shape[1])
        y, x = (column, row) if upright else (row, column)
        found.append(y * padded.shape[1] + x)
    first, last = found if sum(direction.ahead) > 0 else found[::-1]
    return first, last


def _followers(
    starts: list[NDArray[np.intp]], ends: list[NDArray[np.intp]], turns: list[NDArray[np.bool_]]
) -> NDArray[np.intp]:
    """Return the side that goes on at the end of each: one of the next direction or the last."""
    offsets = np.cumsum([0, *(len(one) for one in starts)])
    found = []
    for k, (end, left) in enumerate(zip(ends, turns, strict=True)):
        follow = np.empty(len(end), np.intp)
        for chosen, turn in ((left, -1), (~left, 1)):
            other = (k + turn) % len(starts)
            order = np.argsort(starts[other], kind="stable")
            place = np.searchsorted(starts[other], end[chosen], sorter=order)
            follow[chosen] = offsets[other] + order[place]
        found.append(follow)
    return np.concatenate(found)


def _loops(sides: _Sides) -> Iterator[list[int]]:
    """Yield the sides of each ring, in order; a ring meets no corner twice."""
    follow, pinched = sides.next.tolist(), sides.pinched.tolist()
    seen = bytearray(len(follow))
    for first in range(len(follow)):
        if seen[first]:
            continue
        loop, side, may_touch = [], first, False
        while not seen[side]:
            seen[side] = True
            loop.append(side)
            may_touch = may_touch or pinched[side]
            side = follow[side]
        if may_touch:
            yield from _simple(loop, sides)
        else:
            yield loop


def _simple(loop: list[int], sides: _Sides) -> Iterator[list[int]]:
    """Yield the parts of a loop that meet no corner twice."""
    corners = [(sides.x[side], sides.y[side]) for side in loop]
    way: list[int] = []
    at: dict[tuple[int, int], int] = {}
    for side, corner in zip(loop, corners, strict=True):
        if corner in at:  # from there on it was a ring
            start = at[corner]
            yield way[start:]
            way = way[:start]
            at = {known: place for known, place in at.items() if place < start}
        at[corner] = len(way)
        way.append(side)
    yield way
