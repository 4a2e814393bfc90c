"""Temperature scaling: probabilities as certain as answers for units not learnt from show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.imports import importing

MIN_CALIBRATION_UNITS = 10
TEMPERATURES = (0.1, 10.0)
"""Smallest and largest."""


def fit_temperature(probabilities: NDArray[np.float64], truth: NDArray[np.intp]) -> float:
    """Return the temperature that fits probabilities to the truth best.

    It minimises the log loss, as scikit-learn's ``CalibratedClassifierCV(method="temperature")``
    does with the decision values of an estimator (C. Guo et al., "On calibration of modern neural
    networks", ICML 2017), here with the logarithms of probabilities. The right class counts as
    (n + 1) / (n + 2) in place of 1 (J. Platt, "Probabilistic outputs for support vector machines",
    1999), so that a few right answers do not make a model certain. With fewer than
    ``MIN_CALIBRATION_UNITS`` units it is 1.

    Parameters
    ----------
    probabilities
        (n, classes), of units that were not learnt from.
    truth
        (n,) column of the right class.
    """
    with importing:
        from scipy.optimize import minimize_scalar

    count, classes = probabilities.shape
    if count < MIN_CALIBRATION_UNITS:
        return 1.0
    targets = np.full((count, classes), 1 / (count + 2) / max(1, classes - 1))
    targets[np.arange(count), truth] = (count + 1) / (count + 2)

    def loss(log_temperature: float) -> float:
        scaled = apply_temperature(probabilities, float(np.exp(log_temperature)))
        return float(-(targets * np.log(scaled.clip(1e-12))).sum(axis=1).mean())

    found = minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded")
    return float(np.exp(found.x))


def apply_temperature(
    probabilities: NDArray[np.float64], temperature: float
) -> NDArray[np.float64]:
    """Return probabilities raised to 1 / temperature, rows normalised to 1."""
    powers = np.clip(probabilities, 1e-7, 1) ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)
