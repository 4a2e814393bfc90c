"""The scores of all models by one measure, and all scores of one model."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QWidget

from napari_marrow.learning.scores.evaluation import Evaluation
from napari_marrow.learning.scores.results import ModelResult
from napari_marrow.learning.scores.words import few_text, headline, score_text
from napari_marrow.report.evaluation.leading import metric_name
from napari_marrow.widgets.components.evaluation.fact_table import FactTable
from napari_marrow.widgets.components.evaluation.section import Section, paragraph
from napari_marrow.widgets.components.layout import fill_column, ignore_text_width


class ScoresPage(QWidget):
    """A table of models where there are several, and tables of the scores of one of them."""

    picked = Signal(int)
    """The model in this row was chosen."""

    def __init__(self) -> None:
        super().__init__()
        self._models: Sequence[ModelResult] = ()
        self._names: Sequence[str] = ()
        self.measure = QComboBox()
        self.measure.setToolTip("The measure by which all models are listed.")
        ignore_text_width(self.measure)
        self.measure.currentTextChanged.connect(self._show_models)
        self.models = FactTable(
            ["Model", "Score", "Chance"],
            "Scores with their 95 % interval. Click a model to see its scores and curves.",
        )
        self.models.picked.connect(self.picked)
        self._all = Section("All models", self.measure, self.models)
        self.scores = FactTable(["Measure", "Score", "Chance"], "Scores with their 95 % interval.")
        self.few = paragraph()
        self._own = Section("Scores", self.scores, self.few)
        self.by_field = FactTable(
            ["Measure", "Score", "Chance"], "Scores of one answer per field, made of its cells'."
        )
        self._fields = Section("For whole fields", self.by_field)
        self.acquisitions = FactTable(
            ["Left out", "Score", "Chance"], "Scores on each acquisition, learnt without it."
        )
        self._acquisitions = Section("By acquisition", self.acquisitions)
        fill_column(self, self._all, self._own, self._fields, self._acquisitions)

    def show_models(self, models: Sequence[ModelResult], names: Sequence[str]) -> None:
        """List models, by the names that they have in the widget."""
        self._models, self._names = models, names
        measures = dict.fromkeys(name for x in models for name in x.evaluation.metrics)
        with QSignalBlocker(self.measure):
            self.measure.clear()
            for name in measures:
                self.measure.addItem(metric_name(name), name)
            if models:
                first, _ = headline(models[0].evaluation)
                self.measure.setCurrentIndex(self.measure.findData(first))
        self._all.setVisible(len(models) > 1)
        self._show_models()

    def _show_models(self) -> None:
        measure = self.measure.currentData()
        pairs = zip(self._names, self._models, strict=True)
        self.models.set_rows([_row(name, model.evaluation, measure) for name, model in pairs])

    def show_model(self, number: int) -> None:
        """Show all scores of one of the models."""
        model = self._models[number]
        self.models.selectRow(number)
        own = model.evaluation
        self.scores.set_rows(_all_rows(own))
        few = few_text(own.few_sources, model.clusters)
        self.few.setText(few)
        self.few.setVisible(bool(few))
        self._own.set_title(f"Scores of {self._names[number]}")
        self.by_field.set_rows(_all_rows(model.by_field))
        self._fields.setVisible(model.by_field is not None)
        measure, _ = headline(own)
        left_out = model.acquisitions
        self.acquisitions.set_rows([_row(x.name, x.evaluation, measure) for x in left_out])
        self._acquisitions.set_title(f"By acquisition: {metric_name(measure)}")
        self._acquisitions.setVisible(bool(model.acquisitions))


def _all_rows(evaluation: Evaluation | None) -> list[tuple[str, str, str]]:
    """Return the rows of all scores; none where there is no evaluation."""
    if evaluation is None:
        return []
    return [_row(metric_name(name), evaluation, name) for name in evaluation.metrics]


def _row(name: str, evaluation: Evaluation, measure: str) -> tuple[str, str, str]:
    """Return a name with its score by a measure and chance; no score where it has none."""
    score = evaluation.metrics.get(measure)
    if score is None:
        return name, "", ""
    return name, score_text(score, evaluation.few_sources), f"{score.chance:.2f}"
