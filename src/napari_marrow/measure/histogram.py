"""Histogram features: the fraction of pixels per level, of each channel and of grey.

The published method's first family. It sees nothing but colour and brightness, and so mostly the
stain: see docs/reference/features.md on other microscopes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

N_BINS = 16
"""Bins a channel, each of 256 / N_BINS levels."""


def histogram(
    pictures: NDArray[np.uint8], inside: NDArray[np.bool_] | None = None
) -> dict[str, NDArray[np.float64]]:
    """Return histograms of pictures.

    Parameters
    ----------
    pictures
        (n, height, width, 3) RGB, uint8.
    inside
        (n, height, width), the pixels that count; all when None.

    Returns
    -------
    dict
        (n,) parts of all pixels, 0 to 1: ``histogram_red_000_015`` for the levels 0 to 15 of red.
        Grey is the luma of ITU-R BT.601.
    """
    masks = [None] * len(pictures) if inside is None else inside
    rows = [_counts(*pair) for pair in zip(pictures, masks, strict=True)]
    counts = np.array(rows, np.float64).reshape(len(pictures), 4, N_BINS)
    counts /= counts.sum(axis=2, keepdims=True)
    width = 256 // N_BINS
    return {
        f"histogram_{name}_{k * width:03d}_{(k + 1) * width - 1:03d}": counts[:, channel, k]
        for channel, name in enumerate(("red", "green", "blue", "grey"))
        for k in range(N_BINS)
    }


def green(
    pictures: NDArray[np.uint8], inside: NDArray[np.bool_] | None = None
) -> dict[str, NDArray[np.float64]]:
    """Return the green part of :func:`histogram`, which related work uses alone."""
    return {
        name: part
        for name, part in histogram(pictures, inside).items()
        if name.startswith("histogram_green_")
    }


def _counts(picture: NDArray[np.uint8], inside: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    # Pillow counts in C, without an array of numbers of eight bytes as numpy's bincount needs.
    image = Image.fromarray(picture)
    mask = None if inside is None or inside.all() else Image.fromarray(inside)
    levels = np.array(image.histogram(mask) + image.convert("L").histogram(mask))
    return levels.reshape(4, N_BINS, -1).sum(axis=-1)
