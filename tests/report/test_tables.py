"""Scores in words."""

import pytest

from napari_marrow.audit.verdict import Confounding
from napari_marrow.learning.scores.evaluation import Evaluation, Score
from napari_marrow.report.tables import score_rows, score_text, verdict


def score(estimate, low, high, chance=0.5):
    return Score(estimate, low, high, chance)


def evaluation(accuracy, colour=None, few=(), **others):
    metrics = {**others, "accuracy": accuracy}
    return Evaluation(metrics, [], ("ALL", "MM"), "ALL", 12, 9, 1.0, colour, dict(few))


def test_text_and_rows():
    assert score_text(score(0.917, 0.6461, 0.985), {}) == "0.92 (0.65 to 0.98)"
    rows = score_rows(evaluation(score(1, 0.7225, 1, 0.55)))
    assert rows == [("accuracy", "1.00 (0.72 to 1.00)", "0.55")]


def test_nothing_measured_is_said():
    assert verdict(None) == ["Not measured: nothing was held out."]


@pytest.mark.parametrize(("low", "luck"), [(0.49, True), (0.5, True), (0.51, False)])
def test_an_interval_that_holds_chance_may_be_luck(low, luck):
    sentences = verdict(evaluation(score(0.8, low, 0.95)))
    assert sentences[0] == (
        f"Held-out accuracy 0.80 ({low:.2f} to 0.95), chance 0.50; 12 units of 9 sources."
    )
    assert ("luck" in " ".join(sentences)) is luck


@pytest.mark.parametrize(
    ("network", "colour", "warned"),
    [(0.9, 0.9, True), (0.9, 0.95, True), (0.9, 0.85, False), (0.5, 0.9, False)],
)
def test_mean_colour_as_good_is_a_warning(network, colour, warned):
    sentences = verdict(evaluation(score(network, 0.4, 0.99), score(colour, 0.4, 0.99)))
    assert any(s.startswith(f"Mean colour alone: {colour:.2f}") for s in sentences)
    assert any("the stain and not the cells" in s for s in sentences) is warned


def test_of_few_sources_no_interval_is_promised():
    few = {"ALL": 1, "MM": 5}
    balanced = score(0.95, 0.71, 0.99)
    found = evaluation(score(0.9, 0.31, 0.99, 0.85), score(0.8, 0.32, 0.9), few, other=balanced)
    words = " ".join(verdict(found))
    assert "accuracy 0.90 (too few to tell), chance 0.85" in words
    assert "ALL has 1 source; MM has 5 sources" in words
    assert "Mean colour alone: 0.80 (too few to tell)" in words
    assert "chance:" not in words  # that an interval includes it
    rows = score_rows(found)
    assert [text for _, text, _ in rows] == ["0.95 (too few to tell)", "0.90 (too few to tell)"]
    assert not any(end in f"{words} {rows}" for end in ("0.31", "0.71", "0.99"))


def test_of_uneven_classes_the_balanced_accuracy_comes_first():
    often = {"accuracy": Score(0.9, 0.8, 0.95, 0.9)}
    said = verdict(evaluation(**often, balanced_accuracy=Score(0.5, 0.3, 0.7, 0.5)))
    assert said[0].startswith("Held-out balanced accuracy 0.50 (0.30 to 0.70), chance 0.50; acc")
    assert "may be luck" in said[1]
    even = {"accuracy": Score(0.9, 0.8, 0.95, 0.5)}
    said = verdict(evaluation(**even, balanced_accuracy=Score(0.9, 0.8, 0.95, 0.5)))
    assert said[0].startswith("Held-out accuracy 0.90")


@pytest.mark.parametrize(
    ("properties", "first"),
    [
        (("camera",), "Class and camera go together in this set (Cramér's V 0.93): "),
        (("acquisition", "size"), "Class, acquisition and image size go together in this set"),
        (("format",), "Class and file format go together in this set"),
    ],
)
def test_what_the_data_cannot_show_is_said_before_the_number(properties, first):
    confounding = Confounding(properties, 0.931, 1e-9)
    said = verdict(evaluation(score(1, 0.72, 1)), confounding)
    assert said[0].startswith(first)
    assert said[0].endswith(": 1.00 says nothing about other microscopes.")
    assert said[1].startswith("Held-out accuracy 1.00")
    uneven = {"accuracy": Score(0.9, 0.8, 0.95, 0.9)}
    uneven |= {"balanced_accuracy": Score(0.5, 0.3, 0.7, 0.5)}
    assert ": 0.50 says nothing" in verdict(evaluation(**uneven), confounding)[0]
    first, second = verdict(None, confounding)
    assert "a score says nothing" in first
    assert second.startswith("Not measured")
