"""Texture of nuclei: granularity, co-occurrence and local binary patterns of the chromatin.

Every nucleus is 38 pixels wide here and its density is divided by its mean, so neither the
magnification nor the strength of the stain counts. Cells cut out on black have no background; their
density is measured against white.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_marrow.data.imports import importing
from napari_marrow.measure.cells import CellCrops

GRAIN_SIGMAS_PX = (1.0, 2.0, 4.0)
"""Standard deviations, in pixels of the crop, between which granularity is measured."""
N_LEVELS = 16
"""Grey levels of the co-occurrence matrix."""
GLCM_DISTANCES_PX = (1, 2, 4)
"""Distances of its pairs of pixels, in pixels of the crop."""
GLCM_ANGLES_RAD = (0.0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
GLCM_PROPERTIES = ("contrast", "homogeneity", "correlation", "energy")
LBP_POINTS, LBP_RADIUS_PX = 8, 2
MIN_NUCLEUS_AREA_PX = 200
"""Smallest area, in the photograph and in the crop, of a nucleus with a texture: it is then 16
pixels wide. The texture of a smaller one would be that of the interpolation."""


def texture(cells: CellCrops) -> dict[str, NDArray[np.float64]]:
    """Return the texture of each nucleus, in green, which nuclei absorb most.

    Returns
    -------
    dict
        (n,) each, not a number where a nucleus is hardly there:

        - ``chromatin_grain_2_4``: standard deviation of what a difference of Gaussians of 2 and 4
          pixels leaves of the relative density (granularity); ``chromatin_coarse`` of what is
          left; ``chromatin_skewness``; ``chromatin_rim``: correlation of the density with the
          depth, above 0 where the middle is darker;
        - ``glcm_contrast_1px`` and others: of the grey-level co-occurrence matrix (R. M. Haralick
          et al., "Textural features for image classification", IEEE SMC 3, 1973) at this distance,
          over four directions, as scikit-image has them, and its entropy in bits;
        - ``lbp_0`` to ``lbp_9``: parts of the uniform local binary patterns (T. Ojala et al., IEEE
          PAMI 24, 2002) inside of the nucleus.
    """
    inside = cells.nucleus
    size = inside.sum(axis=(1, 2))
    green = np.where(inside, cells.density[..., 1], 0)
    mean = green.sum(axis=(1, 2)) / np.maximum(size, 1)
    enough = (size >= MIN_NUCLEUS_AREA_PX) & (cells.area >= MIN_NUCLEUS_AREA_PX) & (mean > 0)
    relative = np.where(inside, green / np.where(enough, mean, 1)[:, None, None] - 1, 0)
    boxes = ndimage.find_objects(inside.any(axis=0).view(np.uint8)) or [(slice(0), slice(0))]
    window = (slice(None), *boxes[0])
    found = _granularity(
        relative[window].astype(np.float32), inside[window], cells.depth[window], size
    )
    pairs = np.zeros((N_LEVELS, N_LEVELS, len(GLCM_DISTANCES_PX), len(size)))
    patterns = np.zeros((LBP_POINTS + 2, len(size)))
    for k in np.flatnonzero(enough):
        pairs[..., k], patterns[:, k] = _nucleus_patterns(relative[k], inside[k])
    found |= _glcm_properties(pairs)
    found |= {f"lbp_{k}": shares for k, shares in enumerate(patterns)}
    return {name: np.where(enough, values, np.nan) for name, values in found.items()}


def _granularity(
    relative: NDArray[np.float32],
    inside: NDArray[np.bool_],
    depth: NDArray[np.float32],
    size: NDArray[np.intp],
) -> dict[str, NDArray[np.float64]]:
    """Return the granularity of all nuclei; pixels outside of a nucleus do not enter its blur."""
    weight = inside.astype(np.float32)
    count = np.maximum(size, 1)

    def power(values: NDArray, exponent: int = 2) -> NDArray[np.float64]:
        # over the pixels inside, as all others are 0
        return (values.astype(np.float64) ** exponent).sum(axis=(1, 2)) / count

    found, finer, low = {}, relative, 0.0
    for sigma in GRAIN_SIGMAS_PX:
        spread = (0, sigma, sigma)
        blurred, reach = (
            ndimage.gaussian_filter(values, spread, truncate=3, mode="constant")
            for values in (relative, weight)
        )
        blurred /= reach + np.float32(1e-6)
        blurred *= weight
        found[f"chromatin_grain_{low:g}_{sigma:g}"] = np.sqrt(power(finer - blurred))
        finer, low = blurred, sigma
    found["chromatin_coarse"] = np.sqrt(power(finer))
    deviation = np.sqrt(power(relative))
    found["chromatin_skewness"] = power(relative, 3) / np.maximum(deviation, 1e-6) ** 3
    away = np.where(inside, depth - (depth.sum(axis=(1, 2)) / count)[:, None, None], 0)
    product = (away * relative).sum(axis=(1, 2)) / count
    found["chromatin_rim"] = product / np.maximum(deviation * np.sqrt(power(away)), 1e-9)
    return found


def _nucleus_patterns(
    relative: NDArray[np.float64], inside: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return co-occurrences, (levels, levels, distances), and LBP frequencies of one nucleus."""
    with importing:
        from skimage.feature import graycomatrix, local_binary_pattern

    (window,) = ndimage.find_objects(inside.view(np.uint8))
    mask, values = inside[window], relative[window]
    low, high = np.percentile(values[mask], [1, 99])
    scaled = ((values - low) / max(high - low, 1e-6)).clip(0, 1)
    grey = (scaled * (N_LEVELS - 1)).astype(np.uint8) + 1
    grey[~mask] = 0  # outside: pairs with it are taken out
    matrix = graycomatrix(grey, GLCM_DISTANCES_PX, GLCM_ANGLES_RAD, N_LEVELS + 1, symmetric=True)[
        1:, 1:
    ]
    patterns = local_binary_pattern(
        (scaled * 255).astype(np.uint8), LBP_POINTS, LBP_RADIUS_PX, "uniform"
    )
    deep = ndimage.binary_erosion(mask, iterations=LBP_RADIUS_PX)
    shares = np.bincount(patterns[deep].astype(np.intp), minlength=LBP_POINTS + 2)
    return matrix.sum(axis=3), shares / max(1, shares.sum())


def _glcm_properties(pairs: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return properties of co-occurrence matrices, (N_LEVELS, N_LEVELS, distances, n)."""
    with importing:
        from skimage.feature import graycoprops

    parts = pairs / np.maximum(pairs.sum(axis=(0, 1)), 1)
    nothing = np.zeros(parts.shape[2:])  # scikit-image refuses to measure no matrix
    measured = {
        name: graycoprops(parts, name) if parts.size else nothing for name in GLCM_PROPERTIES
    }
    logarithm = np.log2(parts, out=np.zeros_like(parts), where=parts > 0)
    measured["entropy"] = -(parts * logarithm).sum(axis=(0, 1))
    return {
        f"glcm_{name}_{distance}px": values
        for name, by_distance in measured.items()
        for distance, values in zip(GLCM_DISTANCES_PX, by_distance, strict=True)
    }
