"""A small result of a comparison, made by hand."""

from dataclasses import replace

import pytest

from napari_marrow.learning.scores.evaluation import AcquisitionScores, Evaluation, Score
from napari_marrow.learning.scores.findings import (
    ClassCount,
    Control,
    DataSummary,
    DoubtfulLabel,
    Estimate,
    FoldPart,
    Forecast,
    ForecastPoint,
    PairedDifference,
    Recalibration,
    Share,
    UnitAnswer,
)
from napari_marrow.learning.scores.results import Curve, Curves, EvaluationResult, ModelResult

CURVE = Curve((0.0, 0.5, 1.0), (0.0, 0.7, 1.0), (0.0, 0.6, 0.9), (0.1, 0.8, 1.0))
CURVES = Curves(CURVE, CURVE, CURVE, CURVE, CURVE, CURVE)


def scored(estimate: float, low: float, high: float, **changes) -> Evaluation:
    """An evaluation of 40 cells of two classes as frequent as each other."""
    metrics = {name: Score(estimate, low, high, 0.5) for name in ("balanced_accuracy", "accuracy")}
    metrics["auc"] = Score(0.93, 0.8, 0.98, 0.5)
    values = {"units": 40, "sources": 16, "design_effect": 1.0}
    return Evaluation(
        metrics, [[18, 2], [3, 17]], ("ALL", "MM"), "ALL", **values | changes
    )  # fmt: skip


@pytest.fixture(scope="session")
def result() -> EvaluationResult:
    """Two models under both protocols; no part is empty."""
    points = (ForecastPoint(4, 0.8, 0.6, 0.9), ForecastPoint(8, 0.87, 0.8, 0.93))
    return EvaluationResult(
        kind="compare",
        verdict=("The first sentence.", "The second."),
        data=DataSummary(
            "set",
            "cell",
            (ClassCount("ALL", 8, 8, 20), ClassCount("MM", 8, 8, 20)),
            "photograph",
            2,
            failed=("bad.png: it can't be read.",),
            findings=("Two photographs are copies.",),
        ),
        models=(
            ModelResult(
                "svm",
                "honest",
                scored(0.87, 0.74, 0.95),
                CURVES,
                scored(0.9, 0.6, 0.97),
                recalibration=Recalibration(
                    "ALL", Score(0.11, 0.07, 0.16, 0.25), Estimate(0.8, 0.5, 1.2), None
                ),
                certain=scored(0.94, 0.85, 0.98, units=31),
            ),
            ModelResult("logistic", "honest", scored(0.84, 0.7, 0.92), CURVES),
            ModelResult("svm", "paper", scored(0.98, 0.9, 0.99)),
            ModelResult("logistic", "paper", scored(0.96, 0.9, 0.98)),
        ),
        folds=tuple(
            FoldPart("honest", k, str(k), name, 4, 10) for k in (1, 2) for name in ("ALL", "MM")
        ),
        differences=(
            PairedDifference("svm", "logistic", "honest", "accuracy", 0.03, -0.02, 0.08, 0.24),
        ),
        controls=(
            Control("colour", "mean colour alone", Score(0.81, 0.7, 0.9, 0.5), True),
            Control("permuted", "classes permuted", Score(0.49, 0.4, 0.6, 0.5), False),
        ),
        forecast=Forecast("svm", "accuracy", points, points, True, 20, 0.05, ("About 20 more.",)),
        doubtful=(DoubtfulLabel("ALL/a.png", 3, 10.0, 12.0, "ALL", "MM", 0.04, 4, 5),),
        shares=(
            Share("MM", "ALL/a.png", 10, 2, 0.2, 0.05, 0.5),
            Share("MM", "", 100, 14, 0.14, 0.08, 0.22, uncertain=3),
        ),
        mistakes=(
            UnitAnswer("ALL/a.png", 3, 10.0, 12.0, "ALL", "MM", 0.91, "", "svm"),
            UnitAnswer("MM/b.png", 1, 5.0, 6.0, "MM", "ALL", 0.55, "low probability", "svm"),
        ),
        notes=("A note.",),
        limits=("A limit.",),
        card={"Data": {"number of patients": "", "number of photographs": "16"}},
        settings={"folds": "2"},
        versions={"napari-marrow": "0.1.0"},
        command="napari-marrow compare set --out comparison",
    )


@pytest.fixture(scope="session")
def left_out() -> tuple[AcquisitionScores, ...]:
    """Scores on two acquisitions that were left out."""
    return (
        AcquisitionScores("lab a", "a/1.png", scored(0.61, 0.4, 0.8)),
        AcquisitionScores("lab b", "b/1.png", scored(0.83, 0.6, 0.9)),
    )


@pytest.fixture(scope="session")
def undrawn(result) -> EvaluationResult:
    """The same with the confusion matrix as its one figure, which takes less time."""
    models = tuple(replace(model, curves=None) for model in result.models)
    return replace(result, models=models, folds=(), forecast=None)
