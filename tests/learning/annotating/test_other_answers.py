"""Answers of a trained model: of which cells and classes they are, as these change."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from napari_marrow.learning.annotating.cells import CellAnswers, MeasuredCells, MeasuredField
from napari_marrow.learning.annotating.other_answers import (
    CHANGED,
    NOT_LISTED,
    OtherAnswers,
    changed_in_words,
    with_other_answers,
)


@pytest.fixture
def known():
    """Two fields with two cells each."""
    table = pd.DataFrame({"index": [1, 2], "y": 0.0, "x": 0.0, "size": 1.0})
    places, checksums = np.zeros((2, 2), np.intp), np.array([11, 12])
    names = ("0.bmp", "1.bmp")
    cells = MeasuredCells.of({x: MeasuredField(table, places, checksums=checksums) for x in names})
    none, nothing = np.full(4, ""), np.full((4, 2), np.nan)
    return CellAnswers(cells, ("ALL", "MM"), np.full(4, -1), none, "", nothing, none)


def other(classes, probabilities, cells=(("0.bmp", 1), ("1.bmp", 2)), checksums=None):
    fields, index = (np.array(x) for x in zip(*cells, strict=True))
    reasons = np.full(len(index), "", object)
    reasons[0] = "low probability"
    return OtherAnswers(
        "dcnn", classes, fields, index, np.array(probabilities), reasons.astype(str), checksums
    )


def test_answers_go_to_their_cells(known):
    """The classes have another order there, and one field is not open here."""
    cells = [("1.bmp", 2), ("0.bmp", 1), ("7.bmp", 1)]
    asked = other(("MM", "ALL"), [[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]], cells)
    found = with_other_answers(known, asked)
    assert found.answers.tolist() == [0, -1, -1, 1]
    assert found.top[[0, 3]].tolist() == pytest.approx([0.8, 0.9])
    assert found.reasons.tolist() == ["", CHANGED, CHANGED, "low probability"]
    assert found.model == "dcnn"


def test_fields_that_the_model_did_not_see_have_no_answer_and_no_reason(known):
    found = with_other_answers(
        known, other(("ALL", "MM"), [[1.0, 0], [0, 1.0]], [("0.bmp", 1), ("0.bmp", 2)])
    )
    assert found.answers.tolist() == [0, 1, -1, -1]
    assert found.reasons.tolist() == ["low probability", "", "", ""]


def test_a_class_that_is_not_listed_is_counted_as_no_other(known):
    asked = other(("ALL", "blast"), [[0.01, 0.99], [0.6, 0.4]])
    found = with_other_answers(known, asked)
    assert found.answers.tolist() == [-1, -1, -1, 0]
    assert found.reasons[0] == NOT_LISTED
    assert found.uncertain[0]
    assert found.describe(0) == "no answer of the dcnn: a class that is not in the list"
    assert found.describe(3) == "the dcnn says ALL (60%)"


def test_a_class_may_be_called_reason(known):
    known = replace(known, classes=("reason", "MM"))
    found = with_other_answers(known, other(("reason", "MM"), [[0.75, 0.25], [0.125, 0.875]]))
    assert found.answers.tolist() == [0, -1, -1, 1]
    assert found.reasons[0] == "low probability"


def test_cells_with_other_pixels_have_no_answer_until_asked_again(known):
    cells = [("0.bmp", 1), ("0.bmp", 2), ("1.bmp", 1), ("1.bmp", 2)]
    asked = other(("ALL", "MM"), [[1.0, 0.0]] * 4, cells, np.array([11, 12, 11, 99]))
    found = with_other_answers(known, asked)
    assert found.answers.tolist() == [0, 0, 0, -1]
    assert found.reasons[3] == CHANGED
    text = "1 cell was changed since dcnn answered; choose it again under Answers by."
    assert changed_in_words(found) == text
    again = OtherAnswers.of(known, "dcnn", np.tile([1.0, 0.0], (4, 1)), np.full(4, ""))
    assert changed_in_words(with_other_answers(known, again)) == ""
