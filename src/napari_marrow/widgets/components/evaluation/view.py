"""The result of an evaluation behind tabs: verdict, scores, confusion, curves, mistakes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import napari
from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QWidget

from napari_marrow.learning.scores.evaluation import Evaluation
from napari_marrow.learning.scores.findings import Recalibration
from napari_marrow.learning.scores.results import Curve, Curves, EvaluationResult, ModelResult
from napari_marrow.learning.scores.verdict import leading_model
from napari_marrow.learning.scores.words import few_text, score_text
from napari_marrow.report.colours import RESEARCH_ONLY, classes_only
from napari_marrow.report.evaluation.leading import classes_asked, metric_name, with_known_band
from napari_marrow.widgets.components.evaluation.confusion import ConfusionMatrix
from napari_marrow.widgets.components.evaluation.curve_page import CurvePage, LossPage
from napari_marrow.widgets.components.evaluation.mistakes_page import MistakesPage
from napari_marrow.widgets.components.evaluation.scores_page import ScoresPage
from napari_marrow.widgets.components.evaluation.section import paragraph
from napari_marrow.widgets.components.evaluation.verdict_page import VerdictPage
from napari_marrow.widgets.components.layout import fill_column, ignore_text_width
from napari_marrow.widgets.components.pages import Pages

DIAGONAL = ((0.0, 0.0), (1.0, 1.0))


@dataclass(frozen=True)
class CurveKind:
    """A kind of curve.

    Attributes
    ----------
    title, tooltip
        Of its tab.
    x_name
        Of its x axis.
    y_name
        Returns the name of its y axis.
    about
        Returns how to read it.
    of
        Takes it from the curves of a model.
    chance
        Returns the points of the line of guessing, or of perfect calibration.
    sum_up
        Returns a sentence with the numbers that sum it up; "" for none.
    """

    title: str
    tooltip: str
    x_name: str
    y_name: Callable[[Evaluation], str]
    about: Callable[[Evaluation], str]
    of: Callable[[Curves], Curve | None]
    chance: Callable[[Evaluation], tuple[tuple[float, float], ...]]
    sum_up: Callable[[ModelResult], str] = lambda model: ""


CURVES = (
    CurveKind(
        "ROC",
        "Recall against false alarms, for every cut-off of the probability.",
        "1 - specificity",
        lambda own: "recall",
        lambda own: "The dashed line is guessing; a good model is near the upper left corner.",
        lambda curves: curves.roc,
        lambda own: DIAGONAL,
        lambda model: _score_sentence(model, "auc"),
    ),
    CurveKind(
        "PR",
        "Precision against recall, for every cut-off of the probability.",
        "recall",
        lambda own: "precision",
        lambda own: "The dashed line is guessing; a good model is near the upper right corner.",
        lambda curves: curves.precision_recall,
        lambda own: tuple((x, _positive_share(own)) for x in (0.0, 1.0)),
        lambda model: _score_sentence(model, "average_precision"),
    ),
    CurveKind(
        "Calibration",
        "Whether a probability means what it says.",
        "mean probability",
        lambda own: f"fraction of {own.positive}" if len(own.classes) == 2 else "fraction right",
        lambda own: _about_calibration(own),
        lambda curves: curves.calibration,
        lambda own: DIAGONAL,
        lambda model: _recalibration_sentence(model.recalibration),
    ),
    CurveKind(
        "Coverage",
        "Accuracy of the answers that are kept when the least certain are marked.",
        "fraction of answers kept",
        lambda own: "accuracy",
        lambda own: "The dashed line is always answering the most frequent class.",
        lambda curves: curves.coverage,
        lambda own: tuple((x, own.metrics["accuracy"].chance) for x in (0.0, 1.0)),
    ),
)


def _about_calibration(own: Evaluation) -> str:
    """Return how to read the calibration curve: of two classes it is of the positive one."""
    ideal = "On the dashed line a probability means what it says"
    if len(own.classes) != 2:
        return f"{ideal}; below it the model is too sure."
    name = own.positive
    return f"{ideal}; below it {name} is rarer than that, above it more frequent."


def _positive_share(own: Evaluation) -> float:
    """Return the share of the positive class, which is the precision of guessing."""
    counts = own.confusion[own.classes.index(own.positive)]
    return sum(counts) / max(own.units, 1)


class ResultView(QWidget):
    """Shows a result; of several models, the one that is chosen.

    Parameters
    ----------
    viewer
        Whose theme is followed.
    """

    unit_picked = Signal(object)
    """A mistake or a doubtful label that is to be shown in the viewer."""

    def __init__(self, viewer: napari.Viewer):
        super().__init__()
        self.result: EvaluationResult | None = None
        self.pages, self.verdict = Pages(), VerdictPage()
        self.model = QComboBox()
        self.model.setToolTip("The model whose scores and curves are shown.")
        ignore_text_width(self.model)
        self.scores, self.confusion = ScoresPage(), ConfusionMatrix(viewer)
        self.curves = {x: CurvePage(viewer, x.x_name) for x in CURVES}
        self.mistakes = MistakesPage()
        self.pages.add("Verdict", self.verdict, "What the result means, and what it rests on.")
        self.pages.add("Table", self.scores, "Scores of the models, with their 95 % intervals.")
        self.pages.add("Confusion", self.confusion, "Which class was answered for which.")
        for kind, page in self.curves.items():
            self.pages.add(kind.title, page, kind.tooltip)
        self.loss = LossPage(viewer)
        self.pages.add("Loss", self.loss, "How the network learnt, by epoch.")
        self.pages.add("Mistakes", self.mistakes, "The worst mistakes, to see in the viewer.")
        self.mistakes.picked.connect(self.unit_picked)
        self.model.currentIndexChanged.connect(self._show_model)
        self.scores.picked.connect(self.model.setCurrentIndex)
        self.research = paragraph()
        fill_column(self, self.research, self.model, self.pages)

    def show_result(self, result: EvaluationResult) -> None:
        """Show a result: its verdict, and the model that is best or has the highest score."""
        self.result = result
        names = model_names(result)
        known = classes_only(classes_asked(result))
        self.research.setText(f"{RESEARCH_ONLY} {known}")
        self.verdict.show_result(result)
        self.scores.show_models(result.models, names)
        self.mistakes.show_result(result)
        self.pages.set_filled("Mistakes", bool(result.mistakes or result.doubtful))
        with QSignalBlocker(self.model):
            self.model.clear()
            self.model.addItems(names)
            self.model.setCurrentIndex(
                result.models.index(leading_model(result.models, result.best))
            )
        self.model.setVisible(len(names) > 1)
        self._show_model()
        self.pages.select("Verdict")

    def _show_model(self) -> None:
        number = self.model.currentIndex()
        if self.result is None or number < 0:
            return
        model = self.result.models[number]
        self.scores.show_model(number)
        self.confusion.show_evaluation(model.evaluation)
        for kind, page in self.curves.items():
            curve = None if model.curves is None else kind.of(model.curves)
            few = few_text(model.evaluation.few_sources, model.clusters)
            self.pages.set_filled(kind.title, curve is not None and bool(curve.x))
            if curve is not None:
                own = model.evaluation
                name = self.model.itemText(number)
                text = f"{kind.sum_up(model)} {kind.about(own)} {few}".strip()
                curve = with_known_band(curve, model)
                page.show_curve(name, curve, kind.chance(own), kind.y_name(own), text)
        loss = None if model.curves is None else model.curves.loss
        self.pages.set_filled("Loss", loss is not None)
        if model.curves is not None and loss is not None:
            self.loss.show_losses(loss, model.curves.validation_loss)


def model_names(result: EvaluationResult) -> list[str]:
    """Return the names of the models; with the protocol where there are several."""
    several = len({x.protocol for x in result.models}) > 1
    return [_name(x) if several else x.model for x in result.models]


def _name(model: ModelResult) -> str:
    return f"{model.model} ({model.protocol})"


def _score_sentence(model: ModelResult, metric: str) -> str:
    own = model.evaluation
    score, name = own.metrics.get(metric), metric_name(metric)
    if score is None:
        return ""
    return f"{name[0].upper()}{name[1:]}: {score_text(score, own.few_sources)}."


def _recalibration_sentence(found: Recalibration | None) -> str:
    if found is None:
        return ""
    parts = [f"Brier score {found.brier.estimate:.2f} (0 is best)"]
    if found.slope is not None:
        parts.append(f"slope {found.slope.estimate:.2f} (1 is best)")
    if found.intercept is not None:
        parts.append(f"intercept {found.intercept.estimate:+.2f} (0 is best)")
    return f"Of {found.of}: {', '.join(parts)}."
