"""95 % confidence intervals of scores whose units are clustered in sources.

Proportions have Wilson's interval (Wilson 1927) for an effective number of units: their number
divided by the design effect (Kish 1965). As the design effect comes from few sources, the quantile
is that of Student's t for one source less than there are (E. L. Korn and B. I. Graubard,
"Confidence intervals for proportions with small expected number of positive counts estimated from
survey data", Survey Methodology 24, 1998). The interval of the area under the ROC curve is
Newcombe's method 5 (Newcombe 2006), which has a width also for a perfect score.

Where few answers are wrong, the design effect is estimated too low, and intervals with Student's t
still miss the truth too often. So a part of a source is added that is wholly right or wrong, see
:data:`ASSUMED_SOURCES`. ``benchmarks/interval_coverage.py`` measures what that gives.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import t

ASSUMED_SOURCES = 0.5
"""Sources with the correlation 1 that are added to those in which it can be seen."""


def count_sources(sources: NDArray) -> int:
    """Return how many sources units have, (n,)."""
    return len(np.unique(sources))


def t_quantile(sources: int) -> float:
    """Return how many standard errors an interval reaches; without end for one source."""
    return float(t.ppf(0.975, sources - 1)) if sources > 1 else float("inf")


def wilson(right: float, count: float, quantile: float) -> tuple[float, float]:
    """Return Wilson's interval of a proportion.

    SciPy and statsmodels have it for whole numbers and the normal quantile only.

    Parameters
    ----------
    right, count
        Number of right answers and of all; may be effective, fractional numbers.
    quantile
        Standard errors from the middle to an end.
    """
    if count <= 0 or np.isinf(quantile):
        return 0.0, 1.0
    share, ratio = right / count, quantile**2 / count
    centre = (share + ratio / 2) / (1 + ratio)
    half = np.sqrt(ratio * share * (1 - share) + ratio**2 / 4) / (1 + ratio)
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def design_effect(
    values: NDArray[np.float64] | NDArray[np.bool_],
    sources: NDArray,
    assumed_sources: float = ASSUMED_SOURCES,
    assumed_correlation: float = 1.0,
) -> float:
    """Return by how much clustering in sources reduces the effective number of units.

    It is 1 + (size - 1) correlation, with the mean number of units beside each unit of its
    source and the correlation within sources. The correlation is the one that would give the
    variance of the ratio estimate over sources, shrunk towards the assumed one: it
    shows only in sources with wrong answers, or with right ones where these are fewer. Where all
    are right, or all wrong, only whole sources count.

    Parameters
    ----------
    values, sources
        (n,) how right the answer for each unit is, from 0 to 1, and its source.
    assumed_sources, assumed_correlation
        Sources with this correlation that are added to those in which it can be seen.
    """
    _, codes, counts = np.unique(sources, return_inverse=True, return_counts=True)
    size = float((counts**2).sum() / len(values))
    if size <= 1:
        return 1.0
    share, sums = values.mean(), np.bincount(codes, weights=values)
    simple = float(((values - share) ** 2).sum())
    correlation = 0.0
    if simple > 0 and len(counts) > 1:
        squares = float(((sums - share * counts) ** 2).sum()) * len(counts) / (len(counts) - 1)
        correlation = float(np.clip((squares / simple - 1) / (size - 1), 0, 1))
    telling = min(int((sums < counts).sum()), int((sums > 0).sum()))
    assumed = assumed_sources / (assumed_sources + telling)
    return 1 + (size - 1) * (assumed * assumed_correlation + (1 - assumed) * correlation)


def newcombe(
    area: float, positives: float, negatives: float, quantile: float
) -> tuple[float, float]:
    """Return the interval of the area under the ROC curve, Newcombe's method 5."""
    if np.isinf(quantile):
        return 0.0, 1.0
    middle = (positives + negatives) / 2 - 1
    area = float(np.clip(area, 1e-9, 1 - 1e-9))  # at 0 and 1 the variance is 0: a false root

    def excess(theta: float) -> float:
        spread = 1 + middle * (1 - theta) / (2 - theta) + middle * theta / (1 + theta)
        variance = theta * (1 - theta) * spread / (positives * negatives)
        return (area - theta) ** 2 - quantile**2 * variance

    return float(brentq(excess, 0, area)), float(brentq(excess, area, 1))
