"""All cells are measured, a model follows each class, and its answers are seen as rings."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex
from napari.layers import Image
from napari.utils.colormaps import DirectLabelColormap
from qtpy.QtCore import QObject

from annotated_stack import add_stack
from napari_marrow.data.project.project import Project
from napari_marrow.learning.annotating.other_answers import CHANGED, OtherAnswers
from napari_marrow.learning.bundles.predictor import LOW_PROBABILITY
from napari_marrow.viewer.annotating.keys import bind_class_keys, cell_at_pointer
from napari_marrow.viewer.annotating.live_cells import LiveCells
from napari_marrow.viewer.annotating.session import AnnotationSession
from napari_marrow.viewer.layer_info import Kind, LayerInfo
from napari_marrow.viewer.photograph.photograph import Photograph


def rings(viewer, row):
    return np.asarray(viewer.layers["stack classes"].data[row])


def answered(live, qtbot):
    qtbot.waitUntil(lambda: live.answers.model != "")


def teach(live, qtbot):
    """Give three cells of each kind their class."""
    live.give([0, 1, 2], "ALL")
    live.give([6, 7, 8], "MM")
    answered(live, qtbot)
    qtbot.waitUntil(lambda: (live.answers.given != -1).sum() == 6)


def test_the_shown_field_is_measured_first_and_its_cells_have_all_features(live, picture):
    assert live.answers.cells.fields == ("stack 0", "stack 1", "stack 2")
    assert live.answers.cells.index.tolist() == [*range(1, 13)] * 3
    assert next(iter(live._slices))[1] == 1
    area = live.answers.cells.features["nucleus_area_px"].to_numpy()
    labels = picture(0)[1]
    assert area[:12].tolist() == np.bincount(labels.ravel())[1:].tolist()


def test_after_a_few_classes_all_other_cells_are_answered_and_ringed(live, viewer, qtbot, picture):
    assert not rings(viewer, 0).any()
    teach(live, qtbot)
    expected = np.tile(np.repeat([0, 1], 6), 3)
    assert (live.answers.answers == expected).mean() > 0.9  # of cells that nobody gave a class
    sure = (live.answers.answers == 0) & (live.answers.reasons == "")
    row = int(np.flatnonzero(sure & (live.answers.cells.field == 2))[0])
    inside = picture(2)[1] == live.answers.cells.index[row]
    frame = rings(viewer, 2)
    assert set(frame[inside].tolist()) == {0, 1}  # a ring of the first class, and nothing within
    assert frame[tuple(live.answers.cells.places[row])] == 0
    layer = viewer.layers["stack classes"]
    assert isinstance(layer.colormap, DirectLabelColormap)
    np.testing.assert_allclose(layer.get_color(1)[:3], np.array([0xE6, 0x9F, 0]) / 255, atol=1e-6)


def test_new_answers_are_drawn_in_the_field_that_is_shown(live, viewer, qtbot):
    teach(live, qtbot)
    layer = viewer.layers["stack classes"]
    np.testing.assert_array_equal(np.asarray(layer._slice.image.raw), rings(viewer, 1))
    viewer.dims.set_point(0, 2)
    np.testing.assert_array_equal(np.asarray(layer._slice.image.raw), rings(viewer, 2))


def test_rings_have_the_colours_of_another_list_of_classes(live, viewer, qtbot):
    """One as long as before, in another order and with another colour."""
    teach(live, qtbot)
    layer, first = viewer.layers["stack classes"], live.session.annotations.classes
    for classes in ((first[1], replace(first[0], colour="#123456")), first):
        live.session.set_classes(classes)
        qtbot.waitUntil(lambda: not live._fitting.busy and not live._fit_soon.isActive())
        assert live.answers.classes == tuple(x.name for x in classes)
        shown = [to_hex(layer.colormap.color_dict[k]).upper() for k in (1, 2)]
        assert shown == [x.colour for x in classes]


def test_uncertain_cells_have_dashes_and_a_reason(live, viewer, qtbot, picture):
    teach(live, qtbot)
    probabilities = np.tile([0.9, 0.1], (36, 1))
    probabilities[3] = 0.45, 0.55
    reasons = np.full(36, "", object)
    reasons[3] = LOW_PROBABILITY
    live.use(OtherAnswers.of(live.answers, "dcnn", probabilities, reasons.astype(str)))
    qtbot.waitUntil(lambda: live.answers.model == "dcnn")
    values = rings(viewer, 0)[picture(0)[1] == 4]
    assert set(values.tolist()) == {0, 2, 255}
    assert "the dcnn says MM (55%): low probability" in live.answers.describe(3)
    live.use(None)
    qtbot.waitUntil(lambda: live.answers.model == "live model")


def test_answers_of_another_model_stay_with_their_cells(live, viewer, qtbot):
    probabilities = np.tile([1.0, 0.0], (36, 1))
    probabilities[30] = 0.0, 1.0
    live.use(OtherAnswers.of(live.answers, "dcnn", probabilities, np.full(36, "")))
    qtbot.waitUntil(lambda: live.answers.model == "dcnn")
    nuclei = viewer.layers["stack nuclei"]
    viewer.dims.set_point(0, 0)
    with nuclei.block_history():
        nuclei.data_setitem(np.nonzero(np.asarray(nuclei.data) == 2), 0)  # a cell less in each
        nuclei.events.data()
    qtbot.waitUntil(lambda: len(live.answers.cells) == 33)
    row = live.answers.cells.row_of("stack 2", 7)
    assert live.answers.answers[row] == 1
    assert (live.answers.answers == 1).sum() == 1


def test_cells_that_were_edited_lose_the_answer_of_another_model(live, viewer, qtbot):
    """One grows, one gets another number, and one is cut in two; the others keep theirs."""
    live.use(OtherAnswers.of(live.answers, "dcnn", np.tile([1.0, 0.0], (36, 1)), np.full(36, "")))
    qtbot.waitUntil(lambda: live.answers.model == "dcnn")
    viewer.dims.set_point(0, 0)
    nuclei = viewer.layers["stack nuclei"]
    frame = np.array(nuclei.data[0])
    y, x = np.nonzero(frame == 3)
    y, x = y[len(y) // 2 :], x[len(x) // 2 :]
    with nuclei.block_history():
        nuclei.data_setitem((np.zeros_like(y), y, x), 50)
        y, x = np.nonzero(frame == 2)
        nuclei.data_setitem((np.zeros_like(y), y, x), 51)
        nuclei.paint((0, *np.argwhere(frame == 1)[0] - 1), 1)
    qtbot.waitUntil(lambda: len(live.answers.cells) == 37)
    answers = live.answers
    numbers = answers.cells.index[answers.reasons == CHANGED].tolist()
    assert numbers == [1, 3, 50, 51]
    assert (answers.answers == -1).sum() == 4
    row = answers.cells.row_of("stack 0", 3)
    assert answers.describe(row) == f"no answer of the dcnn: {CHANGED}"


def test_one_undo_takes_back_what_was_given_in_several_fields(live, viewer, qtbot):
    live.give([0, 13, 26], "MM")
    layer = viewer.layers["stack cells"]
    at = [(k, *live.answers.cells.places[row]) for k, row in enumerate((0, 13, 26))]
    assert [int(layer.data[place]) for place in at] == [2, 2, 2]
    qtbot.waitUntil(lambda: (live.answers.given == 1).sum() == 3)
    live.session.undo()
    assert [int(layer.data[place]) for place in at] == [0, 0, 0]
    assert live.session.annotations.cells == {}


def test_what_a_project_has_is_painted_in_fields_that_nobody_has_shown(live, viewer, qtbot):
    live.give([0, 13, 26], "MM")
    folder, layer = live.session.project.folder, viewer.layers["stack cells"]
    viewer.layers.remove(layer)
    live.close()
    live.session.close()
    owner = QObject()
    session = AnnotationSession(owner, viewer, Project(folder), print)
    again = LiveCells(owner, session)
    photograph = Photograph.of(viewer.layers["stack"], list(viewer.layers))
    session.open_field(photograph, lambda: again.follow(photograph))
    qtbot.waitUntil(lambda: again.answers is not None and (again.answers.given == 1).sum() == 3)
    painted = [np.unique(np.asarray(viewer.layers["stack cells"].data)[k]).tolist() for k in (0, 2)]
    assert painted == [[0, 2], [0, 2]]
    assert len(session.project.entries) == 2
    again.close()
    session.close()


def test_going_to_a_cell_moves_slider_and_canvas(live, viewer):
    live.go_to(26)
    assert viewer.dims.current_step[0] == 2
    assert viewer.camera.center[-2:] == pytest.approx(live.answers.cells.places[26])
    assert viewer.layers.selection.active is viewer.layers["stack cells"]


def test_the_picture_of_a_cell_is_that_of_the_photograph(live, picture):
    image, labels = picture(0)
    for row in (0, 7):
        pixels, nucleus = live.pixels(row)
        assert pixels.shape == (*nucleus.shape, 3)
        inside = labels == row + 1
        assert nucleus.sum() == inside.sum()
        np.testing.assert_array_equal(pixels[nucleus], image[inside])


def test_space_accepts_what_the_model_says(live, viewer, qtbot):
    field = live.session.shown(viewer.layers["stack"])
    bind_class_keys(live, viewer.layers["stack"], field.layer)
    space = next(act for key, act in field.layer.keymap.items() if str(key) == "Space")
    row = live.answers.cells.row_of("stack 1", 4)
    viewer.cursor.position = (1, *live.answers.cells.places[row])
    space(field.layer)
    assert "nothing yet" in viewer.status
    teach(live, qtbot)
    assert cell_at_pointer(viewer, field) == 4
    space(field.layer)
    (given,) = [x for x in live.session.annotations.cells.values() if x.who != "person"]
    assert (given.class_name, given.who) == ("ALL", "live model")
    viewer.dims.set_point(0, 0)
    first = live.session.shown(viewer.layers["stack"])
    live.session.give(first, [1], "MM")  # that of a person, against what the model says
    before = live.session.annotations
    viewer.cursor.position = (0, *live.answers.cells.places[0])
    space(field.layer)
    assert "keeps the class" in viewer.status
    assert live.session.annotations is before


def test_an_edited_field_is_measured_anew_and_the_others_are_not(live, viewer, qtbot):
    nuclei = viewer.layers["stack nuclei"]
    before = live._slices[viewer.layers["stack"], 0]
    with nuclei.block_history():
        nuclei.paint((1, 2, 2), 99)
    assert live.session.shown(viewer.layers["stack"]) is None
    qtbot.waitUntil(lambda: live.answers.cells.row_of("stack 1", 99) is not None)
    assert live._slices[viewer.layers["stack"], 0] is before


def test_what_is_given_is_known_before_the_model_follows(live, qtbot):
    heard = []
    live.changed.connect(lambda: heard.append(live.answers.given.tolist()))
    live.give([4], "MM")
    assert heard == [[-1, -1, -1, -1, 1, *[-1] * 31]]
    assert live.answers.origins[4] == "person"
    live.session.undo()
    assert heard[1:] == [[-1] * 36]


def test_an_answer_that_comes_late_takes_no_class_back(live, qtbot):
    live.give([0, 1], "ALL")
    live.give([6, 7], "MM")
    answered(live, qtbot)
    live.give([2], "ALL")
    late = replace(live.answers, given=np.full(36, -1), model="late")
    live._show(late, live._answered)
    assert live.answers.model == "late"
    assert np.flatnonzero(live.answers.given == 0).tolist() == [0, 1, 2]


def test_rows_are_those_of_the_answers_until_there_are_new_ones(live, viewer, qtbot, picture):
    other = add_stack(viewer, "before", [picture(7)])
    viewer.layers.move(viewer.layers.index(other), 0)  # before the other photographs
    viewer.dims.set_point(0, 0)
    photograph = Photograph.of(other, list(viewer.layers))
    live.session.open_field(photograph, lambda: live.follow(photograph))
    qtbot.waitUntil(lambda: live._join() is not live._answered)  # measured, and not answered
    assert len(live.answers.cells) == 36
    assert live.field_of(0).image is viewer.layers["stack"]
    live.give([0], "MM")
    assert [x.image for x in live.session.annotations.cells] == ["stack 0"]
    qtbot.waitUntil(lambda: len(live.answers.cells) == 48)
    assert live.field_of(0).image is viewer.layers["before"]
    assert live.field_of(47).image is viewer.layers["stack"]
    assert live.pixel_sizes == [1.0] * 4


def test_closing_removes_the_rings_and_ends_all_work(live, viewer):
    live.close()
    assert [x for x in viewer.layers if LayerInfo.of(x).kind is Kind.ANSWERS] == []
    live.close()  # once more does nothing


def test_a_photograph_that_is_closed_is_forgotten(live, viewer, qtbot):
    teach(live, qtbot)
    viewer.layers.remove("stack")
    assert "stack classes" not in viewer.layers
    assert live.photographs == []
    assert live._slices == {}


def test_rings_that_were_removed_come_back_when_asked_for(live, viewer, qtbot):
    teach(live, qtbot)
    before = rings(viewer, 2)
    viewer.layers.remove("stack classes")
    live.follow(live.photographs[0])
    assert "stack classes" not in viewer.layers  # by itself it stays away
    live.show_again(viewer.layers["stack"])
    np.testing.assert_array_equal(rings(viewer, 2), before)


def test_a_photograph_that_is_open_twice_counts_once(live, viewer, qtbot):
    """Of two layers with the fields of the same names the lower one is measured and answered."""
    again = viewer.add_layer(Image(viewer.layers["stack"].data, name="again", rgb=True))
    photograph = Photograph.of(viewer.layers["stack"], list(viewer.layers))
    one = live._slices[viewer.layers["stack"], 0]
    live._slices[again, 0] = one
    live._joined = None
    joined = live._join()
    assert len(joined.cells) == 36
    assert [key[0] for key in joined.keys] == [photograph.layer] * 3
