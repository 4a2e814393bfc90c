"""Colour as numbers: the mean colour, and the optical density of nuclei and cytoplasm.

The mean colour is the baseline for all other features: where a classifier that sees nothing else
does as well as a network, the network may have learnt the stain batch and not the cells. Densities
are measured against the photograph's white point, which removes the colour and strength of the
light; ratios of them remove the strength of the stain.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_marrow.measure.cells import CellCrops

MEAN_COLOUR = ("mean_red", "mean_green", "mean_blue")
CHANNELS = ("red", "green", "blue")
MIN_REGION_PX = 12
"""Smallest area of a region with a density, in pixels of the photograph and of the crop."""
MIN_DIVISOR_DENSITY = 0.02
"""Smallest density that others are divided by; below it is background."""


def mean_colour(image: NDArray[np.uint8], pixels: int = 100_000) -> NDArray[np.float64]:
    """Return the mean red, green and blue, 0 to 255, of about ``pixels`` evenly spread pixels."""
    step = max(1, int((image.shape[0] * image.shape[1] / pixels) ** 0.5))
    return np.asarray(image[::step, ::step]).reshape(-1, 3).mean(axis=0)


def colour(cells: CellCrops) -> dict[str, NDArray[np.float64]]:
    """Return the optical densities of each cell.

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
        enough = (area >= MIN_REGION_PX) & cells.has_background
        mean, deviation = _moments(cells.density, mask & enough[:, None, None])
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
    density: NDArray[np.float32], masks: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and standard deviation of the density in each cell's mask, (n, 3) each."""
    moments = np.full((2, len(masks), 3), np.nan)
    for k in np.flatnonzero(masks.sum(axis=(1, 2)) >= MIN_REGION_PX):
        values = density[k][masks[k]].astype(np.float64)
        moments[:, k] = values.mean(axis=0), values.std(axis=0)
    return moments[0], moments[1]


def _ratio(numerator: NDArray[np.float64], denominator: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(
        denominator > MIN_DIVISOR_DENSITY,
        numerator / np.fmax(denominator, MIN_DIVISOR_DENSITY),
        np.nan,
    )
