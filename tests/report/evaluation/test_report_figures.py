"""Figures of a report: what they draw is what the result holds."""

from dataclasses import replace

import pytest
from matplotlib.figure import Figure

from napari_marrow.learning.scores.evaluation import Score
from napari_marrow.learning.scores.results import Curve
from napari_marrow.report.evaluation.drawing import MAX_NAME, short
from napari_marrow.report.evaluation.figures import MAX_FOLDS, drawings_of

SIDES = ("training", "validation")


def drawn(result, name):
    """The drawing of a name, and the axes that it was drawn on."""
    (drawing,) = [one for one in drawings_of(result) if one.name == name]
    axes = Figure().add_subplot()
    drawing.draw(axes)
    return drawing, axes


def with_precision(result):
    """The result with an average precision of its first model."""
    first = result.models[0]
    metrics = {**first.evaluation.metrics, "average_precision": Score(0.9, 0.8, 0.95, 0.4)}
    evaluation = replace(first.evaluation, metrics=metrics)
    return replace(result, models=(replace(first, evaluation=evaluation),))


def test_bars_of_the_split_are_the_sources_by_class(result):
    drawing, axes = drawn(result, "folds")
    found = [(bar.get_x(), bar.get_width()) for bars in axes.containers for bar in bars]
    assert found == [(0, 4), (0, 4), (4, 4), (4, 4)]  # ALL of both folds, then MM beside it
    assert "fold 1: 4 ALL, 4 MM; fold 2: 4 ALL, 4 MM." in drawing.alt
    many = tuple(replace(result.folds[0], fold=k, name=f"lab {k}") for k in range(50))
    drawing, axes = drawn(replace(result, folds=many), "folds")
    assert len(axes.get_yticks()) == MAX_FOLDS
    assert "the first 20 of 50 folds" in drawing.caption


def test_curves_are_those_of_all_models_and_the_band_is_of_the_leading_one(result):
    drawing, axes = drawn(result, "roc")
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert set(lines) == {"chance", "svm 0.93", "logistic 0.93"}
    assert list(lines["svm 0.93"].get_ydata()) == [0.0, 0.7, 1.0]
    assert lines["svm 0.93"].get_linewidth() > lines["logistic 0.93"].get_linewidth()
    (band,) = axes.collections
    assert band.get_facecolor()[0][:3] == pytest.approx(_rgb(lines["svm 0.93"]), abs=0.01)
    assert "svm (area 0.93): 0.00 at 0.00, 0.70 at 0.50, 1.00 at 1.00." in drawing.alt


def _rgb(line):
    return tuple(int(line.get_color()[k : k + 2], 16) / 255 for k in (1, 3, 5))


def test_there_is_no_band_where_a_class_has_too_few_sources(result):
    first = result.models[0]
    few = replace(first, evaluation=replace(first.evaluation, few_sources={"MM": 3}))
    found = replace(result, models=(few,))
    for name in ("roc", "coverage", "calibration", "forecast"):
        drawing, axes = drawn(found, name)
        assert not axes.collections
        assert not any(one.has_yerr for one in axes.containers)
        assert "too few sources for intervals." in drawing.caption
        _, known = drawn(result, name)
        assert known.collections or known.containers


def test_calibration_tells_slope_and_brier(result):
    drawing, axes = drawn(result, "calibration")
    assert "svm: Brier score 0.11, slope 0.80 (1 is ideal)." in drawing.caption
    assert axes.get_ylabel() == "fraction of ALL"


def test_chance_of_precision_is_the_share_of_the_class(result):
    _, axes = drawn(with_precision(result), "precision_recall")
    (chance,) = [line for line in axes.get_lines() if line.get_label() == "chance"]
    assert set(chance.get_ydata()) == {0.4}


def test_losses_are_by_whole_epochs_and_a_band_is_told_only_where_there_is_one(result):
    drawing, axes = drawn(replace(result, models=result.models[:1]), "loss")
    assert "range of several networks" in drawing.caption
    assert tuple(line.get_label() for line in axes.get_lines()) == SIDES
    assert all(tick == round(tick) for tick in axes.get_xticks())
    first = result.models[0]
    own = Curve((1.0, 2.0), (0.7, 0.5), (0.7, 0.5), (0.7, 0.5))
    one = replace(first, curves=replace(first.curves, loss=own, validation_loss=None))
    drawing, _ = drawn(replace(result, models=(one,)), "loss")
    assert drawing.caption == "Loss of svm by epoch."


def test_the_losses_of_several_networks_are_all_drawn(result):
    drawing, axes = drawn(result, "loss")
    assert drawing.caption == ("Loss of svm and logistic by epoch; mean of several networks each.")
    sides = [f"{model}, {side}" for model in ("svm", "logistic") for side in SIDES]
    assert [line.get_label() for line in axes.get_lines()] == sides
    colours = [line.get_color() for line in axes.get_lines()]
    assert colours[0] == colours[1] != colours[2] == colours[3]


def test_a_confusion_matrix_in_words(result):
    drawing, _ = drawn(result, "confusion")
    assert "ALL answered as ALL 18, MM 2; MM answered as ALL 3, MM 17" in drawing.alt
    assert drawing.caption == "Given class against answer of svm: 40 answers."


def test_long_names_are_cut_and_turned_ones_are_not_obeyed():
    assert short("x" * 100) == "x" * (MAX_NAME - 1) + "…"
    assert short("\u202eturned") == "\ufffdturned"
