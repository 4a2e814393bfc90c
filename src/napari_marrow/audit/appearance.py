"""What a picture looks like, in sixteen numbers: its levels, its hues, and its detail by size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn

N_SAMPLES = 256
"""Rows and columns of the sample of a picture."""
THUMBNAIL_PX = 32
QUANTILES = (0.05, 0.5, 0.95)
N_MEASUREMENTS = 16
DETAIL_BANDS = ((1, 4), (4, 10), (10, 28))
"""Ranges of the frequency, in half periods a picture."""

_FREQUENCY = np.hypot(*np.indices((THUMBNAIL_PX, THUMBNAIL_PX)))


def sample_pixels(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return pixels of a picture on an even grid, (256, 256, 3)."""
    rows, columns = sample_grid(image)
    return image.take(rows, axis=0).take(columns, axis=1)  # 4 times faster than with np.ix_


def sample_grid(image: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows and columns that :func:`sample_pixels` takes."""
    rows, columns = (
        ((np.arange(N_SAMPLES) + 0.5) * length / N_SAMPLES).astype(np.intp)
        for length in image.shape[:2]
    )
    return rows, columns


def thumbnail(sample: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the sample of a picture as a thumbnail, (32, 32, 3)."""
    step = N_SAMPLES // THUMBNAIL_PX
    blocks = sample.astype(np.float32).reshape(THUMBNAIL_PX, step, THUMBNAIL_PX, step, 3)
    return blocks.mean(axis=(1, 3))


def appearance(thumbnails: NDArray) -> NDArray[np.float32]:
    """Measure what pictures look like.

    Parameters
    ----------
    thumbnails
        (n, 32, 32, 3) RGB, 0 to 255.

    Returns
    -------
    ndarray of float32, shape (n, 16)
        Of red, green and blue the 5 %, 50 % and 95 % quantile; of red minus green and blue minus
        green the 5 % and 95 % quantile; and the root mean square of the grey levels' detail in
        three bands from coarse to fine, in decibels over one grey level.
    """
    if not len(thumbnails):
        return np.empty((0, N_MEASUREMENTS), np.float32)
    values = np.asarray(thumbnails, np.float32)
    pixels = values.reshape(len(values), -1, 3)
    hues = pixels[..., ::2] - pixels[..., 1:2]
    levels = np.moveaxis(np.quantile(pixels, QUANTILES, axis=1), 0, 1)
    spread = np.moveaxis(np.quantile(hues, (QUANTILES[0], QUANTILES[-1]), axis=1), 0, 1)
    power = dctn(values.mean(axis=3), axes=(1, 2), norm="ortho") ** 2
    bands = ((low <= _FREQUENCY) & (high > _FREQUENCY) for low, high in DETAIL_BANDS)
    detail = [20 * np.log10(np.sqrt(power[:, band].mean(axis=1)) + 1) for band in bands]
    parts = [levels.reshape(len(values), 9), spread.reshape(len(values), 4), np.stack(detail, 1)]
    return np.concatenate(parts, axis=1).astype(np.float32)
