"""The white point of a photograph: the colour of the light where nothing absorbs it.

Cells that were cut out on black show no light. :func:`is_cut_out` recognises them, and white is
taken for their white point.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WHITE_LEVEL = 240
"""Grey level that white balance gives the background; below 255 keeps brighter pixels apart."""
MAX_BLACK_LEVEL = 8
"""Highest level of a pixel that was cut away: some data sets hold cells cut out on black."""
MIN_CUT_OUT_BLACK_FRACTION = 0.1
"""Smallest fraction of black pixels in a picture of a cell cut out, even closely."""
MIN_ROUND_FIELD_DIAMETER_FRACTION = 0.8
"""Smallest diameter of a round field of view, as a fraction of the picture's shorter side."""
MAX_BACKGROUND_DEVIATION = 0.06
"""Largest relative difference between a background pixel and the white point."""
MIN_BACKGROUND_FRACTION = 0.18
"""Smallest fraction of background pixels in a round field of view.

Round fields as wide as the picture have 0.19 and more (SN-AM, SegPC, ALL-IDB2). Cells cut out have
0.17 at most (white blood cells, C-NMC); some pale ones of ALL-IDB2, cut closely, have up to 0.25.
"""
MIN_RECTANGULARITY = 0.85
"""Smallest fraction of its minimum bounding rectangle that a picture with straight edges fills,
rotated or with a border; cells that were cut out fill 0.82 at most."""
SAMPLE_SIZE_PX = 50_000
"""Approximate number of pixels that the white point and the stains are estimated from."""


def subsample(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return every n-th row and column of an image: about :data:`SAMPLE_SIZE_PX` pixels."""
    step = max(1, int((image.shape[0] * image.shape[1] / SAMPLE_SIZE_PX) ** 0.5))
    return np.ascontiguousarray(image[::step, ::step])


def white_point(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the white point of a photograph.

    It is the median of the brightest fifth of the pixels that are not black, or 240 in each channel
    for cells cut out on black.

    Parameters
    ----------
    image
        RGB photograph, (height, width, 3), uint8.

    Returns
    -------
    ndarray of float32, shape (3,)
        Red, green, blue, 1 to 255.
    """
    pixels = subsample(image).reshape(-1, 3)
    lit = pixels[_is_lit(pixels)]
    if not len(lit):
        return np.ones(3, np.float32)
    return np.full(3, WHITE_LEVEL, np.float32) if is_cut_out(image) else _median_of_brightest(lit)


def _is_lit(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell which pixels, (..., 3), are not black; a reduction over an axis of three is slow."""
    red, green, blue = (pixels[..., k] > MAX_BLACK_LEVEL for k in range(3))
    return red | green | blue


def _median_of_brightest(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    luma = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
    bright = pixels[luma >= np.quantile(luma, 0.8)]
    return np.maximum(np.median(bright, axis=0), 1).astype(np.float32)


def is_cut_out(image: NDArray[np.uint8]) -> bool:
    """Tell whether an RGB photograph shows cells cut out on black, without background.

    It does not where the part that is not black has straight edges, or is round and holds
    background.
    """
    sample = subsample(image)
    lit = _is_lit(sample)
    if not 0 < lit.mean() < 1 - MIN_CUT_OUT_BLACK_FRACTION or _rectangularity(lit) >= (
        MIN_RECTANGULARITY
    ):
        return False
    pixels = sample[lit]
    return not (is_round_field(len(pixels), min(lit.shape)) and has_background(pixels))


def is_round_field(area: int, shorter_side: int) -> bool:
    """Tell whether so many pixels fill a round field of view in a picture of this shorter side."""
    return area >= np.pi / 4 * (MIN_ROUND_FIELD_DIAMETER_FRACTION * shorter_side) ** 2


def has_background(pixels: NDArray[np.uint8]) -> bool:
    """Tell whether pixels, (n, 3), hold an even background: the brightest of a cell is neither."""
    deviation = np.abs(pixels / _median_of_brightest(pixels) - 1)
    is_background = (deviation < MAX_BACKGROUND_DEVIATION).all(axis=1)
    return bool(is_background.mean() >= MIN_BACKGROUND_FRACTION)


def _rectangularity(mask: NDArray[np.bool_]) -> float:
    """Return the area of a mask over that of its minimum bounding rectangle, found to 3 degrees."""
    rows = np.flatnonzero(mask.any(axis=1))
    first = mask[rows].argmax(axis=1)
    last = mask.shape[1] - 1 - mask[rows, ::-1].argmax(axis=1)
    outline = np.stack([np.tile(rows, 2), np.concatenate([first, last])])
    angles = np.deg2rad(np.arange(0, 90, 3))
    rotations = np.stack([[np.cos(angles), np.sin(angles)], [-np.sin(angles), np.cos(angles)]])
    sides = np.ptp(np.einsum("kda,dn->kan", rotations, outline), axis=2) + 1
    return float(mask.sum() / sides.prod(axis=0).min())
