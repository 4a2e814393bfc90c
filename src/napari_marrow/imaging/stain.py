"""Colour made comparable between acquisitions: white balance and optical density."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WHITE = 240
"""What the empty background is mapped to; a little below 255 keeps brighter spots apart."""


def background_colour(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Estimate the colour of the light where nothing was in its way.

    The median of the brightest fifth of the pixels, of a copy thinned to about 50,000 pixels.

    Parameters
    ----------
    image
        RGB photograph, (height, width, 3), uint8.

    Returns
    -------
    ndarray of float32, shape (3,)
        Red, green, blue, 1 to 255.
    """
    step = max(1, int((image.shape[0] * image.shape[1] / 50_000) ** 0.5))
    pixels = np.asarray(image[::step, ::step]).reshape(-1, 3)
    luma = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
    bright = pixels[luma >= np.quantile(luma, 0.8)]
    return np.maximum(np.median(bright, axis=0), 1).astype(np.float32)


def white_balance(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Scale the channels so that the field's own background becomes the same grey everywhere.

    The reference is one and the same for every class: a reference a class would write the class
    into the pixels.
    """
    gain = WHITE / background_colour(image)
    table = np.clip(np.arange(256, dtype=np.float32)[:, None] * gain + 0.5, 0, 255)
    table = table.astype(np.uint8)
    out = np.empty(image.shape, np.uint8)
    for channel in range(3):
        np.take(table[:, channel], image[..., channel], out=out[..., channel])
    return out


def optical_density(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Absorbance of each channel against the field's own background (Beer-Lambert).

    Returns
    -------
    ndarray of float32, shape (height, width, 3)
        ``log10(background / pixel)``; 0 is background, negative is brighter than it.
    """
    light = np.log10(np.arange(256, dtype=np.float32).clip(1))
    table = np.log10(background_colour(image)) - light[:, None]
    out = np.empty(image.shape, np.float32)
    for channel in range(3):
        np.take(table[:, channel], image[..., channel], out=out[..., channel])
    return out
