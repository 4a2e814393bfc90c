"""Holes of nuclei are filled; the gaps that several nuclei enclose are not.

Both look alike by their area. What tells them apart is the mask around: one nucleus with a hole is
a ring, and nowhere as deep as the nuclei are that lie around a gap.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_marrow.imaging.depth import depth_of, erode, peaks_of

WIDEST = 0.8
"""Openings over this part of the typical radius are never holes."""
TINIEST = 0.05
"""Openings under this part of the depth of their place are always holes."""
CLUSTER = 1.5
"""Pieces under this many times the area of the largest disc in them are one nucleus."""
BLOCK = 3.0
"""So are those under the area of a disc of this many typical radii."""
DEEP = 1.4
"""Nuclei around a gap are this many times as deep as the ring would be in one nucleus."""
REACH = 1.2
"""Farther from an opening than this many times its depth, a nucleus does not lie around it."""
FAR = 2.2
"""How far around an opening to look, in typical radii."""
MOST = 500
"""How many openings to look at, the largest first."""
SMALL = 0.6
"""Places under this part of the depth of lone nuclei are not the middles of others."""


def fill_holes(mask: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Fill the holes of nuclei, not the gaps between them.

    Parameters
    ----------
    mask
        (height, width), True inside nuclei, at a size at which these are 20 to 100 pixels wide.

    Returns
    -------
    filled
        bool, (height, width): the mask and its holes, which are openings that fit into a nucleus
        and that no three nuclei lie around.
    depth
        float32, (height, width): :func:`.depth_of` the filled mask.
    """
    gaps, count = ndimage.label(np.pad(~mask, 1, constant_values=True))
    outside, gaps = gaps[0, 0], gaps[1:-1, 1:-1]
    typical = _typical_radius(mask)
    hole = np.bincount(gaps.ravel(), minlength=count + 1) <= np.pi * (WIDEST * typical) ** 2
    hole[[0, outside]] = False  # the mask itself and the outside
    if not hole.any():
        return mask, depth_of(mask)
    holes = np.where(hole[gaps], gaps, 0)
    filled = mask | (holes > 0)
    depth = depth_of(filled)
    between = _between_nuclei(filled, depth, holes, typical)
    if not between:
        return filled, depth
    filled &= ~np.isin(holes, between)
    return filled, depth_of(filled)


def _between_nuclei(
    filled: NDArray[np.bool_],
    depth: NDArray[np.float32],
    holes: NDArray[np.integer],
    typical: float,
) -> list[int]:
    """Numbers of the holes that nuclei enclose, instead of one nucleus having them."""
    clustered, lone = _clusters(filled, depth, typical)
    areas = np.bincount(holes[clustered])
    areas[:1] = 0
    # Only a mask of noise has more, and those need not be told apart.
    largest = [int(k) for k in np.argsort(areas)[::-1][:MOST] if areas[k]]
    boxes = ndimage.find_objects(holes)
    margin = int(FAR * typical) + 1
    found = []
    for number in largest:
        box = tuple(slice(max(0, s.start - margin), s.stop + margin) for s in boxes[number - 1])
        hole, others = holes[box] == number, (holes[box] > 0) & (holes[box] != number)
        deep = min(depth[box][hole].max(), 2 * typical)
        if areas[number] < np.pi * (TINIEST * deep) ** 2:
            continue
        # The nuclei around may have holes of their own, and gaps to others: either way will do.
        ways = [filled[box], filled[box] & ~others] if others.any() else [filled[box]]
        if any(_three_around(hole, way, SMALL * lone) for way in ways):
            found.append(number)
    return found


def _clusters(
    mask: NDArray[np.bool_], depth: NDArray[np.float32], typical: float
) -> tuple[NDArray[np.bool_], float]:
    """The pieces that are more than one nucleus, and how deep the others typically are."""
    pieces, count = ndimage.label(mask)
    areas = np.bincount(pieces.ravel())
    widths = ndimage.maximum(depth[mask], pieces[mask], np.arange(count + 1))
    # A block of many nuclei is as compact as one, but larger.
    cluster = areas >= np.pi * np.minimum(CLUSTER * widths**2, (BLOCK * typical) ** 2)
    cluster[0] = False
    lone = ~cluster & (widths > 1)
    return cluster[pieces], weighted_median(widths[lone], areas[lone]) if lone.any() else 0.0


def _three_around(hole: NDArray[np.bool_], mask: NDArray[np.bool_], least: float) -> bool:
    """Whether three or more nuclei of at least a radius lie around a hole that a mask fills.

    In one nucleus the mask around the hole is a ring, which has one deeper place at the most.
    """
    width = depth_of(mask)[hole].max() - depth_of(hole).max()  # of that ring
    depth = depth_of(mask & ~hole)
    deep = depth >= max(DEEP * width / 2, least)
    middles = np.argwhere(peaks_of(depth, width)[1] & deep)
    edge = np.argwhere(hole)
    apart = np.array([np.hypot(*(edge - middle).T).min() for middle in middles])
    return bool(np.count_nonzero(apart <= REACH * depth[tuple(middles.T)]) >= 3)


def _typical_radius(mask: NDArray[np.bool_]) -> float:
    """Radius of the discs that a mask is made of, touching or not: twice area over perimeter.

    A guess, but one that takes a fiftieth of the time of a distance transform, and that can be
    made before holes are filled.
    """
    inner = erode(mask)  # specks and thin lines are all rim: without the rim they count for little
    if not inner.any():
        return 1.0
    area = np.count_nonzero(inner)
    return 1 + 2 * area / (area - np.count_nonzero(erode(inner)))


def weighted_median(values: NDArray, weights: NDArray) -> float:
    """The value with half of the weights at or under it."""
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])
