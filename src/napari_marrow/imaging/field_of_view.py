"""The dark surround of photographs through an eyepiece: what lies outside the round field.

It is no part of the picture. Cells that were cut out lie on black too, and there the black is all
the background that there is; what tells the two apart is what is inside.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_marrow.imaging.white_point import has_background, is_round_field, white_point

MAX_SURROUND_LEVEL = 50
"""Highest level of a surround's brightest channel; the darkest real nuclei have 65."""
MAX_LEVEL_DIFFERENCE = 15
"""Levels by which a surround may be brighter than its corner: noise, and what JPEG leaves."""
MIN_LIT_LEVEL = 90
"""Lowest green level of the brightest fifth of a round field, even if its light is uneven."""
EDGE_WIDTH_PX = 5
"""Width of the surround's edge, which is neither dark nor lit."""


def surround(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Find the dark surround of a round field: nearly constant, and at the picture's corners.

    Parameters
    ----------
    image
        RGB photograph at the working size, (height, width, 3), uint8.

    Returns
    -------
    ndarray of bool, shape (height, width)
        True in the surround and on its blurred edge; nowhere, where there is none.
    """
    none = np.zeros(image.shape[:2], bool)
    corners = [(y, x) for y in (0, -1) for x in (0, -1)]
    if min(image[corner].max() for corner in corners) > 2 * MAX_SURROUND_LEVEL:
        return none  # most photographs: nothing has to be smoothed
    smooth = ndimage.gaussian_filter(image.max(axis=-1).astype(np.float32), 2)
    found = none.copy()
    for corner in corners:
        if smooth[corner] <= MAX_SURROUND_LEVEL and not found[corner]:
            components, _ = ndimage.label(smooth <= smooth[corner] + MAX_LEVEL_DIFFERENCE)
            found |= components == components[corner]
    if not found.any():
        return none
    found = ndimage.binary_dilation(found, iterations=EDGE_WIDTH_PX)
    inside = image[~found]
    lit = is_round_field(len(inside), min(image.shape[:2])) and (
        np.quantile(inside[:, 1], 0.8) >= MIN_LIT_LEVEL or has_background(inside)
    )
    return found if lit else none


def without_surround(image: NDArray[np.uint8], outside: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The picture with its own background in place of the surround."""
    if not outside.any():
        return image
    cleared = image.copy()
    cleared[outside] = np.rint(white_point(image[~outside][None]))
    return cleared
