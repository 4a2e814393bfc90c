"""Which cell is asked next: of each group, then the least margin; some at random, or again."""

from collections import Counter

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from napari_marrow.learning.annotating.asking import next_question
from napari_marrow.learning.annotating.codes import UNKNOWN
from napari_marrow.learning.annotating.live import fit_live


@pytest.fixture
def blobs():
    """Four groups of cells far apart, of two acquisitions; and their classes."""
    centres = [[0, 0], [30, 0], [0, 30], [30, 30]]
    values, groups = make_blobs([40, 30, 20, 10], centers=centres, cluster_std=1, random_state=0)
    return values, groups, np.where(np.arange(100) % 2, "a", "b")


def ask(values, places, truth, count, n_classes):
    """Ask so many questions, and answer each; the questions, and what was given."""
    given, asked = np.full(len(values), UNKNOWN), []
    for _ in range(count):
        live = fit_live(values, given)
        question = next_question(values, places, given, n_classes, live, asked)
        if question is None:
            break
        asked.append(question)
        given[question.row] = truth[question.row]
    return asked, given


def test_typical_cells_are_of_all_groups_and_acquisitions_in_their_middle(blobs):
    values, groups, places = blobs
    asked, _ = ask(values, places, groups, 8, n_classes=4)
    assert {x.why for x in asked} == {"typical"}
    rows = [x.row for x in asked]
    assert {groups[k] for k in rows[0:8:2]} == {groups[k] for k in rows[1:8:2]} == {0, 1, 2, 3}
    assert Counter(places[rows]) == {"a": 4, "b": 4}
    for k in rows:
        own = values[(groups == groups[k]) & (places == places[k])]
        away = np.linalg.norm(own - own.mean(axis=0), axis=1)
        assert np.linalg.norm(values[k] - own.mean(axis=0)) <= np.quantile(away, 0.5)
    assert groups[rows[0]] == 0  # the largest first


def test_then_the_least_margin_of_the_class_with_fewest_cells(blobs):
    values, groups, places = blobs
    truth = (groups > 1).astype(int)
    given = np.full(100, UNKNOWN)
    given[np.flatnonzero(truth == 0)[:6]] = 0
    given[np.flatnonzero(truth == 1)[:4]] = 1
    live = fit_live(values, given)
    question = next_question(values, places, given, 2, live, [])
    assert question.why == "margin"
    open_rows = np.flatnonzero((given == UNKNOWN) & (live.answers == 1))
    assert question.row == open_rows[np.argmin(live.margins[open_rows])]


def test_every_tenth_is_drawn_and_one_in_twenty_asked_before(blobs):
    values, groups, places = blobs
    asked, _ = ask(values, places, (groups > 1).astype(int), 80, n_classes=2)
    whys = [x.why for x in asked]
    assert [k + 1 for k, why in enumerate(whys) if why == "random"] == [*range(10, 90, 10)]
    assert [k + 1 for k, why in enumerate(whys) if why == "again"] == [25, 45, 65]
    before = [x.row for x in asked]
    again = [before[k] for k in (24, 44, 64)]
    assert len(set(again)) == 3
    for k in (24, 44, 64):
        assert before[k] in before[: k - 10]
    assert len(set(before)) == 77


def test_random_ones_are_of_all_that_have_no_class(blobs):
    """Over many seeds each is drawn as often, the typical and the odd."""
    values, groups, places = blobs
    given = np.full(100, UNKNOWN)
    given[::2] = groups[::2]
    nine = ask(values, places, groups, 9, 4)[0]
    drawn = [next_question(values, places, given, 4, None, nine, seed).row for seed in range(600)]
    counts = np.bincount(drawn, minlength=100)
    assert (counts[::2] == 0).all()
    assert counts[1::2].min() >= 2  # 12 on average
    assert counts.max() <= 30


def test_all_are_asked_and_then_nothing(blobs):
    values, groups, places = (x[::5] for x in blobs)
    asked, given = ask(values, places, groups, 60, n_classes=2)
    assert (given != UNKNOWN).all()
    assert {x.row for x in asked} == set(range(20))


def test_cells_that_look_the_same_are_no_trouble():
    values, places = np.zeros((12, 3)), np.full(12, "a")
    _, given = ask(values, places, np.zeros(12, int), 30, n_classes=2)
    assert (given == 0).all()


def test_the_same_questions_come_again(blobs):
    values, groups, places = blobs
    assert ask(values, places, groups, 12, 4)[0] == ask(values, places, groups, 12, 4)[0]
