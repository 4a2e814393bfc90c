"""Intensity operations of augmentation: edges, blur, histogram, light, stain, noise.

Each takes a photograph, (height, width, 3) uint8, and returns a new one; no pixel moves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

Photograph = NDArray[np.uint8]


DENSITIES = -np.log10(np.arange(256).clip(1) / 255)
"""Optical density of each level."""


def edges(image: Photograph) -> Photograph:
    """Return the edges of a photograph, dark on white: Sobel's gradient of every channel.

    The published method says "edges" and names no operator; Sobel is our choice. A pixel is
    255 (1 - 2 g), not below 0, where g is what :func:`skimage.filters.sobel` gives for values from
    0 to 1. That function takes four times as long, 0.6 s for a full field.
    """
    padded = np.pad(image.astype(np.int16), ((1, 1), (1, 1), (0, 0)), mode="edge")
    smooth = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    across = (smooth[:, 2:] - smooth[:, :-2]).astype(np.float32)
    difference = padded[2:] - padded[:-2]
    down = (difference[:, :-2] + 2 * difference[:, 1:-1] + difference[:, 2:]).astype(np.float32)
    # 255 * 2 * sqrt((x^2 + y^2) / 2) / (4 * 255)
    return _to_uint8(255 - np.sqrt((across**2 + down**2) / 8))


def blur(image: Photograph, sigma: float) -> Photograph:
    """Blur by a Gaussian of this standard deviation in pixels (Pillow's, three box filters)."""
    return np.array(Image.fromarray(image).filter(ImageFilter.GaussianBlur(sigma)))


def equalize(image: Photograph) -> Photograph:
    """Equalize the histogram of every channel (Pillow's equalization)."""
    return np.array(ImageOps.equalize(Image.fromarray(image)))


def illuminate(image: Photograph, brightness: float, down: float, right: float) -> Photograph:
    """Light a photograph unevenly: multiply each pixel by a plane.

    Parameters
    ----------
    image
        (height, width, 3), uint8.
    brightness
        The factor in the centre of the image.
    down, right
        Increase of the factor from top to bottom, and from left to right.
    """
    height, width = image.shape[:2]
    rows = brightness + down * ((np.arange(height, dtype=np.float32) + 0.5) / height - 0.5)
    columns = right * ((np.arange(width, dtype=np.float32) + 0.5) / width - 0.5)
    return _to_uint8(image * (rows[:, None] + columns)[..., None])


def restain(
    image: Photograph, strength: NDArray[np.float64], shift: NDArray[np.float64]
) -> Photograph:
    """Change the optical density of each channel to ``strength * density + shift``.

    The density is -log10(value / 255), by Beer and Lambert the amount of stain in the light's way
    (Ruifrok and Johnston, Anal. Quant. Cytol. Histol. 23, 2001, p. 292); 0 counts as 1. Done to
    each channel, where Tellez and others (Quantifying the effects of data augmentation, Med. Image
    Anal. 58, 2019, section 3.2) do it to each of two stains: Giemsa's are not known beforehand.

    Parameters
    ----------
    image
        (height, width, 3), uint8.
    strength, shift
        A number per channel; 1 and 0 leave the image as it is.
    """
    table = restain_tables(strength, shift)
    return np.array(Image.fromarray(image).point(table.ravel().tolist()))


def restain_tables(strength: NDArray[np.float64], shift: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return the level, (3, 256), that each level of a channel becomes; see :func:`restain`."""
    density = np.multiply.outer(strength, DENSITIES) + np.reshape(shift, (3, 1))
    return np.rint((255 * 10**-density).clip(0, 255)).astype(np.uint8)


def add_noise(image: Photograph, sigma: float, generator: np.random.Generator) -> Photograph:
    """Add Gaussian noise of ``sigma`` levels, independent in every pixel and channel."""
    noise = generator.standard_normal(image.shape, np.float32)
    return _to_uint8(image + np.float32(sigma) * noise)


def _to_uint8(values: NDArray[np.float32]) -> Photograph:
    """Round to levels from 0 to 255; ``values`` is overwritten."""
    np.rint(values, out=values)
    return np.clip(values, 0, 255, out=values).astype(np.uint8)
