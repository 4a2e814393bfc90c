"""Augmentation: more pictures from few, each remembered as its source's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.filters import sobel


def rotate90(image: NDArray) -> NDArray:
    """Turn an image, or a mask, by 90 degrees counter-clockwise; pixels keep their values."""
    return np.rot90(image, axes=(0, 1))


def edges(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The edges of a photograph, dark on white: Sobel's gradient of every channel.

    The published method says "edges" and no operator; Sobel is our choice.
    """
    strength = np.stack([sobel(image[..., c]) for c in range(image.shape[-1])], axis=-1)
    return np.round(255 * (1 - np.clip(2 * strength, 0, 1))).astype(np.uint8)


def vary(
    images: NDArray[np.uint8],
    generator: np.random.Generator,
    *,
    zoom: float = 0.15,
    stain: float = 0.08,
) -> NDArray[np.uint8]:
    """Turn, mirror, zoom and recolour each of a batch of square images, differently every time.

    Parameters
    ----------
    images
        (n, side, side, 3), uint8.
    generator
        Where the randomness comes from; the same state gives the same images.
    zoom
        Up to which part of the side is cut away (and the rest enlarged again).
    stain
        Standard deviation of the factor on each channel's density and of the light's strength.

    Returns
    -------
    ndarray of uint8, shape (n, side, side, 3)
    """
    out = np.empty_like(images)
    for k, image in enumerate(images):
        turned = np.rot90(image, int(generator.integers(4)))
        if generator.random() < 0.5:
            turned = turned[:, ::-1]
        out[k] = _restain(_zoomed(turned, generator, zoom), generator, stain)
    return out


def _zoomed(image: NDArray, generator: np.random.Generator, zoom: float) -> NDArray:
    """A random square of the image, drawn at the image's size by nearest pixels."""
    side = image.shape[0]
    length = side * (1 - zoom * generator.random())
    top, left = generator.random(2) * (side - length)
    steps = (np.arange(side) + 0.5) * length / side
    rows, columns = (top + steps).astype(int), (left + steps).astype(int)
    return image[rows[:, None], columns]


def _restain(image: NDArray, generator: np.random.Generator, stain: float) -> NDArray[np.uint8]:
    """Change density and light: pixel = light * (pixel / 255) ** strength, a channel at a time."""
    strength = np.exp(generator.normal(0, stain, 3))
    light = np.exp(generator.normal(0, stain / 2))
    levels = np.arange(256, dtype=np.float32)[:, None] / 255
    table = np.clip(255 * light * levels**strength + 0.5, 0, 255).astype(np.uint8)
    return np.stack([table[image[..., c], c] for c in range(3)], axis=-1)
