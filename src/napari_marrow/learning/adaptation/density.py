"""The strength of the stain that a network sees, standardised by the acquisition it comes from.

The root mean square of the optical density, over all pixels and channels of an acquisition's units,
becomes :data:`DENSITY` by one factor on the density (Beer-Lambert: as if the slide had been stained
longer). White stays white, which a white balance has made the same before, and hues stay what they
are: where a channel of its own had a factor, one that a stain hardly absorbs would be all noise.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_marrow.imaging.intensity import restain
from napari_marrow.imaging.white_point import WHITE_LEVEL
from napari_marrow.learning.adaptation.acquisitions import Values
from napari_marrow.learning.units.samples import Units

DENSITY = 0.2
"""Root mean square of the optical density that the units of every acquisition get."""
MIN_DENSITY = 0.01
"""Smallest one that is amplified: an empty picture has about that by its noise."""


def measure_density(units: Units) -> Values:
    """Measure the strength of the stain in units; that of an acquisition is their mean.

    Returns
    -------
    ndarray of float64, shape (n, 1)
        The mean square of the optical density over pixels and channels of each unit.
    """
    table = (np.log10(WHITE_LEVEL / np.arange(256).clip(1)) ** 2).astype(np.float32)
    means = np.array([table[image].mean() for image in units.images], np.float64)
    return units.mean_over_images(means[:, None])


def standardize_density(
    units: Units, centre: Values, rows: NDArray[np.bool_] | None = None
) -> Units:
    """Give units of an acquisition the usual strength of the stain.

    Parameters
    ----------
    units
        Fields or cells with their images.
    centre
        (1,) mean of :func:`measure_density` over units of the acquisition.
    rows
        (n,) the units that are of it; all when None.
    """
    strength = np.full(3, DENSITY / np.sqrt(np.maximum(centre, MIN_DENSITY**2)))
    white = np.log10(255 / WHITE_LEVEL)
    own = np.full(len(units.images), True) if rows is None else rows[units.owner]
    images = units.images.copy()
    if own.any():
        stacked = np.concatenate(images[own])  # an image on top of another, as one is read
        found = restain(stacked, strength, white * (1 - strength))
        images[own] = found.reshape(-1, *images.shape[1:])
    return replace(units, images=images)
