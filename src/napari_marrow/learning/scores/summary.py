"""What was evaluated on, and the worst mistakes, from the collection and the table of answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pandas as pd

from napari_marrow.data.failures import Failure
from napari_marrow.data.fields import Collection
from napari_marrow.data.text import printable
from napari_marrow.learning.scores.findings import ClassCount, DataSummary, UnitAnswer

MAX_MISTAKES = 100
"""Mistakes that a result lists."""


def data_summary(
    collection: Collection,
    unit: Literal["field", "cell"],
    units: pd.DataFrame,
    *,
    known: int = 0,
    failed: Sequence[Failure] = (),
    findings: Sequence[str] = (),
) -> DataSummary:
    """Describe what was evaluated on.

    Parameters
    ----------
    collection
        The photographs, with sources and acquisitions. Where no table gave the sources, their
        number tells what they are.
    unit
        ``field`` or ``cell``.
    units
        A row a unit with ``image``, ``class`` and ``source``, each once.
    known
        Photographs left out, as the model learnt from them.
    failed, findings
        What can't be used, and sentences of the audit.
    """
    classes = tuple(
        ClassCount(str(name), own["image"].nunique(), own["source"].nunique(), len(own))
        for name, own in units.groupby("class")
    )
    is_single = units["source"].nunique() == units["image"].nunique()
    own = "photograph" if is_single else "names of files and folders, or copies,"
    used = set(units["image"])
    places = {f.acquisition for f in collection.fields if collection.label(f) in used}
    return DataSummary(
        printable(collection.root.resolve().name),
        unit,
        classes,
        printable(collection.grouped_by) or own,
        len({place for place in places if place}),
        known,
        tuple(f"{failure.image}: {failure.reason}" for failure in failed),
        tuple(findings),
    )


def worst_mistakes(answers: pd.DataFrame, limit: int = MAX_MISTAKES) -> tuple[UnitAnswer, ...]:
    """Return the wrong answers, the most certain first; of repeats each unit once.

    Parameters
    ----------
    answers
        A row an answer with ``class``, ``predicted``, ``probability_<class>``, and where there are
        such columns ``model`` and ``reason``.
    limit
        Largest number of them.
    """
    wrong = answers[answers["class"] != answers["predicted"]]
    columns = [f"probability_{name}" for name in wrong["predicted"]]
    certain = [row[name] for (_, row), name in zip(wrong.iterrows(), columns, strict=True)]
    wrong = wrong.assign(certain=certain).sort_values("certain", ascending=False, kind="stable")
    wrong = wrong.drop_duplicates(["image", "index"]).head(limit)
    return tuple(
        UnitAnswer(
            str(row["image"]),
            int(row["index"]),
            float(row["y"]),
            float(row["x"]),
            str(row["class"]),
            str(row["predicted"]),
            float(row["certain"]),
            str(row.get("reason", "")),
            str(row.get("model", "")),
        )
        for row in wrong.to_dict("records")
    )
