"""The share of a class, adjusted for a model's errors, with a 95 % interval and a plan.

With M the probabilities of the answers (columns) for units of each true class (rows), the shares p
of the classes give answers in the shares q = M' p. So p = M'^-1 q: for two classes (W. J. Rogan and
B. Gladen, "Estimating prevalence from the results of a screening test", American Journal of
Epidemiology 107, 1978), and for more by the same matrix. The share of one class is w'q, where w is
its column of M^-1.

Its variance has two parts: that of q, of the cells that are counted, and that of M, of the cells
that were held out, the row of each true class k with the weight p_k squared. Both are divided by
effective numbers of cells: see :mod:`napari_marrow.learning.scores.intervals`. The interval holds
each share from which the estimate is at most t standard errors away, where the variance is that of
the share itself: Wilson's interval (1927), and Fieller's theorem for a ratio whose denominator is
estimated. Without errors it is Wilson's; where the model tells the class from others no better than
chance, it is everything. As Z. Lang and J. Reiczigel do ("Confidence limits for prevalence of
disease adjusted for estimated sensitivity and specificity", Preventive Veterinary Medicine 113,
2014), :data:`ADDED_UNITS` are added to each held-out class for the variance, since an error that
was not seen may occur.

Degrees of freedom are F. E. Satterthwaite's (Biometrics Bulletin 2, 1946) of the parts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from napari_marrow.learning.counting.heldout import HeldOutErrors, clustering
from napari_marrow.learning.scores.intervals import count_sources

Values = NDArray[np.float64]

ADDED_UNITS = 2.0
"""Held-out units that are added to each true class, in equal parts to all answers."""
MAX_CONDITION = 1e6
"""Of a confusion matrix that can be inverted."""
POWER = 0.8
"""Probability with which the planned number of cells tells."""
MAX_MORE_CELLS = 20_000
"""Number of cells beyond which nobody counts."""


@dataclass(frozen=True)
class ErrorModel:
    """The errors of a model, ready to adjust the share of one class.

    Attributes
    ----------
    position
        Of the class.
    answers
        (classes, answers) probability of each answer, by true class; there are as many answers as
        classes, see :meth:`with_known` for twice as many.
    weights
        (answers,) by which the shares of the answers add up to the share of the class; None where
        the model can't tell it from the others.
    variances
        (classes,) of the weighted answers for each true class, for the number of held-out units.
    freedom
        (classes,) degrees of freedom of these.
    """

    position: int
    answers: Values
    weights: Values | None
    variances: Values
    freedom: Values

    @classmethod
    def of_errors(cls, errors: HeldOutErrors, class_name: str) -> ErrorModel:
        """Return the errors for a class."""
        position = errors.classes.index(class_name)
        counts = np.array(errors.confusion, float)
        answers = counts / counts.sum(axis=1, keepdims=True)
        size, freedom = len(counts), np.maximum(np.array(errors.sources, float) - 1, 1)
        weights = None
        if np.linalg.cond(answers) < MAX_CONDITION:
            weights = np.linalg.inv(answers)[:, position]
            if weights.argmax() != position:  # worse than chance
                weights = None
        if weights is None:
            return cls(position, answers, None, np.full(size, np.inf), freedom)
        effective = counts / np.array(errors.effects)[:, None] + ADDED_UNITS / size
        total = effective.sum(axis=1)
        variances = _spread(effective / total[:, None], weights) / total
        return cls(position, answers, weights, variances, freedom)

    @classmethod
    def without_errors(cls) -> ErrorModel:
        """Return what leaves shares as they are, of the class and all others."""
        return cls(0, np.eye(2), np.array([1.0, 0.0]), np.zeros(2), np.ones(2))

    def with_known(self, known: Values) -> ErrorModel:
        """Return the errors for units of which some have a class that was given, without error.

        There are twice as many answers then: first the classes that were given, then the model's.

        Parameters
        ----------
        known
            (classes,) share of the units of each true class that were given it.
        """
        assert self.weights is not None
        exact = np.eye(len(known))
        return replace(
            self,
            answers=np.hstack([known[:, None] * exact, (1 - known)[:, None] * self.answers]),
            weights=np.concatenate([exact[self.position], self.weights]),
            variances=(1 - known) ** 2 * self.variances,
        )


def _spread(shares: Values, weights: Values) -> Values:
    """Return the variance of the weight of one answer, (...,), for its shares, (..., classes)."""
    return np.maximum(shares @ weights**2 - (shares @ weights) ** 2, 0)


@dataclass(frozen=True)
class AdjustedShare:
    """The share of a class among cells that were answered, before it is put between 0 and 1.

    Attributes
    ----------
    errors
        Of the model.
    shares
        (answers,) of the answers.
    cells
        Their number.
    effect
        Design effect, by which clustering reduces the number of cells.
    clusters
        How many independent sources the cells are from; None where each cell is one.
    """

    errors: ErrorModel
    shares: Values
    cells: int
    effect: float
    clusters: int | None

    @property
    def estimate(self) -> float:
        """The share; may be a little below 0 or above 1."""
        weights = self.errors.weights
        return float(
            self.shares[self.errors.position] if weights is None else self.shares @ weights
        )

    @cached_property
    def others(self) -> Values:
        """(classes,) shares of the other classes among the cells that are not of this one."""
        own = self.errors.position
        if self.errors.weights is None:
            found = self.shares.copy()
        else:
            found = np.linalg.lstsq(self.errors.answers.T, self.shares, rcond=None)[0].clip(0)
        found[own] = 0
        if found.sum() <= 0:
            found = np.ones(len(found))
            found[own] = 0
        return found / found.sum()

    def parts(self, share: float) -> tuple[float, Values]:
        """Return the variance if this were the share: of the cells counted, and by true class."""
        if self.errors.weights is None:
            return np.inf, self.errors.variances
        true = (1 - share) * self.others
        true[self.errors.position] = share
        sampling = float(_spread(true @ self.errors.answers, self.errors.weights))
        return sampling * self.effect / self.cells, true**2 * self.errors.variances

    def variance(self, share: float) -> float:
        """Return the variance of the estimate if this were the share."""
        sampling, heldout = self.parts(share)
        return sampling + float(heldout.sum())

    @cached_property
    def quantile(self) -> float:
        """How many standard errors the interval reaches; without end where nothing can be told."""
        if self.errors.weights is None or (self.clusters is not None and self.clusters < 2):
            return float("inf")
        sampling, heldout = self.parts(float(np.clip(self.estimate, 0, 1)))
        variances = np.append(heldout, sampling)
        cells = np.inf if self.clusters is None else self.clusters - 1
        squares = (variances**2 / np.append(self.errors.freedom, cells)).sum()
        freedom = variances.sum() ** 2 / squares if squares > 0 else cells
        return float(stdtrit(freedom, 0.975) if np.isfinite(freedom) else ndtri(0.975))

    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval, between 0 and 1."""
        quantile = self.quantile
        if np.isinf(quantile):
            return 0.0, 1.0
        at_0, at_half, at_1 = (self.variance(share) for share in (0.0, 0.5, 1.0))
        square = 2 * (at_0 + at_1 - 2 * at_half)  # the variance is a polynomial of degree 2
        linear = at_1 - at_0 - square
        a = 1 - quantile**2 * square
        b = -2 * self.estimate - quantile**2 * linear
        c = self.estimate**2 - quantile**2 * at_0
        within = b**2 - 4 * a * c
        if a <= 0 or within < 0:
            return 0.0, 1.0
        ends = (-b + np.array([-1, 1]) * np.sqrt(within)) / (2 * a)
        low, high = np.clip(ends, 0, 1)
        return float(low), float(high)

    def tells(self, cutoff: float, cells: float) -> bool:
        """Whether so many cells would tell this share from a cut-off, with :data:`POWER`."""
        ratio = cells / self.cells
        clusters = None if self.clusters is None else max(2, int(self.clusters * ratio))
        more = replace(self, cells=max(1, round(cells)), clusters=clusters)
        share = float(np.clip(self.estimate, 0, 1))
        at_cutoff, (own, _) = more.variance(cutoff), more.parts(share)
        needed = more.quantile * np.sqrt(at_cutoff) + ndtri(POWER) * np.sqrt(own)
        return bool(abs(share - cutoff) > needed)

    def is_limited_by_errors(self, cutoff: float) -> bool:
        """Whether no number of cells would tell, as the errors are not known well enough."""
        endless = replace(self, cells=10**12, clusters=None)
        reach = endless.quantile * np.sqrt(endless.parts(cutoff)[1].sum())
        return bool(reach > 0 and abs(np.clip(self.estimate, 0, 1) - cutoff) <= reach)

    def more_cells(self, cutoff: float) -> int | None:
        """Return about how many more cells would tell this share from a cut-off.

        They are of new fields (or sources) of the same size, while the held-out set stays.

        Returns
        -------
        int or None
            Rounded up to two digits; None where :data:`MAX_MORE_CELLS` would not do.
        """
        few, many = self.cells, self.cells + MAX_MORE_CELLS
        if self.errors.weights is None or not self.tells(cutoff, many):
            return None
        while many - few > 1:
            middle = (few + many) // 2
            few, many = (few, middle) if self.tells(cutoff, middle) else (middle, many)
        more = many - self.cells
        step = 10 ** max(0, len(str(more)) - 2)
        return -(-more // step) * step


def adjusted_share(
    errors: ErrorModel, answers: NDArray[np.intp], clusters: NDArray | None = None
) -> AdjustedShare:
    """Return the share of a class among cells that were answered.

    Parameters
    ----------
    errors
        Of the model.
    answers
        (n,) position of the answered class of each cell.
    clusters
        (n,) what cells that are alike have in common, such as their field or patient; each cell is
        one by itself when None.
    """
    shares = np.bincount(answers, minlength=errors.answers.shape[1]) / len(answers)
    if clusters is None:
        return AdjustedShare(errors, shares, len(answers), 1.0, None)
    weights = errors.weights
    values = np.eye(len(shares))[errors.position] if weights is None else weights - weights.min()
    effect = clustering((values / values.max())[answers], clusters)
    return AdjustedShare(errors, shares, len(answers), effect, count_sources(clusters))
