"""The table that the parts of "Annotate cells" share: which cell is which, and what counts."""

import numpy as np
import pandas as pd
import pytest

from napari_marrow.data.project.annotations import Annotations, ClassColour, Given, Place
from napari_marrow.learning.annotating.cells import (
    CellAnswers,
    MeasuredCells,
    MeasuredField,
    class_names,
)

CLASSES = (ClassColour("ALL", "#E69F00"), ClassColour("MM", "#009E73"))


def field(numbers, acquisition=""):
    table = pd.DataFrame({"index": numbers, "y": 1.0, "x": 2.0, "area_px": np.arange(len(numbers))})
    return MeasuredField(table, np.array([[10 * k, k] for k in numbers]), acquisition)


@pytest.fixture
def cells():
    return MeasuredCells.of({"a/1.bmp": field([1, 4]), "a/2.bmp": field([4, 7, 9], "b")})


def test_a_cell_is_found_by_its_field_and_number(cells):
    assert len(cells) == 5
    assert cells.rows_of("a/2.bmp").tolist() == [2, 3, 4]
    assert cells.rows_of("a/3.bmp").size == 0
    assert [cells.row_of("a/1.bmp", 4), cells.row_of("a/2.bmp", 4)] == [1, 2]
    assert cells.row_of("a/1.bmp", 7) is None
    assert cells.place(3) == Place("a/2.bmp", 70, 7)
    assert cells.acquisitions.tolist() == ["", "", "b", "b", "b"]
    assert [*cells.features] == ["area_px"]


def test_a_field_without_cells_has_no_rows(cells):
    joined = MeasuredCells.of({"empty": field([]), "a/1.bmp": field([3])})
    assert joined.rows_of("empty").size == 0
    assert joined.rows_of("a/1.bmp").tolist() == [0]


def test_what_was_given_counts_before_what_a_model_answers(cells):
    first, second, away = Place("a/1.bmp", 0, 0), Place("a/2.bmp", 5, 5), Place("a/9.bmp", 5, 5)
    kept = {
        first: Given("ALL"),
        second: Given("MM", "dcnn"),
        away: Given("ALL"),
        Place("a/2.bmp", 6, 6): Given("of no key"),
    }
    numbers = {first: 4, second: 9, away: 4, Place("a/2.bmp", 6, 6): 7}
    answers = CellAnswers.unanswered(cells, Annotations(CLASSES, kept), numbers)
    assert answers.given.tolist() == [-1, 0, -1, -1, 1]
    assert answers.origins.tolist() == ["", "person", "", "", "dcnn"]
    assert answers.final.tolist() == [-1, 0, -1, -1, 1]
    assert np.isnan(answers.top).all()
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [np.nan, np.nan], [1.0, 0.0]])
    reasons = np.array(["", "low probability", "low probability", "", ""])
    asked = CellAnswers(
        cells, answers.classes, answers.given, answers.origins, "dcnn", probabilities, reasons
    )
    assert asked.answers.tolist() == [0, 1, 1, -1, 0]
    assert asked.final.tolist() == [0, 0, 1, -1, 1]
    assert asked.uncertain.tolist() == [False, False, True, False, False]
    np.testing.assert_array_equal(asked.top, [0.9, 0.8, 0.6, np.nan, 1.0])
    assert class_names(asked.final, asked.classes).tolist() == ["ALL", "ALL", "MM", "", "MM"]


def test_of_joined_cells_the_class_given_last_counts(cells):
    early, late = Place("a/1.bmp", 0, 0), Place("a/1.bmp", 3, 3)
    annotations = Annotations(CLASSES, {early: Given("ALL"), late: Given("MM")})
    answers = CellAnswers.unanswered(cells, annotations, {early: 1, late: 1})
    assert answers.given.tolist() == [1, -1, -1, -1, -1]
