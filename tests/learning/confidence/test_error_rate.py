"""The smallest probability of an unmarked answer, by hand and in simulated studies."""

import numpy as np
import pytest

from napari_marrow.learning.confidence.calibration import apply_temperature
from napari_marrow.learning.confidence.error_rate import (
    MIN_PROBABILITY,
    UNKNOWN,
    Confidence,
    enough_units,
    large_groups,
    min_probability,
)


def test_the_most_certain_wrong_answers_that_are_too_many_are_marked():
    # of 40 answers 5 % are allowed: (2 - 1) wrong ones, as 0.05 * 41 = 2.05
    top = np.linspace(0.61, 1.0, 40)
    is_wrong = np.isin(np.arange(40), [10, 20, 30])
    below = min_probability(top, is_wrong, 0.05)
    assert top[20] < below < top[21]
    assert (is_wrong & (top >= below)).sum() == 1
    assert min_probability(top, is_wrong, 0.1) == MIN_PROBABILITY  # 4.1: three are allowed


def test_few_answers_and_right_ones_change_nothing():
    assert enough_units(0.05) == 19
    assert enough_units(0.1) == 9
    wrong = np.ones(18, bool)
    assert min_probability(np.full(18, 0.9), wrong, 0.05) == MIN_PROBABILITY
    assert min_probability(np.full(19, 0.9), np.ones(19, bool), 0.05) > 0.9
    assert min_probability(np.full(100, 0.9), np.zeros(100, bool), 0.05) == MIN_PROBABILITY


def draw(rng, count):
    """Answers right as often as their probability, which goes from a half to 1."""
    top = rng.uniform(0.5, 1, count)
    truth = (rng.random(count) > top).astype(int)
    return np.stack([top, 1 - top], axis=1), truth


@pytest.mark.parametrize("count", [25, 100])
@pytest.mark.parametrize("max_error", [0.05, 0.1])
def test_new_answers_keep_to_the_error_on_average(count, max_error):
    rng, errors = np.random.default_rng(0), []
    for _ in range(400):
        answers, truth = draw(rng, count)
        below = min_probability(answers.max(axis=1), answers.argmax(axis=1) != truth, max_error)
        answers, truth = draw(rng, 400)
        kept = answers.max(axis=1) >= below
        errors.append((kept & (answers.argmax(axis=1) != truth)).mean())
    assert np.mean(errors) <= max_error + 3 * np.std(errors) / 20


def test_what_it_costs_is_told():
    answers, truth = draw(np.random.default_rng(1), 200)
    found = Confidence.of_answers(answers, truth, 0.05)
    kept = answers.max(axis=1) >= found.abstain_below
    assert found.coverage == pytest.approx(kept.mean(), abs=0.02)  # the temperature moves it
    assert 0 < found.error <= 0.05
    assert found.holds
    assert f"{1 - found.coverage:.0%}" in found.sentence("here")
    few = Confidence.of_answers(answers[:12], truth[:12], 0.05)
    assert not few.holds
    assert "19" in few.sentence("here")
    assert UNKNOWN.sentence("here") == ""


def test_the_error_is_kept_to_in_each_group():
    answers, truth = draw(np.random.default_rng(2), 300)
    truth[200:] = 1 - (np.arange(100) % 5 > 0)  # the last third is wrong in one of five
    groups = np.repeat(["a", "b", "c"], 100)
    found = Confidence.of_answers(answers, truth, 0.05, groups)
    together = Confidence.of_answers(answers, truth, 0.05)
    assert found.temperature == together.temperature
    assert found.abstain_below > together.abstain_below
    top = apply_temperature(answers, found.temperature).max(axis=1)
    alone = [
        min_probability(top[groups == g], (answers.argmax(axis=1) != truth)[groups == g], 0.05)
        for g in "abc"
    ]
    assert found.abstain_below == max(alone)
    assert (found.units, found.smallest_group) == (300, 100)
    kept = top >= found.abstain_below
    assert found.coverage == kept.mean()
    assert found.error == (kept & (answers.argmax(axis=1) != truth)).mean()


def test_groups_in_which_one_wrong_answer_would_decide_are_one():
    """At 5 % it takes 19 answers; of 39 one may be wrong."""
    names = np.repeat(["a", "b", "c", "d"], [39, 38, 60, 2])
    found = large_groups(names, 0.05)
    assert found.tolist() == ["a"] * 39 + [""] * 38 + ["c"] * 60 + [""] * 2
    few = large_groups(names[names != "d"], 0.05)
    assert few.tolist() == ["a"] * 39 + ["c"] * 98  # those of b belong to the largest
