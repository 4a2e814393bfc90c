"""Depth of the pixels of a mask, and the median that specks do not change."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def depth_of(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the distance in pixels to the nearest one outside of the mask, or of the picture."""
    return ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1].astype(np.float32)


def weighted_median(values: NDArray, weights: NDArray) -> float:
    """Return the value with half of the weights at or under it."""
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])
