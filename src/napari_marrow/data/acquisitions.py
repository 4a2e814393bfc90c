"""Whether something goes with the class that should not: a file's size, or the acquisition."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_P, LEAST_V = 0.05, 0.3
MOST_ACQUISITIONS = 8
SPREAD = 0.017  # of log colour within an acquisition, at least; measured to part stain batches best
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
    from scipy.stats import chi2_contingency
    from scipy.stats.contingency import association

    array = np.array(list(table.values()))
    return Association(
        table,
        p_value=float(chi2_contingency(array).pvalue),
        cramers_v=float(association(array, method="cramer")),
    )


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
        (3,) RGB 0..255 of each source, see :func:`~napari_marrow.data.looks.background_colour`.
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
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture
    from threadpoolctl import threadpool_limits

    red, green, blue = np.log(backgrounds + 1).T
    points = np.stack([red - green, blue - green, 0.1 * (red + green + blue)], axis=1)
    best, labels = np.inf, np.zeros(len(points), int)
    for count in range(1, min(MOST_ACQUISITIONS, len(points) // 4) + 1):
        mixture = GaussianMixture(
            count, covariance_type="tied", reg_covar=SPREAD**2, n_init=3, random_state=0
        )
        # Threads that wait for each other made 3 x 3 matrices take 13 ms each on a busy machine.
        with warnings.catch_warnings(), threadpool_limits(1):
            # fewer different colours than clusters: BIC sees to it
            warnings.simplefilter("ignore", ConvergenceWarning)
            found = mixture.fit_predict(points)
        if (bic := mixture.bic(points)) < best:
            best, labels = bic, found
    return labels.tolist()
