"""Temperature scaling: probabilities as certain as answers for units not learnt from show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MIN_CALIBRATION_UNITS = 10
MAX_TEMPERATURE = 10.0


def fit_temperature(probabilities: NDArray[np.float64], truth: NDArray[np.intp]) -> float:
    """Return the temperature that fits probabilities to the truth best.

    It minimises the log loss, as scikit-learn's ``CalibratedClassifierCV(method="temperature")``
    does with the decision values of an estimator (C. Guo et al., "On calibration of modern neural
    networks", ICML 2017), here with the logarithms of probabilities. It is never below 1: a few
    right answers are no ground to be more certain than the model is. With fewer than
    ``MIN_CALIBRATION_UNITS`` units it is 1.

    Parameters
    ----------
    probabilities
        (n, classes), of units that were not learnt from.
    truth
        (n,) column of the right class.
    """
    from scipy.optimize import minimize_scalar
    from sklearn.metrics import log_loss

    if len(truth) < MIN_CALIBRATION_UNITS:
        return 1.0
    columns = range(probabilities.shape[1])

    def loss(log_temperature: float) -> float:
        scaled = apply_temperature(probabilities, float(np.exp(log_temperature)))
        return float(log_loss(truth, scaled, labels=columns))

    found = minimize_scalar(loss, bounds=(0, np.log(MAX_TEMPERATURE)), method="bounded")
    return float(np.exp(found.x)) if found.fun < loss(0) else 1.0


def apply_temperature(
    probabilities: NDArray[np.float64], temperature: float
) -> NDArray[np.float64]:
    """Return probabilities raised to 1 / temperature, rows normalised to 1."""
    powers = np.clip(probabilities, 1e-7, 1) ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)
