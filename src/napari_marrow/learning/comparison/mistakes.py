"""Why the answers of a model may be wrong: they are not certain, or the given class is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from napari_marrow.data.text import listed
from napari_marrow.learning.bundles.predictor import LOW_PROBABILITY
from napari_marrow.learning.confidence.error_rate import MIN_PROBABILITY
from napari_marrow.learning.scores.findings import UnitAnswer


def with_reasons(
    mistakes: Sequence[UnitAnswer], others: pd.DataFrame | None
) -> tuple[UnitAnswer, ...]:
    """Return mistakes with a reason: a low probability, and whether other models are right.

    Parameters
    ----------
    mistakes
        Of one model.
    others
        Answers of other models for the same units, a row a unit, model and repeat: ``image``,
        ``index``, ``class``, ``model`` and ``probability_<class>``. A model's answer for a unit is
        that with the highest mean probability over its repeats, and over its copies. None where
        there is no other model that is better than chance.
    """
    right: dict[tuple[str, int], list[str]] = {}
    if others is not None:
        names = [name for name in others if name.startswith("probability_")]
        units = others.groupby(["image", "index", "class", "model"], sort=False)[names].mean()
        for unit, answer in units.idxmax(axis=1).items():
            image, index, given, model = unit
            if answer == f"probability_{given}":
                right.setdefault((image, index), []).append(model)
    found = []
    for one in mistakes:
        reasons = [LOW_PROBABILITY] if one.probability < MIN_PROBABILITY else []
        if (one.image, one.index) in right:
            names = right[one.image, one.index]
            reasons.append(f"other models answer right: {listed(names)}")
        elif others is not None:
            reasons.append("the other models are wrong, too: look at the given class")
        found.append(replace(one, reason="; ".join(reasons)))
    return tuple(found)
