"""Whether something goes with the class that should not: a file's size, or the acquisition."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.imports import importing

MOST_P, LEAST_V = 0.05, 0.3
MOST_ACQUISITIONS = 8
SPREAD = 0.017  # of log colour within an acquisition, at least; measured to part stain batches best
ENOUGH = 1e-3  # of log-likelihood a source: less gain ends the fit (sklearn's default)
RARE = 5  # sources; sizes and formats of fewer are taken together


@dataclass(frozen=True)
class Association:
    """How far classes and another property of the sources go together.

    Attributes
    ----------
    table
        Sources by class, then by value of the property.
    p_value
        Of Pearson's chi-square test of independence, with Yates' correction in a table of 2 x 2.
        None where there is one class or one value only.
    cramers_v
        Cramér's V = sqrt(chi2 / (n (min(rows, columns) - 1))), 0 none to 1 complete
        (H. Cramér, "Mathematical Methods of Statistics", 1946, section 21.9); None as above.
    """

    table: dict[str, tuple[int, ...]]
    p_value: float | None = None
    cramers_v: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the two go together beyond chance, and by more than a little."""
        if self.p_value is None or self.cramers_v is None:
            return False
        return self.p_value < MOST_P and self.cramers_v >= LEAST_V

    def to_dict(self) -> dict[str, Any]:
        """The figures as a JSON object."""
        table = {name: list(counts) for name, counts in self.table.items()}
        return {"table": table, "p_value": self.p_value, "cramers_v": self.cramers_v}


def associate(classes: Sequence[str], values: Sequence[Hashable]) -> Association:
    """Test whether the classes of sources and their values are independent.

    Values are put in the order in which they first occur, classes in alphabetical order.
    """
    columns = list(dict.fromkeys(values))
    counts = Counter(zip(classes, values, strict=True))
    table = {name: tuple(counts[name, v] for v in columns) for name in sorted(set(classes))}
    if len(table) < 2 or len(columns) < 2:
        return Association(table)
    return Association(table, *_independence(np.array(list(table.values()), float)))


def _independence(observed: NDArray[np.float64]) -> tuple[float, float]:
    """P-value and Cramér's V of a contingency table; see :class:`Association`.

    As scipy.stats has them, whose import alone would take longer than a whole scan may.
    """
    with importing:
        from scipy.special import chdtrc

    expected = observed.sum(1, keepdims=True) * observed.sum(0) / observed.sum()
    off = np.abs(observed - expected)
    freedom = (observed.shape[0] - 1) * (observed.shape[1] - 1)
    corrected = off - np.minimum(0.5, off) if freedom == 1 else off
    p_value = float(chdtrc(freedom, (corrected**2 / expected).sum()))
    least = min(observed.shape) - 1
    return p_value, float(np.sqrt((off**2 / expected).sum() / observed.sum() / least))


def common(values: Sequence[Hashable]) -> list[Hashable]:
    """The values, those of fewer than five sources replaced by one: "other"."""
    counts = Counter(values)
    return [value if counts[value] >= RARE else "other" for value in values]


def group_acquisitions(
    backgrounds: Sequence[NDArray[np.float64]], kinds: Sequence[Hashable]
) -> list[int]:
    """Guess which sources share an acquisition, as numbers from 0 in order of occurrence.

    Parameters
    ----------
    backgrounds
        (3,) RGB 0..255 of each source, see :func:`.background_colour`.
    kinds
        Format and size of each source; where common ones differ, so do the acquisitions.
    """
    colours = _group_colours(np.stack(backgrounds)) if len(backgrounds) else []
    pairs = list(zip(common(kinds), colours, strict=True))
    numbers = {pair: number for number, pair in enumerate(dict.fromkeys(pairs))}
    return [numbers[pair] for pair in pairs]


def _group_colours(backgrounds: NDArray[np.float64]) -> list[int]:
    """Cluster (n, 3) background colours; the lowest BIC chooses how many clusters there are.

    Light varies in strength from field to field of one acquisition, and in colour hardly: so the
    colours are seen as log(R/G) and log(B/G), and brightness counts less. The Gaussian mixture has
    one covariance for all clusters (G. Schwarz, "Estimating the dimension of a model", 1978).
    """
    red, green, blue = np.log(backgrounds + 1).T
    points = np.stack([red - green, blue - green, 0.1 * (red + green + blue)], axis=1)
    best, labels = np.inf, np.zeros(len(points), int)
    for count in range(1, min(MOST_ACQUISITIONS, len(points) // RARE) + 1):
        found, likelihood = _mixture(points, count)
        parameters = 3 * count + 6 + count - 1  # means, one covariance, weights
        bic = parameters * np.log(len(points)) - 2 * likelihood
        if bic < best:
            best, labels = bic, found
    return labels.tolist()


def _mixture(points: NDArray[np.float64], count: int) -> tuple[NDArray[np.intp], float]:
    """Fit a mixture of ``count`` Gaussians of one covariance to (n, 3) points by EM.

    Dempster, Laird and Rubin 1977, begun from k-means. sklearn's GaussianMixture does the same, but
    its import takes a second, and a scan should not.

    Returns
    -------
    labels, log-likelihood
    """
    with importing:
        from scipy.cluster.vq import kmeans2

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # an empty cluster: BIC sees to it
        starts = [kmeans2(points, count, minit="++", rng=seed)[1] for seed in range(3)]
    return max((_expect_maximize(points, count, start) for start in starts), key=lambda fit: fit[1])


def _expect_maximize(
    points: NDArray[np.float64], count: int, start: NDArray[np.intp]
) -> tuple[NDArray[np.intp], float]:
    """The mixture that EM comes to from the first labels ``start``."""
    share = np.eye(count)[start]
    likelihood = -np.inf
    for _ in range(200):
        weight = share.sum(0) + 1e-12
        means = share.T @ points / weight[:, None]
        away = points[:, None] - means  # (n, count, 3)
        covariance = np.einsum("nk,nki,nkj->ij", share, away, away) / len(points)
        covariance += SPREAD**2 * np.eye(3)
        distance = np.einsum("nki,ij,nkj->nk", away, np.linalg.inv(covariance), away)
        constant = np.linalg.slogdet(2 * np.pi * covariance)[1]
        score = np.log(weight / len(points)) - (distance + constant) / 2
        total = np.logaddexp.reduce(score, axis=1)
        share = np.exp(score - total[:, None])
        if total.mean() - likelihood < ENOUGH:
            break
        likelihood = total.mean()
    return share.argmax(1), float(total.sum())
