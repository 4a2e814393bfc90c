"""Why the answers of a model may be wrong: they are not certain, or other models know better."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_marrow.data.text import listed
from napari_marrow.learning.bundles.predictor import LOW_PROBABILITY
from napari_marrow.learning.confidence.error_rate import MIN_PROBABILITY

_ANSWER = ["image", "index", "repeat", "copy"]


def with_reasons(answers: pd.DataFrame, others: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the wrong answers of a model with a column ``reason``.

    Reasons are a low probability, and which other models are right or wrong, too. These are asked
    about the same copy of the unit in the same repeat, as they may answer another one otherwise.

    Parameters
    ----------
    answers
        Of one model, a row an answer: ``image``, ``index``, ``repeat``, ``class``, ``predicted``
        and ``probability_<class>``. Copies of a unit stand in the same order for all models.
    others
        Those of each other model whose answer counts.
    """
    names = [name for name in answers if name.startswith("probability_")]
    own = _numbered(answers)[(answers["class"] != answers["predicted"]).to_numpy()]
    reasons = [
        [LOW_PROBABILITY] if probability < MIN_PROBABILITY else []
        for probability in own[names].max(axis=1)
    ]
    said = [(str(x["model"].iloc[0]), _is_right(own, x)) for x in others]
    for k, found in enumerate(reasons):
        right = [model for model, each in said if each[k] == 1]
        wrong = [model for model, each in said if each[k] == 0]
        if right:
            found.append(f"answered right by {listed(right)}")
        elif wrong:
            found.append(f"answered wrong by {listed(wrong)}, too")
    return own.drop(columns="copy").assign(reason=["; ".join(found) for found in reasons])


def _is_right(own: pd.DataFrame, other: pd.DataFrame) -> NDArray[np.float64]:
    """Return whether another model is right in each answer: 1, 0, or NaN where it was not asked."""
    right = _numbered(other).assign(right=(other["class"] == other["predicted"]).astype(float))
    found = own[_ANSWER].merge(right[[*_ANSWER, "right"]], "left", _ANSWER)
    return found["right"].to_numpy(np.float64)


def _numbered(answers: pd.DataFrame) -> pd.DataFrame:
    """Number the copies of a unit in each repeat."""
    return answers.assign(copy=answers.groupby(_ANSWER[:3]).cumcount())
