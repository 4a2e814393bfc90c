"""The light and the stains of a photograph: white balance, optical density, split of stains."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.resize import resize

WHITE = 240
"""What the empty background is mapped to; a little below 255 keeps brighter spots apart."""
CUT_AWAY = 8
"""What is not brighter is no picture: in some sets cells were cut out, on black."""
MOSTLY_BLACK = 0.25
"""Part of a photograph that is black, from which no stains are estimated."""
BLACK = 0.1
"""Part of a picture that is black at least, where cells were cut out, even close to the cell."""
WIDE = 0.8
"""Diameter of a round field at least, as a part of the picture's shorter side."""
ALIKE = 0.06
"""What differs less from the light, in parts of it, is background."""
EMPTY = 0.18
"""Part of a round field that is background at least. As wide as the picture, those of SN-AM, SegPC
and ALL-IDB2 have 0.19 and more; cells cut out of white blood cells and in C-NMC 0.17 at most, some
pale ones of ALL-IDB2, cut closely, up to 0.25."""
STRAIGHT = 0.85
"""Part of the smallest rectangle about it that a picture with straight edges fills at least, turned
or with a border; cells that were cut out fill 0.82 at most."""
LIT = 90
"""Green from which the brightest fifth of a round field is light, even if it is uneven."""
SAMPLE = 50_000
"""About how many pixels of a photograph its light and stains are estimated from."""
LEAST_DENSITY = 0.15
"""Length of a pixel's optical density from which it counts as stained; noise stays under it."""
LEAST_STAINED = 200
"""Stained pixels of the sample, at least, to estimate stains from."""
LEAST_BLUISH = 0.27
"""Density of red and green over twice that of blue which the bluest hundredth of the stained
pixels reaches where there are nuclei. Measured on ALL-IDB2, SN-AM, SegPC and white blood cells:
fields with nuclei reach 0.31 and more, the red cells of ALL-IDB2 alone 0.24."""


def background_colour(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Estimate the colour of the light where nothing was in its way.

    The median of the brightest fifth of the pixels that are not black, of a copy thinned to about
    50,000. Of cells cut out on black no light is to be seen: white, 240 each, is taken then.

    Parameters
    ----------
    image
        RGB photograph, (height, width, 3), uint8.

    Returns
    -------
    ndarray of float32, shape (3,)
        Red, green, blue, 1 to 255.
    """
    pixels = _thinned(image).reshape(-1, 3)
    there = pixels[pixels.max(axis=-1) > CUT_AWAY]
    if not len(there):
        return np.ones(3, np.float32)
    return np.full(3, WHITE, np.float32) if is_cut_out(image) else _light(there)


def _light(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The median of the brightest fifth of pixels, (n, 3)."""
    luma = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
    bright = pixels[luma >= np.quantile(luma, 0.8)]
    return np.maximum(np.median(bright, axis=0), 1).astype(np.float32)


def is_cut_out(image: NDArray[np.uint8]) -> bool:
    """Whether an RGB photograph is of cells cut out on black: no light is to be seen in it then.

    It is not where all that is not black has straight edges, or is round and holds background.
    """
    thinned = _thinned(image)
    there = thinned.max(axis=-1) > CUT_AWAY
    if not 0 < there.mean() < 1 - BLACK or _fill(there) >= STRAIGHT:
        return False
    pixels = thinned[there]
    return not (is_wide(len(pixels), min(there.shape)) and holds_background(pixels))


def is_wide(count: int, shorter: int) -> bool:
    """Whether so many pixels are a round field in a picture with this shorter side."""
    return count >= np.pi / 4 * (WIDE * shorter) ** 2


def holds_background(pixels: NDArray[np.uint8]) -> bool:
    """Whether the light shows in pixels, (n, 3): it is even then, and much of them.

    The brightest of a cell is neither.
    """
    like_light = (np.abs(pixels / _light(pixels) - 1) < ALIKE).all(axis=1)
    return bool(like_light.mean() >= EMPTY)


def _fill(mask: NDArray[np.bool_]) -> float:
    """The part of the smallest rectangle about a mask that it fills, to 3 degrees of its turn."""
    rows = np.flatnonzero(mask.any(axis=1))
    first = mask[rows].argmax(axis=1)
    last = mask.shape[1] - 1 - mask[rows, ::-1].argmax(axis=1)
    places = np.stack([np.tile(rows, 2), np.concatenate([first, last])])  # the outline has them all
    angles = np.deg2rad(np.arange(0, 90, 3))
    turned = np.stack([[np.cos(angles), np.sin(angles)], [-np.sin(angles), np.cos(angles)]])
    extents = np.ptp(np.einsum("kda,dn->kan", turned, places), axis=2) + 1
    return float(mask.sum() / extents.prod(axis=0).min())


def _thinned(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    step = max(1, int((image.shape[0] * image.shape[1] / SAMPLE) ** 0.5))
    return np.asarray(image[::step, ::step])


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


def stain_vectors(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Estimate what the two stains of a photograph absorb, from its own colours.

    The plane of the two largest singular vectors of the stained pixels' optical densities, and in
    it the directions of the first and the 99th percentile of the angle (M. Macenko et al., "A
    method for normalizing histology slides for quantitative analysis", ISBI 2009, section 2). No
    constants of haematoxylin and eosin are used: Giemsa's stains are others.

    Parameters
    ----------
    image
        RGB photograph, (height, width, 3), uint8.

    Returns
    -------
    ndarray of float32, shape (2, 3)
        Unit vectors of optical density in red, green and blue. First the purple that Romanowsky's
        stains, Giemsa's among them, give to nuclei, azure and eosin together: it absorbs most
        green over blue. Then what else is there: the pink of red cells, which is eosin and
        haemoglobin, or the blue of cytoplasm, azure, where there are few of them.

    Raises
    ------
    MarrowError
        When there is nothing stained in the photograph, or no nucleus, so that there are no two
        stains to be told apart; or when it is of cells cut out on black, without background.
    """
    if (image.max(axis=-1) <= CUT_AWAY).mean() > MOSTLY_BLACK:
        raise MarrowError(
            "The photograph is of cells cut out on black, and stains are measured against the "
            "background; estimate them from a photograph that has one."
        )
    density = _thinned_density(image)
    absorbing = density.sum(axis=1) > 0  # and not brighter than the background
    stained = density[absorbing & (np.linalg.norm(density, axis=1) > LEAST_DENSITY)]
    if len(stained) < LEAST_STAINED:
        raise MarrowError(
            "The photograph holds hardly anything stained; estimate the stains from a field with "
            "cells."
        )
    if np.quantile(stained @ [1, 1, -2], 0.99) < LEAST_BLUISH:
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


def _thinned_density(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Optical density of about 50,000 pixels, (n, 3); each is the mean of those about it."""
    factor = max(1, round((image.shape[0] * image.shape[1] / SAMPLE) ** 0.5))
    size = (max(1, image.shape[0] // factor), max(1, image.shape[1] // factor))
    return optical_density(resize(image, size)).reshape(-1, 3).astype(np.float64)


def split_stains(image: NDArray[np.uint8], vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """How much of each stain lies in every pixel, by least squares.

    Parameters
    ----------
    image
        RGB photograph, (height, width, 3), uint8.
    vectors
        (2, 3) from :func:`stain_vectors`, of this or of another photograph.

    Returns
    -------
    ndarray of float32, shape (height, width, 2)
        Nuclear stain and counterstain, in units of optical density. 0 is none; a little below 0 is
        noise, or a colour that the two stains do not give.

    Raises
    ------
    MarrowError
        When the two vectors are of one direction.
    """
    vectors = np.asarray(vectors, np.float64)
    if np.linalg.cond(vectors) > 100:
        raise MarrowError("The two stains are of one colour; estimate them from another field.")
    weights = np.linalg.pinv(vectors)  # (3, 2)
    levels = np.log10(background_colour(image)) - np.log10(np.arange(256).clip(1))[:, None]
    out = np.empty((*image.shape[:2], 2), np.float32)
    for stain in range(2):
        # Density is a table of the pixel, so its weighted sum is a sum of three tables.
        tables = (levels * weights[:, stain]).astype(np.float32)
        total = np.take(tables[:, 0], image[..., 0])
        for channel in (1, 2):
            total += np.take(tables[:, channel], image[..., channel])
        out[..., stain] = total
    return out


def merge_stains(
    amounts: NDArray[np.floating],
    vectors: NDArray[np.floating],
    background: NDArray[np.floating],
) -> NDArray[np.uint8]:
    """The photograph that amounts of stains give: :func:`split_stains` undone.

    Parameters
    ----------
    amounts
        (height, width, n), in units of optical density; one stain alone shows what it colours.
    vectors
        (n, 3), what each stain absorbs.
    background
        (3,) RGB 0..255 of the light, from :func:`background_colour`.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
    """
    light = 10 ** -(amounts @ np.asarray(vectors, np.float32))
    return np.clip(np.rint(background * light), 0, 255).astype(np.uint8)
