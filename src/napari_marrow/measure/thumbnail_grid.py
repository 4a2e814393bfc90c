"""The picture itself on a coarse grid: what chi-square is mapped over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_marrow.imaging.resize import resize

if TYPE_CHECKING:
    import pandas as pd

GRID = 16
"""Rows and columns of the grid."""
CHANNELS = ("red", "green", "blue")
PREFIX = "pixel_"
"""How the names of this family begin."""


def pixels(
    pictures: NDArray[np.uint8], inside: NDArray[np.bool_] | None = None
) -> dict[str, NDArray[np.float64]]:
    """The mean level of each square of the grid.

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
    small = [resize(p, (GRID, GRID)) for p in pictures]
    grids = np.array(small, np.float64).reshape(len(pictures), GRID, GRID, 3)
    if inside is not None:
        for k in np.flatnonzero(~inside.all(axis=(1, 2))):
            grids[k] = _of_inside(pictures[k], inside[k])
    return {
        pixel_name(name, y, x): grids[:, y, x, channel]
        for channel, name in enumerate(CHANNELS)
        for y in range(GRID)
        for x in range(GRID)
    }


def _of_inside(picture: NDArray[np.uint8], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The squares of one picture of which only a part counts, (GRID, GRID, 3)."""
    part = resize(np.repeat(inside[..., None] * np.uint8(255), 3, axis=2), (GRID, GRID)) / 255.0
    shown = resize(np.where(inside[..., None], picture, np.uint8(0)), (GRID, GRID))
    return np.divide(shown, part, out=np.full(part.shape, np.nan), where=part >= 0.5)


def pixel_name(channel: str, y: int, x: int) -> str:
    """The column of one channel of one square of the grid."""
    return f"{PREFIX}{channel}_y{y:02d}_x{x:02d}"


def map_of(scores: pd.DataFrame) -> NDArray[np.float64]:
    """Where in the picture chi-square is high: the sum over the three channels.

    Parameters
    ----------
    scores
        What ``select_features`` gives, in any order; rows of other families are passed over.

    Returns
    -------
    (GRID, GRID)
        0 where no channel has a chi-square, or none was measured.
    """
    known = dict(zip(scores["feature"], np.nan_to_num(scores["chi2"]), strict=True))
    return _picture(known).sum(axis=-1)


def mean_picture(table: pd.DataFrame) -> NDArray[np.uint8]:
    """The mean of the pictures of these rows, (GRID, GRID, 3) RGB.

    Parameters
    ----------
    table
        At least one row, with the columns of this family.
    """
    means = table[[name for name in table.columns if name.startswith(PREFIX)]].mean()
    return _picture(means.to_dict()).round().clip(0, 255).astype(np.uint8)


def _picture(values: Mapping[str, float]) -> NDArray[np.float64]:
    """Values by column as (GRID, GRID, 3); 0 where there is none."""
    squares = [(y, x) for y in range(GRID) for x in range(GRID)]
    flat = [[values.get(pixel_name(c, y, x), 0.0) for c in CHANNELS] for y, x in squares]
    return np.array(flat, np.float64).reshape(GRID, GRID, len(CHANNELS))
