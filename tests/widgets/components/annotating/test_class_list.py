"""The list of classes: names, colours, order and removal are kept in the project."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image
from qtpy.QtCore import QObject, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QLineEdit

from napari_marrow.data.project.annotations import Change, ClassColour, Given, Place
from napari_marrow.data.project.project import Project
from napari_marrow.viewer.annotating.session import AnnotationSession
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.widgets.components.annotating.class_list import ClassList

CLASSES = (ClassColour("ALL", "#E69F00"), ClassColour("MM", "#009E73"))
FIRST, SECOND = Place("a", 1, 1), Place("b", 2, 2)


@pytest.fixture
def said():
    return []


@pytest.fixture
def session(tmp_path):
    owner = QObject()
    project = Project.create(tmp_path / "project", CLASSES)
    project.record(
        "annotate",
        [Change(FIRST, None, Given("ALL", "svm")), Change(SECOND, None, Given("ALL"))],
    )
    made = AnnotationSession(owner, ViewerModel(), project, print)
    yield made
    made.close()
    owner.deleteLater()


@pytest.fixture
def classes(session, said, qtbot):
    made = ClassList(said.append)
    qtbot.addWidget(made)
    made.resize(320, 300)
    session.changed.connect(lambda: made.show_session(session, ()))
    made.show_session(session, ())
    made.show()
    qtbot.waitExposed(made)
    return made


def names(session):
    return [x.name for x in session.annotations.classes]


def type_name(classes, qtbot, row, text):
    """Press F2 on a row, and type another name."""
    classes.table.setFocus()
    classes.table.setCurrentCell(row, 0)
    qtbot.keyClick(classes.table, Qt.Key.Key_F2)
    (editor,) = classes.table.findChildren(QLineEdit)
    editor.selectAll()
    qtbot.keyClicks(editor, text)
    qtbot.keyClick(editor, Qt.Key.Key_Return)


def test_a_name_is_typed_anew_and_all_cells_follow(classes, session, qtbot):
    type_name(classes, qtbot, 0, "blast")
    qtbot.waitUntil(lambda: names(session) == ["blast", "MM"])
    assert session.annotations.cells == {FIRST: Given("blast", "svm"), SECOND: Given("blast")}
    assert session.annotations.classes[0].colour == "#E69F00"
    assert classes.table.texts(0) == ["blast", "1", "2"]
    assert classes.table.currentRow() == 0
    session.undo()
    assert names(session) == ["ALL", "MM"]
    assert session.annotations.counts == {"ALL": 2}
    assert classes.table.texts(0) == ["ALL", "1", "2"]


def test_a_name_that_is_there_is_refused(classes, session, said, qtbot):
    type_name(classes, qtbot, 0, "mm")
    qtbot.waitUntil(lambda: bool(said))
    assert "not in the list" in said[0]
    assert names(session) == ["ALL", "MM"]
    assert classes.table.texts(0)[0] == "ALL"


def test_the_square_is_clicked_for_another_colour(classes, session, qtbot, monkeypatch):
    asked, colours = [], [QColor("#123456"), QColor()]  # the second time it is cancelled

    def choose(colour, parent, title):
        asked.append((colour.name(), title))
        return colours.pop(0)

    monkeypatch.setattr("qtpy.QtWidgets.QColorDialog.getColor", choose)
    table = classes.table
    at = table.square(1).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert session.annotations.classes[1] == ClassColour("MM", "#123456")
    icon = table.item(1, 0).icon().pixmap(8, 8).toImage()
    assert icon.pixelColor(4, 4).name() == "#123456"
    at.setX(table.square(1).right() + 20)  # on the name
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at)
    classes.colour_button.click()
    assert asked == [("#009e73", "Colour of MM"), ("#123456", "Colour of MM")]
    assert session.annotations.classes[1].colour == "#123456"


def test_the_order_is_that_of_the_keys(classes, session):
    assert not any(x.isEnabled() for x in classes._changing)  # none is chosen
    classes.table.setCurrentCell(1, 0)
    assert not classes.down_button.isEnabled()
    classes.up_button.click()
    assert names(session) == ["MM", "ALL"]
    assert classes.table.texts(0) == ["MM", "1", "0"]
    assert classes.table.currentRow() == 0  # it is still chosen
    assert not classes.up_button.isEnabled()
    classes.down_button.click()
    assert names(session) == ["ALL", "MM"]


def test_a_class_is_removed_where_no_cell_has_it(classes, session, said):
    classes.table.setCurrentCell(0, 0)
    classes.remove_button.click()
    assert "2 cells have the class ALL" in said[0]
    assert names(session) == ["ALL", "MM"]
    classes.table.setCurrentCell(1, 0)
    classes.remove_button.click()
    assert names(session) == ["ALL"]
    session.undo()
    assert names(session) == ["ALL", "MM"]
    assert len(said) == 1


def test_strokes_give_the_class_that_is_chosen(classes, session, qtbot):
    image = session.viewer.add_layer(Image(np.zeros((20, 20, 3), np.uint8), name="a", rgb=True))
    layer = session._prepare_layer(Photograph.of(image, list(session.viewer.layers)))
    classes.table.setCurrentCell(1, 0)
    assert layer.selected_label == 2
    classes.up_button.click()  # the label of a class stays
    classes.table.setCurrentCell(1, 0)
    assert session.classes.of(layer)[layer.selected_label] == "ALL"


def test_without_a_project_nothing_is_changed(classes):
    classes.show_session(None, ["blast", "normal"])
    assert [classes.table.texts(k) for k in (0, 1)] == [["blast", "1", "0"], ["normal", "2", "0"]]
    classes.table.setCurrentCell(0, 0)
    assert not any(x.isEnabled() for x in (*classes._changing, classes.add_button))
