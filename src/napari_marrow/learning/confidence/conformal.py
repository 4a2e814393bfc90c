"""Whether a unit is like any class that was learnt from: conformal p-values by class.

The nonconformity of a unit with a class is its Mahalanobis distance to the class' mean, with one
covariance for all classes (K. Lee et al., "A simple unified framework for detecting
out-of-distribution samples", NeurIPS 2018). Its p-value for the class is the fraction of units of
that class, none of which was learnt from when its distance was measured, that are at least as far
(V. Vovk, A. Gammerman and G. Shafer, "Algorithmic learning in a random world", 2005: Mondrian
conformal prediction). The largest p-value is the unit's credibility; a unit of low credibility is
of neither class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Codes = NDArray[np.intp]
MAX_FALSE_ALARMS = 0.05
"""Fraction of units of the classes learnt from that is called of none of them."""
MIN_SPREAD = 1e-6


@dataclass(frozen=True)
class ClassModel:
    """Where the units of each class are, in the space of their measurements.

    Attributes
    ----------
    centres
        (classes, measurements) mean of each class.
    whitening
        (measurements, measurements) takes the covariance within classes out of measurements.
    """

    centres: Values
    whitening: Values

    @classmethod
    def fit(cls, values: Values, codes: Codes) -> ClassModel:
        """Fit to units, (n, measurements), of classes, (n,) from 0, each at least once."""
        from sklearn.covariance import LedoitWolf  # also of fewer units than measurements

        filled = np.where(np.isfinite(values), values, _means(values))
        centres = np.stack([filled[codes == k].mean(axis=0) for k in range(codes.max() + 1)])
        within = filled - centres[codes]
        spread = within.std(axis=0)
        spread[spread < MIN_SPREAD] = 1.0
        covariance = LedoitWolf(assume_centered=True).fit(within / spread).covariance_
        eigenvalues, vectors = np.linalg.eigh(covariance)
        return cls(centres, vectors / np.sqrt(eigenvalues) / spread[:, None])

    def distances(self, values: Values) -> Values:
        """Return the distance of units, (n, measurements), to each class, (n, classes).

        It is the root of the mean over measurements; one that is missing is as in the mean of all
        classes.
        """
        filled = np.where(np.isfinite(values), values, self.centres.mean(axis=0))
        away = (filled[:, None] - self.centres) @ self.whitening
        return np.sqrt(np.square(away).mean(axis=2))


def _means(values: Values) -> Values:
    known = np.isfinite(values)
    return np.where(known, values, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)


@dataclass(frozen=True)
class Conformal:
    """Distances to each class, and what is usual of units of it.

    Attributes
    ----------
    model
        Where the classes are.
    scores
        By class: the distances of its own units, none learnt from when it was measured.
    limit
        Largest credibility of a unit that is called of no class; below 0 where there are too few.
    """

    model: ClassModel
    scores: Sequence[Values]
    limit: float

    @classmethod
    def fit(cls, values: Values, codes: Codes, held_out: Values) -> Conformal:
        """Fit to the units learnt from.

        Parameters
        ----------
        values, codes
            (n, measurements) and (n,) class.
        held_out
            (n, classes) distances of the same units to classes fitted without them; rows of NaN
            where there are none.
        """
        known = np.isfinite(held_out).all(axis=1)
        own, found = codes[known], held_out[known]
        scores = tuple(np.sort(found[own == k, k]) for k in range(held_out.shape[1]))
        p_values = conformal_p_values(scores, found)
        for k, ranked in enumerate(scores):  # a unit is not one of those it is compared with
            rows = own == k
            farther = len(ranked) - np.searchsorted(ranked, found[rows, k])
            p_values[rows, k] = farther / max(1, len(ranked))
        credibility = np.sort(p_values.max(axis=1)) if len(found) else np.empty(0)
        allowed = int(MAX_FALSE_ALARMS * (len(credibility) + 1)) - 1
        limit = float(np.nextafter(credibility[allowed], -1)) if allowed >= 0 else -1.0
        return cls(ClassModel.fit(values, codes), scores, limit)

    @classmethod
    def cross_fit(
        cls, values: Values, codes: Codes, folds: Sequence[tuple[Codes, Codes]]
    ) -> Conformal:
        """Fit to units, each held out in one of the folds (rows to fit to, rows held out)."""
        held_out = np.full((len(values), codes.max() + 1), np.nan)
        for train, test in folds:
            held_out[test] = ClassModel.fit(values[train], codes[train]).distances(values[test])
        return cls.fit(values, codes, held_out)

    @property
    def can_tell(self) -> bool:
        """Whether any unit can be called of none of the classes."""
        return self.limit >= max(1 / (1 + len(own)) for own in self.scores)

    def p_values(self, values: Values) -> Values:
        """Return the p-values of units, (n, measurements), for each class, (n, classes)."""
        return conformal_p_values(self.scores, self.model.distances(values))

    def is_neither(self, values: Values) -> NDArray[np.bool_]:
        """Tell which units, (n, measurements), are of none of the classes."""
        return self.p_values(values).max(axis=1, initial=0.0) <= self.limit


def conformal_p_values(scores: Sequence[Values], distances: Values) -> Values:
    """Return p-values, (n, classes), of distances against sorted scores of each class."""
    columns = [
        (1 + len(own) - np.searchsorted(own, distances[:, k])) / (1 + len(own))
        for k, own in enumerate(scores)
    ]
    return np.stack(columns, axis=1)
