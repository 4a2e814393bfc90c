"""Which answers of a model can be accepted at once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.options import Settings, option
from napari_marrow.data.text import counted
from napari_marrow.learning.annotating.cells import CellAnswers, class_names
from napari_marrow.learning.annotating.codes import UNKNOWN


@dataclass(frozen=True)
class AcceptSettings(Settings):
    """Which answers are accepted."""

    probability: float = option(
        0.95,
        "Probability",
        "Answers with at least this probability that are not uncertain are accepted.",
        low=0.5,
        high=1.0,
    )


def acceptable(known: CellAnswers, settings: AcceptSettings) -> NDArray[np.intp]:
    """Return the rows of cells without a class whose answer is certain and probable enough."""
    is_open = (known.given == UNKNOWN) & known.answered & (known.reasons == "")
    with np.errstate(invalid="ignore"):  # nan where a cell has no answer
        return np.flatnonzero(is_open & (known.top >= settings.probability))


def by_class(known: CellAnswers, codes: NDArray[np.intp]) -> str:
    """Return how many of these classes there are: "ALL 12, MM 3"; "none" without any."""
    counts = Counter(class_names(codes[codes != UNKNOWN], known.classes).tolist())
    return ", ".join(f"{x} {counts[x]}" for x in known.classes if counts[x]) or "none"


def accepting_in_words(known: CellAnswers, rows: NDArray[np.intp]) -> str:
    """Return how many cells have each class now, and once these answers are accepted."""
    if not len(rows):
        is_open = known.answered & (known.given == UNKNOWN)
        if not is_open.any():
            return "No cell without a class has an answer."
        surest = np.floor(100 * known.top[is_open].max()) / 100  # 0.949 is not yet 0.95
        return f"No answer to accept: the surest has {surest:.2f}."
    after = known.given.copy()
    after[rows] = known.answers[rows]
    return (
        f"{counted(len(rows), 'answer')} to accept. Cells with a class now: "
        f"{by_class(known, known.given)}; then: {by_class(known, after)}."
    )
