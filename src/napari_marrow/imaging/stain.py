"""White balance, optical density, and the separation of a photograph into its two stains."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.resize import resize
from napari_marrow.imaging.white_point import (
    MAX_BLACK_LEVEL,
    SAMPLE_SIZE_PX,
    WHITE_LEVEL,
    white_point,
)

MAX_BLACK_FRACTION = 0.25
"""Largest fraction of black pixels in a photograph that stains are estimated from."""
MIN_STAINED_DENSITY = 0.15
"""Smallest length of the optical density vector of a stained pixel; noise stays below it."""
MIN_STAINED_PX = 200
"""Smallest number of stained pixels in the sample that stains are estimated from."""
MIN_BLUISH_DENSITY = 0.27
"""Smallest 99th percentile, over stained pixels, of red plus green minus twice blue density where
there are nuclei. Measured on ALL-IDB2, SN-AM, SegPC and white blood cells: fields with nuclei reach
0.31 and more, the red cells of ALL-IDB2 alone 0.24."""
MIN_STAIN_ANGLE_DEG = 5.0
"""Smallest angle between two stain vectors that can be separated; real photographs have 20."""


def white_balance(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Scale the channels of a photograph so that its white point becomes one grey, 240.

    The reference is the same for every class: a reference per class would write the class into the
    pixels.
    """
    levels = np.arange(256, dtype=np.float32)[:, None] * (WHITE_LEVEL / white_point(image))
    return map_levels(image, np.clip(levels + 0.5, 0, 255).astype(np.uint8))


def optical_density(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the optical density of each channel against the white point (Beer-Lambert).

    Returns
    -------
    ndarray of float32, shape (height, width, 3)
        ``log10(white_point / pixel)``, where a level of 0 counts as 1. 0 is background, negative is
        brighter than it.
    """
    levels = np.log10(np.arange(256, dtype=np.float32).clip(1))
    return map_levels(image, np.log10(white_point(image)) - levels[:, None])


def map_levels(image: NDArray[np.uint8], table: NDArray) -> NDArray:
    """Replace each level by its entry in a table of the shape (256, 3), one column per channel."""
    out = np.empty(image.shape, table.dtype)
    for channel in range(3):
        np.take(table[:, channel], image[..., channel], out=out[..., channel])
    return out


def stain_vectors(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Estimate the optical density vectors of the two stains of a photograph.

    The method is that of M. Macenko et al., "A method for normalizing histology slides for
    quantitative analysis", ISBI 2009, section 2: the plane of the two largest singular vectors of
    the stained pixels' optical densities, and in it the directions of the first and the 99th
    percentile of the angle. Constants of haematoxylin and eosin are not used, since Giemsa's stains
    are others.

    Parameters
    ----------
    image
        RGB photograph, (height, width, 3), uint8.

    Returns
    -------
    ndarray of float32, shape (2, 3)
        Unit vectors of optical density in red, green and blue. The first is the purple that
        Romanowsky's stains, Giemsa's among them, give to nuclei, azure and eosin together: it
        absorbs most green over blue. The second is the counterstain: the pink of red cells (eosin
        and haemoglobin), or the blue of cytoplasm (azure) where there are few red cells.

    Raises
    ------
    MarrowError
        When the photograph holds nothing stained, no nucleus, or cells cut out on black.
    """
    if (image.max(axis=-1) <= MAX_BLACK_LEVEL).mean() > MAX_BLACK_FRACTION:
        raise MarrowError(
            "The photograph is of cells cut out on black, and stains are measured against the "
            "background; estimate them from a photograph that has one."
        )
    density = _sampled_density(image)
    absorbing = density.sum(axis=1) > 0  # and not brighter than the background
    stained = density[absorbing & (np.linalg.norm(density, axis=1) > MIN_STAINED_DENSITY)]
    if len(stained) < MIN_STAINED_PX:
        raise MarrowError(
            "The photograph holds hardly anything stained; estimate the stains from a field with "
            "cells."
        )
    if np.quantile(stained @ [1, 1, -2], 0.99) < MIN_BLUISH_DENSITY:
        raise MarrowError(
            "The photograph holds no nuclei, only red cells; estimate the stains from a field with "
            "nuclei."
        )
    # eigh of the 3 x 3 matrix gives the right singular vectors of the (n, 3) one
    plane = np.linalg.eigh(stained.T @ stained)[1][:, :0:-1]
    plane[:, 0] *= np.sign(plane[:, 0].sum())  # densities lie about it, not opposite to it
    along, across = (stained @ plane).T
    angles = np.quantile(np.arctan2(across, along), (0.01, 0.99))
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1) @ plane.T
    nuclear_first = np.argsort(vectors[:, 2] - vectors[:, 1])
    return vectors[nuclear_first].astype(np.float32)


def _sampled_density(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the optical density of a reduced copy of about 50,000 pixels, (n, 3)."""
    factor = max(1, round((image.shape[0] * image.shape[1] / SAMPLE_SIZE_PX) ** 0.5))
    size = (max(1, image.shape[0] // factor), max(1, image.shape[1] // factor))
    return optical_density(resize(image, size)).reshape(-1, 3).astype(np.float64)


def separate_stains(image: NDArray[np.uint8], vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the amount of each stain in every pixel, by least squares.

    Where it is not negative it is what :func:`skimage.color.separate_stains` gives for the
    pseudo-inverse of ``vectors``, in units of optical density and against the white point.

    Parameters
    ----------
    image
        RGB photograph, (height, width, 3), uint8.
    vectors
        (2, 3) from :func:`stain_vectors`, of this or of another photograph.

    Returns
    -------
    ndarray of float32, shape (height, width, 2)
        Nuclear stain and counterstain, in units of optical density. A value slightly below 0 is
        noise, or a colour that the two stains do not give.

    Raises
    ------
    MarrowError
        When the two vectors are of one colour.
    """
    first, second = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    if first @ second > np.cos(np.deg2rad(MIN_STAIN_ANGLE_DEG)):
        raise MarrowError(
            "The two stains of the photograph are of one colour; take a photograph with nuclei and "
            "red cells."
        )
    return optical_density(image) @ np.linalg.pinv(vectors).astype(np.float32)


def combine_stains(
    amounts: NDArray[np.floating],
    vectors: NDArray[np.floating],
    white: NDArray[np.floating],
) -> NDArray[np.uint8]:
    """Return the photograph that amounts of stains give; the inverse of :func:`separate_stains`.

    Parameters
    ----------
    amounts
        (height, width, n), in units of optical density.
    vectors
        (n, 3) optical density vectors of the stains.
    white
        (3,) white point, RGB 0 to 255.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
    """
    transmitted = 10 ** -(amounts @ np.asarray(vectors, np.float32))
    return np.clip(np.rint(white * transmitted), 0, 255).astype(np.uint8)
