"""Temperature: how much softer a network's probabilities should be than it says."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST = 10
"""Units, at least, to fit a temperature to."""


def fit_temperature(probabilities: NDArray[np.float64], truth: NDArray[np.intp]) -> float:
    """Temperature that makes the validation side's probabilities fit best (Guo et al. 2017).

    Never below 1: a few right answers are no ground to be surer than the network is. 1 with fewer
    than ten units.
    """
    if len(truth) < LEAST:
        return 1.0
    temperatures = np.geomspace(1, 10, 60)
    losses = [
        -np.log(soften(probabilities, t)[np.arange(len(truth)), truth].clip(1e-12)).mean()
        for t in temperatures
    ]
    return float(temperatures[int(np.argmin(losses))])


def soften(probabilities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Probabilities at a temperature: their powers of 1 / temperature, adding up to 1 again."""
    powers = np.clip(probabilities, 1e-7, 1) ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)
