"""Where in a cut-out a network looks: occlusion, and what tells whether a map can be believed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from napari_marrow.learning.onnx.embedding import resize_matrix

N_ACROSS = 16
"""Places of the patch along a side of the image."""
PATCH_SIDE_FRACTION = 0.2
"""Side of the patch, as a fraction of the image's: half a nucleus, in a crop of 2.5 diameters."""
N_AT_ONCE = 64
"""Covered images that a network is asked about at once."""
MIN_PROBABILITY = 1e-30
"""Probabilities below it count as this, so that log-odds are finite."""

Map = NDArray[np.float64]
Ask = Callable[[NDArray[np.uint8]], NDArray[np.float64]]
"""Returns (n, classes) probabilities of (n, side, side, 3) images."""


@dataclass(frozen=True, eq=False)
class Occlusion:
    """How much an answer depends on each part of an image.

    Attributes
    ----------
    drops
        (n, n) what the log-odds of the answer, against all other classes, lose where a patch covers
        this place; below 0 they gain.
    lowest
        (classes,) the probabilities under the patch where that of the answer is lowest.
    """

    drops: Map
    lowest: NDArray[np.float64]


def occlude(
    ask: Ask,
    image: NDArray[np.uint8],
    answer: int,
    fill: NDArray[np.uint8],
    progress: Callable[[float], object] = lambda fraction: None,
) -> Occlusion:
    """Cover an image with a patch at 16 x 16 places, and ask a network each time.

    M. D. Zeiler and R. Fergus, "Visualizing and understanding convolutional networks", ECCV 2014.

    Parameters
    ----------
    ask
        The network.
    image
        (side, side, 3).
    answer
        The class that is explained.
    fill
        (3,) colour of the patch: what is there where no cell is.
    progress
        Called with the fraction that is done.
    """
    boxes = patches(image.shape[0])
    covered = np.repeat(image[None], len(boxes) + 1, axis=0)
    for one, box in zip(covered[1:], boxes, strict=True):
        one[box] = fill
    found = []
    for start in range(0, len(covered), N_AT_ONCE):
        progress(start / len(covered))
        found.append(ask(covered[start : start + N_AT_ONCE]))
    probabilities = np.concatenate(found)
    odds = log_odds(probabilities, answer)
    drops = (odds[0] - odds[1:]).reshape(N_ACROSS, N_ACROSS)
    return Occlusion(drops, probabilities[1 + drops.argmax()])


def patches(side: int) -> list[tuple[slice, slice]]:
    """Return the places of the patch in an image, row by row; at the border a part is outside."""
    half = PATCH_SIDE_FRACTION * side / 2
    middles = (np.arange(N_ACROSS) + 0.5) * side / N_ACROSS
    spans = [slice(max(0, round(x - half)), round(x + half)) for x in middles]
    return [(row, column) for row in spans for column in spans]


def log_odds(probabilities: NDArray[np.float64], answer: int) -> NDArray[np.float64]:
    """Return the log-odds, (n,), of one class against all others, from (n, classes)."""
    others = np.delete(probabilities, answer, axis=1).sum(axis=1)
    own = np.maximum(probabilities[:, answer], MIN_PROBABILITY)
    return np.log(own) - np.log(np.maximum(others, MIN_PROBABILITY))


def over_patches(heat: Map) -> NDArray[np.float64]:
    """Return the mean, (256,), of a map under each place of the patch."""
    return np.array([heat[box].mean() for box in patches(heat.shape[0])])


def rank_correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return Spearman's rank correlation; 0 where one is the same everywhere."""
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(spearmanr(one, other).statistic)


def centred_spot(side: int) -> Map:
    """Return a map that is highest in the middle and knows nothing of the image."""
    away = np.arange(side) - (side - 1) / 2
    return -np.hypot(away[:, None], away[None])


def enlarged(heat: Map, side: int) -> Map:
    """Return a map resized to (side, side), by linear interpolation between its pixels."""
    rows, columns = (resize_matrix(length, side) for length in heat.shape)
    return rows @ heat @ columns.T


def energy_within(heat: Map, mask: NDArray[np.bool_]) -> float:
    """Return the part of a map's sum that is inside a mask; not a number of an empty map.

    The energy-based pointing game of H. Wang et al., "Score-CAM", CVPR workshops 2020.
    """
    total = heat.sum()
    return float(heat[mask].sum() / total) if total > 0 else float("nan")
