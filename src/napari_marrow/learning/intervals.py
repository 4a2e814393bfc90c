"""95 % confidence intervals of scores whose units are clustered in sources.

Proportions have Wilson's interval (Wilson 1927) for an effective number of units: their number
divided by the design effect (Kish 1965). The interval of the area under the ROC curve is Newcombe's
method 5 (Newcombe 2006), which has a width also for a perfect score.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm

Z = float(norm.ppf(0.975))


def wilson(right: float, count: float) -> tuple[float, float]:
    """Return Wilson's interval of a proportion; ``count`` may be an effective, fractional number.

    SciPy and statsmodels have it for whole numbers only.
    """
    if count <= 0:
        return 0.0, 1.0
    share = right / count
    centre = (share + Z**2 / (2 * count)) / (1 + Z**2 / count)
    half = Z * np.sqrt(share * (1 - share) / count + Z**2 / (4 * count**2)) / (1 + Z**2 / count)
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def design_effect(correct: NDArray[np.bool_], sources: NDArray) -> float:
    """Return by how much clustering in sources reduces the effective number of units.

    It is the variance of the ratio estimate over sources, divided by that of a simple random
    sample; at least 1, at most the size of the largest source. Where all answers are right, or all
    wrong, it can't be estimated, and only whole sources count.

    Parameters
    ----------
    correct, sources
        Whether each unit was classified rightly, and its source, (n,).
    """
    names, codes = np.unique(sources, return_inverse=True)
    count, share = len(names), correct.mean()
    if count < 2 or share in (0.0, 1.0):
        return len(correct) / count
    residuals = np.bincount(codes, weights=correct - share)
    variance = count / (count - 1) * (residuals**2).sum() / len(correct) ** 2
    simple = share * (1 - share) / len(correct)
    return float(np.clip(variance / simple, 1, np.bincount(codes).max()))


def newcombe(area: float, positives: float, negatives: float) -> tuple[float, float]:
    """Return the interval of the area under the ROC curve, Newcombe's method 5."""
    middle = (positives + negatives) / 2 - 1
    area = float(np.clip(area, 1e-9, 1 - 1e-9))  # at 0 and 1 the variance is 0: a false root

    def excess(theta: float) -> float:
        spread = 1 + middle * (1 - theta) / (2 - theta) + middle * theta / (1 + theta)
        variance = theta * (1 - theta) * spread / (positives * negatives)
        return (area - theta) ** 2 - Z**2 * variance

    return float(brentq(excess, 0, area)), float(brentq(excess, area, 1))
