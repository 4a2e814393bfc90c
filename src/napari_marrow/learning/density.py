"""Optical densities of what a network sees, standardised by the acquisition they come from.

The mean and the standard deviation of the optical density of each channel over all pixels of an
acquisition's units become those of :data:`MEAN_DENSITY` and :data:`DENSITY_DEVIATION` (colour
transfer of E. Reinhard et al., "Color transfer between images", IEEE Computer Graphics and
Applications 21, 2001, here in optical density and for an acquisition in place of an image).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_marrow.imaging.intensity import restain
from napari_marrow.learning.acquisitions import Values
from napari_marrow.learning.samples import Units

MEAN_DENSITY = 0.25
"""Mean optical density that each channel gets; background stays below the level 255 with it."""
DENSITY_DEVIATION = 0.2
"""Standard deviation of the optical density that each channel gets."""
MIN_DEVIATION = 0.01
"""Smallest standard deviation of a channel, that of noise: an empty picture is not amplified."""


def measure_density(units: Units) -> Values:
    """Measure the optical densities of units, from which those of an acquisition are means.

    Returns
    -------
    ndarray of float64, shape (n, 6)
        The mean of the optical density of red, green and blue over the pixels of each unit, and
        that of its square.
    """
    levels = -np.log10(np.arange(256).clip(1) / 255)
    table = np.stack([levels, levels**2], axis=1).astype(np.float32)
    means = [table[image].mean(axis=(0, 1)).T.ravel() for image in units.images]
    return units.mean_over_images(np.reshape(means, (-1, 6)).astype(np.float64))


def standardize_density(
    units: Units, centre: Values, rows: NDArray[np.bool_] | None = None
) -> Units:
    """Give units of an acquisition the usual optical densities.

    Parameters
    ----------
    units
        Fields or cells with their images.
    centre
        (6,) mean of :func:`measure_density` over units of the acquisition.
    rows
        (n,) the units that are of it; all when None.
    """
    mean, square = np.split(centre, 2)
    deviation = np.sqrt(np.maximum(square - mean**2, MIN_DEVIATION**2))
    strength = DENSITY_DEVIATION / deviation
    own = np.full(len(units.images), True) if rows is None else rows[units.owner]
    images = units.images.copy()
    if own.any():
        stacked = np.concatenate(images[own])  # an image on top of another, as one is read
        found = restain(stacked, strength, MEAN_DENSITY - strength * mean)
        images[own] = found.reshape(-1, *images.shape[1:])
    return replace(units, images=images)
