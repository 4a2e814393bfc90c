"""Histograms: what part of the pixels has which level, of each channel and of grey.

The published method's first family. It sees nothing but colour and brightness, and so mostly the
stain: see docs/features.md for how little of it carries over to another microscope.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

BINS = 16
"""Bins a channel, each of 256 / BINS levels."""


def histogram(pictures: NDArray[np.uint8]) -> dict[str, NDArray[np.float64]]:
    """Histograms of pictures.

    Parameters
    ----------
    pictures
        (n, height, width, 3) RGB, uint8.

    Returns
    -------
    dict
        (n,) parts of all pixels, 0 to 1: ``histogram_red_000_015`` for the levels 0 to 15 of red.
        Grey is the luma of ITU-R BT.601.
    """
    counts = np.array([_counts(p) for p in pictures], np.float64).reshape(len(pictures), 4, BINS)
    counts /= pictures.shape[1] * pictures.shape[2]
    width = 256 // BINS
    return {
        f"histogram_{name}_{k * width:03d}_{(k + 1) * width - 1:03d}": counts[:, channel, k]
        for channel, name in enumerate(("red", "green", "blue", "grey"))
        for k in range(BINS)
    }


def _counts(picture: NDArray[np.uint8]) -> NDArray[np.int64]:
    # Pillow counts in C, without an array of numbers of eight bytes as numpy's bincount needs.
    image = Image.fromarray(picture)
    levels = np.array(image.histogram() + image.convert("L").histogram())
    return levels.reshape(4, BINS, -1).sum(axis=-1)
