"""Photographs that a model is asked about, and its answers beside the given classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from napari_marrow.data.fields import Field
from napari_marrow.learning.adaptation.shift import Adaptation
from napari_marrow.learning.bundles.bundle import Bundle
from napari_marrow.learning.bundles.predictor import Observation
from napari_marrow.learning.model_settings import Adapt
from napari_marrow.learning.scores.metrics import UNIT_COLUMNS


@dataclass(frozen=True)
class Photograph:
    """One that a model is asked about.

    Attributes
    ----------
    field, label
        Its files, and what tables call it.
    seen
        What the model sees of it.
    truth
        ``index``, ``image``, ``class`` and ``source`` of each unit, in the order of ``seen``.
    """

    field: Field
    label: str
    seen: Observation
    truth: pd.DataFrame


@dataclass(frozen=True)
class Asked:
    """What a model is asked about, and how many photographs it knew and is not.

    Attributes
    ----------
    photographs
        Those it does not know.
    learnt, held_out
        Number of those that it learnt from, and that it was judged by.
    same_source
        Number of others that are of the same source as one that it learnt from.
    """

    photographs: tuple[Photograph, ...]
    learnt: int = 0
    held_out: int = 0
    same_source: int = 0


def answers_for(
    bundle: Bundle, photographs: Sequence[Photograph], adapt: Adapt
) -> tuple[pd.DataFrame, Adaptation]:
    """Return a row for each unit with a class, and how the features were standardised.

    All photographs are taken as one batch, as ``predict`` does.

    Returns
    -------
    DataFrame
        ``image, index, y, x, class, source, predicted, probability_<class>..., uncertain, reason``.
    Adaptation
        Of the batch.
    """
    predictor = bundle.predictor
    adaptation = predictor.adaptation([x.seen for x in photographs], adapt)
    tables = []
    for x in photographs:
        table = predictor.answer(x.seen, adaptation).table.rename(columns={"class": "predicted"})
        for name in ("image", "class", "source"):
            table[name] = x.truth[name].to_numpy()
        tables.append(table[table["class"].notna()])
    found = pd.concat([t for t in tables if len(t)] or tables[:1], ignore_index=True)
    others = [name for name in found.columns if name not in UNIT_COLUMNS]
    return found[[*UNIT_COLUMNS, *others]], adaptation
