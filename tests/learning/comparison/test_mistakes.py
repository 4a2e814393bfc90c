"""Reasons of mistakes: other models are asked about the same copy, in the same repeat."""

import pandas as pd

from napari_marrow.learning.comparison.mistakes import with_reasons


def answers(model, rows):
    """A row an answer: image, repeat, and the probability of ALL; copies are one below another."""
    table = pd.DataFrame(rows, columns=["image", "repeat", "probability_ALL"])
    table["probability_MM"] = 1 - table["probability_ALL"]
    said = (table["probability_ALL"] < 0.5).map({True: "MM", False: "ALL"})
    return table.assign(**{"class": "ALL"}, index=0, predicted=said, model=model)


def reasons(own, *others):
    return with_reasons(own, others)["reason"].tolist()


def test_other_models_are_asked_about_the_same_copy():
    """Of the third of four copies both are wrong; over all copies the forest's mean is right."""
    own = answers("svm", [("a.png", 1, p) for p in (0.9, 0.8, 0.1, 0.9)])
    other = answers("forest", [("a.png", 1, p) for p in (0.9, 0.9, 0.3, 0.9)])
    assert reasons(own, other) == ["answered wrong by forest, too"]
    mirrored = other.iloc[[0, 1, 3, 2]]
    assert reasons(own, mirrored) == ["answered right by forest"]


def test_other_models_are_asked_in_the_same_repeat():
    own = answers("svm", [("a.png", 1, 0.9), ("a.png", 2, 0.1)])
    other = answers("forest", [("a.png", 1, 0.1), ("a.png", 2, 0.95)])
    assert reasons(own, other) == ["answered right by forest"]
    swapped = answers("forest", [("a.png", 1, 0.95), ("a.png", 2, 0.1)])
    assert reasons(own, swapped, other) == ["answered right by forest"]
    assert reasons(own, swapped) == ["answered wrong by forest, too"]


def test_a_model_that_was_not_asked_is_not_named():
    own = answers("svm", [("a.png", 1, 0.1), ("b.png", 1, 0.45)])
    other = answers("forest", [("a.png", 1, 0.8)])
    assert reasons(own, other) == ["answered right by forest", "low probability"]
    assert reasons(own.iloc[:0], other) == []
