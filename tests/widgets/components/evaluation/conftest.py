"""A made result: two models under two protocols, of which one has curves."""

import pytest

from napari_marrow.learning.scores.evaluation import AcquisitionScores, Evaluation, Score
from napari_marrow.learning.scores.findings import (
    ClassCount,
    Control,
    DataSummary,
    DoubtfulLabel,
    Estimate,
    Forecast,
    PairedDifference,
    Recalibration,
    Share,
    UnitAnswer,
)
from napari_marrow.learning.scores.results import Curve, Curves, EvaluationResult, ModelResult


def evaluation(accuracy, few=None):
    metrics = {
        "balanced_accuracy": Score(accuracy, accuracy - 0.1, accuracy + 0.05, 0.5),
        "accuracy": Score(accuracy - 0.01, 0.5, 0.95, 0.65),
        "auc": Score(0.93, 0.8, 0.98, 0.5),
    }
    return Evaluation(
        metrics, [[6, 2], [1, 11]], ("ALL", "MM"), "ALL", 20, 16, 1.0, None, few or {}
    )


CURVE = Curve((0.0, 0.5, 1.0), (0.0, 0.8, 1.0), (0.0, 0.6, 0.9), (0.1, 0.9, 1.0))
BARE = Curve((0.0, 1.0), (0.2, 0.9), (0.2, 0.9), (0.2, 0.9))


@pytest.fixture
def result():
    left_out = AcquisitionScores("a camera", "a.png", evaluation(0.7))
    return EvaluationResult(
        kind="compare",
        verdict=("svm is good.", "It may not be about cells."),
        data=DataSummary(
            "set",
            "cell",
            (ClassCount("ALL", 4, 3, 8), ClassCount("MM", 5, 5, 12)),
            "groups.csv",
            2,
            1,
            ("b.png: cut off.",),
            ("Two are copies.",),
            held_out=2,
        ),
        models=(
            ModelResult("logistic", "honest", evaluation(0.8, {"MM": 5})),
            ModelResult(
                "svm",
                "honest",
                evaluation(0.9),
                Curves(CURVE, Curve((), (), (), ()), BARE, CURVE),
                evaluation(0.88),
                acquisitions=(left_out,),
                recalibration=Recalibration(
                    "ALL", Score(0.08, 0.05, 0.12, 0.25), Estimate(0.7, 0.4, 1.1), None
                ),
            ),
            ModelResult("svm", "paper", evaluation(0.94)),
        ),
        differences=(
            PairedDifference("svm", "logistic", "honest", "auc", 0.1, -0.1, 0.3, 0.2),
            PairedDifference("svm", "logistic", "honest", "accuracy", 0.2, 0.1, 0.3, 0.01),
        ),
        controls=(
            Control("colour", "mean colour alone", Score(0.8, 0.7, 0.9, 0.5), True),
            Control("shape", "the outlines", Score(0.8, 0.7, 0.9, 0.5), True),
            Control("permuted", "permuted classes", Score(0.52, 0.4, 0.6, 0.5), False),
        ),
        forecast=Forecast("svm", "auc", (), (), True, 20, 0.05, ("About 20 more.",)),
        shares=(Share("MM", "", 100, 14, 0.14, 0.08, 0.22), Share("MM", "a", 9, 1, 0.1, 0, 0.3)),
        doubtful=(DoubtfulLabel("MM/b.png", 0, 9.5, 9.5, "MM", "ALL", 0.03, 4, 5),),
        mistakes=(
            UnitAnswer("ALL/a.png", 3, 12.0, 22.5, "ALL", "MM", 0.97, "", "svm"),
            UnitAnswer("MM/b.png", 1, 5.0, 6.0, "MM", "ALL", 0.55, "low probability"),
        ),
        notes=("A note.",),
        limits=("A limit.",),
    )
