"""Features as figures: the best of them by chi-square, and how one is spread over the classes.

Names stand above their bars and not beside them: they are long, and a dock widget is narrow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from napari_marrow.report.colours import class_colours

BEST = 20
"""So many features are shown, at most."""
CHOSEN, OTHERS = "#4477AA", "#808080"
MARKERS = "osD^v"
POINTS = 300
"""So many units of a class are drawn one by one, at most; its box is of all."""
_NAME_AT, _BAR = 0.28, 0.32


def best_features(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table of scores that are shown, the best first."""
    return scores.dropna(subset="chi2").nsmallest(BEST, "rank").reset_index(drop=True)


def draw_scores(axes: Axes, best: pd.DataFrame, picked: str | None, text: str) -> None:
    """A bar a feature, from the top; row k lies at k. Chosen ones are filled, others hollow.

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
    rows = np.arange(len(best)) + 0.2
    chosen = best["selected"].to_numpy(bool)
    axes.barh(rows[chosen], best["chi2"][chosen], _BAR, color=CHOSEN, edgecolor=CHOSEN)
    others = axes.barh(rows[~chosen], best["chi2"][~chosen], _BAR, facecolor="none")
    for bar in others:
        bar.set(edgecolor=OTHERS, hatch="////")
    for row, name in enumerate(best["feature"]):
        weight = "bold" if name == picked else "normal"
        place = axes.get_yaxis_transform()
        axes.text(
            0.01, row - _NAME_AT, name, color=text, fontsize=8, weight=weight, va="center",
            transform=place,
        )  # fmt: skip
    axes.set(ylim=(max(len(best), 1) - 0.4, -0.7), yticks=[], xlabel="chi-square")
    axes.set_xlim(0, max(best["chi2"].max(), 1e-12) * 1.03 if len(best) else 1)


def draw_distribution(axes: Axes, values: Mapping[str, NDArray[np.float64]], text: str) -> None:
    """The values of one feature in each class: every unit a point, and a box over all of them.

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
        said = f"{name} (n = {len(known)}{f', {missing} missing' * bool(missing)})"
        axes.text(
            0.01, row - 0.42, said, color=text, fontsize=8, va="center",
            transform=axes.get_yaxis_transform(),
        )  # fmt: skip
        points = generator.permutation(known)[:POINTS]
        place = row + 0.12 + generator.uniform(-0.17, 0.17, len(points))
        axes.scatter(
            points, place, 14, color=colours[name], marker=MARKERS[row % len(MARKERS)],
            alpha=0.75, linewidths=0,
        )  # fmt: skip
        if len(known) > 1:
            _box(axes, known, row + 0.12, text)
    axes.set(ylim=(len(values) - 0.4, -0.7), yticks=[])


def _box(axes: Axes, values: NDArray[np.float64], row: float, colour: str) -> None:
    line: dict[str, Any] = {"color": colour, "linewidth": 1}
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
