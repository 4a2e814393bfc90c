"""All that one table of answers tells of a model beside its scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from napari_marrow.learning.scores.by_field import score_fields
from napari_marrow.learning.scores.curves import curves_of
from napari_marrow.learning.scores.recalibration import recalibration
from napari_marrow.learning.scores.results import ModelResult


def described(
    result: ModelResult, answers: pd.DataFrame, classes: Sequence[str], unit: str
) -> ModelResult:
    """Return a result with its curves, its recalibration, and the scores of whole photographs.

    Parameters
    ----------
    result
        Of one model under one protocol.
    answers
        A row a unit, with ``source`` as intervals take it; see :func:`.curves_of`.
    classes
        All that were answered, in order.
    unit
        ``field`` or ``cell``.
    """
    return replace(
        result,
        curves=curves_of(answers, classes),
        recalibration=recalibration(answers, classes),
        by_field=score_fields(answers, classes) if unit == "cell" else None,
    )
