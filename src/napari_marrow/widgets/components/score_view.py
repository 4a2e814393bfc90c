"""Chi-square scores: the best features as bars, and one of them by class. Needs matplotlib."""

from __future__ import annotations

import napari
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QWidget

from napari_marrow.report.feature_figures import best_features, draw_distribution, draw_scores
from napari_marrow.widgets.components.layout import fill_column, ignore_text_width, text_label
from napari_marrow.widgets.components.row_canvas import RowCanvas


class ScoreView(QWidget):
    """The best features, and the selected one by class and in numbers."""

    clicked = Signal()
    """A bar was clicked, and its feature is shown below."""

    def __init__(self, viewer: napari.Viewer):
        super().__init__()
        self.bars, self.distribution = RowCanvas(viewer), RowCanvas(viewer)
        self.bars.clicked.connect(self._click)
        self.choice = QComboBox()
        self.choice.setToolTip("All features, the best first.")
        ignore_text_width(self.choice)
        self.choice.currentIndexChanged.connect(self._select)
        self.numbers = text_label()
        self._table, self._scores = pd.DataFrame(), pd.DataFrame()
        self._best = pd.DataFrame()
        about = text_label("Filled: selected. Striped: not selected. Click one to see it by class.")
        fill_column(self, about, self.bars, self.choice, self.distribution, self.numbers)

    def show_scores(self, table: pd.DataFrame, scores: pd.DataFrame) -> None:
        """Show other scores, and the best feature first.

        Parameters
        ----------
        table
            A row a unit, with ``class`` and the features.
        scores
            Of :func:`napari_marrow.jobs.features.scored`.
        """
        self._table, self._scores = table[table["class"].notna()], scores
        self._best = best_features(scores)
        with QSignalBlocker(self.choice):
            self.choice.clear()
            self.choice.addItems(scores["feature"].tolist())
        self._select(0)

    @property
    def selected(self) -> str:
        """The feature that is shown by class."""
        return self.choice.currentText()

    def select(self, name: str) -> None:
        """Show another feature by class."""
        self.choice.setCurrentText(name)

    def values(self) -> dict[str, np.ndarray]:
        """The values of the selected feature by class, missing ones among them."""
        groups = self._table.groupby("class")[self.selected]
        return {str(name): part.to_numpy(np.float64) for name, part in groups}

    def _click(self, down: float) -> None:
        row = round(down)
        if 0 <= row < len(self._best):
            self.select(self._best["feature"][row])
            self.clicked.emit()

    def _select(self, number: int) -> None:
        if number < 0:
            return
        self.numbers.setText(numbers_of(self._scores.iloc[number]))
        selected, values = self.selected, self.values()
        self.bars.show_rows(
            len(self._best), lambda axes, text: draw_scores(axes, self._best, selected, text)
        )

        def by_class(axes: Axes, text: str) -> None:
            draw_distribution(axes, values, text)
            axes.set_xlabel("value")

        self.distribution.show_rows(2 * len(values), by_class)


def numbers_of(score: pd.Series) -> str:
    """One feature's row of a table of scores, as a line.

    >>> row = {"chi2": 12.345, "p_value": 0.00044, "p_adjusted": 0.0132, "stability": 0.98}
    >>> numbers_of(pd.Series({**row, "rank": 3, "selected": True}))
    'chi2 12.35, p 0.00044, adjusted p 0.013, stability 0.98, rank 3, selected'
    """
    if not np.isfinite(score["chi2"]):
        return f"no chi2: 0 everywhere; rank {score['rank']}, not selected"
    steady = "not known" if np.isnan(score["stability"]) else f"{score['stability']:.2f}"
    return (
        f"chi2 {score['chi2']:.4g}, p {score['p_value']:.2g}, "
        f"adjusted p {score['p_adjusted']:.2g}, stability {steady}, rank {score['rank']}, "
        f"{'selected' if score['selected'] else 'not selected'}"
    )
