"""What is found among the answers of a comparison: doubts of given classes, and mistakes."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from napari_marrow.learning.comparison import assemble
from napari_marrow.learning.comparison.assemble import with_findings
from napari_marrow.learning.comparison.cross_validation import CrossValidated
from napari_marrow.learning.scores.evaluation import AcquisitionScores
from napari_marrow.learning.scores.findings import DataSummary
from napari_marrow.learning.scores.metrics import score_units, with_answers
from napari_marrow.learning.scores.results import EvaluationResult, ModelResult

CLASSES = ("ALL", "MM")
N_UNITS = 40


def cross_validated(n_wrong, model="svm", sure=0.97, first=0):
    """A model that is as sure of 40 answers, of which some in a row are wrong."""
    names = [f"{k}.png" for k in range(N_UNITS)]
    codes = np.arange(N_UNITS) % 2
    told = np.where((np.arange(N_UNITS) - first) % N_UNITS < n_wrong, 1 - codes, codes)
    probabilities = np.where(told[:, None] == [0, 1], sure, 1 - sure)
    table = pd.DataFrame({"image": names, "index": 0, "y": 0.0, "x": 0.0, "source": names})
    table["class"] = np.array(CLASSES)[codes]
    answers = with_answers(table.assign(fold=1, repeat=1), probabilities, CLASSES)
    answers = answers.assign(model=model, protocol="honest")
    scored = score_units(table, probabilities, CLASSES)
    by_fold = pd.DataFrame({"balanced_accuracy": [1.0], "test_share": [0.25]})
    return CrossValidated(ModelResult(model, "honest", scored), answers, by_fold)


@pytest.mark.parametrize(("n_wrong", "doubted"), [(1, ["0.png"]), (20, [])])
def test_classes_are_doubted_by_a_model_that_is_better_than_chance(n_wrong, doubted):
    one = cross_validated(n_wrong)
    data = DataSummary("set", "field", (), "photograph", 1)
    found = with_findings(EvaluationResult("compare", (), data, (one.result,)), [one])
    assert [x.image for x in found.doubtful] == doubted


def of_protocol(one, protocol, acquisitions=()):
    result = replace(one.result, protocol=protocol, acquisitions=acquisitions)
    return replace(one, result=result, answers=one.answers.assign(protocol=protocol))


def test_what_a_comparison_does_not_tell(monkeypatch):
    """Nothing is the best under the published protocol, and no advice is what was done."""
    monkeypatch.setattr(assemble, "best_model", lambda differences: "svm" if differences else None)
    both = [cross_validated(3, "svm"), cross_validated(5, "logistic")]
    data = DataSummary("set", "field", (), "photograph", 1)

    def found(models):
        return with_findings(EvaluationResult("compare", (), data, ()), models)

    honest, published = found(both), found([of_protocol(one, "paper") for one in both])
    assert (honest.best, published.best) == ("svm", None)
    assert "--by acquisition" in honest.limits[0]
    assert "can be too good" in honest.limits[1]
    assert "--by acquisition" not in published.limits[0]
    left_out = (AcquisitionScores("a", "1.png", both[0].result.evaluation),)
    by_acquisition = found([of_protocol(one, "honest", left_out) for one in both])
    assert "--by acquisition" not in by_acquisition.limits[0]


def test_mistakes_have_the_reason_that_answers_of_all_models_tell():
    """Of the best model three are wrong; a model at chance is right on the third and not asked."""
    found = [
        cross_validated(3, "svm"),
        cross_validated(5, "logistic", first=38),  # 38, 39, 0, 1 and 2
        cross_validated(4, "naive-bayes", first=1),
        cross_validated(20, "decision-tree", first=3),
    ]
    data = DataSummary("set", "field", (), "photograph", 1)

    def reasons(models):
        empty = EvaluationResult("compare", (), data, ())
        return {x.image: x.reason for x in with_findings(empty, models).mistakes}

    wrong = "the other models are wrong, too: look at the given class"
    one_right = "other models answer right: naive-bayes"
    assert reasons(found) == {"0.png": one_right, "1.png": wrong, "2.png": wrong}
    assert reasons(found[:1]) == dict.fromkeys(["0.png", "1.png", "2.png"], "")
    assert reasons([cross_validated(1, "svm", 0.59)]) == {"0.png": "low probability"}
    assert reasons([cross_validated(1, "svm", 0.61)]) == {"0.png": ""}
