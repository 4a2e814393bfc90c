"""Cells are asked about one after the other, and answered by key."""

import numpy as np
import pytest

from annotated_stack import COLUMNS
from napari_marrow.data.project.annotations import PERSON
from napari_marrow.learning.annotating.chosen import Chosen
from napari_marrow.viewer.annotating.keys import bind_class_keys
from napari_marrow.viewer.annotating.open_project import open_project_of
from napari_marrow.viewer.make.answers import ASKED_ABOUT


@pytest.fixture
def questions(live, viewer, qtbot):
    """What is asked about the cells, with three of each class given."""
    live.give([0, 1, 2], "ALL")
    live.give([6, 7, 8], "MM")
    qtbot.waitUntil(lambda: live.answers.model != "")
    project = open_project_of(viewer)
    project.set_live(live)
    image = viewer.layers["stack"]
    bind_class_keys(live, image, live.session.layer_of(image))
    yield project.questions
    project.set_live(None)


def press(live, viewer, key):
    layer = live.session.layer_of(viewer.layers["stack"])
    found = [action for binding, action in layer.keymap.items() if str(binding) == key]
    found[0](layer)


def asked(questions, qtbot, after=None):
    qtbot.waitUntil(lambda: questions.question not in (None, after))
    return questions.question


def given(live):
    return [*live.session.annotations.cells.values()]


def row_of(live, question):
    return live.answers.cells.row_of(question.field, question.index)


def test_a_key_answers_and_goes_on_and_why_is_kept(questions, live, viewer, qtbot):
    press(live, viewer, "N")
    first = asked(questions, qtbot)
    row = row_of(live, first)
    place = live.answers.cells.places[row]
    assert viewer.dims.current_step[0] == live.answers.cells.field[row]
    np.testing.assert_allclose(viewer.camera.center[-2:], place)
    frame = np.asarray(viewer.layers["stack classes"].data[live.answers.cells.field[row]])
    assert (frame == ASKED_ABOUT).any()
    assert "says" in questions.text
    viewer.cursor.position = (0, 0, 0)  # over no cell
    press(live, viewer, "2")
    assert given(live)[-1].class_name == "MM"
    assert given(live)[-1].asked == first.why != ""
    second = asked(questions, qtbot, first)
    assert second != first
    assert len(given(live)) == 7


def test_without_going_on_an_answer_ends_it(questions, live, viewer, qtbot):
    questions.go_on = False
    questions.ask()
    asked(questions, qtbot)
    press(live, viewer, "1")
    assert questions.question is None
    assert questions.text == ""
    assert not (np.asarray(viewer.layers["stack classes"].data) == ASKED_ABOUT).any()


def test_space_gives_what_the_model_says_with_its_name(questions, live, viewer, qtbot):
    questions.ask()
    question = asked(questions, qtbot)
    answer = live.answers.classes[live.answers.answers[row_of(live, question)]]
    press(live, viewer, "Space")
    one = given(live)[-1]
    assert (one.class_name, one.who, one.asked) == (answer, live.answers.model, question.why)


def test_zero_or_another_n_passes_over_a_cell(questions, live, viewer, qtbot):
    questions.ask()
    seen = [asked(questions, qtbot)]
    for key in ("0", "N"):
        press(live, viewer, key)
        seen.append(asked(questions, qtbot, seen[-1]))
    assert len({(x.field, x.index) for x in seen}) == 3
    assert len(given(live)) == 6


def test_keys_act_on_the_pointed_cell_where_the_asked_one_is_not_seen(
    questions, live, viewer, qtbot
):
    questions.ask()
    question = asked(questions, qtbot)
    other = next(k for k in np.flatnonzero(live.answers.given == -1) if k != row_of(live, question))
    field = live.answers.cells.field[other]
    viewer.dims.set_point(0, int(field))
    viewer.camera.center = (0, 10_000, 10_000)
    viewer.cursor.position = (field, *live.answers.cells.places[other])
    press(live, viewer, "2")
    assert questions.question == question
    assert given(live)[-1].asked == ""
    assert len(given(live)) == 7


@pytest.mark.parametrize("why", ["again", "random"])
def test_where_the_answer_is_to_be_ones_own_nothing_hints_at_it(
    questions, live, viewer, qtbot, why
):
    row, place = 1, tuple(live.answers.cells.places[1])
    painted = live.session.layer_of(viewer.layers["stack"]).data
    assert painted[(0, *place)] == 1
    questions.show(Chosen("stack 0", 2, why, "why"), lambda: None, "")
    assert painted[(0, *place)] == 0
    assert questions.text == "Why."
    press(live, viewer, "Space")
    assert questions.question is not None  # a key has to be pressed
    assert live.answers.given[row] == 0
    press(live, viewer, "2")
    assert painted[(0, *place)] == 2
    assert given(live)[-1].asked == why
    assert given(live)[-1].who == PERSON


def test_stopping_shows_the_class_again(questions, live, viewer):
    place = (0, *live.answers.cells.places[1])
    painted = live.session.layer_of(viewer.layers["stack"]).data
    questions.show(Chosen("stack 0", 2, "again", "why"), lambda: None, "")
    questions.stop()
    assert painted[place] == 1
    assert questions.question is None
    assert live.session.annotations.counts == {"ALL": 3, "MM": 3}


def test_doubtful_cells_come_one_after_the_other_and_can_be_kept(questions, live, viewer):
    doubts = [
        Chosen("stack 0", 2, "doubtful", "given ALL", "MM"),
        Chosen("stack 0", 8, "doubtful", "given MM", "ALL"),
    ]
    questions.ask_doubtful(doubts)
    assert questions.text == "Given ALL."
    assert viewer.dims.current_step[0] == 0
    questions.keep()
    assert [(x.class_name, x.asked) for x in given(live)][-1] == ("ALL", "doubtful")
    assert questions.question == doubts[1]
    press(live, viewer, "Space")
    assert [(x.class_name, x.asked) for x in given(live)][-1] == ("ALL", "doubtful")
    assert questions.question is None


def test_a_doubted_class_can_be_taken_away(questions, live, viewer):
    questions.ask_doubtful([Chosen("stack 0", 2, "doubtful", "given ALL", "MM")])
    press(live, viewer, "0")
    assert live.session.annotations.counts == {"ALL": 2, "MM": 3}


def test_once_all_have_a_class_it_says_so(questions, live, viewer, qtbot):
    live.give(range(3 * 2 * COLUMNS), "MM")
    questions.ask()
    qtbot.waitUntil(lambda: "All cells have a class" in str(viewer.status))
    assert questions.question is None
