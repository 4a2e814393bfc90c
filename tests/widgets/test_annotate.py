"""The widget "Annotate cells": a project for each folder, classes, keys, the slider, closing."""

import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_marrow.data.project.project import Project
from napari_marrow.viewer.annotating.open_project import open_project_of
from napari_marrow.viewer.layer_info import Kind, linked_info
from napari_marrow.viewer.transforms import place_of
from napari_marrow.widgets.annotate import Annotate


@pytest.fixture(autouse=True)
def projects(tmp_path, monkeypatch):
    """The folder of projects is not the user's."""
    folder = tmp_path / "user"
    monkeypatch.setattr("platformdirs.user_data_path", lambda name: folder / name)
    return folder / "napari-marrow" / "projects"


@pytest.fixture
def viewer(make_napari_viewer):
    made = make_napari_viewer()
    image = made.add_layer(Image(np.full((2, 40, 64, 3), 220, np.uint8), name="slide 7", rgb=True))
    labels = np.zeros((2, 40, 64), np.uint16)
    labels[:, 5:13, 5:13], labels[:, 20:28, 30:38] = 1, 2
    info = linked_info(image, Kind.NUCLEI).metadata()
    made.add_layer(Labels(labels, name="slide 7 nuclei", metadata=info, **place_of(image)))
    made.dims.set_point(0, 0)
    return made


@pytest.fixture
def widget(viewer):
    _, made = viewer.window.add_plugin_dock_widget("napari-marrow", "Annotate cells")
    assert isinstance(made, Annotate)
    return made


def begin(widget, qtbot):
    """Press Annotate; the layer of annotations."""
    widget.begin_button.click()
    layer = widget.photograph.layer
    qtbot.waitUntil(lambda: widget.session is not None and widget.session.shown(layer) is not None)
    return widget.session.shown(layer)


def press(viewer, field, key, y, x):
    viewer.cursor.position = (field.row, y, x)
    found = [action for binding, action in field.layer.keymap.items() if str(binding) == key]
    found[0](field.layer)


def test_one_press_opens_a_project_and_keys_work(widget, viewer, projects, qtbot):
    assert [widget.class_list.table.texts(k) for k in (0, 1)] == [
        ["ALL", "1", "0"],
        ["MM", "2", "0"],
    ]
    field = begin(widget, qtbot)
    assert viewer.layers.selection.active is field.layer
    assert "2 cells, 0 with a class" in widget.run.status.text()
    press(viewer, field, "2", 8, 8)
    press(viewer, field, "1", 22, 33)
    assert "2 cells, 2 with a class" in widget.run.status.text()
    assert viewer.layers["slide 7 nuclei"].contour > 0  # its colours are no classes
    assert [widget.class_list.table.texts(k)[2] for k in (0, 1)] == ["1", "1"]
    widget.undo_button.click()
    assert [widget.class_list.table.texts(k)[2] for k in (0, 1)] == ["0", "1"]
    assert widget.redo_button.isEnabled()
    widget.redo_button.click()
    assert not widget.redo_button.isEnabled()
    (folder,) = projects.iterdir()
    assert folder.name.startswith("slide-7-")
    assert str(folder) in widget.place.text()


def test_the_slider_is_followed(widget, viewer, qtbot):
    field = begin(widget, qtbot)
    press(viewer, field, "1", 8, 8)
    viewer.dims.set_point(0, 1)
    image = widget.photograph.layer
    qtbot.waitUntil(lambda: widget.session.shown(image) is not None)
    second = widget.session.shown(image)
    assert (second.row, second.name) == (1, "slide 7 1")
    press(viewer, second, "2", 8, 8)
    assert np.asarray(second.layer.data)[:, 8, 8].tolist() == [1, 2]


def test_closing_the_dock_closes_the_project_and_opening_it_goes_on(
    widget, viewer, projects, qtbot
):
    field = begin(widget, qtbot)
    press(viewer, field, "2", 8, 8)
    (folder,) = projects.iterdir()
    viewer.window.remove_dock_widget(widget.parent())
    again = Project(folder)  # it is free
    assert list(again.annotations.counts.items()) == [("MM", 1)]
    again.close()
    _, other = viewer.window.add_plugin_dock_widget("napari-marrow", "Annotate cells")
    begin(other, qtbot)
    assert other.class_list.table.texts(1) == ["MM", "2", "1"]
    other.close_project()


def test_a_project_that_is_open_elsewhere_is_refused(widget, viewer, projects, qtbot, tmp_path):
    begin(widget, qtbot)
    (folder,) = projects.iterdir()
    widget.close_project()
    held = Project(folder)
    widget.begin_button.click()
    assert "is open in another window or program" in widget.run.status.text()
    assert widget.session is None
    widget.open_project(tmp_path / "other")
    qtbot.waitUntil(lambda: widget.session.shown(widget.photograph.layer) is not None)
    assert widget.session.project.folder == tmp_path / "other"
    held.close()
    widget.close_project()


def test_classes_are_added_by_name_once(widget, viewer, qtbot):
    field = begin(widget, qtbot)
    for name, said in (("blast", ""), ("BLAST ", "not in the list"), ("", "not in the list")):
        widget.class_list.new_class.setText(name)
        widget.class_list.add_button.click()
        assert said in widget.run.status.text()
    assert [
        widget.class_list.table.texts(k)[0] for k in range(widget.class_list.table.rowCount())
    ] == [
        "ALL",
        "MM",
        "blast",
    ]
    press(viewer, field, "3", 8, 8)
    assert widget.class_list.table.texts(2) == ["blast", "3", "1"]


def test_without_a_photograph_it_says_what_to_do(make_napari_viewer):
    viewer = make_napari_viewer()
    _, widget = viewer.window.add_plugin_dock_widget("napari-marrow", "Annotate cells")
    widget.begin_button.click()
    assert "No photograph is open" in widget.run.status.text()


def test_the_model_is_read_where_the_pointer_is(widget, viewer, qtbot):
    field = begin(widget, qtbot)
    qtbot.waitUntil(lambda: widget.live.answers is not None)
    qtbot.waitUntil(lambda: len(widget.live.answers.cells) == 4)
    press(viewer, field, "1", 8, 8)
    qtbot.waitUntil(lambda: (widget.live.answers.given == 0).sum() == 1)
    viewer.cursor.position = (0, 8, 8)
    for callback in viewer.mouse_move_callbacks:
        callback(viewer, None)
    assert widget.model_page.pointed.text() == "Cell 1: ALL, given by a person."
    for title in widget.pages.offered:
        widget.pages.select(title)
        assert widget.model_page.pointed.isVisibleTo(widget)  # whatever page is shown
    viewer.cursor.position = (0, 0, 0)
    for callback in viewer.mouse_move_callbacks:
        callback(viewer, None)
    assert "Point at a cell" in widget.model_page.pointed.text()


def test_docks_find_the_open_project_and_hear_that_it_closes(widget, viewer, qtbot):
    holder = open_project_of(viewer)
    assert holder.live is None
    begin(widget, qtbot)
    assert holder.live is widget.live
    assert "slide 7 classes" in viewer.layers
    with qtbot.waitSignal(holder.changed):
        viewer.window.remove_dock_widget(widget.parent())
    assert holder.live is None
    assert "slide 7 classes" not in viewer.layers
    assert widget._hovering not in viewer.mouse_move_callbacks


def test_a_project_begins_with_the_classes_of_the_folder(
    make_napari_viewer, make_snam, tmp_path, qtbot
):
    folder = make_snam(tmp_path / "data", 1)
    (folder / "ALL").rename(folder / "blast")
    (folder / "MM").rename(folder / "normal")
    viewer = make_napari_viewer()
    _, widget = viewer.window.add_plugin_dock_widget("napari-marrow", "Annotate cells")
    viewer.open(str(folder), plugin="napari-marrow")
    assert [widget.class_list.table.texts(k)[0] for k in (0, 1)] == [
        "blast",
        "normal",
    ]  # before it begins
    field = begin(widget, qtbot)
    assert [x.name for x in widget.session.annotations.classes] == ["blast", "normal"]
    assert field.layer.features["class"].tolist() == ["blast", "normal"]
    _, train = viewer.window.add_plugin_dock_widget("napari-marrow", "Chi-square features")
    train.source.add_cells_layer()  # the same layer, with the same classes
    assert field.layer.features["class"].tolist() == ["blast", "normal"]
    assert [x.name for x in widget.session.annotations.classes] == ["blast", "normal"]


def test_a_rectangle_goes_on_in_the_next_field(widget, viewer, qtbot):
    assert not widget.rectangle_button.isEnabled()
    begin(widget, qtbot)
    widget.rectangle_button.click()
    layer = viewer.layers["slide 7 selection"]
    layer.add_rectangles(np.array([(0, 0), (40, 64)]))
    next(act for key, act in layer.keymap.items() if str(key) == "1")(layer)
    assert widget.session.annotations.counts == {"ALL": 2}
    image = widget.photograph.layer
    viewer.dims.set_point(0, 1)
    qtbot.waitUntil(lambda: widget.session.shown(image) is not None)
    qtbot.waitUntil(lambda: widget.selection.tool == "rectangle")
    assert viewer.layers.selection.active is layer
    layer.add_rectangles(np.array([(0, 0), (18, 18)]))
    next(act for key, act in layer.keymap.items() if str(key) == "2")(layer)
    assert widget.session.annotations.counts == {"ALL": 2, "MM": 1}
    widget.close_project()
    assert "slide 7 selection" not in viewer.layers


def test_a_key_explains_the_cell_on_its_page(widget, viewer, qtbot):
    field = begin(widget, qtbot)
    qtbot.waitUntil(lambda: widget.live.answers is not None)
    press(viewer, field, "W", 8, 8)
    qtbot.waitUntil(lambda: widget.pages.current == "Explain")
    assert widget.explain_page.about.text().startswith("Cell 1 of ")
    open_project_of(viewer).explained.emit(1)  # as the gallery does
    assert widget.explain_page.about.text().startswith("Cell 2 of ")
