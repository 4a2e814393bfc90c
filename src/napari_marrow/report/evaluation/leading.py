"""Which model a report shows first, and how its models and scores are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from napari_marrow.learning.scores.results import Curve, EvaluationResult, ModelResult
from napari_marrow.learning.scores.verdict import leading_model
from napari_marrow.report.tables import headline

_NAMES = {
    "auc": "ROC AUC",
    "f1": "F1",
    "mcc": "MCC",
    "macro_f1": "macro-F1",
}


def metric_name(name: str) -> str:
    """Return a score's name as readers know it."""
    return _NAMES.get(name, name.replace("_", " "))


def shown_models(result: EvaluationResult) -> list[ModelResult]:
    """Return the models whose curves are drawn: under protocol ``honest``, if any are."""
    honest = [model for model in result.models if model.protocol == "honest"]
    return honest or list(result.models)


def is_published(result: EvaluationResult) -> bool:
    """Whether all scores are of the published protocol, and so say nothing of new photographs."""
    return all(model.protocol == "paper" for model in result.models)


def classes_asked(result: EvaluationResult) -> tuple[str, ...]:
    """Return the classes that can be answered; the photographs may be of fewer."""
    return leading_model(result.models, result.best).evaluation.classes


def with_known_band(curve: Curve, model: ModelResult) -> Curve:
    """Return a curve without its band where a class has too few sources for an interval."""
    if not model.evaluation.few_sources:
        return curve
    return replace(curve, low=curve.y, high=curve.y)


def main_metric(result: EvaluationResult) -> str:
    """Return which score stands for all others in a report, the same in all its tables."""
    return headline(leading_model(result.models, result.best).evaluation)[0]


def joined(names: Sequence[str]) -> str:
    """Return names as in a sentence: ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1] if names else ""]))


def unit_name(image: str, index: int) -> str:
    """Return what a unit is called: a photograph, or a cell in it."""
    return f"{image}, cell {index}" if index else image
