"""What is found among the answers of a comparison: doubts of given classes, and mistakes."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

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


def of_protocol(one, protocol, acquisitions=()):
    result = replace(one.result, protocol=protocol, acquisitions=acquisitions)
    return replace(one, result=result, answers=one.answers.assign(protocol=protocol))


def found_in(*models):
    data = DataSummary("set", "field", (), "photograph", 1)
    return with_findings(EvaluationResult("compare", (), data, ()), models)


@pytest.mark.parametrize(
    ("n_wrong", "protocol", "doubted", "unchecked"),
    [
        (1, "honest", 1, ""),
        (10, "honest", 10, ""),  # 0.75: errs half as often as guessing
        (12, "honest", 0, "balanced accuracy of 0.75"),
        (1, "paper", 0, "copies"),
    ],
)
def test_classes_are_doubted_by_models_that_err_little_else_not_checked(
    n_wrong, protocol, doubted, unchecked
):
    found = found_in(of_protocol(cross_validated(n_wrong), protocol))
    assert [x.image for x in found.doubtful] == [f"{k}.png" for k in range(doubted)]
    assert unchecked in found.unchecked_labels
    assert bool(unchecked) is bool(found.unchecked_labels)


def test_a_few_sources_right_by_luck_raise_no_doubt():
    """Eight of ten is no more than guessing may give; of forty it is."""
    for n_sources, is_checked in ((10, False), (40, True)):
        one = cross_validated(8)
        own = one.answers["source"].str.removesuffix(".png").astype(int) % n_sources
        found = found_in(replace(one, answers=one.answers.assign(source=own.astype(str))))
        assert bool(found.doubtful) is is_checked
        assert ("sources enough" in found.unchecked_labels) is not is_checked


def test_wide_intervals_do_not_keep_given_classes_from_being_checked():
    """Over three acquisitions nothing is shown, and one wrong class of 40 is found."""
    one = cross_validated(1)
    score = replace(one.result.evaluation.metrics["balanced_accuracy"], low=0.1)
    metrics = {**one.result.evaluation.metrics, "balanced_accuracy": score}
    wide = replace(one.result, evaluation=replace(one.result.evaluation, metrics=metrics))
    assert [x.image for x in found_in(replace(one, result=wide)).doubtful] == ["0.png"]


def with_folds(one, score):
    """The same with ten folds about a score."""
    found = score + np.random.default_rng(0).normal(0, 0.01, 10) * score
    return replace(one, by_fold=pd.DataFrame({"balanced_accuracy": found, "test_share": 0.25}))


def test_what_a_comparison_does_not_tell():
    """Nothing is the best under the published protocol, and no advice is what was done."""
    both = [with_folds(cross_validated(3), 0.9), with_folds(cross_validated(5, "logistic"), 0.6)]
    honest, published = found_in(*both), found_in(*(of_protocol(one, "paper") for one in both))
    assert (honest.best, published.best) == ("svm", None)
    assert "--by acquisition" in honest.limits[0]
    assert "can be too good" in honest.limits[1]
    assert "--by acquisition" not in published.limits[0]
    left_out = (AcquisitionScores("a", "1.png", both[0].result.evaluation),)
    by_acquisition = found_in(*(of_protocol(one, "honest", left_out) for one in both))
    assert "--by acquisition" not in by_acquisition.limits[0]


def test_mistakes_have_the_reason_that_answers_of_all_models_tell():
    """Of the best model three are wrong; a model at chance is right on the third and not asked."""
    found = [
        cross_validated(3, "svm"),
        cross_validated(5, "logistic", first=38),  # 38, 39, 0, 1 and 2
        cross_validated(4, "naive-bayes", first=1),
        cross_validated(20, "decision-tree", first=3),
    ]

    def reasons(models):
        return {x.image: x.reason for x in found_in(*models).mistakes}

    wrong = "answered wrong by logistic, too"
    both = "answered wrong by logistic, naive-bayes, too"
    expected = {"0.png": "answered right by naive-bayes", "1.png": both, "2.png": both}
    assert reasons(found) == expected
    assert set(reasons(found[:2]).values()) == {wrong}
    assert reasons(found[:1]) == dict.fromkeys(["0.png", "1.png", "2.png"], "")
    assert reasons([cross_validated(1, "svm", 0.59)]) == {"0.png": "low probability"}
    assert reasons([cross_validated(1, "svm", 0.61)]) == {"0.png": ""}
