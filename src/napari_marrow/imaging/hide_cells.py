"""Photographs without their cells, or with nothing but a part of what is seen of them.

A model that still tells the classes of such photographs goes by something else than cells: by the
background, by outlines, or by the colour of the stain. Each function returns a new photograph and
labels with the same numbers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_marrow.imaging.nuclei import nucleus_table
from napari_marrow.imaging.white_point import WHITE_LEVEL, white_point

SURROUND_DIAMETERS = 0.5
"""Width of the rim about a nucleus that is taken for its cytoplasm, in its diameters."""
SILHOUETTE_COLOUR = (90, 60, 140)
"""Of all nuclei where nothing but their outlines is left: a purple as stained nuclei have."""

Picture = tuple[NDArray[np.uint8], NDArray[np.integer]]


def nucleus_diameters(nuclei: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the diameter in pixels of a circle of each nucleus's area."""
    return np.sqrt(4 / np.pi * nucleus_table(nuclei)["area"])


def equal_discs(nuclei: NDArray[np.integer], diameter: float) -> NDArray[np.integer]:
    """Return labels in which every nucleus is a disc of one size about its centroid.

    Where discs overlap, a pixel is that of the nearest centroid.

    Parameters
    ----------
    nuclei
        Instance labels, (height, width).
    diameter
        Of the discs, in pixels.
    """
    table, radius = nucleus_table(nuclei), diameter / 2
    found = np.zeros_like(nuclei)
    nearest = np.full(nuclei.shape, max(1.0, radius))
    for number, y, x in zip(table["index"], table["y"], table["x"], strict=True):
        rows, columns = (
            slice(max(0, int(place - radius)), min(length, int(place + radius) + 2))
            for place, length in zip((y, x), nuclei.shape, strict=True)
        )
        down, right = np.ogrid[rows, columns]
        away = np.hypot(down - y, right - x)
        own = away < nearest[rows, columns]
        found[rows, columns][own], nearest[rows, columns][own] = number, away[own]
    return found


def background_only(
    image: NDArray[np.uint8],
    nuclei: NDArray[np.integer],
    cytoplasm: NDArray[np.bool_] | None,
    diameter: float,
) -> Picture:
    """Fill nuclei, and the cytoplasm about them, with the photograph's white point.

    What is filled has about the shape of a disc, the same for all cells, and the labels are such
    discs, so that neither the size nor the outline of a nucleus is left.

    Parameters
    ----------
    image, nuclei
        RGB photograph, (height, width, 3), uint8, and its instance labels.
    cytoplasm
        (height, width) where cytoplasm is known to be. A rim about nuclei is filled in any case.
    diameter
        Of the usual nucleus, in pixels.
    """
    discs = equal_discs(nuclei, diameter)
    filled = ndimage.distance_transform_edt((nuclei == 0) & (discs == 0)) <= (
        SURROUND_DIAMETERS * diameter
    )
    if not nuclei.any():
        filled[:] = False
    if cytoplasm is not None:
        filled |= cytoplasm
    found = image.copy()
    found[filled] = np.rint(white_point(image)).astype(np.uint8)
    return found, discs


def silhouettes(image: NDArray[np.uint8], nuclei: NDArray[np.integer]) -> Picture:
    """Draw the outlines of nuclei alone: filled with one colour, on a white background."""
    found = np.full_like(image, WHITE_LEVEL)
    found[nuclei > 0] = SILHOUETTE_COLOUR
    return found, nuclei


def mean_colours(image: NDArray[np.uint8], nuclei: NDArray[np.integer], diameter: float) -> Picture:
    """Draw each nucleus as a disc of its mean colour, on the mean colour of the background.

    The discs, ``diameter`` pixels wide, are the labels, too.
    """
    discs = equal_discs(nuclei, diameter)
    outside = nuclei == 0
    found = np.empty_like(image)
    found[:] = np.rint(image[outside].mean(axis=0)) if outside.any() else WHITE_LEVEL
    numbers = nucleus_table(nuclei)["index"]
    colours = np.zeros((int(nuclei.max(initial=0)) + 1, 3), np.uint8)
    for channel in range(3):
        means = ndimage.mean(image[..., channel], nuclei, numbers) if len(numbers) else ()
        colours[numbers, channel] = np.rint(means)
    inside = discs > 0
    found[inside] = colours[discs[inside]]
    return found, discs


def one_colour(image: NDArray[np.uint8], diameter: float) -> Picture:
    """Fill a photograph with its mean colour; the labels have one disc in the middle.

    Parameters
    ----------
    image
        RGB photograph, (height, width, 3), uint8.
    diameter
        Of the disc, in pixels.
    """
    found = np.empty_like(image)
    found[:] = np.rint(image.mean(axis=(0, 1)))
    middle = np.zeros(image.shape[:2], np.uint8)
    middle[image.shape[0] // 2, image.shape[1] // 2] = 1
    return found, equal_discs(middle, diameter)
