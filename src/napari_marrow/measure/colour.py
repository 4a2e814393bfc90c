"""Colour as numbers: the mean colour, and the optical density of nuclei and cytoplasm.

The mean colour is the poorest of features, and the yardstick for all others: where a classifier
that sees nothing else does as well as a network, the network may have learnt the stain batch and
not the cells. Densities are taken against the photograph's own background, which takes the colour
and strength of the light away, and ratios of them take the strength of the stain away.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_marrow.measure.cells import Cells

MEAN_COLOUR = ("mean_red", "mean_green", "mean_blue")
CHANNELS = ("red", "green", "blue")
LEAST = 12
"""Pixels of the photograph that a region has at least, for its density to be a number; as many of
the crop, where the square ends before the cell does."""
FAINT = 0.02
"""A density below this is background: nothing is divided by it."""


def mean_colour(image: NDArray[np.uint8], pixels: int = 100_000) -> NDArray[np.float64]:
    """Mean of red, green and blue, 0 to 255, over about ``pixels`` evenly spread pixels."""
    step = max(1, int((image.shape[0] * image.shape[1] / pixels) ** 0.5))
    return np.asarray(image[::step, ::step]).reshape(-1, 3).mean(axis=0)


def colour(cells: Cells) -> dict[str, NDArray[np.float64]]:
    """The optical densities of each cell.

    Returns
    -------
    dict
        (n,) each. ``nucleus_density_red`` is the mean optical density (log10 of background over
        pixel); ``*_variation`` its standard deviation over its mean; ``*_red_to_green`` and
        ``*_blue_to_green`` ratios of mean densities; ``cytoplasm_to_nucleus_density_green`` the
        cytoplasm's mean over the nucleus's. Not a number where there is no such region, nothing
        in it that absorbs light, or no background in the photograph.
    """
    found: dict[str, NDArray[np.float64]] = {}
    means = {}
    regions = {
        "nucleus": (cells.nucleus, cells.area),
        "cytoplasm": (cells.cytoplasm, cells.cytoplasm_area),
    }
    for name, (mask, area) in regions.items():
        enough = (area[:, None, None] >= LEAST) & cells.has_background
        mean, deviation = _moments(cells.density, mask & enough)
        means[name] = mean
        for k, channel in enumerate(CHANNELS):
            found[f"{name}_density_{channel}"] = mean[:, k]
            found[f"{name}_density_{channel}_variation"] = _ratio(deviation[:, k], mean[:, k])
        for k, channel in ((0, "red"), (2, "blue")):
            found[f"{name}_density_{channel}_to_green"] = _ratio(mean[:, k], mean[:, 1])
    for k, channel in enumerate(CHANNELS):
        name = f"cytoplasm_to_nucleus_density_{channel}"
        found[name] = _ratio(means["cytoplasm"][:, k], means["nucleus"][:, k])
    return found


def _moments(
    density: NDArray[np.float32], mask: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of the density in each cell's mask, (n, 3) each."""
    number, y, x = np.nonzero(mask)
    values = density[number, y, x].astype(np.float64)
    size = np.bincount(number, minlength=len(mask)).astype(np.float64)
    size[size < LEAST] = np.nan
    sums = [np.bincount(number, values[:, k], len(mask)) / size for k in range(3)]
    squares = [np.bincount(number, values[:, k] ** 2, len(mask)) / size for k in range(3)]
    mean = np.stack(sums, axis=1)
    return mean, np.sqrt(np.maximum(np.stack(squares, axis=1) - mean**2, 0))


def _ratio(over: NDArray[np.float64], under: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(over, under, out=np.full(len(over), np.nan), where=under > FAINT)
