"""Temperature scaling: probabilities as certain as the validation side shows them to be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MIN_CALIBRATION_UNITS = 10


def fit_temperature(probabilities: NDArray[np.float64], truth: NDArray[np.intp]) -> float:
    """Return the temperature that fits probabilities to the truth best (Guo et al. 2017).

    It is never below 1: a few right answers are no ground to be more certain than the model is.
    With fewer than ``MIN_CALIBRATION_UNITS`` units it is 1.

    Parameters
    ----------
    probabilities
        (n, classes), of the validation side.
    truth
        (n,) column of the right class.
    """
    if len(truth) < MIN_CALIBRATION_UNITS:
        return 1.0
    temperatures = np.geomspace(1, 10, 60)
    rows = np.arange(len(truth))
    losses = [
        -np.log(apply_temperature(probabilities, t)[rows, truth].clip(1e-12)).mean()
        for t in temperatures
    ]
    return float(temperatures[int(np.argmin(losses))])


def apply_temperature(
    probabilities: NDArray[np.float64], temperature: float
) -> NDArray[np.float64]:
    """Return probabilities raised to 1 / temperature, rows normalised to 1."""
    powers = np.clip(probabilities, 1e-7, 1) ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)
