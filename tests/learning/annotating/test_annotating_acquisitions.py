"""Acquisitions of annotated fields: named, guessed, or one where class goes with them."""

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import RobustScaler

from napari_marrow.data.project.annotations import Annotations, ClassColour, Given
from napari_marrow.learning.annotating.acquisitions import (
    GOES_WITH_CLASS,
    guess_acquisitions,
    together_where_confounded,
)
from napari_marrow.learning.annotating.cells import CellAnswers, MeasuredCells, MeasuredField

PINK, BLUE = np.array([235.0, 215, 225]), np.array([200.0, 215, 240])
CLASSES = (ClassColour("ALL", "#E69F00"), ClassColour("MM", "#009E73"))


def field(acquisition="", background=None, shift=0.0, n=20, seed=0):
    values = np.random.default_rng(seed).normal(shift, 1, (n, 3))
    keys = {"index": np.arange(1, n + 1), "y": 0.0, "x": 0.0}
    table = pd.DataFrame(values, columns=["a", "b", "c"]).assign(**keys)
    places = np.stack([np.arange(n), np.zeros(n, int)], axis=1)
    return MeasuredField(table, places, acquisition, background)


def test_two_backgrounds_are_two_acquisitions():
    rng = np.random.default_rng(0)
    colours = [colour + rng.normal(0, 0.5, 3) for colour in [PINK] * 8 + [BLUE] * 8]
    found = guess_acquisitions([field(background=colour) for colour in colours])
    assert len(set(found[:8])) == len(set(found[8:])) == 1
    assert found[0] != found[8]
    assert guess_acquisitions([field(background=x) for x in colours[:8]]) == [""] * 8


def test_names_of_a_table_count_before_what_is_guessed():
    fields = [field("monday", PINK)] * 8 + [field("tuesday", PINK)] * 8
    assert guess_acquisitions(fields) == ["monday"] * 8 + ["tuesday"] * 8


def test_fields_whose_background_is_not_seen_are_one():
    assert guess_acquisitions([field(), field()]) == ["", ""]


@pytest.fixture
def cells():
    parts = {"a.bmp": field("a", shift=0, seed=1), "b.bmp": field("b", shift=50, seed=2)}
    return MeasuredCells.of(parts)


def given(cells, rows):
    places = {cells.place(row): Given(name) for row, name in rows.items()}
    numbers = {cells.place(row): int(cells.index[row]) for row in rows}
    return CellAnswers.unanswered(cells, Annotations(CLASSES, places), numbers)


def test_where_class_and_acquisition_go_together_all_cells_are_standardised_as_one(cells):
    apart = given(cells, {k: "ALL" for k in range(6)} | {k: "MM" for k in range(20, 26)})
    found, sentence = together_where_confounded(apart)
    assert sentence == GOES_WITH_CLASS
    raw = cells.features.to_numpy()
    expected = RobustScaler(unit_variance=True).fit_transform(raw)
    np.testing.assert_allclose(found.cells.values, expected)
    assert (found.cells.values[:20].mean(0) < found.cells.values[20:].mean(0) - 1).all()


def test_where_both_classes_are_in_both_each_is_standardised_by_its_own(cells):
    rows = {k: ("ALL", "MM")[k % 2] for k in [*range(8), *range(20, 28)]}
    found, sentence = together_where_confounded(given(cells, rows))
    assert sentence == ""
    assert found.cells is cells
    assert np.abs(np.median(found.cells.values[20:], axis=0)).max() < 1e-9


def test_of_one_class_nothing_is_said(cells):
    found, sentence = together_where_confounded(given(cells, {0: "ALL", 20: "ALL"}))
    assert (found.cells, sentence) == (cells, "")
