"""Features as figures: the best of them, by chi-square or in a model, and one of them by class.

Names stand above their bars and not beside them: they are long, and a dock widget is narrow.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from napari_marrow.report.colours import class_colours

MAX_SHOWN_FEATURES = 20
CHOSEN, OTHERS = "#4477AA", "#808080"
MARKERS = "osD^v"
MAX_POINTS = 300
"""Units of a class that are drawn one by one; its box is of all."""
_NAME_AT, _BAR = 0.28, 0.32


def best_features(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a table of scores that are shown, the best first."""
    return scores[scores["chi2"] > 0].nsmallest(MAX_SHOWN_FEATURES, "rank").reset_index(drop=True)


def draw_scores(axes: Axes, best: pd.DataFrame, picked: str | None, text: str) -> None:
    """Draw a bar per feature, from the top; row k is at k. Selected ones are filled.

    Parameters
    ----------
    axes
        Where to draw.
    best
        From :func:`best_features`.
    picked
        The feature whose name is bold, or None.
    text
        Colour of the names.
    """
    chosen = best["selected"].to_numpy(bool)
    _bars(axes, best["feature"], best["chi2"], chosen, picked, text)
    axes.set_xlabel("chi-square")


def most_important(scores: pd.DataFrame, count: int = MAX_SHOWN_FEATURES) -> pd.DataFrame:
    """Return the most important rows of a bundle's ``features.csv``, the first first."""
    counting = scores[scores["importance"] > 0]
    return counting.nlargest(count, "importance").reset_index(drop=True)


def read_importances(content: bytes, features: Collection[str], count: int) -> pd.DataFrame:
    """Return the :func:`most_important` rows of the bytes of a bundle's ``features.csv``.

    ``features`` are those that its model takes. Raises some exception where they are others.
    """
    types = {"feature": str, "importance": float}
    found = most_important(pd.read_csv(io.BytesIO(content), usecols=[*types], dtype=types), count)
    if not found["feature"].isin(features).all() or np.isinf(found["importance"]).any():
        raise ValueError("it is of other features, or holds what is no number")
    return found


def draw_importances(axes: Axes, best: pd.DataFrame, text: str = "black") -> None:
    """Draw the importance of each feature in a model as a bar, from the top.

    Parameters
    ----------
    axes
        Where to draw.
    best
        From :func:`most_important`.
    text
        Colour of the names.
    """
    chosen = np.ones(len(best), bool)
    _bars(axes, best["feature"], best["importance"], chosen, None, text)
    axes.set_xlabel("part of the importance of all features")
    axes.xaxis.set_major_formatter("{x:g}")  # short: the first stands at the edge of a dock widget


def _bars(
    axes: Axes,
    names: pd.Series,
    values: pd.Series,
    chosen: NDArray[np.bool_],
    picked: str | None,
    text: str,
) -> None:
    rows = np.arange(len(names)) + 0.2
    axes.barh(rows[chosen], values[chosen], _BAR, color=CHOSEN, edgecolor=CHOSEN)
    others = axes.barh(rows[~chosen], values[~chosen], _BAR, facecolor="none")
    for bar in others:
        bar.set(edgecolor=OTHERS, hatch="////")
    for row, name in enumerate(names):
        weight = "bold" if name == picked else "normal"
        place = axes.get_yaxis_transform()
        axes.text(
            0.01, row - _NAME_AT, name, color=text, fontsize=8, weight=weight, va="center",
            transform=place,
        )  # fmt: skip
    axes.set(ylim=(max(len(names), 1) - 0.4, -0.7), yticks=[])
    axes.set_xlim(0, max(values.max(), 1e-12) * 1.03 if len(values) else 1)


def draw_distribution(axes: Axes, values: Mapping[str, NDArray[np.float64]], text: str) -> None:
    """Draw the values of one feature in each class: a point per unit, and a box plot.

    Parameters
    ----------
    axes
        Where to draw.
    values
        By class; missing ones are counted, and not drawn.
    text
        Colour of names and boxes.
    """
    colours = class_colours(tuple(values))
    generator = np.random.default_rng(0)  # the same picture every time
    for row, (name, all_values) in enumerate(values.items()):
        known = all_values[np.isfinite(all_values)]
        missing = len(all_values) - len(known)
        title = f"{name} (n = {len(known)}{f', {missing} missing' * bool(missing)})"
        axes.text(
            0.01, row - 0.42, title, color=text, fontsize=8, va="center",
            transform=axes.get_yaxis_transform(),
        )  # fmt: skip
        points = generator.permutation(known)[:MAX_POINTS]
        place = row + 0.12 + generator.uniform(-0.17, 0.17, len(points))
        axes.scatter(
            points, place, 14, color=colours[name], marker=MARKERS[row % len(MARKERS)],
            alpha=0.75, linewidths=0,
        )  # fmt: skip
        if len(known) > 1:
            _box(axes, known, row + 0.12, text)
    axes.set(ylim=(len(values) - 0.4, -0.7), yticks=[])


def _box(axes: Axes, values: NDArray[np.float64], row: float, colour: str) -> None:
    line: dict[str, object] = {"color": colour, "linewidth": 1}
    axes.boxplot(
        values,
        positions=[row],
        widths=0.5,
        orientation="horizontal",
        showfliers=False,
        manage_ticks=False,
        boxprops=line,
        whiskerprops=line,
        capprops=line,
        medianprops=line,
    )
