"""Why a count can't be trusted, from the reasons of its answers and what the model learnt from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from napari_marrow.data.text import counted
from napari_marrow.learning.bundles.predictor import (
    FEATURES_MISSING,
    INSEPARABLE,
    LOW_PROBABILITY,
    NEITHER,
    NO_NUCLEUS,
    OTHER_ACQUISITION,
    UNLIKE,
)
from napari_marrow.learning.confidence.conformal import MAX_FALSE_ALARMS
from napari_marrow.learning.counting.heldout import HeldOutErrors
from napari_marrow.learning.counting.result import Unit

MAX_OTHER_FRACTION = 0.1
"""Largest fraction of cells from another acquisition with which a count can be trusted."""
MAX_UNLIKE_FRACTION = 3 * MAX_FALSE_ALARMS
"""The same of cells that are unlike all that the model learnt from."""
MAX_MORE_UNCERTAIN = 0.15
"""The same of low probabilities, beyond their fraction in the held-out set."""
LOST = "this count can't be trusted"


def count_reasons(uncertain: Sequence[bool], reasons: Sequence[str]) -> Counter[str]:
    """Return how many answers have each reason; one may have several.

    Tables of version 0.1 have no reasons: there uncertain answers have a low probability.
    """
    found: Counter[str] = Counter()
    for is_uncertain, reason in zip(uncertain, reasons, strict=True):
        found.update(reason.split("; ") if reason else [LOW_PROBABILITY] * bool(is_uncertain))
    return found


def find_doubts(
    uncertain: Sequence[bool],
    reasons: Sequence[str],
    errors: HeldOutErrors | None,
    unit: Unit = "cell",
) -> tuple[str, ...]:
    """Return a sentence for each reason not to trust a count.

    Parameters
    ----------
    uncertain, reasons
        (n,) of the answers.
    errors
        Of the model, where they are known.
    unit
        What is counted.
    """
    found, cells = count_reasons(uncertain, reasons), len(reasons)
    total = counted(cells, unit)
    place = "in photographs of" if unit == "cell" else "of"
    sentences = []
    if found[INSEPARABLE] or (errors is not None and errors.inseparable):
        sentences.append(
            "Class and camera go together in what the model learnt from, so that it may count "
            f"cameras and not cells: {LOST}."
        )
    is_evaluated = errors is not None and bool(errors.evaluated)
    elsewhere = found[OTHER_ACQUISITION]
    if not is_evaluated and elsewhere > MAX_OTHER_FRACTION * cells:
        sentences.append(
            f"{elsewhere} of {total} {_be(elsewhere)} {place} another acquisition than "
            f"the model learnt from, where its errors are not known: {LOST}."
        )
    is_unlike = {UNLIKE, NEITHER, FEATURES_MISSING, NO_NUCLEUS}
    unlike = sum(bool(is_unlike.intersection(reason.split("; "))) for reason in reasons)
    if unlike > MAX_UNLIKE_FRACTION * cells:
        sentences.append(
            f"{unlike} of {total} {_be(unlike)} unlike those that the model learnt from, but "
            f"answered with one of its classes all the same: {LOST}."
        )
    low, usual = found[LOW_PROBABILITY], None if errors is None else errors.uncertain
    if low > ((usual or 0) + MAX_MORE_UNCERTAIN) * cells:
        beside = "; how many are usual for the model is not known"
        beside += " without its bundle" if errors is None else ""
        if errors is not None and usual is not None:
            beside = f", against {100 * usual:.0f} % of those {errors.units.replace('-', ' ')}"
        have = "has" if low == 1 else "have"
        answers = counted(cells, "answer")
        sentences.append(f"{low} of {answers} {have} a low probability{beside}: {LOST}.")
    return tuple(sentences)


def _be(number: int) -> str:
    return "is" if number == 1 else "are"
