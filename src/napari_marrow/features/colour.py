"""Colour as numbers. The poorest of features, and the yardstick for all others.

Where a classifier that sees only the mean colour does as well as a network, the network may have
learnt the stain batch and not the cells.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MEAN_COLOUR = ("mean_red", "mean_green", "mean_blue")


def mean_colour(image: NDArray[np.uint8], pixels: int = 100_000) -> NDArray[np.float64]:
    """Mean of red, green and blue, 0 to 255, over about ``pixels`` evenly spread pixels."""
    step = max(1, int((image.shape[0] * image.shape[1] / pixels) ** 0.5))
    return np.asarray(image[::step, ::step]).reshape(-1, 3).mean(axis=0)
