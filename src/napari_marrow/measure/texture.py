"""The texture of nuclei: how coarse the chromatin is, and how it lies.

Every nucleus is 38 pixels wide here and its density is divided by its mean, so neither the
magnification nor the strength of the stain counts. Of cells cut out on black, which have no
background, it is the density against white.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_marrow.data.imports import importing
from napari_marrow.measure.cells import Cells

GRAINS = (1.0, 2.0, 4.0)
"""Standard deviations, in 38ths of the nucleus's width, between which grains are measured."""
LEVELS = 16
"""Grey levels of the co-occurrence matrix."""
DISTANCES = (1, 2, 4)
"""How far apart the pixels of its pairs lie, in 38ths of the nucleus's width."""
ANGLES = (0.0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
MEASURES = ("contrast", "homogeneity", "correlation", "energy")
POINTS, RADIUS = 8, 2
"""Of the local binary patterns."""
LEAST = 200
"""Pixels of the photograph that a nucleus has at least, for it to have a texture: it is then 16
wide. In a smaller one the texture would be that of the enlarging."""


def texture(cells: Cells) -> dict[str, NDArray[np.float64]]:
    """The texture of each nucleus, in green, which nuclei absorb most.

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
    enough = (size >= LEAST) & (cells.area >= LEAST) & (mean > 0)
    relative = np.where(inside, green / np.where(enough, mean, 1)[:, None, None] - 1, 0)
    window = (slice(None), *_window(inside))
    found = _grains(relative[window].astype(np.float32), inside[window], cells.depth[window], size)
    pairs = np.zeros((LEVELS, LEVELS, len(DISTANCES), len(size)))
    patterns = np.zeros((POINTS + 2, len(size)))
    for k in np.flatnonzero(enough):
        pairs[..., k], patterns[:, k] = _patterns(relative[k], inside[k])
    found |= _of_pairs(pairs)
    found |= {f"lbp_{k}": shares for k, shares in enumerate(patterns)}
    return {name: np.where(enough, values, np.nan) for name, values in found.items()}


def _grains(
    relative: NDArray[np.float32],
    inside: NDArray[np.bool_],
    depth: NDArray[np.float32],
    size: NDArray[np.intp],
) -> dict[str, NDArray[np.float64]]:
    """Granularity of all nuclei at once; what lies outside of a nucleus has no say in a blur."""
    weight = inside.astype(np.float32)
    count = np.maximum(size, 1)

    def power(values: NDArray, exponent: int = 2) -> NDArray[np.float64]:
        # over the pixels inside, as all others are 0
        return (values.astype(np.float64) ** exponent).sum(axis=(1, 2)) / count

    found, finer, low = {}, relative, 0.0
    for sigma in GRAINS:
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


def _window(masks: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Rows and columns about all that is True in (n, height, width) masks."""
    anywhere: NDArray[np.bool_] = np.asarray(masks.any(axis=0))
    rows, columns = np.flatnonzero(anywhere.any(axis=1)), np.flatnonzero(anywhere.any(axis=0))
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _patterns(
    relative: NDArray[np.float64], inside: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of one nucleus the co-occurrences, (LEVELS, LEVELS, distances), and parts of the patterns."""
    with importing:
        from skimage.feature import graycomatrix, local_binary_pattern

    window = _window(inside[None])
    mask, values = inside[window], relative[window]
    low, high = np.percentile(values[mask], [1, 99])
    scaled = ((values - low) / max(high - low, 1e-6)).clip(0, 1)
    grey = (scaled * (LEVELS - 1)).astype(np.uint8) + 1
    grey[~mask] = 0  # outside: pairs with it are taken out
    matrix = graycomatrix(grey, DISTANCES, ANGLES, LEVELS + 1, symmetric=True)[1:, 1:]
    patterns = local_binary_pattern((scaled * 255).astype(np.uint8), POINTS, RADIUS, "uniform")
    deep = ndimage.binary_erosion(mask, iterations=RADIUS)
    shares = np.bincount(patterns[deep].astype(np.intp), minlength=POINTS + 2)
    return matrix.sum(axis=3), shares / max(1, shares.sum())


def _of_pairs(pairs: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Measures of co-occurrence matrices, (LEVELS, LEVELS, distances, n), of all nuclei at once."""
    with importing:
        from skimage.feature import graycoprops

    parts = pairs / np.maximum(pairs.sum(axis=(0, 1)), 1)
    nothing = np.zeros(parts.shape[2:])  # scikit-image refuses to measure no matrix
    measured = {name: graycoprops(parts, name) if parts.size else nothing for name in MEASURES}
    logarithm = np.log2(parts, out=np.zeros_like(parts), where=parts > 0)
    measured["entropy"] = -(parts * logarithm).sum(axis=(0, 1))
    return {
        f"glcm_{name}_{distance}px": values
        for name, by_distance in measured.items()
        for distance, values in zip(DISTANCES, by_distance, strict=True)
    }
