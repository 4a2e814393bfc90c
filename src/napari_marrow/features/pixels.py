"""The picture itself on a coarse grid: what chi-square is mapped over."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_marrow.imaging.scale import resize

GRID = 16
"""Rows and columns of the grid."""
CHANNELS = ("red", "green", "blue")


def pixels(pictures: NDArray[np.uint8]) -> dict[str, NDArray[np.float64]]:
    """The mean level of each square of the grid.

    Parameters
    ----------
    pictures
        (n, height, width, 3) RGB, uint8; stretched to the grid's square.

    Returns
    -------
    dict
        (n,) levels, 0 to 255: ``pixel_red_y00_x15`` is red in the upper right corner.
    """
    small = [resize(p, (GRID, GRID)) for p in pictures]
    grids = np.array(small, np.float64).reshape(len(pictures), GRID, GRID, 3)
    return {
        pixel_name(name, y, x): grids[:, y, x, channel]
        for channel, name in enumerate(CHANNELS)
        for y in range(GRID)
        for x in range(GRID)
    }


def pixel_name(channel: str, y: int, x: int) -> str:
    """The column of one channel of one square of the grid."""
    return f"pixel_{channel}_y{y:02d}_x{x:02d}"
