"""Rings are shown by class, certainty and probability."""

import numpy as np
import pytest

from napari_marrow.learning.annotating.other_answers import OtherAnswers
from napari_marrow.widgets.components.annotating.show_page import ShowPage


@pytest.fixture
def page(live, qtbot):
    probabilities = np.tile([0.9, 0.1], (36, 1))
    probabilities[6:] = 0.3, 0.7
    reasons = np.full(36, "", object)
    reasons[8] = "low probability"
    live.use(OtherAnswers.of(live.answers, "dcnn", probabilities, reasons.astype(str)))
    qtbot.waitUntil(lambda: live.answers.model == "dcnn")
    made = ShowPage()
    qtbot.addWidget(made)
    made.show_session(live)
    yield made
    made.show_session(None)


def ringed(viewer, live):
    """The numbers of the cells of the first field that have a ring."""
    frame = np.asarray(viewer.layers["stack classes"].data[0])
    labels = np.asarray(viewer.layers["stack nuclei"].data[0])
    return np.unique(labels[frame > 0]).tolist()


def test_all_have_a_ring_at_first(page, viewer, live):
    assert ringed(viewer, live) == [*range(1, 13)]
    assert page.count.text() == "All of 36 cells can have a ring."


def test_rings_of_one_class(page, viewer, live):
    page.filter.class_combo.setCurrentText("ALL")
    assert ringed(viewer, live) == [1, 2, 3, 4, 5, 6]
    assert page.count.text().startswith("6 of 36 cells")
    page.filter.class_combo.setCurrentText("any")
    assert ringed(viewer, live) == [*range(1, 13)]


def test_rings_of_uncertain_cells_and_of_a_range(page, viewer, live):
    page.filter.form.fields["shown"].value = "uncertain"
    assert ringed(viewer, live) == [9]
    page.filter.form.fields["shown"].value = "all cells"
    page.filter.form.fields["low"].value = 0.8
    assert ringed(viewer, live) == [1, 2, 3, 4, 5, 6]


def test_another_project_has_the_same_filter(page, viewer, live):
    page.filter.class_combo.setCurrentText("ALL")
    page.show_session(None)
    assert page.count.text() == ""
    page.show_session(live)
    live.recolour()
    assert ringed(viewer, live) == [1, 2, 3, 4, 5, 6]
