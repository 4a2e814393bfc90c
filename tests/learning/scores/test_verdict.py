"""The verdict: what comes first, and what is said of what is not shown."""

from dataclasses import replace

import pytest

from napari_marrow.audit.verdict import Confounding
from napari_marrow.learning.scores.evaluation import AcquisitionScores, Evaluation, Score
from napari_marrow.learning.scores.findings import Control, DataSummary, DoubtfulLabel
from napari_marrow.learning.scores.results import EvaluationResult, ModelResult
from napari_marrow.learning.scores.verdict import (
    is_above_chance,
    leading_model,
    protocol_gaps,
    verdict_of,
)

GOES = Confounding(("camera",), 0.9, 1e-9)


def model(name, protocol="honest", estimate=0.9, low=0.8, few=None, acquisitions=()):
    score = Score(estimate, low, 0.97, 0.5)
    scores = {"balanced_accuracy": score, "accuracy": score}
    evaluation = Evaluation(
        scores, [[9, 1], [1, 9]], ("ALL", "MM"), "ALL", 20, 18, 1.0, few_sources=few or {}
    )
    return ModelResult(name, protocol, evaluation, acquisitions=acquisitions)


def result(*models, **others):
    data = DataSummary("set", "field", (), "photograph", 1)
    return EvaluationResult("compare", (), data, models, **others)


def control(name, low=0.7):
    return Control(name, f"{name} alone", Score(0.8, low, 0.9, 0.5), low > 0.5)


def test_a_large_gap_between_protocols_comes_first_and_names_what_leaks():
    found = result(model("svm", estimate=0.6), model("svm", "paper", 0.98), confounding=GOES)
    first, second, *_ = verdict_of(found)
    assert first.startswith("0.38 of the score")
    assert "0.98 instead of 0.60" in first
    assert "copies of one source" in first
    assert second == GOES.before_score("0.60")


def test_of_acquisitions_left_out_these_leak_too():
    left_out = (AcquisitionScores("a", "1.png", model("svm").evaluation),)
    found = result(model("svm", estimate=0.6, acquisitions=left_out), model("svm", "paper", 0.98))
    assert "photographs of the acquisition that it is asked about" in verdict_of(found)[0]


def both(**scores):
    """Models with these scores under both protocols; intervals reach 0.08 to both sides."""
    models = [
        model(name, protocol, estimate, estimate - 0.08)
        for name, pair in scores.items()
        for protocol, estimate in zip(("honest", "paper"), pair, strict=True)
    ]
    return result(*models)


def test_the_largest_leak_is_named_with_the_number_of_models_that_leak():
    found = both(a=(0.8, 0.82), b=(0.8, 0.9), c=(0.7, 0.99))
    gaps = {gap.model: gap.difference for gap in protocol_gaps(found.models)}
    assert gaps == pytest.approx({"a": 0.02, "b": 0.1, "c": 0.29})
    first = verdict_of(found)[0]
    assert first.startswith("0.29 of the score that the published protocol gives c is leakage")
    assert "0.99 instead of 0.70 (balanced accuracy; found in 2 of 3 models)" in first


@pytest.mark.parametrize(
    "scores",
    [
        {"a": (0.8, 0.84)},  # less than five of a hundred
        {"a": (0.8, 0.87)},  # the interval of 0.87 begins below 0.80
        {"a": (0.84, 0.84), "b": (0.96, 0.86)},
        {"a": (0.32, 0.42), "b": (0.2, 0.5), "c": (0.1, 0.57)},  # none is shown to beat chance
    ],
)
def test_no_leak_where_the_gap_is_small_or_may_be_noise(scores):
    assert "leakage" not in " ".join(verdict_of(both(**scores)))


def test_a_leak_from_below_chance_and_of_a_single_model():
    first = verdict_of(both(a=(0.2, 0.98)))[0]
    assert "found in" not in first
    assert first.startswith("0.48 of the score")  # of what is above chance
    assert "0.98 instead of 0.20, where chance is 0.50" in first


def test_no_leak_is_named_where_sources_are_too_few_to_tell():
    found = both(a=(0.6, 0.98))
    few = replace(found.models[1].evaluation, few_sources={"ALL": 5, "MM": 5})
    found = replace(found, models=(found.models[0], replace(found.models[1], evaluation=few)))
    assert "leakage" not in " ".join(verdict_of(found))


@pytest.mark.parametrize("name", ["permuted", "background", "colour"])
def test_a_control_that_does_well_comes_first(name):
    found = result(model("svm"), confounding=GOES, controls=(control(name), control("shape", 0.4)))
    first = verdict_of(found)[0]
    assert first.startswith("The score may not be about cells")
    assert f"{name} alone 0.80 (0.70 to 0.90)" in first
    calm = replace(found, controls=(control(name, 0.4),))
    assert "may not be about cells" not in " ".join(verdict_of(calm))


def test_the_shape_of_cells_is_no_alarm():
    found = verdict_of(result(model("svm"), controls=(control("shape"),)))
    assert "may not be about cells" not in " ".join(found)
    assert any("shape alone" in sentence for sentence in found)


def test_a_gap_and_a_control_share_the_first_sentence():
    models = (model("svm", estimate=0.6), model("svm", "paper", 0.98))
    first = verdict_of(result(*models, controls=(control("background"),)))[0]
    assert "leakage" in first
    assert "may not be about cells" in first


def test_the_best_is_called_so_only_where_it_is_shown():
    models = model("svm", estimate=0.9), model("logistic", estimate=0.8)
    (none,) = verdict_of(result(*models))
    assert none.startswith("No model is shown to be better")
    assert "svm: accuracy 0.90" in none
    (shown,) = verdict_of(result(*models, best="logistic"))
    assert shown.startswith("logistic is shown to be better than all others: accuracy 0.80")
    assert leading_model(models, "logistic") is models[1]


def test_the_published_protocol_alone_says_so_first():
    first, second, *_ = verdict_of(result(model("svm", "paper", 0.98), confounding=GOES))
    assert "nothing about new photographs" in first
    several = verdict_of(result(model("svm", "paper", 0.98), model("logistic", "paper", 0.9)))
    assert several[1].startswith("The highest of them is that of svm: accuracy 0.98")
    assert "shown" not in " ".join(several[1:])
    assert second == GOES.before_score("0.98")
    assert not is_above_chance(model("svm", "paper", 0.98))
    assert is_above_chance(model("svm"))
    assert not is_above_chance(model("svm", low=0.45))
    assert not is_above_chance(model("svm", few={"MM": 3}))


def test_honest_scores_lead():
    models = model("svm", "paper", 0.99), model("logistic", "honest", 0.7)
    assert leading_model(models, None) is models[1]


def test_what_is_not_shown_is_said():
    assert "may be luck" in verdict_of(result(model("svm", low=0.45)))[-1]
    few = verdict_of(result(model("svm", few={"MM": 3})))
    assert "too few to tell" in few[0]
    assert "MM has 3 sources" in few[1]
    doubted = (DoubtfulLabel("a.png", 0, 1, 1, "ALL", "MM", 0.1, 1, 1),)
    assert "1 given class is doubted" in verdict_of(result(model("svm"), doubtful=doubted))[-1]
