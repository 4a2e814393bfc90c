"""Paired differences between models over the same folds, and the model that is shown to be best.

The training sides of folds share units, so that differences vary less than they would for new data.
The corrected resampled t test allows for that (C. Nadeau and Y. Bengio, "Inference for the
generalization error", Machine Learning 52, 2003): the variance of the mean over J folds is
(1 / J + test units / training units) times the variance over the folds, with J - 1 degrees of
freedom. With repeats J counts all folds of all of them (R. R. Bouckaert and E. Frank, "Evaluating
the replicability of significance tests for comparing learning algorithms", PAKDD 2004). p values
are adjusted for the number of pairs by Holm's method (S. Holm, Scandinavian Journal of Statistics
6, 1979).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t

from napari_marrow.learning.scores.findings import PairedDifference, Protocol

METRIC = "balanced_accuracy"
"""What models are compared by."""


def corrected_t_test(
    differences: NDArray[np.float64], test_share: float
) -> tuple[float, float, float]:
    """Return the 95 % interval of a mean difference over folds, and the p value of none.

    Parameters
    ----------
    differences
        (folds,) of the scores of two models.
    test_share
        Number of units held out for each that is learnt from.

    Returns
    -------
    low, high, p_value
        -1, 1 and 1 where the differences do not vary, as of one fold: nothing can be told then.
    """
    count = len(differences)
    spread = float(np.std(differences, ddof=1)) if count > 1 else 0.0
    if spread < 1e-12:
        return -1.0, 1.0, 1.0
    mean, error = float(np.mean(differences)), spread * np.sqrt(1 / count + test_share)
    half = float(t.ppf(0.975, count - 1)) * error
    p_value = 2 * float(t.sf(abs(mean) / error, count - 1))
    return max(-1.0, float(mean - half)), min(1.0, float(mean + half)), p_value


def paired_differences(
    scores: Mapping[str, pd.DataFrame], protocol: Protocol, *, is_guess: bool = False
) -> tuple[PairedDifference, ...]:
    """Compare every two models.

    Parameters
    ----------
    scores
        Of each model, a row a fold with :data:`METRIC` and ``test_share``.
    protocol
        That all were scored under.
    is_guess
        Whether a class has too few sources to tell.
    """
    from statsmodels.stats.multitest import multipletests

    found = []
    for first, second in combinations(scores, 2):
        own = (scores[first][METRIC] - scores[second][METRIC]).to_numpy(np.float64)
        known = own[np.isfinite(own)]
        share = float(scores[first]["test_share"].mean())
        low, high, p_value = corrected_t_test(known, share)
        estimate = float(known.mean()) if len(known) else 0.0
        found.append(
            PairedDifference(
                first, second, protocol, METRIC, estimate, low, high, p_value, is_guess
            )
        )
    if not found:
        return ()
    adjusted = multipletests([one.p_value for one in found], method="holm")[1]
    return tuple(replace(one, p_value=float(p)) for one, p in zip(found, adjusted, strict=True))


def best_model(differences: Sequence[PairedDifference]) -> str | None:
    """Return the model that is shown to be better than all others; None where no one is."""
    better = set()
    for one in differences:
        if one.is_shown:
            better.add((one.first, one.second) if one.estimate > 0 else (one.second, one.first))
    names = {name for one in differences for name in (one.first, one.second)}
    wins = {a: sum((a, b) in better for b in names) for a in names}
    return next((name for name in sorted(names) if wins[name] == len(names) - 1), None)
