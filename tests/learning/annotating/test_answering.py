"""Answers of the live model for all cells: how sure it may be, and where it is to be doubted."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist

from napari_marrow.learning.annotating.answering import (
    check_live,
    softened,
    with_live_answers,
)
from napari_marrow.learning.annotating.cells import CellAnswers, MeasuredCells, MeasuredField


def cells_of(values, acquisitions=("a",)):
    parts = np.array_split(np.asarray(values), len(acquisitions))
    fields = {}
    for k, (part, acquisition) in enumerate(zip(parts, acquisitions, strict=True)):
        table = pd.DataFrame(part, columns=[f"f{x}" for x in range(part.shape[1])])
        keys = {"index": np.arange(1, len(part) + 1), "y": 0.0, "x": 0.0}
        places = np.zeros((len(part), 2), np.intp)
        fields[f"{k}.bmp"] = MeasuredField(table.assign(**keys), places, acquisition)
    return MeasuredCells.of(fields)


def given_to(cells, given):
    n = len(cells)
    nothing = np.full((n, 2), np.nan)
    return CellAnswers(
        cells, ("ALL", "MM"), np.array(given), np.full(n, ""), "", nothing, np.full(n, "")
    )


@pytest.fixture
def two_groups():
    """200 cells of two classes, far apart; the last two are like neither."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(202, 4))
    values[::2, 0] += 8
    values[200:] = [[0, 60, -60, 0], [4, -60, 60, 60]]
    return values


def test_no_answer_is_surer_than_the_rule_of_succession(two_groups):
    cells = cells_of(two_groups)
    for n_each in (2, 5, 20):
        given = np.full(202, -1)
        given[: 2 * n_each] = np.arange(2 * n_each) % 2
        found = with_live_answers(given_to(cells, given))
        assert found.top.max() == pytest.approx((n_each + 1) / (n_each + 2), abs=1e-3)
        np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)
        assert n_each == 2 or (found.answers[:200] == np.arange(200) % 2).mean() > 0.95


def test_answers_accepted_together_make_the_model_no_surer(two_groups):
    """Nor do they change what it learns, where the half of them is wrong."""
    cells = cells_of(two_groups)
    given = np.full(202, -1)
    given[:8] = np.arange(8) % 2
    before = given_to(cells, given)
    expected = with_live_answers(before, check_live(before))
    unseen = given == -1
    given[unseen] = np.arange(unseen.sum()) // 2 % 2
    accepted = replace(given_to(cells, given), unseen=unseen)
    found = with_live_answers(accepted, check_live(accepted))
    np.testing.assert_array_equal(found.probabilities, expected.probabilities)
    assert check_live(accepted).temperature == check_live(before).temperature
    assert found.top.max() <= 5 / 6


def test_softened_probabilities_keep_their_order():
    probabilities = np.random.default_rng(0).dirichlet([1, 1, 1], 50)
    found = softened(probabilities, 0.7)
    np.testing.assert_array_equal(np.argsort(found.ravel()), np.argsort(probabilities.ravel()))
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert softened(np.eye(3), 0.7)[0].tolist() == pytest.approx([0.7, 0.15, 0.15])
    np.testing.assert_allclose(softened(np.eye(3), 0.1), 1 / 3)  # never below chance


def test_cells_like_no_class_are_told_once_enough_have_one(two_groups):
    cells = cells_of(two_groups)
    given = np.full(202, -1)
    given[:18] = np.arange(18) % 2
    few = given_to(cells, given)
    assert not check_live(few).unlike.any()
    given[:100] = np.arange(100) % 2
    unanswered = given_to(cells, given)
    checked = check_live(unanswered)
    assert checked.unlike[200:].all()
    assert checked.unlike[100:200].mean() < 0.15
    found = with_live_answers(unanswered, checked)
    assert all("unlike every class" in x for x in found.reasons[200:])
    nearest = cdist(cells.values[200:], cells.values[:100]).min(axis=1)
    assert (nearest > cdist(cells.values[100:200], cells.values[:100]).min(axis=1).max()).all()
    assert not any("unlike" in x for x in with_live_answers(unanswered).reasons)


def test_where_classes_can_not_be_told_apart_answers_are_near_chance():
    values = np.random.default_rng(1).normal(size=(200, 5))
    given = np.full(200, -1)
    given[:80] = np.random.default_rng(2).integers(0, 2, 80)
    unanswered = given_to(cells_of(values), given)
    raw, found = (
        with_live_answers(unanswered),
        with_live_answers(unanswered, check_live(unanswered)),
    )
    assert check_live(unanswered).temperature > 2
    assert np.median(found.top) < np.median(raw.top)
    assert (found.reasons == "low probability").mean() > 0.8


def test_answers_for_an_acquisition_without_a_class_are_doubted(two_groups):
    cells = cells_of(two_groups[:200], ("a", "b"))
    given = np.full(200, -1)
    given[:20] = np.arange(20) % 2
    found = with_live_answers(given_to(cells, given))
    assert all("other acquisition" in x for x in found.reasons[100:])
    assert not any("other acquisition" in x for x in found.reasons[:100])
    given[100] = 0
    assert not any("acquisition" in x for x in with_live_answers(given_to(cells, given)).reasons)


@pytest.mark.parametrize("given", [[-1] * 4, [0, -1, -1, -1], [0, 1, -1, -1], [0, 0, 0, -1]])
def test_of_too_few_there_is_no_answer(given):
    unanswered = given_to(cells_of(np.eye(4)), given)
    assert with_live_answers(unanswered) is unanswered
    assert check_live(unanswered) is None
