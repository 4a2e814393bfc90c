"""The mean levels of a picture on a coarse grid, and the chi-square map over it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_marrow.imaging.resize import resize

if TYPE_CHECKING:
    import pandas as pd

GRID_SIDE = 16
"""Rows and columns of the grid."""
CHANNELS = ("red", "green", "blue")
PREFIX = "pixel_"
"""How the names of this family begin."""


def pixels(
    pictures: NDArray[np.uint8], inside: NDArray[np.bool_] | None = None
) -> dict[str, NDArray[np.float64]]:
    """Return the mean level of each square of the grid.

    Parameters
    ----------
    pictures
        (n, height, width, 3) RGB, uint8; stretched to the grid's square.
    inside
        (n, height, width), the pixels that count; all when None.

    Returns
    -------
    dict
        (n,) levels, 0 to 255: ``pixel_red_y00_x15`` is red in the upper right corner. Not a number
        where less than half of a square counts.
    """
    small = [resize(p, (GRID_SIDE, GRID_SIDE)) for p in pictures]
    grids = np.array(small, np.float64).reshape(len(pictures), GRID_SIDE, GRID_SIDE, 3)
    if inside is not None:
        for k in np.flatnonzero(~inside.all(axis=(1, 2))):
            grids[k] = _grid_of_inside(pictures[k], inside[k])
    return {
        pixel_name(name, y, x): grids[:, y, x, channel]
        for channel, name in enumerate(CHANNELS)
        for y in range(GRID_SIDE)
        for x in range(GRID_SIDE)
    }


def _grid_of_inside(picture: NDArray[np.uint8], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the grid of a picture of which only a part counts, (GRID_SIDE, GRID_SIDE, 3)."""
    part = (
        resize(np.repeat(inside[..., None] * np.uint8(255), 3, axis=2), (GRID_SIDE, GRID_SIDE))
        / 255.0
    )
    shown = resize(np.where(inside[..., None], picture, np.uint8(0)), (GRID_SIDE, GRID_SIDE))
    return np.divide(shown, part, out=np.full(part.shape, np.nan), where=part >= 0.5)


def pixel_name(channel: str, y: int, x: int) -> str:
    """Return the column of one channel of one square of the grid."""
    return f"{PREFIX}{channel}_y{y:02d}_x{x:02d}"


def chi_square_map(scores: pd.DataFrame) -> NDArray[np.float64]:
    """Return the chi-square of each square, summed over the three channels.

    Parameters
    ----------
    scores
        What ``select_features`` gives, in any order; rows of other families are passed over.

    Returns
    -------
    (GRID_SIDE, GRID_SIDE)
        0 where no channel has a chi-square, or none was measured.
    """
    known = dict(zip(scores["feature"], np.nan_to_num(scores["chi2"]), strict=True))
    return _to_grid(known).sum(axis=-1)


def mean_picture(table: pd.DataFrame) -> NDArray[np.uint8]:
    """Return the mean picture of these rows, (GRID_SIDE, GRID_SIDE, 3) RGB.

    Parameters
    ----------
    table
        At least one row, with the columns of this family.
    """
    means = table[[name for name in table.columns if name.startswith(PREFIX)]].mean()
    return _to_grid(means.to_dict()).round().clip(0, 255).astype(np.uint8)


def _to_grid(values: Mapping[str, float]) -> NDArray[np.float64]:
    """Return values by column as (GRID_SIDE, GRID_SIDE, 3); 0 where there is none."""
    squares = [(y, x) for y in range(GRID_SIDE) for x in range(GRID_SIDE)]
    flat = [[values.get(pixel_name(c, y, x), 0.0) for c in CHANNELS] for y, x in squares]
    return np.array(flat, np.float64).reshape(GRID_SIDE, GRID_SIDE, len(CHANNELS))
