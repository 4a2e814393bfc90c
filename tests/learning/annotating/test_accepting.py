"""Accepted are certain answers for cells without a class, and no others."""

from dataclasses import replace

import numpy as np

from napari_marrow.learning.annotating.accepting import (
    AcceptSettings,
    acceptable,
    accepting_in_words,
)


def test_certain_answers_for_cells_without_a_class_are_accepted(make_known):
    known, _ = make_known(fields=1, size=6, every=1)
    probabilities = np.array(
        [[1, 0, 0], [0.95, 0.05, 0], [0.94, 0.06, 0], [0, 1, 0], [0, 0.97, 0.03], [np.nan] * 3]
    )
    known = replace(
        known,
        given=np.array([0, -1, -1, -1, -1, -1]),
        probabilities=probabilities,
        reasons=np.array(["", "", "", "low probability", "", ""]),
    )
    rows = acceptable(known, AcceptSettings())
    assert rows.tolist() == [1, 4]
    text = accepting_in_words(known, rows)
    assert "2 answers" in text
    assert "now: ALL 1;" in text
    assert "then: ALL 2, MM 1." in text
    assert acceptable(known, AcceptSettings(probability=0.5)).tolist() == [1, 2, 4]
    nothing = acceptable(known, AcceptSettings(probability=1.0))
    assert "the surest has 1.00" in accepting_in_words(known, nothing)  # but it is uncertain
    given = replace(known, given=np.zeros(6, int))
    assert "No cell without a class" in accepting_in_words(given, nothing)
