"""The widget "Cell gallery": groups, selecting, keys, the canvas, and cells measured meanwhile."""

from functools import partial

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from annotated_stack import add_stack, field_of_cells
from napari_marrow.learning.annotating.arranging import CellGroup
from napari_marrow.learning.annotating.chosen import Chosen
from napari_marrow.learning.annotating.other_answers import OtherAnswers
from napari_marrow.viewer.annotating.open_project import open_project_of
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.widgets.components.annotating.gallery import NEW
from napari_marrow.widgets.gallery import Gallery

KEY, CTRL, SHIFT = Qt.Key, Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
NONE, LEFT = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
N_CELLS = 36
BRIGHT = (130, 60, 90)
"""Of the long cells, so that no round one is like them."""


def follow(live, image):
    """Measure the cells of all fields of a photograph."""
    photograph = Photograph.of(image, list(live.session.viewer.layers))
    live.session.open_field(photograph, lambda: live.follow(photograph))


@pytest.fixture
def viewer():
    """Without a window, which most of this does not need."""
    made = ViewerModel()
    add_stack(made, "stack", [field_of_cells(seed, BRIGHT) for seed in range(3)])
    made.dims.set_point(0, 1)
    return made


@pytest.fixture
def widget(viewer, live, qtbot):
    """The gallery, with the cells of three fields in two groups of similar ones."""
    open_project_of(viewer).set_live(live)
    made = Gallery(viewer)
    qtbot.addWidget(made)
    made.resize(420, 700)
    with qtbot.waitExposed(made):
        made.show()
    qtbot.waitUntil(lambda: made.gallery.model.count == N_CELLS)
    yield made
    open_project_of(viewer).set_live(None)


def click(widget, item, modifier=NONE, action=QTest.mouseClick):
    grid = widget.gallery.grid
    action(
        grid.viewport(), LEFT, modifier, grid.visualRect(widget.gallery.model.index(item)).center()
    )


def press(widget, key, modifier=NONE):
    QTest.keyClick(widget.gallery.grid, key, modifier)


def selected(widget):
    return sorted(x.row() for x in widget.gallery.grid.selectedIndexes())


def given(widget):
    """Rows of the table of cells by the class that they were given."""
    answers = widget.live.answers
    names = [*answers.classes, ""]
    return {
        name: np.flatnonzero(answers.given == code % len(names)).tolist()
        for code, name in enumerate(answers.classes)
        if (answers.given == code).any()
    }


def numbers(widget, rows):
    return widget.live.answers.cells.index[np.array(rows)].tolist()


def test_without_a_project_it_opens_the_widget_that_begins_one(
    make_napari_viewer, tmp_path, monkeypatch, qtbot
):
    monkeypatch.setattr("platformdirs.user_data_path", lambda name: tmp_path / "user" / name)
    viewer = make_napari_viewer()
    add_stack(viewer, "stack", [field_of_cells(0)])
    _, widget = viewer.window.add_plugin_dock_widget("napari-marrow", "Cell gallery")
    assert widget.annotate_button.isVisibleTo(widget)
    assert not widget.gallery.isVisibleTo(widget)
    widget.annotate_button.click()
    _, annotate = viewer.window.add_plugin_dock_widget("napari-marrow", "Annotate cells")
    annotate.begin_button.click()
    qtbot.waitUntil(lambda: widget.gallery.model.count == 12, timeout=20_000)
    assert not widget.hint.isVisibleTo(widget)
    annotate.close_project()
    assert widget.gallery.model.count == 0
    assert widget.hint.isVisibleTo(widget)


def test_similar_cells_of_all_fields_are_a_group(widget):
    model = widget.gallery.model
    kinds = [{number <= 6 for number in numbers(widget, x.rows)} for x in model.groups]
    assert sorted(map(len, kinds)) == [1, 1]
    assert [len(x.rows) for x in model.groups] == [18, 18]
    assert {*widget.live.answers.cells.field[model.groups[0].rows].tolist()} == {0, 1, 2}
    assert [model.index(k).data() for k in (0, 19)] == ["Group 1: 18 cells", "Group 2: 18 cells"]


def test_a_key_gives_a_whole_group_its_class_in_one_step(widget):
    model = widget.gallery.model
    press(widget, KEY.Key_N)
    press(widget, KEY.Key_2)
    first, second = (sorted(x.rows.tolist()) for x in model.groups)
    assert given(widget) == {"MM": first}
    title = "Group 1: 18 cells, given 18 MM"
    assert model.index(0).data() == title
    assert model.index(0).data(Qt.ItemDataRole.ToolTipRole) == title  # a narrow dock cuts it off
    assert all(model.look(row).colour == "#009E73" for row in first)
    assert all(model.look(row).by_person for row in first)
    press(widget, KEY.Key_N)
    press(widget, KEY.Key_1)
    assert given(widget) == {"ALL": second, "MM": first}
    press(widget, KEY.Key_Z, CTRL)
    assert given(widget) == {"MM": first}
    press(widget, KEY.Key_Z, CTRL)
    assert given(widget) == {}
    press(widget, KEY.Key_Z, CTRL | SHIFT)
    assert given(widget) == {"MM": first}
    press(widget, KEY.Key_N, SHIFT)
    press(widget, KEY.Key_0)
    assert given(widget) == {}
    press(widget, KEY.Key_9)  # no class has this key
    assert given(widget) == {}


def test_buttons_give_classes_too(widget):
    press(widget, KEY.Key_N)
    found = {x.text(): x for x in widget.class_buttons.findChildren(type(widget.back_button))}
    assert [*found] == ["1 ALL", "2 MM", "0 no class"]
    found["1 ALL"].click()
    assert [*given(widget)] == ["ALL"]
    found["0 no class"].click()
    assert given(widget) == {}


def test_cells_are_selected_by_mouse(widget):
    click(widget, 2)
    assert selected(widget) == [2]
    click(widget, 4, CTRL)
    assert selected(widget) == [2, 4]
    click(widget, 2)
    click(widget, 5, SHIFT)
    assert selected(widget) == [2, 3, 4, 5]
    click(widget, 0)  # the title of the group
    assert selected(widget) == [*range(1, 19)]
    click(widget, 19, CTRL)
    assert selected(widget) == [*range(1, 19), *range(20, 38)]


def test_a_rubber_band_selects_what_it_touches(widget, viewer):
    grid, model = widget.gallery.grid, widget.gallery.model
    centre, start = viewer.camera.center, grid.visualRect(model.index(1)).center()
    columns = sum(
        grid.visualRect(model.index(k)).top() == grid.visualRect(model.index(1)).top()
        for k in range(1, 19)
    )
    end = grid.visualRect(model.index(columns + 2)).center()
    QTest.mousePress(grid.viewport(), LEFT, NONE, start)
    QTest.mouseMove(grid.viewport(), start + QPoint(30, 30))
    QTest.mouseMove(grid.viewport(), end)
    QTest.mouseRelease(grid.viewport(), LEFT, NONE, end)
    assert selected(widget) == [1, 2, columns + 1, columns + 2]
    assert viewer.camera.center == centre  # only a click goes there


def test_the_keyboard_alone_reaches_all_cells(widget):
    grid = widget.gallery.grid
    press(widget, KEY.Key_Home)
    assert selected(widget) == [1]
    press(widget, KEY.Key_Right)
    press(widget, KEY.Key_Right, SHIFT)
    assert selected(widget) == [2, 3]
    press(widget, KEY.Key_End)
    assert selected(widget) == [37]
    grid.make_current(18)
    press(widget, KEY.Key_Right)  # over the title of the next group
    assert selected(widget) == [20]
    press(widget, KEY.Key_Left)
    assert selected(widget) == [18]
    press(widget, KEY.Key_Home)
    press(widget, KEY.Key_Left)
    assert selected(widget) == [1]
    for _ in range(20):
        press(widget, KEY.Key_Down)
    assert grid.currentIndex().row() > 30
    for _ in range(20):
        press(widget, KEY.Key_Up)
    assert grid.currentIndex().row() <= 6
    press(widget, KEY.Key_Home)
    press(widget, KEY.Key_End, SHIFT)
    assert selected(widget) == [*range(1, 19), *range(20, 38)]


def test_ctrl_a_selects_the_group_and_then_all(widget):
    click(widget, 3)
    press(widget, KEY.Key_A, CTRL)
    assert selected(widget) == [*range(1, 19)]
    press(widget, KEY.Key_A, CTRL)
    assert len(selected(widget)) == 36


def teach(widget, qtbot):
    """Give some cells of each group a class, and wait for the model."""
    one, other = (x.rows.tolist() for x in widget.gallery.model.groups)
    widget.live.give(one[:3], "ALL")
    widget.live.give(other[:3], "MM")
    qtbot.waitUntil(lambda: widget.live.answers.answered.all(), timeout=10_000)
    return one, other


def test_space_accepts_what_the_model_says_in_one_step(widget, qtbot):
    one, other = teach(widget, qtbot)
    press(widget, KEY.Key_A, CTRL)
    press(widget, KEY.Key_A, CTRL)
    press(widget, KEY.Key_Space)
    answers, model = widget.live.answers, widget.gallery.model
    assert (answers.given >= 0).all()
    assert {*answers.origins[one[:3] + other[:3]].tolist()} == {"person"}
    assert {*answers.origins[one[3:]].tolist()} == {"live model"}
    look = model.look(one[5])
    assert (look.given, look.by_person) == (True, False)
    assert "Accepted 30 answers; 6 of" in widget.run.status.text()
    press(widget, KEY.Key_Z, CTRL)
    assert (widget.live.answers.given >= 0).sum() == 6


def test_the_tooltip_says_what_is_known(widget, qtbot):
    model = widget.gallery.model
    row = model.row_of(1)
    teach(widget, qtbot)
    tip = model.data(model.index(1), Qt.ItemDataRole.ToolTipRole)
    cells = widget.live.answers.cells
    assert f"{cells.fields[cells.field[row]]}, cell {cells.index[row]}\n" in tip
    assert "given by a person" in tip
    assert "the live model says" in tip


def test_a_click_shows_the_cell_on_the_canvas_and_back(widget, viewer, qtbot):
    before = viewer.camera.center, viewer.dims.point
    row = widget.gallery.model.row_of(4)
    cells = widget.live.answers.cells
    click(widget, 4)
    assert viewer.dims.point[0] == cells.field[row]
    np.testing.assert_allclose(viewer.camera.center[-2:], cells.places[row])
    assert widget.back_button.isEnabled()
    click(widget, 6)
    press(widget, KEY.Key_Backspace)
    assert (viewer.camera.center, viewer.dims.point) == before
    assert not widget.back_button.isEnabled()
    widget.gallery.grid.make_current(8)
    press(widget, KEY.Key_Return)
    place = cells.places[widget.gallery.model.row_of(8)]
    np.testing.assert_allclose(viewer.camera.center[-2:], place)
    widget.back_button.click()
    assert (viewer.camera.center, viewer.dims.point) == before
    click(widget, 5, action=QTest.mouseDClick)
    place = cells.places[widget.gallery.model.row_of(5)]
    np.testing.assert_allclose(viewer.camera.center[-2:], place)


def test_other_keys_are_left_to_the_viewer(widget, monkeypatch):
    heard = []
    monkeypatch.setattr(type(widget), "keyPressEvent", lambda _, event: heard.append(event.key()))
    click(widget, 3)
    for key in (KEY.Key_Y, KEY.Key_1, KEY.Key_Space, KEY.Key_Delete):
        press(widget, key)
    assert heard == [KEY.Key_Y, KEY.Key_Delete]
    assert selected(widget) == [3]


def arranged_anew(widget, qtbot):
    """Wait until other groups are shown."""
    model, before = widget.gallery.model, widget.gallery.model.groups
    return partial(qtbot.waitUntil, lambda: model.groups is not before)


def test_groups_by_class_follow_when_they_are_arranged_again(widget, qtbot):
    one, _ = teach(widget, qtbot)
    wait = arranged_anew(widget, qtbot)
    widget.gallery.controls.order_form.fields["groups"].value = "class"
    wait()
    model = widget.gallery.model
    assert [x.title for x in model.groups] == ["ALL", "MM"]
    assert {*model.groups[0].rows.tolist()} == {*one}
    widget.live.give(one, "MM")
    assert len(model.groups[0].rows) == 18  # nothing jumps away under the pointer
    assert model.index(0).data() == "ALL: 18 cells, given 18 MM"
    wait = arranged_anew(widget, qtbot)
    assert widget.arrange_button.isEnabled()
    widget.arrange_button.click()
    wait()
    assert [x.title for x in model.groups] == ["MM"]
    qtbot.waitUntil(lambda: not widget.arrange_button.isEnabled() or widget.gallery.can_arrange)


def test_a_filter_shows_what_is_asked_for_and_forgets_the_selection(widget, qtbot):
    one, other = teach(widget, qtbot)
    press(widget, KEY.Key_N)
    controls, wait = widget.gallery.controls, arranged_anew(widget, qtbot)
    controls.filter.form.fields["shown"].value = "without a class"
    wait()
    assert sorted(widget.gallery.model.cell_rows.tolist()) == sorted(one[3:] + other[3:])
    assert selected(widget) == []
    assert "30 of 36 cells in 2 groups, 0 selected" in widget.run.status.text()
    wait = arranged_anew(widget, qtbot)
    controls.filter.class_combo.setCurrentText("MM")
    wait()
    assert sorted(widget.gallery.model.cell_rows.tolist()) == sorted(other[3:])
    wait = arranged_anew(widget, qtbot)
    controls.filter.form.fields["high"].value = 0.0
    wait()
    assert widget.gallery.model.count == 0
    assert "No cell meets the filter" in widget.run.status.text()


def test_uncertain_cells_are_dashed_and_found_by_reason(widget, qtbot):
    n = 36
    reasons = np.full(n, "", object)
    reasons[3:7], reasons[7:9] = "low probability", "neither"
    probabilities, answers = np.tile([0.6, 0.4], (n, 1)), widget.live.answers
    widget.live.use(OtherAnswers.of(answers, "dcnn", probabilities, reasons.astype(str)))
    qtbot.waitUntil(lambda: widget.live.answers.model == "dcnn")
    model, controls = widget.gallery.model, widget.gallery.controls
    assert [row for row in range(n) if model.look(row).uncertain] == [*range(3, 9)]
    assert not controls.filter.reason_combo.isEnabled()
    controls.filter.form.fields["shown"].value = "uncertain"
    assert controls.filter.reason_combo.isEnabled()
    names = [
        controls.filter.reason_combo.itemText(k)
        for k in range(controls.filter.reason_combo.count())
    ]
    assert names == ["any", "low probability", "neither"]
    wait = arranged_anew(widget, qtbot)
    controls.filter.reason_combo.setCurrentText("neither")
    wait()
    assert sorted(model.cell_rows.tolist()) == [7, 8]


def test_what_is_given_on_the_canvas_is_seen_at_once(widget, live):
    click(widget, 4)
    press(widget, KEY.Key_Down)
    before = selected(widget), widget.gallery.grid.scrolled
    row = widget.gallery.model.row_of(7)
    live.session.give(live.field_of(row), numbers(widget, [row]), "MM")
    assert widget.gallery.model.look(row).colour == "#009E73"
    assert (selected(widget), widget.gallery.grid.scrolled) == before
    live.session.undo()
    assert widget.gallery.model.look(row).given is False


def test_of_a_cell_whose_class_is_asked_again_nothing_is_told(widget, viewer, live):
    model = widget.gallery.model
    row = model.row_of(7)
    live.give([row], "MM")
    cells, questions = live.answers.cells, open_project_of(viewer).questions
    field, number = cells.fields[cells.field[row]], int(cells.index[row])
    questions.show(Chosen(field, number, "again", "why"), lambda: None, "")
    assert not model.look(row).given
    assert "MM" not in model.describe(row)
    assert "given" not in model.describe(row)
    questions.stop()
    assert model.look(row).given
    assert "MM, given by a person" in model.describe(row)


def test_cells_measured_later_are_added_and_the_place_is_kept(widget, viewer, live, qtbot):
    model, grid = widget.gallery.model, widget.gallery.grid
    widget.gallery.controls.picture_form.fields["side_px"].value = 120  # more than fits
    grid.select_items(np.array([25]))
    grid.make_current(25)
    grid.scroll_again(160)
    before = grid.scrolled
    assert before == 160
    chosen = model.key_of(model.row_of(25))
    other = add_stack(viewer, "another", [field_of_cells(7, BRIGHT)])
    viewer.layers.move(viewer.layers.index(other), 0)  # its cells come first in the table
    viewer.dims.set_point(0, 0)
    follow(live, other)
    qtbot.waitUntil(lambda: model.count == 48, timeout=20_000)
    assert [x.title for x in model.groups] == ["Group 1", "Group 2", NEW]
    assert {
        widget.live.answers.cells.fields[k]
        for k in widget.live.answers.cells.field[model.groups[-1].rows]
    } == {"another"}
    assert [model.key_of(model.row_of(k)) for k in selected(widget)] == [chosen]
    assert (grid.scrolled, grid.currentIndex().row()) == (before, 25)


def test_pictures_are_cut_for_what_is_in_view(widget, viewer, qtbot):
    thumbnails, model = widget.gallery.thumbnails, widget.gallery.model
    qtbot.waitUntil(lambda: len(thumbnails) > 0)
    qtbot.waitUntil(lambda: thumbnails.get(model.key_of(model.row_of(1))) is not None)
    row = model.row_of(1)
    found = thumbnails.get(model.key_of(row))
    assert found.width() == found.height() == thumbnails.side_px
    middle = found.pixelColor(found.width() // 2, found.height() // 2)
    cells, stack = widget.live.answers.cells, viewer.layers["stack"].data
    nucleus = stack[(cells.field[row], *cells.places[row])]
    np.testing.assert_allclose(middle.getRgb()[:3], nucleus, atol=21)  # of noise
    widget.gallery.controls.picture_form.fields["side_px"].value = 100
    assert thumbnails.get(model.key_of(model.row_of(1))) is None
    qtbot.waitUntil(lambda: thumbnails.get(model.key_of(model.row_of(1))) is not None)
    assert thumbnails.get(model.key_of(model.row_of(1))).width() == thumbnails.side_px
    assert widget.gallery.grid.visualRect(model.index(1)).width() > 100


def test_closing_it_leaves_the_project_open(widget, live):
    widget.closed.emit()
    assert widget.gallery.model.count == 0
    live.give([0], "ALL")  # nobody hears of it any more
    assert widget.gallery.model.count == 0
    assert live.session.annotations.counts == {"ALL": 1}


def test_a_group_has_a_title_and_its_cells(widget):
    model = widget.gallery.model
    rows = np.array([4, 2])
    model.show(widget.live.answers, [CellGroup("a", rows), CellGroup("b", np.array([7]))], {})
    assert [model.row_of(k) for k in range(model.rowCount())] == [None, 4, 2, None, 7]
    assert [model.group_of(k) for k in range(5)] == [0, 0, 0, 1, 1]
    assert [model.item_of(k) for k in (4, 2, 7, 0)] == [1, 2, 4, None]


def test_w_asks_why_of_the_current_cell(widget, viewer, qtbot):
    click(widget, 3)
    with qtbot.waitSignal(open_project_of(viewer).explained) as asked:
        press(widget, KEY.Key_W)
    assert asked.args == [widget.gallery.model.row_of(3)]
