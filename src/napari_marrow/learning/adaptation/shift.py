"""The shift test: whether photographs are of another acquisition than those learnt from.

A microscope, its camera and its light show in the colour of the background and in the size of
nuclei in pixels, whatever cells there are. Both are compared with those of each acquisition that
a model learnt from, photograph by photograph and for all together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.imports import importing
from napari_marrow.data.text import counted
from napari_marrow.imaging.nuclei import typical_diameter
from napari_marrow.imaging.relabel import small_numbers
from napari_marrow.imaging.white_point import white_point
from napari_marrow.learning.adaptation.acquisitions import (
    MIN_BATCH_UNITS,
    MIN_KNOWN_UNITS,
    Acquisition,
    Adapt,
    Values,
    of_photograph,
    standardize,
    statistics,
)
from napari_marrow.learning.confidence.error_rate import Confidence

MEASURED = ("background red", "background green", "background blue", "nucleus diameter")
"""What is measured of a photograph, in natural logarithms of levels and of pixels."""
MIN_PHOTOGRAPHS = 6
"""Photographs of an acquisition that are needed to tell what is usual in it."""
MIN_ROBUST_PHOTOGRAPHS = 20
"""Photographs of a batch that are needed to tell which of them are odd."""
MIN_DEVIATION = 0.01
"""Standard deviation, 1 %, that measuring a photograph twice has at least."""
UNLIKE_FRACTION = 0.02
"""Fraction of photographs, fields or cells like those learnt from that counts as unlike them."""
MAX_P_VALUE = 0.05
MIN_DIFFERENCE_SD = 2.0
"""Difference that is named, in standard deviations of the photographs learnt from."""
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
    ndarray of float32, shape (4,)
        Logarithms of red, green and blue of the white point, and of the diameter of the nuclei that
        are half of the stained area; not a number without nuclei.
    """
    diameter = typical_diameter(small_numbers(nuclei)[0])
    last = np.log(diameter) if diameter else np.nan
    return np.array([*np.log(white_point(image)), last], np.float32)


@dataclass(frozen=True)
class Look:
    """What photographs of an acquisition look like.

    Attributes
    ----------
    centre
        (4,) mean of their measurements.
    covariance
        (4, 4) of their measurements.
    limit
        Mahalanobis distance that 2 % of them exceed.
    """

    centre: NDArray[np.float32]
    covariance: NDArray[np.float32]
    limit: float

    @classmethod
    def of_photographs(cls, measured: NDArray[np.float32], sources: NDArray[np.str_]) -> Look:
        """Learn from photographs, (n, 4), and their sources, (n,), which alone set the limit."""
        from sklearn.model_selection import GroupKFold

        folds = GroupKFold(min(N_FOLDS, len(np.unique(sources))))
        found = np.empty(len(measured))
        for others, rows in folds.split(measured, groups=sources):
            found[rows] = cls(*_fit(measured[others]), 0.0).distance(measured[rows])
        limit = max(normal_limit(*measured.shape), np.quantile(found, 1 - UNLIKE_FRACTION))
        return cls(*_fit(measured), float(limit))

    @classmethod
    def of_most(cls, measured: NDArray[np.float32]) -> Look:
        """Learn from photographs, (n, 4), some of which may be odd.

        Their minimum covariance determinant tells what most are like (P. J. Rousseeuw and K. Van
        Driessen, Technometrics 41, 1999); of few photographs all are like each other.
        """
        from sklearn.covariance import MinCovDet

        centre, covariance = _fit(measured)
        if len(measured) < MIN_ROBUST_PHOTOGRAPHS:
            return cls(centre, covariance, np.inf)
        known = np.where(np.isfinite(measured), measured, centre).astype(np.float64)
        noise = MIN_DEVIATION * np.random.default_rng(0).normal(size=known.shape)  # never singular
        found = MinCovDet(random_state=0).fit(known + noise)
        limit = normal_limit(*measured.shape)
        return cls(found.location_.astype("f4"), found.covariance_.astype("f4"), limit)

    def distance(self, measured: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the Mahalanobis distance of photographs, (n, 4); what is missing is as usual."""
        away = np.where(np.isfinite(measured), measured, self.centre) - self.centre
        return np.sqrt(np.einsum("ij,ij->i", away, np.linalg.solve(self.covariance, away.T).T))


def normal_limit(count: int, dimensions: int) -> float:
    """Return the distance that 2 % of new observations of a normal distribution exceed.

    Hotelling's prediction limit, for mean and covariance of ``count`` observations (H. Hotelling,
    "The generalization of Student's ratio", Annals of Mathematical Statistics 2, 1931).
    """
    with importing:
        from scipy.stats import f

    free = max(1, count - dimensions)
    scale = dimensions * (count + 1) * (count - 1) / (count * free)
    return float(np.sqrt(scale * f.ppf(1 - UNLIKE_FRACTION, dimensions, free)))


def _fit(measured: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean and covariance of photographs, also of few."""
    from sklearn.covariance import LedoitWolf

    missing = ~np.isfinite(measured)
    centre = np.where(missing, 0, measured).sum(axis=0) / np.maximum((~missing).sum(axis=0), 1)
    filled = np.where(missing, centre, measured).astype(np.float64)
    spread = np.hypot(filled.std(axis=0), MIN_DEVIATION)
    shrunk = LedoitWolf().fit((filled - centre) / spread).covariance_
    covariance = shrunk * np.outer(spread, spread) + MIN_DEVIATION**2 * np.eye(len(centre))
    return centre.astype(np.float32), covariance.astype(np.float32)


def looks_of(
    measured: NDArray[np.float32], sources: NDArray[np.str_], acquisitions: NDArray[np.str_]
) -> tuple[Look, ...]:
    """Return what photographs of each acquisition look like; those of small ones together."""
    names, codes, counts = np.unique(acquisitions, return_inverse=True, return_counts=True)
    groups = np.where(counts >= MIN_PHOTOGRAPHS, np.arange(len(names)), -1)[codes]
    rows = [groups == k for k in np.unique(groups)]
    return tuple(
        Look.of_photographs(measured[own], sources[own])
        for own in rows
        if own.sum() >= MIN_PHOTOGRAPHS and len(np.unique(sources[own])) > 1
    )


@dataclass(frozen=True)
class Adaptation:
    """How the features of a batch are standardised, and whether it is of another acquisition.

    Attributes
    ----------
    acquisitions
        Those learnt from; each photograph is standardised by the likest. None where features stay
        as they are.
    centre, spread
        (features,) mean and deviation of the batch, where it is standardised by these.
    units
        Number of cells or fields of the batch that these come from; 0 without.
    is_other
        Whether the batch is of another acquisition than those learnt from.
    differences
        How it differs, in words.
    look
        What photographs of the batch look like, where the user says that it is one acquisition
        with cells of all classes (``batch``), which nothing in it can show.
    """

    acquisitions: tuple[Acquisition, ...]
    centre: Values
    spread: Values
    units: int = 0
    is_other: bool = False
    differences: tuple[str, ...] = ()
    look: Look | None = None

    @classmethod
    def of_batch(
        cls,
        acquisitions: Sequence[Acquisition],
        looks: Sequence[Look],
        values: Values,
        photographs: NDArray[np.float32],
        adapt: Adapt,
    ) -> Adaptation:
        """Compare a batch with what was learnt from, and choose by what it is standardised.

        Parameters
        ----------
        acquisitions, looks
            What was learnt from; without ``acquisitions`` features stay as they are.
        values
            (n, features) of all units of the batch.
        photographs
            (photographs, 4) of :func:`measure_photograph`.
        adapt
            ``auto`` takes the batch's own mean and deviation where it is of another acquisition and
            holds ten units, ``batch`` wherever it holds ten, and ``none`` never. With ``batch`` the
            user says that it is one acquisition with cells of all classes.
        """
        is_other = bool(len(photographs)) and is_unusual(looks, photographs)
        differences = compare(looks, photographs) if is_other else ()
        known, none = tuple(acquisitions), (np.empty(0), np.empty(0), 0)
        own = adapt == "batch" or (adapt == "auto" and is_other)
        if known and own and len(values) >= MIN_BATCH_UNITS:
            look = Look.of_most(photographs) if adapt == "batch" else None
            return cls(known, *statistics(values), len(values), is_other, differences, look)
        return cls(known, *none, is_other, differences)

    def transform(self, values: Values, photograph: NDArray[np.float32]) -> Values:
        """Return features of a photograph, (n, features), as the model takes them."""
        found = self.statistics_for(photograph)
        return values if found is None else standardize(values, *found)

    def statistics_for(self, photograph: NDArray[np.float32]) -> tuple[Values, Values] | None:
        """Return the mean and deviation that standardise a photograph's features, if any do."""
        if self.units:
            return self.centre, self.spread
        if not self.acquisitions:
            return None
        likest = of_photograph(self.acquisitions, photograph)
        return np.array(likest.centre), np.array(likest.spread)

    def can_stand(self, photograph: NDArray[np.float32], elsewhere: Confidence | None) -> bool:
        """Whether an answer for a photograph of another acquisition can stand unmarked.

        Parameters
        ----------
        photograph
            (4,) of :func:`measure_photograph`; an odd one among the batch can't.
        elsewhere
            The model's confidence in another acquisition.
        """
        if self.look is None or elsewhere is None or not elsewhere.holds:
            return False
        return bool(self.look.distance(photograph[None])[0] <= self.look.limit)

    def sentence(self, n_photographs: int, unit: str, elsewhere: Confidence | None = None) -> str:
        """Say in a line what a user must know of the batch; "" where nothing is unusual.

        Parameters
        ----------
        n_photographs, unit
            How many there are, and what is classified.
        elsewhere
            The model's confidence in another acquisition.
        """
        if not self.is_other:
            return ""
        these = (
            "This photograph is" if n_photographs == 1 else f"These {n_photographs} photographs are"
        )
        how = f" ({', '.join(self.differences)})" if self.differences else ""
        marked = "the answers are marked uncertain."
        advice = (
            f" To have answers that can be trusted, annotate at least {MIN_KNOWN_UNITS} cells "
            "here, some of each class, and learn from them, too."
        )
        if self.units and elsewhere is not None and elsewhere.holds:
            least = f"{elsewhere.abstain_below:.0%}"
            one = "of one acquisition and hold cells of all classes"
            if self.look is None:
                advice = (
                    f" If they are {one}, --adapt batch lets answers of at least {least} stand."
                )
            else:
                marked = f"answers below {least} are marked uncertain, if they are {one}."
                advice = ""
        text = f"{these} unlike those learnt from{how}: {marked}"
        if self.units:
            text += f" Features are standardised by {counted(self.units, unit)} of this batch."
        return text + advice


def are_unusual(looks: Sequence[Look], photographs: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell which photographs are beyond the limits of all looks; none is without looks."""
    if not looks:
        return np.zeros(len(photographs), bool)
    return np.all([x.distance(photographs) > x.limit for x in looks], axis=0)


def is_unusual(looks: Sequence[Look], photographs: NDArray[np.float32]) -> bool:
    """Whether most of a batch is beyond the limits of all looks, and more than chance explains.

    A few unusual pictures among many others, such as blank ones, do not make the others unusual.
    """
    with importing:
        from scipy.stats import binom

    beyond = are_unusual(looks, photographs).sum()
    p_value = binom.sf(beyond - 1, len(photographs), UNLIKE_FRACTION)
    return bool(beyond > len(photographs) / 2 and p_value <= MAX_P_VALUE)


def compare(looks: Sequence[Look], photographs: NDArray[np.float32]) -> tuple[str, ...]:
    """Say in which measurements photographs differ from the nearest of looks, and by how much."""
    look = min(looks, key=lambda x: float(np.median(x.distance(photographs))))
    with np.errstate(all="ignore"):
        away = np.nanmedian(np.where(np.isfinite(photographs), photographs, look.centre), axis=0)
    away = away - look.centre
    spread = np.sqrt(np.diag(look.covariance))
    named = [
        k
        for k in np.argsort(-np.abs(away / spread))
        if abs(away[k]) > MIN_DIFFERENCE_SD * spread[k]
    ]
    return tuple(f"{MEASURED[k]} {np.exp(away[k]):.2g} times" for k in named)
