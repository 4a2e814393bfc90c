"""What tells by which microscope, camera and stain a photograph was taken, and what is usual of it.

The colour of the background and the size of nuclei in pixels show the light, the camera and the
magnification, whatever cells there are; the colour of the nuclei and the sharpness of their edges
show the stain and the optics. What is usual of each of these two groups is learnt by itself, as few
photographs tell a covariance of eight measurements badly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

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
DIAMETER, SIZE = 3, 8
"""Columns of the nucleus diameter and the size of the photograph."""
MAX_SIZE_DEVIATION = 0.05
"""Standard deviation of the size of photographs that are all of one size."""
MIN_SCALED_PHOTOGRAPHS = 10
"""Photographs of a batch that are needed to tell whether its nuclei are of all classes."""
MIN_SCALING = 0.1
"""Change of the size, a tenth, that is looked at: saving a photograph again does not cut it so."""
MIN_DENSITY = 0.01
"""Smallest optical density of a nucleus: half a level of a photograph."""
SHARPNESS_WINDOW_PX = 128
"""Side of the square about the largest nucleus in which sharpness is measured; all else is measured
on a sample of 256 x 256 pixels."""
MIN_SHARPNESS = 1e-3
MIN_DEVIATION = 0.01
"""Standard deviation, 1 %, that measuring a photograph twice has at least."""
MIN_ROBUST_PHOTOGRAPHS = 20
"""Photographs of a batch that are needed to tell what most of them are like."""
MIN_SOURCES = 6
"""Sources, or photographs of one, that are needed to tell how photographs differ."""
USUAL_DEVIATIONS = np.array([0.05, 0.05, 0.05, 0.3, 0.3, 0.3, 0.3, 0.15, MIN_DEVIATION])
"""How photographs of an acquisition are assumed to differ where there are too few to tell."""
MIN_CLASS_PHOTOGRAPHS = 2
"""Photographs of a class whose median counts as one that batches can have."""
UNLIKE_FRACTION = 0.02
"""Fraction of photographs, fields or cells like those learnt from that counts as unlike them."""
MAX_ROUNDING = 1e-6
"""Relative, of covariances in 32 bits: a smaller variance in some direction is none."""
MAX_P_VALUE = 0.05
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
        from skimage.filters import sobel  # noqa: F401 - it would import that when it is called
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
    batch_limits
        (2,) that of the median of the class, or the source, that is farthest from the centre:
        batches of the acquisition are mixtures of these, and their medians no farther.
    n_sources
        Number of sources that this comes from.
    mixed_deviation
        Standard deviation of the nucleus diameter from which on a batch has nuclei of all classes:
        half-way between that of all photographs and that within classes.
    """

    centre: NDArray[np.float32]
    covariance: NDArray[np.float32]
    limits: NDArray[np.float32]
    batch_limits: NDArray[np.float32]
    n_sources: int
    mixed_deviation: float = np.inf

    @classmethod
    def of_photographs(
        cls,
        measured: NDArray[np.float32],
        sources: NDArray[np.str_],
        classes: NDArray[np.str_],
    ) -> PhotographModel:
        """Learn from photographs.

        Parameters
        ----------
        measured
            (n, 9) of :func:`measure_photograph`.
        sources, classes
            (n,) of each photograph. Those of one source are alike, so that they do not tell how
            others differ: of few sources what is usual elsewhere is assumed.
        """
        n_sources = len(np.unique(sources))
        centre, covariance = _fit(measured)
        if n_sources < MIN_SOURCES:
            covariance = covariance + np.diag(USUAL_DEVIATIONS**2).astype(np.float32)
            limits = _assumed_limits(n_sources)
        else:
            limits = np.maximum(_normal_limits(len(measured)), _quantiles(measured, sources))
        model = cls(centre, covariance, limits, _no_limits(), n_sources)
        of_class = [measured[classes == name] for name in np.unique(classes)]
        of_source = [measured[sources == name] for name in np.unique(sources)]
        groups = [x for x in of_class if len(x) >= MIN_CLASS_PHOTOGRAPHS]
        groups += [x for x in of_source if len(x) >= MIN_SOURCES]
        found = [model._median_distances(x) for x in groups]
        batch_limits = np.max([np.zeros(len(GROUPS)), *found], axis=0)
        diameters = [x[np.isfinite(x[:, DIAMETER]), DIAMETER] for x in (measured, *of_class)]
        whole, *within = ((x.std(), len(x)) if len(x) else (0.0, 0) for x in diameters)
        pooled = np.sqrt(sum(n * sd**2 for sd, n in within) / max(1, whole[1]))
        return replace(
            model,
            batch_limits=batch_limits.astype(np.float32),
            mixed_deviation=float((whole[0] + pooled) / 2),
        )

    @classmethod
    def of_most(cls, measured: NDArray[np.float32]) -> PhotographModel:
        """Learn from photographs, (n, 9), some of which may be odd.

        The minimum covariance determinant of light and magnification tells what most are like (P.
        J. Rousseeuw and K. Van Driessen, Technometrics 41, 1999); of few, their median and what is
        usual elsewhere. Stain and sharpness have no limit: they go with the class of a cell, and a
        class with few cells would be odd.
        """
        with importing:
            from sklearn.covariance import MinCovDet

        (centre, covariance), limits = _fit(measured), _no_limits()
        group = GROUPS[0]
        if len(measured) >= MIN_ROBUST_PHOTOGRAPHS:
            known = np.where(np.isfinite(measured), measured, centre).astype(np.float64)
            noise = MIN_DEVIATION * np.random.default_rng(0).normal(size=known.shape)
            found = MinCovDet(random_state=0).fit((known + noise)[:, group])  # never singular
            centre[group], covariance[group, group] = found.location_, found.covariance_
            limits[0] = _normal_limits(len(measured))[0]
        else:
            centre, covariance = _median(measured), np.diag(USUAL_DEVIATIONS**2).astype(np.float32)
            limits[0] = _assumed_limits(len(measured))[0]
        return cls(centre, covariance, limits, _no_limits(), len(measured))

    @property
    def is_valid(self) -> bool:
        """Whether distances can be computed: of one source or more, with covariances of values."""
        matrix = self.covariance.astype(np.float64)
        if self.n_sources < 1 or not np.isfinite(matrix).all():
            return False
        if not np.allclose(matrix, matrix.T, rtol=MAX_ROUNDING) or matrix[SIZE, SIZE] <= 0:
            return False
        spread = [np.linalg.eigvalsh(matrix[group, group]) for group in GROUPS]
        return all(values[0] > MAX_ROUNDING * values[-1] for values in spread)

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

    def excess(self, measured: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the distance of photographs, (n, 9), in units of the limits: the larger one."""
        return (self.distances(measured) / self.limits).max(axis=1)

    def is_unusual_batch(self, measured: NDArray[np.float32]) -> bool:
        """Whether photographs, (n, 9), are of another acquisition, each or all together.

        That is so where most are unusual, and more than chance explains (binomial test); where
        their median is farther from the centre than those of all classes and sources, and more than
        chance explains (Hotelling's test; a median has pi / 2 times the variance of a mean); or
        where they are scaled, see :meth:`is_scaled`. A few unusual pictures among many others, such
        as blank ones, do not make the others unusual.
        """
        with importing:
            from scipy.special import bdtrc  # scipy.stats takes a second to import

        count, beyond = len(measured), self.are_unusual(measured).sum()
        p_value = bdtrc(beyond - 1, count, UNLIKE_FRACTION)
        if beyond > count / 2 and p_value <= MAX_P_VALUE:
            return True
        variance = np.pi / 2 * (1 / count + 1 / self.n_sources)
        is_assumed = self.n_sources < MIN_SOURCES
        squares = _squared_quantiles(MAX_P_VALUE, None if is_assumed else self.n_sources)
        limits = self.batch_limits + np.sqrt(variance * squares)
        is_away = np.any(self._median_distances(measured) > limits)
        return bool(is_away or self.is_scaled(measured))

    def is_scaled(self, measured: NDArray[np.float32]) -> bool:
        """Whether photographs, (n, 9), are smaller or larger by the factor of their nuclei.

        Nuclei of the classes differ so much that half of the magnification can hide among them.
        Where all photographs learnt from have one size, and the new ones another, these are scaled
        if their nuclei's diameter changes more like the size than not at all; else they are cut. A
        batch whose nuclei differ less than those of all classes do may be of one class, with
        smaller nuclei, and tells nothing.
        """
        sizes, diameters = measured[:, SIZE], measured[:, DIAMETER]
        has_one_size = self.covariance[SIZE, SIZE] <= MAX_SIZE_DEVIATION**2
        if not has_one_size or sizes.std() > MAX_SIZE_DEVIATION:
            return False
        known = diameters[np.isfinite(diameters)]
        if len(known) < MIN_SCALED_PHOTOGRAPHS or known.std() < self.mixed_deviation:
            return False
        away = _median(measured) - self.centre
        is_other_size = abs(away[SIZE]) >= MIN_SCALING
        return bool(is_other_size and abs(away[DIAMETER] - away[SIZE]) < abs(away[DIAMETER]))

    def _median_distances(self, measured: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the distance of the median of photographs, (n, 9), in each group, (2,)."""
        return self.distances(_median(measured)[None])[0]


def _median(measured: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the median of each measurement; not a number where no photograph has one."""
    found = np.full(N_MEASURED, np.nan, np.float32)
    has_values = np.isfinite(measured).any(axis=0)
    found[has_values] = np.nanmedian(measured[:, has_values], axis=0)
    return found


def _group_sizes() -> NDArray[np.intp]:
    return np.array([group.stop - group.start for group in GROUPS])


def _quantiles(measured: NDArray[np.float32], sources: NDArray[np.str_]) -> NDArray[np.float64]:
    """Return the distances that 1 % of photographs of sources not learnt from exceed."""
    from sklearn.model_selection import GroupKFold

    found = np.empty((len(measured), len(GROUPS)))
    for others, rows in GroupKFold(min(N_FOLDS, len(np.unique(sources)))).split(
        measured, groups=sources
    ):
        model = PhotographModel(*_fit(measured[others]), _no_limits(), _no_limits(), 1)
        found[rows] = model.distances(measured[rows])
    return np.quantile(found, 1 - UNLIKE_FRACTION / len(GROUPS), axis=0)


def _assumed_limits(count: int) -> NDArray[np.float32]:
    """Return the distances that 1 % of new photographs exceed, where the covariance is assumed."""
    return np.sqrt((1 + 1 / count) * _squared_quantiles(UNLIKE_FRACTION)).astype(np.float32)


def _normal_limits(count: int) -> NDArray[np.float32]:
    """Return the distances that 1 % of new photographs exceed, of mean and covariance of some."""
    return np.sqrt((1 + 1 / count) * _squared_quantiles(UNLIKE_FRACTION, count)).astype(np.float32)


def _squared_quantiles(fraction: float, count: int | None = None) -> NDArray[np.float64]:
    """Return the squared distance that chance exceeds in any group with this probability, (2,).

    That of Hotelling's distribution for the covariance of ``count`` observations (H. Hotelling,
    "The generalization of Student's ratio", Annals of Mathematical Statistics 2, 1931), or of the
    chi-square distribution for one that is known.
    """
    with importing:
        from scipy.special import chdtri, fdtri  # scipy.stats takes a second to import

    size, above = _group_sizes(), fraction / len(GROUPS)
    if count is None:
        return chdtri(size, above)
    free = np.maximum(1, count - size)
    return size * (count - 1) / free * fdtri(size, free, 1 - above)


def _no_limits() -> NDArray[np.float32]:
    return np.full(len(GROUPS), np.inf, np.float32)


def _fit(measured: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean and covariance of photographs, also of few; between groups the latter is 0."""
    from sklearn.covariance import LedoitWolf

    missing = ~np.isfinite(measured)
    centre = np.where(missing, 0, measured).sum(axis=0) / np.maximum((~missing).sum(axis=0), 1)
    filled = np.where(missing, centre, measured).astype(np.float64)
    spread = np.hypot(filled.std(axis=0), MIN_DEVIATION)
    covariance = np.diag(spread**2)
    for group in GROUPS if len(measured) > 1 else ():
        own = spread[group]
        shrunk = LedoitWolf().fit((filled - centre)[:, group] / own).covariance_
        covariance[group, group] = shrunk * np.outer(own, own)
    covariance += MIN_DEVIATION**2 * np.eye(len(centre))
    return centre.astype(np.float32), covariance.astype(np.float32)
