"""Figures of a training: loss, confusion matrix, ROC and precision-recall. Agg only, no windows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import PrecisionRecallDisplay, RocCurveDisplay

from napari_marrow.report.colours import class_colours
from napari_marrow.report.feature_figures import draw_importances, most_important
from napari_marrow.report.history import draw_history

DPI = 120


def write_training_figures(
    folder: Path, history: pd.DataFrame, evaluation: dict[str, Any] | None, heldout: pd.DataFrame
) -> list[Path]:
    """Write a network's figures as PNG files into ``folder``; return their paths."""
    figures = {"history": _figure(draw_history, history)}
    return _write(folder, figures | _of_evaluation(evaluation, heldout))


def write_classical_figures(
    folder: Path, scores: pd.DataFrame, evaluation: dict[str, Any] | None, heldout: pd.DataFrame
) -> list[Path]:
    """Write a classical model's figures as PNG files into ``folder``; return their paths.

    ``scores`` has the columns ``feature`` and ``importance``.
    """
    best = most_important(scores)
    tall = 0.6 + 0.3 * len(best)
    figures = {"importances": _figure(draw_importances, best, size=(6.4, tall))}
    return _write(folder, figures | _of_evaluation(evaluation, heldout))


def _of_evaluation(evaluation: dict[str, Any] | None, heldout: pd.DataFrame) -> dict[str, Figure]:
    if evaluation is None:
        return {}
    figures = {"confusion": _figure(draw_confusion, evaluation, size=(4.2, 3.6))}
    if "auc" in evaluation["metrics"]:
        figures["roc"] = _figure(_draw_roc, evaluation, heldout, size=(4.2, 3.8))
        figures["precision_recall"] = _figure(_draw_pr, evaluation, heldout, size=(4.2, 3.8))
    return figures


def _write(folder: Path, figures: dict[str, Figure]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, figure in figures.items():
        paths.append(folder / f"{name}.png")
        figure.savefig(paths[-1], dpi=DPI)
    return paths


def _figure(draw: Any, *arguments: Any, size: tuple[float, float] = (6.4, 3.6)) -> Figure:
    figure = Figure(figsize=size, layout="constrained")
    draw(figure.add_subplot(), *arguments)
    return figure


def draw_confusion(axes: Axes, evaluation: dict[str, Any]) -> None:
    """How many held-out units of each class got which answer."""
    matrix, classes = np.array(evaluation["confusion"]), evaluation["classes"]
    axes.imshow(matrix, cmap="Blues", vmin=0)
    ticks = range(len(classes))
    axes.set(xticks=ticks, xticklabels=classes, yticks=ticks, yticklabels=classes)
    axes.set(xlabel="answer", ylabel="truth", title=f"{evaluation['units']} held-out units")
    for (row, column), count in np.ndenumerate(matrix):
        dark = count > matrix.max() / 2
        axes.text(column, row, count, ha="center", va="center", color="white" if dark else "black")


def _positive(evaluation: dict[str, Any], heldout: pd.DataFrame) -> tuple[Any, Any, dict[str, Any]]:
    name = evaluation["positive"]
    curve = {"color": class_colours(evaluation["classes"])[name], "lw": 2}
    return heldout["class"] == name, heldout[f"probability_{name}"], curve


def _draw_roc(axes: Axes, evaluation: dict[str, Any], heldout: pd.DataFrame) -> None:
    truth, probability, curve = _positive(evaluation, heldout)
    RocCurveDisplay.from_predictions(
        truth, probability, ax=axes, curve_kwargs=curve, plot_chance_level=True
    )
    axes.set(title=f"positive: {evaluation['positive']}", xlabel="1 - specificity", ylabel="recall")
    _name_lines(axes, evaluation["metrics"]["auc"]["estimate"])


def _draw_pr(axes: Axes, evaluation: dict[str, Any], heldout: pd.DataFrame) -> None:
    truth, probability, curve = _positive(evaluation, heldout)
    PrecisionRecallDisplay.from_predictions(
        truth, probability, ax=axes, curve_kwargs=curve, plot_chance_level=True
    )
    axes.set(title=f"positive: {evaluation['positive']}", xlabel="recall", ylabel="precision")
    _name_lines(axes, None)


def _name_lines(axes: Axes, area: float | None) -> None:
    lines = axes.get_lines()
    lines[0].set_label("network" if area is None else f"network, area {area:.2f}")
    lines[-1].set_label("chance")
    axes.legend(frameon=False, loc="lower right")
