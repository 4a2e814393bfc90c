"""Which cells of a gallery are looked at, in which groups and order."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist, squareform
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.annotating.arranging import (
    NO_ANSWER,
    Arrangement,
    CellFilter,
    arranged,
    filtered,
    reasons_of,
    similar_neighbours,
)
from napari_marrow.learning.annotating.cells import CellAnswers, MeasuredCells, MeasuredField

LOW, NEITHER = "low probability", "neither"


def measured(*fields):
    """Cells of fields: for each the features of its cells."""
    found = {}
    for number, features in enumerate(fields):
        features = np.array(features, float).reshape(len(features), -1)
        table = pd.DataFrame(features).add_prefix("x")
        numbers = np.arange(1, len(table) + 1)
        table.insert(0, "index", numbers)
        table.insert(1, "y", 0.0)
        table.insert(2, "x", 0.0)
        found[f"{number}.bmp"] = MeasuredField(table, np.zeros((len(table), 2), int))
    return MeasuredCells.of(found)


@pytest.fixture
def answers():
    """Six cells of two fields: the first was given MM, the last has no answer."""
    top = [0.6, 0.9, 0.7, 0.95, 0.8, np.nan]
    codes = [0, 0, 1, 1, 0, 0]
    pairs = zip(top, codes, strict=True)
    probabilities = np.array([[p, 1 - p] if k == 0 else [1 - p, p] for p, k in pairs])
    return CellAnswers(
        measured([1, 2, 3], [10, 11, 15]),
        ("ALL", "MM"),
        np.array([1, -1, -1, -1, -1, -1]),
        np.array(["person", "", "", "", "", ""]),
        "live model",
        probabilities,
        np.array(["", "", LOW, "", NEITHER, ""]),
    )


@pytest.mark.parametrize(
    ("wanted", "rows"),
    [
        (CellFilter(), [0, 1, 2, 3, 4, 5]),
        (CellFilter(class_name="ALL"), [1, 4]),
        (CellFilter(class_name="MM"), [0, 2, 3]),
        (CellFilter(class_name="removed since"), []),
        (CellFilter(shown="without a class"), [1, 2, 3, 4, 5]),
        (CellFilter(shown="uncertain"), [2, 4]),
        (CellFilter(shown="uncertain", reason=NEITHER), [4]),
        (CellFilter(reason=NEITHER), [0, 1, 2, 3, 4, 5]),  # a reason is of uncertain cells alone
        (CellFilter(low=0.7, high=0.9), [1, 2, 4]),
        (CellFilter(low=0.1), [0, 1, 2, 3, 4]),
        (CellFilter(class_name="ALL", shown="uncertain", high=0.7), []),
    ],
)
def test_a_filter_leaves_the_cells_that_meet_all_of_it(answers, wanted, rows):
    assert filtered(answers, wanted).tolist() == rows


def test_the_reasons_that_can_be_chosen_are_those_of_uncertain_cells(answers):
    assert reasons_of(answers) == (LOW, NEITHER)


@pytest.mark.parametrize(
    ("order", "of_all", "of_mm"),
    [
        ("least certain first", [4, 1], [2, 3, 0]),
        ("most certain first", [1, 4], [0, 3, 2]),
    ],
)
def test_groups_of_a_class_are_in_order_of_certainty(answers, order, of_all, of_mm):
    groups = arranged(answers, np.arange(6), Arrangement("class", order))
    assert [(x.title, x.rows.tolist()) for x in groups] == [
        ("ALL", of_all),
        ("MM", of_mm),
        (NO_ANSWER, [5]),
    ]


def test_in_a_field_the_typical_come_first(answers):
    groups = arranged(answers, np.array([0, 1, 2, 3, 4, 5]), Arrangement("field"))
    # 2 is the mean of 1, 2, 3; 12 that of 10, 11, 15.
    assert [(x.title, x.rows.tolist()) for x in groups] == [
        ("0.bmp", [1, 0, 2]),
        ("1.bmp", [4, 3, 5]),
    ]
    (only,) = arranged(answers, np.array([3, 5]), Arrangement("field"))
    assert (only.title, only.rows.tolist()) == ("1.bmp", [3, 5])


def unanswered(cells):
    n = len(cells)
    nothing, empty = np.full((n, 0), np.nan), np.full(n, "")
    return CellAnswers(cells, (), np.full(n, -1), empty, "", nothing, empty)


@pytest.mark.parametrize("spread", [0.2, 0.6])
def test_similar_cells_are_a_group(spread):
    features, truth = make_blobs(200, 5, centers=10, cluster_std=spread, random_state=2)
    found = unanswered(measured(features))
    groups = arranged(found, np.arange(200), Arrangement(group_size=20))
    assert sorted(np.concatenate([x.rows for x in groups]).tolist()) == [*range(200)]
    assert [x.title for x in groups] == [f"Group {k}" for k in range(1, 11)]
    codes = np.empty(200, int)
    for k, group in enumerate(groups):
        codes[group.rows] = k
    assert adjusted_rand_score(truth, codes) > 0.99
    for group in groups:  # the first is nearest to the middle of its group
        own = found.cells.values[group.rows]
        distances = np.linalg.norm(own - own.mean(axis=0), axis=1)
        assert (np.diff(distances) >= 0).all()


def test_neighbouring_groups_are_similar():
    places = np.random.default_rng(0).permutation(12)[:, None].astype(float)
    order = places[similar_neighbours(places), 0]
    assert order.tolist() in ([*range(12)], [*range(11, -1, -1)])
    scattered = np.random.default_rng(1).normal(size=(30, 4))
    distances = squareform(pdist(scattered))
    found = similar_neighbours(scattered)
    length = distances[found[:-1], found[1:]].sum()
    drawn = [np.random.default_rng(k).permutation(30) for k in range(200)]
    assert length < min(distances[x[:-1], x[1:]].sum() for x in drawn)


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_few_cells_and_equal_cells_are_no_problem(count):
    values = [1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0][: max(1, count)]
    found = unanswered(measured(values))
    groups = arranged(found, np.arange(count), Arrangement(group_size=5))
    assert sorted(row for x in groups for row in x.rows.tolist()) == [*range(count)]
    assert len(groups) == (count > 0)


def test_of_more_groups_than_there_are_different_cells_none_is_empty():
    found = unanswered(measured(np.repeat([1.0, 2.0], 20)))
    groups = arranged(found, np.arange(40), Arrangement(group_size=5))
    assert sorted(len(x.rows) for x in groups) == [20, 20]


def test_no_groups_of_less_than_five():
    with pytest.raises(MarrowError, match="Cells in a group"):
        Arrangement(group_size=1).check()


def test_an_answer_with_two_reasons_is_found_by_each(answers):
    both = np.where(np.arange(len(answers.reasons)) == 4, f"{LOW}; {NEITHER}", "")
    two = replace(answers, reasons=both, given=np.full(len(both), -1))
    assert reasons_of(two) == (LOW, NEITHER)
    for reason in (LOW, NEITHER):
        assert filtered(two, CellFilter(shown="uncertain", reason=reason)).tolist() == [4]
