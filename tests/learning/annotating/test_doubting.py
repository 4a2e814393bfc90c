"""Doubted are classes that were given wrong, by a model that errs seldom."""

from dataclasses import replace

import numpy as np
import pytest

from napari_marrow.learning.annotating.codes import UNKNOWN
from napari_marrow.learning.annotating.cross_validated import cross_validate
from napari_marrow.learning.annotating.doubting import find_doubts


def test_a_class_that_was_given_wrong_is_doubted_until_it_was_looked_at(make_known):
    known, truth = make_known(gap=8)
    wrong = np.flatnonzero(known.given != UNKNOWN)[[3, 40, 77]]
    given = known.given.copy()
    given[wrong] = 1 - truth[wrong]
    known = replace(known, given=given)
    answers = cross_validate(known)
    doubts = find_doubts(known, answers)
    assert {x.row for x in doubts.found} == set(wrong.tolist())
    names = known.classes
    for one in doubts.found:
        assert one.label.given == names[given[one.row]]
        assert one.label.suggested == names[truth[one.row]]
        question = one.question
        assert known.cells.row_of(question.field, question.index) == one.row
        assert question.suggested == names[truth[one.row]]
        assert f"answers {question.suggested}" in question.reason
    left = find_doubts(known, answers, done={int(wrong[0])})
    assert {x.row for x in left.found} == set(wrong[1:].tolist())


@pytest.mark.parametrize(("gap", "fields"), [(0.0, 8), (3.0, 1)])
def test_a_model_that_guesses_has_no_say(make_known, gap, fields):
    known, _ = make_known(gap=gap, fields=fields, size=20 if fields > 1 else 6)
    doubts = find_doubts(known, cross_validate(known))
    assert not doubts.found
    assert doubts.unchecked


def test_of_one_class_nothing_is_doubted(make_known):
    known, _ = make_known()
    known = replace(known, given=np.where(known.given == 0, 0, UNKNOWN))
    assert find_doubts(known, cross_validate(known)).unchecked
