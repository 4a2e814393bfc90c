"""Results as JSON: read back equal, each part of its type, and refused where one is missing."""

import json

import pytest

from napari_marrow.audit.verdict import Confounding
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
from napari_marrow.learning.scores.results import (
    Curve,
    Curves,
    EvaluationResult,
    ModelResult,
    of_json,
    to_json,
)

SCORE = Score(0.9, 0.7, 0.97, 0.5)
EVALUATION = Evaluation(
    {"accuracy": SCORE}, [[9, 1], [1, 9]], ("ALL", "MM"), "ALL", 20, 20, 1.0, SCORE, {"MM": 5}
)
CURVE = Curve((0.0, 1.0), (0.0, 1.0), (0.0, 0.8), (0.2, 1.0))


def everything() -> EvaluationResult:
    """A result in which nothing is empty."""
    data = DataSummary("set", "cell", (ClassCount("ALL", 5, 5, 50),), "photograph", 2)
    left_out = AcquisitionScores("a", "a/1.png", EVALUATION)
    points = (ForecastPoint(10, 0.9, 0.7, 0.97), ForecastPoint(30, 0.95, 0.9, 0.98))
    return EvaluationResult(
        kind="compare",
        verdict=("It is good.", "Or not."),
        data=data,
        models=(
            ModelResult(
                "svm",
                "honest",
                EVALUATION,
                Curves(CURVE, None, CURVE, CURVE, CURVE, CURVE),
                EVALUATION,
                {"accuracy": 0.1, "auc": None},
                0.5,
                12,
                2048,
                (left_out,),
                Recalibration("ALL", SCORE, Estimate(0.8, 0.4, 1.3), None),
                EVALUATION,
                0.1,
            ),
        ),
        folds=(FoldPart("honest", 1, "1", "ALL", 1, 10),),
        differences=(PairedDifference("svm", "logistic", "honest", "auc", 0.1, -0.1, 0.3, 0.2),),
        best="svm",
        controls=(Control("colour", "mean colour alone", SCORE, True),),
        forecast=Forecast("svm", "auc", points, points, True, 20, 0.05, ("About 20 more.",)),
        doubtful=(DoubtfulLabel("a.png", 3, 1.5, 2.5, "ALL", "MM", 0.03, 4, 5),),
        count=("MM: 14 %.",),
        shares=(Share("MM", "", 100, 14, 0.14, 0.08, 0.22),),
        mistakes=(UnitAnswer("a.png", 3, 1.5, 2.5, "ALL", "MM", 0.9, "low probability", "svm"),),
        notes=("A note.",),
        limits=("A limit.",),
        confounding=Confounding(("camera",), 0.9, 1e-9),
        card={"Data": {"patients": ""}},
        settings={"folds": "5"},
        versions={"napari-marrow": "0.1.0"},
        command="napari-marrow compare set --out comparison",
    )


def test_a_result_is_read_back_as_it_was():
    found = of_json(to_json(everything()))
    assert found == everything()
    assert isinstance(found.models[0].acquisitions[0].evaluation.metrics["accuracy"], Score)


def test_json_is_plain():
    content = json.loads(to_json(everything()), parse_constant=pytest.fail)
    assert content["models"][0]["evaluation"]["metrics"]["accuracy"]["estimate"] == 0.9
    assert content["models"][0]["spread"]["auc"] is None


@pytest.mark.parametrize("name", ["kind", "verdict", "data", "models"])
def test_a_missing_or_wrong_part_is_refused(name):
    content = json.loads(to_json(everything()))
    with pytest.raises(ValueError, match=name):
        of_json(json.dumps(content | {name: 3}))
    del content[name]
    with pytest.raises(ValueError, match=name):
        of_json(json.dumps(content))
