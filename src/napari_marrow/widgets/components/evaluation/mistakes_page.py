"""The worst mistakes and the doubtful labels; a click on one asks to see it in the viewer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QWidget

from napari_marrow.learning.scores.findings import DoubtfulLabel, UnitAnswer
from napari_marrow.learning.scores.results import EvaluationResult
from napari_marrow.report.evaluation.leading import unit_name
from napari_marrow.report.evaluation.questions import labels_text, marked
from napari_marrow.widgets.components.evaluation.fact_table import FactTable
from napari_marrow.widgets.components.evaluation.section import paragraph
from napari_marrow.widgets.components.layout import fill_column, ignore_text_width

FoundUnit: TypeAlias = UnitAnswer | DoubtfulLabel
"""A unit that is worth a look."""
HOW = "Click one, or press Return, to see it in the viewer."
DOUBTS = (
    "Models that did not learn from these units give them another class. Nothing is changed: look, "
    f"and correct the class where it is wrong. {HOW}"
)
MISTAKES = f"The wrong answers with the highest probability. {HOW}"


class MistakesPage(QWidget):
    """A table of mistakes, or of doubtful labels, and a sentence on the current one."""

    picked = Signal(object)
    """The :data:`FoundUnit` that is to be shown in the viewer."""

    def __init__(self) -> None:
        super().__init__()
        self._result: EvaluationResult | None = None
        self._lists: dict[str, Sequence[FoundUnit]] = {}
        self.what = QComboBox()
        self.what.setToolTip("Mistakes of the models, or labels of the data that they doubt.")
        ignore_text_width(self.what)
        self.what.currentIndexChanged.connect(self._fill)
        self.how = paragraph()
        self.table = FactTable(["Unit", "Given", "Answer", "p"], HOW)
        self.table.picked.connect(lambda row: self.picked.emit(self._shown[row]))
        self.table.currentCellChanged.connect(lambda row, *_: self._describe(row))
        self.about = paragraph()
        fill_column(self, self.what, self.how, self.table, self.about)

    @property
    def _shown(self) -> Sequence[FoundUnit]:
        return self._lists.get(self.what.currentData(), ())

    def show_result(self, result: EvaluationResult) -> None:
        """Show the mistakes and doubtful labels of a result."""
        self._result = result
        lists: dict[str, Sequence[FoundUnit]] = {
            "Mistakes": result.mistakes,
            "Doubtful labels": result.doubtful,
        }
        if not result.mistakes:
            del lists["Mistakes"]
        self._lists = lists
        with QSignalBlocker(self.what):
            self.what.clear()
            for title, found in self._lists.items():
                self.what.addItem(f"{title} ({len(found)})" if found else title, title)
        self.what.setVisible(len(self._lists) > 1)
        self._fill()

    def _fill(self) -> None:
        self.table.set_rows([_row(x) for x in self._shown])
        self.how.setText(self._explanation())
        self._describe(-1)

    def _explanation(self) -> str:
        if self.what.currentData() == "Mistakes" or self._result is None:
            return MISTAKES
        return DOUBTS if self._result.doubtful else labels_text(self._result)

    def _describe(self, row: int) -> None:
        """Say below the table what its columns have no room for."""
        found = self._shown[row] if 0 <= row < len(self._shown) else None
        text = "" if found is None or self._result is None else describe(found, self._result)
        self.about.setText(text)
        self.about.setVisible(bool(text))


def describe(found: FoundUnit, result: EvaluationResult) -> str:
    """Return what is known of a unit of a result, in a sentence."""
    if isinstance(found, DoubtfulLabel):
        votes = f"{found.votes} of {found.models} models answer {found.suggested}"
        given = f"given {found.given}, which has the probability {found.probability:.2f}"
        return f"{unit_name(found.image, found.index)}: {given}; {votes}."
    answer = f"given {found.truth}, answered {found.answer} with {found.probability:.2f}"
    by = f" by {found.model}" if found.model else ""
    why = marked(found.reason, result)
    return f"{unit_name(found.image, found.index)}: {answer}{by}{why}."


def _row(found: FoundUnit) -> tuple[str, str, str, str]:
    if isinstance(found, DoubtfulLabel):
        classes = (found.given, found.suggested)
    else:
        classes = (found.truth, found.answer)
    return unit_name(found.image, found.index), *classes, f"{found.probability:.2f}"
