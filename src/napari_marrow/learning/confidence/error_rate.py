"""How certain answers must be to stand unmarked, from answers for units not learnt from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_marrow.learning.confidence.calibration import (
    TEMPERATURES,
    apply_temperature,
    fit_temperature,
)
from napari_marrow.learning.model_settings import MIN_ERROR_RATE

MIN_PROBABILITY = 0.6
"""Probability below which an answer is uncertain whatever the error rate."""
MAX_ABSTAIN = 1.01
"""Of the probability below which answers are uncertain: above 1 all of them are."""


@dataclass(frozen=True)
class Confidence:
    """Temperature and smallest probability of the answers of a model.

    Attributes
    ----------
    temperature
        Probabilities are raised to 1 / temperature and normalised.
    abstain_below
        An answer with a lower probability is uncertain.
    units
        Number of answers, for units not learnt from, that both come from; 0 where there were none.
    coverage
        Fraction of these answers that are not uncertain.
    error
        Fraction of all of them that are wrong and not uncertain.
    max_error
        The error that was asked for.
    smallest_group
        Number of answers in the smallest of the groups in each of which the error is kept to.
    """

    temperature: float = 1.0
    abstain_below: float = MIN_PROBABILITY
    units: int = 0
    coverage: float = 1.0
    error: float = 0.0
    max_error: float = 1.0
    smallest_group: int = 0

    @classmethod
    def of_answers(
        cls,
        probabilities: NDArray[np.float64],
        truth: NDArray[np.intp],
        max_error: float,
        groups: NDArray[np.str_] | None = None,
    ) -> Confidence:
        """Fit to answers for units that were not learnt from.

        Parameters
        ----------
        probabilities
            (n, classes), without temperature.
        truth
            (n,) column of the right class.
        max_error
            Largest fraction of all answers that may be wrong and not marked.
        groups
            (n,) names of the groups in each of which that must hold, such as acquisitions; all are
            one when None.
        """
        groups = np.zeros(len(truth), str) if groups is None else groups
        temperature = fit_temperature(probabilities, truth)
        scaled = apply_temperature(probabilities, temperature)
        top, is_wrong = scaled.max(axis=1), scaled.argmax(axis=1) != truth
        parts = [groups == name for name in np.unique(groups)]
        below = max(min_probability(top[own], is_wrong[own], max_error) for own in parts)
        kept = top >= below
        return cls(
            temperature,
            below,
            len(truth),
            float(kept.mean()),
            float((kept & is_wrong).mean()),
            max_error,
            min(int(own.sum()) for own in parts),
        )

    @classmethod
    def from_dict(cls, values: Mapping) -> Confidence:
        """Return the confidence that ``dataclasses.asdict`` stored."""
        return cls(
            float(values["temperature"]),
            float(values["abstain_below"]),
            int(values["units"]),
            float(values["coverage"]),
            float(values["error"]),
            float(values["max_error"]),
            int(values["smallest_group"]),
        )

    @property
    def is_valid(self) -> bool:
        """Whether each value is a number in its range."""
        low, high = TEMPERATURES
        return (
            low / 2 <= self.temperature <= 2 * high
            and 0 <= self.abstain_below <= MAX_ABSTAIN
            and all(0 <= one <= 1 for one in (self.coverage, self.error))
            and MIN_ERROR_RATE <= self.max_error <= 1
            and self.units >= 0
            and self.smallest_group >= 0
        )

    @property
    def holds(self) -> bool:
        """Whether there were enough answers to keep to the error that was asked for."""
        return enough_units(self.max_error) <= self.smallest_group

    def sentence(self, place: str) -> str:
        """Say what the smallest probability costs, and whether it keeps to the error."""
        if not self.units:
            return ""
        found = (
            f"Answers below {self.abstain_below:.0%} are marked uncertain: of {self.units} answers "
            f"for {place}, {1 - self.coverage:.0%} are, and {self.error:.0%} of all are wrong "
            "and not marked"
        )
        if self.holds:
            return f"{found}."
        return (
            f"{found}. To keep to {self.max_error:.0%} takes at least "
            f"{enough_units(self.max_error)} answers."
        )


UNKNOWN = Confidence()
"""Of a model without answers for units not learnt from."""


def enough_units(max_error: float) -> int:
    """Return the smallest number of units with which an error can be kept to."""
    return int(np.ceil(1 / max_error)) - 1 if max_error < 1 else 0


def large_groups(names: NDArray[np.str_], max_error: float) -> NDArray[np.str_]:
    """Return groups, (n,), in each of which an error can be kept to; the small ones are one.

    Of twice as many units as that takes at least, a single wrong answer does not decide. Where the
    small ones together are fewer, they belong to the largest.
    """
    least = 2 * enough_units(max_error) + 1
    found, codes, counts = np.unique(names, return_inverse=True, return_counts=True)
    is_large = counts >= least
    rest = "" if counts[~is_large].sum() >= least else found[counts.argmax()]
    return np.where(is_large, found, rest)[codes]


def min_probability(
    top: NDArray[np.float64], is_wrong: NDArray[np.bool_], max_error: float
) -> float:
    """Return the smallest probability of answers that stand unmarked.

    Of new answers of the same kind a fraction of ``max_error`` at most is then expected to be wrong
    and unmarked (conformal risk control: A. N. Angelopoulos et al., ICLR 2024, with the loss 1 of
    such an answer and 0 of others). It is ``MIN_PROBABILITY`` where that is enough, or where
    there are too few answers.

    Parameters
    ----------
    top
        (n,) probability of the answers.
    is_wrong
        (n,) whether they are wrong.
    max_error
        0 to 1.
    """
    allowed = int(np.floor(max_error * (len(top) + 1) + 1e-9)) - 1
    wrong = np.sort(top[is_wrong & (top >= MIN_PROBABILITY)])[::-1]
    if allowed < 0 or len(wrong) <= allowed:
        return MIN_PROBABILITY
    return float(np.nextafter(wrong[allowed], 2.0))
