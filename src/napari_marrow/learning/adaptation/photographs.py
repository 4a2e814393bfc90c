"""What tells by which microscope, camera and stain a photograph was taken, and what is usual of it.

The colour of the background and the size of nuclei in pixels show the light, the camera and the
magnification, whatever cells there are; the colour of the nuclei and the sharpness of their edges
show the stain and the optics. What is usual of each of these two groups is learnt by itself, as few
photographs tell a covariance of eight measurements badly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_marrow.audit.appearance import sample_grid, sample_pixels
from napari_marrow.data.imports import importing
from napari_marrow.imaging.nuclei import typical_diameter
from napari_marrow.imaging.relabel import small_numbers
from napari_marrow.imaging.white_point import white_point

MEASURED = {
    "background in red, green and blue": slice(0, 3),
    "nucleus diameter": slice(3, 4),
    "stain in red, green and blue": slice(4, 7),
    "sharpness": slice(7, 8),
    "photograph size": slice(8, 9),
}
"""What is measured of a photograph, in natural logarithms: levels, pixels, optical densities of
the nuclei, 1 - blur effect, and pixels; and its columns."""
N_MEASURED = 9
GROUPS = (slice(0, 4), slice(4, 8))
"""What is compared together. The size of a photograph is not: whoever crops one has no other
microscope."""
MIN_DENSITY = 0.01
"""Smallest optical density of a nucleus: half a level of a photograph."""
SHARPNESS_WINDOW_PX = 128
"""Side of the square about the largest nucleus in which sharpness is measured; all else is measured
on a sample of 256 x 256 pixels."""
MIN_SHARPNESS = 1e-3
MIN_ROBUST_PHOTOGRAPHS = 20
"""Photographs of a batch that are needed to tell which of them are odd."""
MIN_DEVIATION = 0.01
"""Standard deviation, 1 %, that measuring a photograph twice has at least."""
UNLIKE_FRACTION = 0.02
"""Fraction of photographs, fields or cells like those learnt from that counts as unlike them."""
N_FOLDS = 10


def measure_photograph(
    image: NDArray[np.uint8], nuclei: NDArray[np.integer]
) -> NDArray[np.float32]:
    """Measure what tells the acquisition of a photograph.

    Parameters
    ----------
    image
        RGB photograph, (height, width, 3), uint8.
    nuclei
        Instance labels of its nuclei, (height, width).

    Returns
    -------
    ndarray of float32, shape (9,)
        Logarithms of what :data:`MEASURED` names: red, green and blue of the white point; diameter
        of the nuclei that are half of the stained area; optical density of the median pixel of the
        nuclei in red, green and blue; one minus the blur effect (F. Crete et al., "The blur effect:
        perception and estimation with a new no-reference perceptual blur metric", SPIE 6492, 2007)
        of the green channel about the largest nucleus; root of the number of pixels. Those of
        nuclei are not a number where there are none.
    """
    rows, columns = sample_grid(image)
    pixels = sample_pixels(image)
    labels = small_numbers(nuclei.take(rows, axis=0).take(columns, axis=1))[0]
    white, found = white_point(pixels[::2, ::2]), np.full(N_MEASURED, np.nan)
    found[:3], found[8] = np.log(white), np.log(nuclei.size) / 2
    if diameter := typical_diameter(labels) * np.sqrt(nuclei.size / labels.size):
        level = np.median(pixels[labels > 0], axis=0)
        density = np.log10(np.maximum(white, 1) / np.maximum(level, 1))
        found[3], found[4:7] = np.log(diameter), np.log(np.maximum(density, MIN_DENSITY))
        largest = np.nonzero(labels == np.bincount(labels.ravel())[1:].argmax() + 1)
        centre = rows[largest[0]].mean(), columns[largest[1]].mean()
        found[7] = np.log(max(_sharpness(image[..., 1], centre), MIN_SHARPNESS))
    return found.astype(np.float32)


def _sharpness(channel: NDArray[np.uint8], centre: tuple[float, float]) -> float:
    """Return one minus the blur effect, 0 to 1, of the window about a place."""
    with importing:
        from skimage.measure import blur_effect

    starts = [
        int(np.clip(place - SHARPNESS_WINDOW_PX / 2, 0, max(0, size - SHARPNESS_WINDOW_PX)))
        for place, size in zip(centre, channel.shape, strict=True)
    ]
    rows, columns = (slice(start, start + SHARPNESS_WINDOW_PX) for start in starts)
    window = np.ascontiguousarray(channel[rows, columns])
    with np.errstate(invalid="ignore"):  # a window without any edge is as blurred as can be
        effect = float(blur_effect(window))
    return 1 - effect if np.isfinite(effect) else 0.0


@dataclass(frozen=True)
class PhotographModel:
    """What is usual of photographs of an acquisition.

    Attributes
    ----------
    centre
        (9,) mean of their measurements.
    covariance
        (9, 9) of their measurements.
    limits
        (2,) Mahalanobis distance that 1 % of them exceed, of each of :data:`GROUPS`.
    """

    centre: NDArray[np.float32]
    covariance: NDArray[np.float32]
    limits: NDArray[np.float32]

    @classmethod
    def of_photographs(
        cls, measured: NDArray[np.float32], sources: NDArray[np.str_]
    ) -> PhotographModel:
        """Learn from photographs, (n, 9), and their sources, (n,), which alone set the limits."""
        from sklearn.model_selection import GroupKFold

        folds = GroupKFold(min(N_FOLDS, len(np.unique(sources))))
        found = np.empty((len(measured), len(GROUPS)))
        for others, rows in folds.split(measured, groups=sources):
            found[rows] = cls(*_fit(measured[others]), _no_limits()).distances(measured[rows])
        quantiles = np.quantile(found, 1 - UNLIKE_FRACTION / len(GROUPS), axis=0)
        limits = np.maximum(_normal_limits(len(measured)), quantiles)
        return cls(*_fit(measured), limits.astype(np.float32))

    @classmethod
    def of_most(cls, measured: NDArray[np.float32]) -> PhotographModel:
        """Learn from photographs, (n, 9), some of which may be odd.

        The minimum covariance determinant of light and magnification tells what most are like (P.
        J. Rousseeuw and K. Van Driessen, Technometrics 41, 1999); of few photographs all are like
        each other. Stain and sharpness have no limit: they go with the class of a cell, and a class
        with few cells would be odd.
        """
        from sklearn.covariance import MinCovDet

        (centre, covariance), limits = _fit(measured), _no_limits()
        if len(measured) >= MIN_ROBUST_PHOTOGRAPHS:
            known = np.where(np.isfinite(measured), measured, centre).astype(np.float64)
            noise = MIN_DEVIATION * np.random.default_rng(0).normal(size=known.shape)
            group = GROUPS[0]
            found = MinCovDet(random_state=0).fit((known + noise)[:, group])  # never singular
            centre[group], covariance[group, group] = found.location_, found.covariance_
            limits[0] = _normal_limits(len(measured))[0]
        return cls(centre, covariance, limits)

    def distances(self, measured: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the Mahalanobis distance of photographs, (n, 9), in each group, (n, 2).

        What is missing of a photograph is as usual.
        """
        away = np.where(np.isfinite(measured), measured, self.centre) - self.centre
        found = np.empty((len(measured), len(GROUPS)))
        for k, group in enumerate(GROUPS):
            own = away[:, group]
            inverse = np.linalg.solve(self.covariance[group, group], own.T).T
            found[:, k] = np.sqrt(np.einsum("ij,ij->i", own, inverse))
        return found

    def are_unusual(self, measured: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Tell which photographs, (n, 9), are beyond a limit."""
        return np.any(self.distances(measured) > self.limits, axis=1)


def _no_limits() -> NDArray[np.float32]:
    return np.full(len(GROUPS), np.inf, np.float32)


def _normal_limits(count: int) -> NDArray[np.float32]:
    """Return the distances that 1 % of new observations of normal distributions exceed.

    Hotelling's prediction limit, for mean and covariance of ``count`` observations (H. Hotelling,
    "The generalization of Student's ratio", Annals of Mathematical Statistics 2, 1931).
    """
    with importing:
        from scipy.stats import f

    size = np.array([group.stop - group.start for group in GROUPS])
    free = np.maximum(1, count - size)
    scale = size * (count + 1) * (count - 1) / (count * free)
    return np.sqrt(scale * f.ppf(1 - UNLIKE_FRACTION / len(GROUPS), size, free)).astype(np.float32)


def _fit(measured: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean and covariance of photographs, also of few; between groups the latter is 0."""
    from sklearn.covariance import LedoitWolf

    missing = ~np.isfinite(measured)
    centre = np.where(missing, 0, measured).sum(axis=0) / np.maximum((~missing).sum(axis=0), 1)
    filled = np.where(missing, centre, measured).astype(np.float64)
    spread = np.hypot(filled.std(axis=0), MIN_DEVIATION)
    covariance = np.diag(spread**2)
    for group in GROUPS:
        own = spread[group]
        shrunk = LedoitWolf().fit((filled - centre)[:, group] / own).covariance_
        covariance[group, group] = shrunk * np.outer(own, own)
    covariance += MIN_DEVIATION**2 * np.eye(len(centre))
    return centre.astype(np.float32), covariance.astype(np.float32)
