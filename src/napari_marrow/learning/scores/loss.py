"""The losses of a network by epoch, as curves of its result."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from napari_marrow.learning.scores.results import Curve, ModelResult


def with_losses(result: ModelResult, history: pd.DataFrame) -> ModelResult:
    """Return a result with the losses of its network; the same where it has no curves.

    Parameters
    ----------
    result
        Of one model.
    history
        The table ``history.csv`` of its bundle: ``epoch``, ``loss``, where photographs were kept
        for it ``val_loss``, and ``member`` of several networks; of folds, all of them. A network
        that has stopped counts no more in the epochs that others go on for.
    """
    if result.curves is None:
        return result
    losses = {"loss": _curve(history, "loss"), "validation_loss": _curve(history, "val_loss")}
    return replace(result, curves=replace(result.curves, **losses))


def _curve(history: pd.DataFrame, column: str) -> Curve | None:
    """Return the mean by epoch, and the range of the networks; None without values."""
    known = history.dropna(subset=[column]) if column in history else history.iloc[:0]
    if known.empty:
        return None
    values = known.groupby("epoch")[column]
    ends = (tuple(map(float, part)) for part in (values.mean(), values.min(), values.max()))
    return Curve(tuple(map(float, values.groups)), *ends)
