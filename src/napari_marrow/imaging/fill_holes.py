"""Fill the holes of nuclei in a mask, but not the gaps that touching nuclei enclose.

Both look alike by their area; the mask around tells them apart. A convex component is one nucleus,
and all its openings are holes. In a clump, an opening with nuclei of full depth beside it is a gap.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_marrow.data.imports import importing
from napari_marrow.imaging.distance import depth_of, weighted_median

MIN_NUCLEUS_SOLIDITY = 0.95
"""Part of its convex hull that a single nucleus fills; two touching discs fill 0.88."""
MIN_GAP_DEPTH_RADII = 0.7
"""Depth of the mask beside a gap, in typical radii; a ring around a hole is half as deep."""


def fill_holes(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Fill the holes of nuclei.

    Parameters
    ----------
    mask
        (height, width), True inside nuclei.

    Returns
    -------
    ndarray of bool, shape (height, width)
    """
    with importing:
        from skimage.measure import regionprops

    whole, _ = ndimage.label(ndimage.binary_fill_holes(mask))
    if np.array_equal(whole > 0, mask):
        return mask
    convex = [r.label for r in regionprops(whole) if r.solidity >= MIN_NUCLEUS_SOLIDITY]
    filled = mask | np.isin(whole, convex)
    openings, count = ndimage.label((whole > 0) & ~filled)
    if not count:
        return filled
    depth = depth_of(filled)
    radius = typical_radius(filled, depth)
    beside = ndimage.maximum_filter(depth, 2 * int(MIN_GAP_DEPTH_RADII * radius) + 1)
    hole = ndimage.maximum(beside, openings, np.arange(count + 1)) < MIN_GAP_DEPTH_RADII * radius
    hole[0] = False
    return filled | hole[openings]


def typical_radius(mask: NDArray[np.bool_], depth: NDArray[np.float32]) -> float:
    """Return the median by area of the largest depth in each component of a mask, in pixels."""
    components, count = ndimage.label(mask)
    if not count:
        return 0.0
    radii = component_depths(depth, components, count)
    return weighted_median(radii, np.bincount(components.ravel())[1:])


def component_depths(
    depth: NDArray[np.float32], components: NDArray[np.int32], count: int
) -> NDArray[np.float32]:
    """Return the largest depth in each of the components 1 to ``count``."""
    mask = components > 0
    return np.asarray(ndimage.maximum(depth[mask], components[mask], np.arange(1, count + 1)))
