"""The loss curve, in the report and live in the viewer."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator


def draw_history(axes: Axes, history: pd.DataFrame) -> None:
    """Draw training and validation loss by epoch; mark the best epoch."""
    axes.plot(history["epoch"], history["loss"], color="#0072B2", label="training")
    watched = "loss"
    if "val_loss" in history:
        watched = "val_loss"
        axes.plot(history["epoch"], history["val_loss"], color="#D55E00", label="validation")
    if len(history):
        best = history.loc[history[watched].idxmin()]
        axes.plot(best["epoch"], best[watched], "o", color="#D55E00", ms=5, label="best epoch")
    axes.set(xlabel="epoch", ylabel="loss")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False, loc="upper right")
