"""Holes of nuclei are filled; the gaps that several nuclei enclose are not.

Both look alike by their area. What tells them apart is the mask around. A piece with a round
outline is one nucleus. In others, the mask around the hole of one nucleus is a ring, and nowhere as
deep as the nuclei are that lie around a gap.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_marrow.imaging.components import solidity
from napari_marrow.imaging.distance import depth_of, erode, peaks_of

WIDEST = 0.8
"""Openings over this part of the typical radius are never holes of a cluster."""
TINIEST = 0.05
"""Openings under this part of the depth of their place are always holes."""
PINHOLE = 0.2
"""Openings under this part of the typical radius do not count when that is worked out."""
COMPACT = 1.5
"""Pieces under this many times the area of the largest disc in them are one nucleus."""
ROUND = 0.95
"""So are those that fill this part of their convex hull, whatever holes they have."""
LARGEST = 3.0
"""But not those over the area of a disc of this many typical radii: they are blocks of nuclei."""
DEEP = 1.4
"""Nuclei around a gap are this many times as deep as the ring would be in one nucleus."""
REACH = 1.2
"""Farther from an opening than this many times its depth, a nucleus does not lie around it."""
FAR = 2.2
"""How far around an opening to look, in typical radii."""
FARTHEST = 110
"""But never more than so many pixels: nuclei are at most 100 wide."""
MOST = 500
"""How many openings to look at, the largest first."""
SMALL = 0.5
"""Places under this part of the typical radius are not the middles of nuclei."""


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
    radii = np.sqrt(np.bincount(gaps.ravel(), minlength=count + 1) / np.pi)
    enclosed = np.ones(count + 1, bool)
    enclosed[[0, outside]] = False  # the mask itself and the outside
    if not enclosed.any():
        return mask, depth_of(mask)
    least = typical = _typical_radius(mask)
    for _ in range(3):  # many pinholes make the first guess too small
        typical = _typical_radius(mask | (enclosed & (radii <= PINHOLE * typical))[gaps])
    hole = enclosed & (radii <= WIDEST * typical)
    filled = mask | hole[gaps]
    depth = depth_of(filled)
    solid, openings = mask | enclosed[gaps], np.where(enclosed[gaps], gaps, 0)
    own = _of_single_nuclei(solid, openings, depth, typical)
    if not hole[own].all():
        hole[own] = True
        filled = mask | hole[gaps]
        depth = depth_of(filled)
    doubtful = hole.copy()
    doubtful[own] = False
    between = _between_nuclei(filled, depth, np.where(doubtful[gaps], gaps, 0), least)
    if not between:
        return filled, depth
    filled &= ~np.isin(gaps, between)
    return filled, depth_of(filled)


def _of_single_nuclei(
    solid: NDArray[np.bool_],
    openings: NDArray[np.integer],
    depth: NDArray[np.float32],
    typical: float,
) -> NDArray[np.integer]:
    """Numbers of the openings in pieces that are one nucleus, by their shape or their outline."""
    pieces, count = ndimage.label(solid)
    areas = np.bincount(pieces.ravel())
    widths = ndimage.maximum(depth[solid], pieces[solid], np.arange(count + 1))
    boxes = ndimage.find_objects(pieces)
    open_ = openings > 0
    single = np.zeros(count + 1, bool)
    for k in np.unique(pieces[open_]).tolist():
        small = areas[k] <= np.pi * (LARGEST * typical) ** 2
        compact = areas[k] < COMPACT * np.pi * widths[k] ** 2
        single[k] = small and (compact or solidity(pieces[boxes[k - 1]] == k) >= ROUND)
    return np.unique(openings[open_ & single[pieces]])


def _between_nuclei(
    filled: NDArray[np.bool_],
    depth: NDArray[np.float32],
    holes: NDArray[np.integer],
    typical: float,
) -> list[int]:
    """Numbers of the holes that nuclei enclose, instead of one nucleus having them."""
    areas = np.bincount(holes.ravel())
    areas[:1] = 0
    # Only a mask of noise has more, and those need not be told apart.
    largest = [int(k) for k in np.argsort(areas)[::-1][:MOST] if areas[k]]
    boxes = ndimage.find_objects(holes)
    margin = min(int(FAR * typical), FARTHEST) + 1
    found = []
    for number in largest:
        own = holes[boxes[number - 1]] == number
        deep, radius = depth[boxes[number - 1]][own].max(), depth_of(own).max()
        if areas[number] < np.pi * (TINIEST * min(deep, 2 * typical)) ** 2:
            continue
        box = tuple(slice(max(0, s.start - margin), s.stop + margin) for s in boxes[number - 1])
        hole, others = holes[box] == number, (holes[box] > 0) & (holes[box] != number)
        around = _three_around(hole, filled[box], deep - radius, SMALL * typical)
        if not around and others.any():
            # The nuclei around may have gaps to others instead of holes of their own.
            bare = filled[box] & ~others
            width = depth_of(bare)[hole].max() - radius
            around = _three_around(hole, bare, width, SMALL * typical)
        if around:
            found.append(number)
    return found


def _three_around(
    hole: NDArray[np.bool_], mask: NDArray[np.bool_], width: float, least: float
) -> bool:
    """Whether three or more nuclei of at least a radius lie around a hole that a mask fills.

    In one nucleus the mask around the hole is a ring of ``width``, which has one deeper place at
    the most.
    """
    depth = depth_of(mask & ~hole)
    deep = depth >= max(DEEP * width / 2, least)
    if not deep.any():
        return False
    middles = np.argwhere(peaks_of(depth, width)[1] & deep)
    if len(middles) < 3:
        return False
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
