"""Which cells of a label image outlines and points of another program mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.marks.marks import Corners, Mark

MIN_COVERED = 0.5
"""Of a cell, beyond which a region that a person drew means it beside others."""
MIN_HITS = 0.5
"""Of the marks, that lie on cells; where fewer do, x and y may be swapped."""


@dataclass(frozen=True)
class MarkedCells:
    """The cells that marks mean.

    Attributes
    ----------
    marks
        By the number of the cell, the mark that covers most of it; of equal ones the last.
    missed
        How many marks lie on no cell.
    disputed
        How many cells marks of different classes lie on.
    swapped
        Whether y was before x.
    """

    marks: Mapping[int, Mark]
    missed: int
    disputed: int
    swapped: bool = False


def marked_cells(marks: Sequence[Mark], labels: NDArray[np.integer]) -> MarkedCells:
    """Find the cells that marks mean.

    A point means the cell that it is in, an outline the cell of which it covers most; a region that
    a person drew means all cells of which it covers more than half. Where most marks lie on no
    cell, and most do with x and y swapped, they are taken so.

    Parameters
    ----------
    marks
        Pixel (row, column) is the square from (column, row) to (column + 1, row + 1) in x and y.
    labels
        (height, width), the number of each cell.
    """
    found = _find(marks, labels)
    if not marks or found.missed <= (1 - MIN_HITS) * len(marks):
        return found
    other = _find([_swapped(mark) for mark in marks], labels)
    return replace(other, swapped=True) if other.missed < MIN_HITS * len(marks) else found


def _swapped(mark: Mark) -> Mark:
    polygons = tuple(tuple(ring[:, ::-1] for ring in rings) for rings in mark.polygons)
    return replace(mark, points=mark.points[:, ::-1], polygons=polygons)


def _find(marks: Sequence[Mark], labels: NDArray[np.integer]) -> MarkedCells:
    numbers, counts = np.unique(labels, return_counts=True)
    areas = dict(zip(numbers.tolist(), counts.tolist(), strict=True))
    best: dict[int, tuple[float, Mark]] = {}
    claims: dict[int, set[str]] = {}
    missed = 0
    for mark in marks:
        meant = _meant(mark, labels, areas)
        missed += not meant
        for number, share in meant.items():
            claims.setdefault(number, set()).add(mark.class_name)
            if number not in best or share >= best[number][0]:
                best[number] = share, mark
    disputed = sum(len(classes) > 1 for classes in claims.values())
    return MarkedCells({number: mark for number, (_, mark) in best.items()}, missed, disputed)


def _meant(mark: Mark, labels: NDArray[np.integer], areas: Mapping[int, int]) -> dict[int, float]:
    """Return the cells that a mark means, and what share of each it covers; of a point all."""
    found = dict.fromkeys(_under(mark.points, labels), 1.0)
    if not mark.polygons:
        return found
    covered = {k: n / areas[k] for k, n in _covered(mark, labels).items()}
    if covered:
        most = max(covered, key=lambda k: covered[k] * areas[k])
        chosen = {most}
        if mark.is_region:
            chosen |= {k for k, share in covered.items() if share > MIN_COVERED}
        found |= {k: covered[k] for k in chosen}
    return found


def _under(points: Corners, labels: NDArray[np.integer]) -> list[int]:
    """Return the cells that points are in."""
    x, y = np.floor(points).astype(np.intp).T
    inside = (y >= 0) & (y < labels.shape[0]) & (x >= 0) & (x < labels.shape[1])
    return [k for k in labels[y[inside], x[inside]].tolist() if k]


def _covered(mark: Mark, labels: NDArray[np.integer]) -> dict[int, int]:
    """Return of how many pixels of each cell the middle is inside."""
    corners = np.concatenate([ring for rings in mark.polygons for ring in rings])
    low = np.clip(np.floor(corners.min(axis=0)), 0, labels.shape[::-1]).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)), 0, labels.shape[::-1]).astype(int)
    window = labels[low[1] : high[1], low[0] : high[0]]
    inside = np.zeros(window.shape, bool)
    for rings in mark.polygons:
        inside |= pixels_inside([ring - low for ring in rings], window.shape)
    numbers, counts = np.unique(window[inside], return_counts=True)
    return {k: n for k, n in zip(numbers.tolist(), counts.tolist(), strict=True) if k}


def pixels_inside(rings: Sequence[Corners], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return the pixels whose middle is in an odd number of rings, (height, width).

    Along each row of pixels inside and outside change where a side crosses it: this takes the time
    of the pixels and the crossings, and not of the pixels for each corner.
    """
    height, width = shape
    changes = np.zeros((height, width + 1), np.intp)
    for ring in rings:
        start, end = ring, np.roll(ring, -1, axis=0)
        ends = np.stack([start[:, 1], end[:, 1]])
        first, last = np.clip(np.ceil([ends.min(0) - 0.5, ends.max(0) - 0.5]), 0, height)
        counts = (last - first).astype(np.intp)
        side = np.repeat(np.arange(len(ring)), counts)
        before = np.repeat(np.cumsum(counts) - counts, counts)
        rows = np.repeat(first, counts).astype(np.intp) + np.arange(len(side)) - before
        (x0, y0), (x1, y1) = start[side].T, end[side].T
        x = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
        columns = np.clip(np.ceil(x - 0.5), 0, width).astype(np.intp)
        np.add.at(changes, (rows, columns), 1)
    return np.cumsum(changes, axis=1)[:, :-1] % 2 == 1
