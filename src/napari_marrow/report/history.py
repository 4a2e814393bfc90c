"""The loss curve in the report."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from napari_marrow.report.colours import TRAINING, VALIDATION


def draw_history(axes: Axes, history: pd.DataFrame) -> None:
    """Draw training and validation loss by epoch, of each network; mark the best epoch."""
    members = [history]
    if "member" in history:
        members = [own for _, own in history.groupby("member")]
    watched = "val_loss" if "val_loss" in history else "loss"
    for k, own in enumerate(members):
        labels = ("training", "validation", "best epoch") if k == 0 else ("", "", "")
        axes.plot(own["epoch"], own["loss"], color=TRAINING, label=labels[0])
        if "val_loss" in own:
            axes.plot(own["epoch"], own["val_loss"], color=VALIDATION, label=labels[1])
        if len(own):
            best = own.loc[own[watched].idxmin()]
            axes.plot(best["epoch"], best[watched], "o", color=VALIDATION, ms=5, label=labels[2])
    axes.set(xlabel="epoch", ylabel="loss")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False, loc="upper right")
