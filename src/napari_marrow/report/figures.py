"""Figures of a training as PNG files: loss, importances, confusion, ROC, precision-recall."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import PrecisionRecallDisplay, RocCurveDisplay

from napari_marrow.data.outputs import SOFTWARE
from napari_marrow.learning.bundle_files import FEATURES, HELDOUT, HISTORY
from napari_marrow.learning.scores.evaluation import Evaluation
from napari_marrow.report.colours import class_colours
from napari_marrow.report.feature_figures import draw_importances, most_important
from napari_marrow.report.history import draw_history

DPI = 120


def write_figures(
    folder: Path, evaluation: Evaluation | None, tables: Mapping[str, pd.DataFrame]
) -> list[Path]:
    """Write the figures of a training as PNG files.

    Parameters
    ----------
    folder
        Where to; it is made.
    evaluation
        Of the held-out units, or None.
    tables
        The tables of the bundle by the name of their file.

    Returns
    -------
    list of Path
        The files.
    """
    figures = {}
    if HISTORY in tables:
        figures["history"], axes = _figure(6.4, 3.6)
        draw_history(axes, tables[HISTORY])
    if FEATURES in tables:
        best = most_important(tables[FEATURES])
        figures["importances"], axes = _figure(6.4, 0.6 + 0.3 * len(best))
        draw_importances(axes, best)
    if evaluation is not None:
        figures["confusion"], axes = _figure(4.2, 3.6)
        draw_confusion(axes, evaluation)
        if "auc" in evaluation.metrics:
            figures["roc"], axes = _figure(4.2, 3.8)
            _draw_curve(axes, RocCurveDisplay, evaluation, tables[HELDOUT])
            axes.set(xlabel="1 - specificity", ylabel="recall")
            figures["precision_recall"], axes = _figure(4.2, 3.8)
            _draw_curve(axes, PrecisionRecallDisplay, evaluation, tables[HELDOUT])
            axes.set(xlabel="recall", ylabel="precision")
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in figures.items():
        figure.savefig(folder / f"{name}.png", dpi=DPI, metadata={"Software": SOFTWARE})
    return [folder / f"{name}.png" for name in figures]


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def draw_confusion(axes: Axes, evaluation: Evaluation) -> None:
    """Draw the confusion matrix of the held-out units."""
    matrix, classes = np.array(evaluation.confusion), evaluation.classes
    axes.imshow(matrix, cmap="Blues", vmin=0)
    ticks = range(len(classes))
    axes.set(xticks=ticks, xticklabels=classes, yticks=ticks, yticklabels=classes)
    axes.set(xlabel="answer", ylabel="truth", title=f"{evaluation.units} held-out units")
    for (row, column), count in np.ndenumerate(matrix):
        dark = count > matrix.max() / 2
        axes.text(column, row, count, ha="center", va="center", color="white" if dark else "black")


def _draw_curve(
    axes: Axes,
    display: type[RocCurveDisplay] | type[PrecisionRecallDisplay],
    evaluation: Evaluation,
    heldout: pd.DataFrame,
) -> None:
    name = evaluation.positive
    display.from_predictions(
        heldout["class"] == name,
        heldout[f"probability_{name}"],
        ax=axes,
        curve_kwargs={"color": class_colours(evaluation.classes)[name], "lw": 2},
        plot_chance_level=True,
    )
    curve, *_, chance = axes.get_lines()
    curve.set_label(f"model, AUC {evaluation.metrics['auc'].estimate:.2f}")
    chance.set_label("chance")
    axes.set(title=f"positive: {name}")
    axes.legend(frameon=False, loc="lower right")
