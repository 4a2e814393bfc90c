"""Pieces of masks: their surroundings, their thresholds, what is typical of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_marrow.data.imports import importing
from napari_marrow.imaging.distance import depth_of, erode


def windows(
    labels: NDArray[np.integer], around: float
) -> Iterator[tuple[tuple[slice, slice], NDArray[np.bool_], NDArray[np.bool_], float]]:
    """For each label its surroundings: the window, itself and the others in it, its diameter."""
    height, width = labels.shape
    for number, place in enumerate(ndimage.find_objects(labels), 1):
        if place is None:
            continue
        area = np.count_nonzero(labels[place] == number)
        if area < 20:
            continue
        diameter = float(np.sqrt(4 / np.pi * area))
        reach = int(around * diameter) + 2
        rows, columns = place
        window = (
            slice(max(0, rows.start - reach), min(height, rows.stop + reach)),
            slice(max(0, columns.start - reach), min(width, columns.stop + reach)),
        )
        own = labels[window] == number
        yield window, own, (labels[window] > 0) & ~own, diameter


def touching(mask: NDArray[np.bool_], core: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pieces of a mask that share a pixel with ``core``."""
    pieces, count = ndimage.label(mask)
    keep = np.zeros(count + 1, bool)
    keep[pieces[core & mask]] = True
    keep[0] = False
    return keep[pieces]


def opened(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Opening with a disc; beyond the edge the picture goes on as it ends."""
    rim = 2 * radius + 1
    padded = np.pad(mask, rim, mode="edge")
    return _widened(~_widened(~padded, radius), radius)[rim:-rim, rim:-rim]


def _widened(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """``ndimage.binary_dilation`` with a disc, by slices: 4 times as fast in a cell's window."""
    found, wide, half = mask.copy(), mask.copy(), 0
    for away in range(radius, -1, -1):  # rows so far from the disc's middle, the narrowest first
        while (half + 1) ** 2 + away**2 <= radius**2:
            half += 1
            wide[:, half:] |= mask[:, :-half]
            wide[:, :-half] |= mask[:, half:]
        found[away:] |= wide[: len(wide) - away]
        found[: len(found) - away] |= wide[away:]
    return found


def without_holes(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """``ndimage.binary_fill_holes``, 2 times as fast: all that the outside does not reach."""
    pieces, _ = ndimage.label(~np.pad(mask, 1))
    return pieces[1:-1, 1:-1] != pieces[0, 0]


def closed(mask: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    """Closing with a disc; nothing lies beyond the edge."""
    rim = int(radius) + 2
    near = depth_of(~np.pad(mask, rim)) <= radius
    return mask | (depth_of(near) > radius)[rim:-rim, rim:-rim]


def solidity(piece: NDArray[np.bool_]) -> float:
    """The part of its convex hull that a piece fills, the pixels taken as squares; 0 to 1."""
    with importing:
        from scipy.spatial import ConvexHull  # slow to import, and few masks need it

    rim = np.argwhere(piece & ~erode(piece))
    if len(rim) == 0:
        return 0.0
    corners = np.concatenate([rim + step for step in ((0, 0), (0, 1), (1, 0), (1, 1))])
    return float(np.count_nonzero(piece) / ConvexHull(corners).volume)


def without_spurs(mask: NDArray[np.bool_], part: float) -> NDArray[np.bool_]:
    """Opening with a disc of this part of the mask's depth; at the edge nothing is taken away."""
    if mask.all():
        return mask
    depth = ndimage.distance_transform_edt(mask)
    radius = part * depth.max()
    return ndimage.distance_transform_edt(depth <= radius) <= radius


def multi_otsu(values: NDArray) -> NDArray | None:
    """The two thresholds of three classes, or None where there are not three values."""
    with importing:
        from skimage.filters import threshold_multiotsu

    try:
        return threshold_multiotsu(values, classes=3)
    except ValueError:
        return None


def otsu(values: NDArray) -> float:
    """The threshold of two classes."""
    with importing:
        from skimage.filters import threshold_otsu

    return float(threshold_otsu(values))


def weighted_quantile(values: NDArray, weights: NDArray, part: float = 0.5) -> float:
    """The value with this part of the weights at or under it; by default the median."""
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, part * total[-1])])
