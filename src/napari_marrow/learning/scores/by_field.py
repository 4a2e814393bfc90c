"""Answers for whole photographs from those for their cells.

The probabilities of a photograph are the mean over its cells, and the class with the highest is its
answer. That is the sum rule, which suffers least from errors of single probabilities (J. Kittler,
M. Hatef, R. P. W. Duin and J. Matas, "On combining classifiers", IEEE Transactions on Pattern
Analysis and Machine Intelligence 20, 1998). A product would take cells of one photograph as
independent, which they are not. Uncertain cells count as the others do: it is the rule by which a
trained model answers for a photograph.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from napari_marrow.learning.scores.evaluation import Evaluation
from napari_marrow.learning.scores.metrics import score_units


def answers_by_field(answers: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """Return a row a photograph: ``image``, ``class``, ``source``, ``predicted``, probabilities.

    Parameters
    ----------
    answers
        A row a cell, with ``image``, ``class``, ``source`` and a column ``probability_<class>`` a
        class; with ``repeat``, each repeat of a cross-validation has rows of its own.
    classes
        All that were answered, in order.
    """
    keys = [name for name in ("repeat", "image") if name in answers]
    names = [f"probability_{name}" for name in classes]
    by = answers.groupby(keys, sort=False)
    found = by[["class", "source"]].first().join(by[names].mean()).reset_index()
    top = found[names].to_numpy().argmax(axis=1)
    return found.assign(predicted=[classes[k] for k in top])


def score_fields(answers: pd.DataFrame, classes: Sequence[str]) -> Evaluation | None:
    """Score the answers for photographs, which are the units then.

    None where each holds one cell only, or one holds given classes of several: it has no class.
    """
    by_image = answers.drop_duplicates(["image", "index"]).groupby("image")
    if by_image.size().max() < 2 or answers.groupby("image")["class"].nunique().max() > 1:
        return None
    found = answers_by_field(answers, classes)
    probabilities = found[[f"probability_{name}" for name in classes]].to_numpy()
    return score_units(found, probabilities, tuple(classes))
