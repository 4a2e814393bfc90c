"""The fair estimate: scikit-learn's cross-validation by field, on the cells drawn at random."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict

from napari_marrow.learning.annotating.cross_validated import cross_validate
from napari_marrow.learning.annotating.estimate import ONE_FIELD, fair_estimate
from napari_marrow.learning.annotating.live import UNKNOWN


def drawn_of(known, every=3):
    rows = np.flatnonzero(known.given != UNKNOWN)[::every]
    found = np.zeros(len(known.cells), bool)
    found[rows] = True
    return found


def test_it_is_the_score_of_models_without_the_field(make_known):
    known, _ = make_known(gap=1.5)
    drawn = drawn_of(known)
    found = fair_estimate(known, cross_validate(known), drawn)
    rows = known.given != UNKNOWN
    answers = cross_val_predict(
        LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[0.5, 0.5]),
        known.cells.values[rows],
        known.given[rows],
        groups=known.cells.field[rows],
        cv=LeaveOneGroupOut(),
    )
    truth, own = known.given[rows], drawn[rows]
    scores = found.evaluation.metrics
    expected = balanced_accuracy_score(truth[own], answers[own])
    assert 0.6 < expected < 1
    assert scores["balanced_accuracy"].estimate == pytest.approx(expected)
    assert scores["accuracy"].estimate == pytest.approx(accuracy_score(truth[own], answers[own]))
    assert found.evaluation.units == found.drawn == own.sum()
    assert found.evaluation.classes == ("ALL", "MM")  # of the third no cell was given
    assert found.errors.confusion == tuple(
        map(tuple, confusion_matrix(truth[own], answers[own]).tolist())
    )
    (text,) = found.sentences
    assert f"{own.sum()} cells drawn at random in 8 fields" in text
    assert "too few" not in text


def test_of_cells_that_were_chosen_nothing_is_scored(make_known):
    known, _ = make_known()
    found = fair_estimate(known, cross_validate(known), np.zeros(len(known.cells), bool))
    assert found.evaluation is None
    assert "not known yet" in found.sentences[0]


def test_few_fields_are_too_few_to_tell(make_known):
    known, _ = make_known(fields=3)
    (text,) = fair_estimate(known, cross_validate(known), drawn_of(known)).sentences
    assert "(too few to tell)" in text


def test_of_one_field_it_says_so_plainly(make_known):
    known, _ = make_known(fields=1, size=60)
    answers = cross_validate(known)
    assert not answers.by_field
    found = fair_estimate(known, answers, drawn_of(known))
    assert found.sentences[-1] == ONE_FIELD
    assert "too few to tell" in found.sentences[0]
    assert found.errors is None  # they say nothing about other fields


def test_a_class_of_one_field_is_not_judged(make_known):
    known, _ = make_known(fields=4)
    given = known.given.copy()
    own = known.cells.rows_of("2.bmp")
    given[own[given[own] != UNKNOWN][:4]] = 2
    known = replace(known, given=given)
    answers = cross_validate(known)
    assert not np.isin(own, answers.rows).any()
    found = fair_estimate(known, answers, drawn_of(known))
    assert 0 < found.n_left_out < found.drawn
    assert "not judged" in found.sentences[1]


def test_more_fields_than_folds_leave_several_out(make_known):
    known, _ = make_known(fields=14, size=10)
    answers = cross_validate(known)
    assert answers.by_field
    assert len(answers.rows) == np.count_nonzero(known.given != UNKNOWN)
    table = answers.table(known)
    assert (table["source"] == table["image"]).all()
    rows = [known.cells.row_of(x, n) for x, n in zip(table["image"], table["index"], strict=True)]
    assert rows == answers.rows.tolist()
