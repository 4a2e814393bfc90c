"""The table of fields by mouse and keyboard, as a user has it in hand."""

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QLineEdit, QPushButton, QVBoxLayout, QWidget

from napari_marrow.widgets.components.class_table import ClassTable

NAME, CLASS, SOURCE = range(3)
DOWN, TAB, RETURN = Qt.Key.Key_Down, Qt.Key.Key_Tab, Qt.Key.Key_Return


@pytest.fixture
def table(qtbot):
    window = QWidget()
    layout = QVBoxLayout(window)
    table = ClassTable(["Field", "Class", "Source"], CLASS, NAME, [SOURCE], check_column=NAME)
    layout.addWidget(table)
    layout.addWidget(QPushButton("next"))
    table.setRowCount(4)
    for row, name in enumerate(("ALL", "ALL", "MM", "MM")):
        for column, text in enumerate((f"{name}_{row}", name, f"patient {row}")):
            table.set_text(row, column, text)
    qtbot.addWidget(window)
    window.resize(400, 300)
    window.show()
    qtbot.waitExposed(window)
    window.activateWindow()
    table.setFocus()
    yield table
    window.close()


def click(table, qtbot, row, column, modifier=Qt.KeyboardModifier.NoModifier):
    middle = table.visualItemRect(table.item(row, column)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, modifier, middle)


def texts(table, column):
    return [table.text(row, column) for row in range(table.rowCount())]


def test_names_are_no_markup(table):
    table.set_text(0, NAME, "a <b>name</b>")
    assert table.item(0, NAME).toolTip() == "<qt>a &lt;b&gt;name&lt;/b&gt;</qt>"
    assert table.item(1, NAME).toolTip() == "ALL_1"


def test_arrow_keys_move_and_change_nothing(table, qtbot):
    before = [texts(table, column) for column in (CLASS, SOURCE)]
    table.setCurrentCell(0, CLASS)
    for key in (DOWN, DOWN, Qt.Key.Key_Right, DOWN, Qt.Key.Key_Up):
        qtbot.keyClick(table, key)
        assert table.findChild(QComboBox) is None
    assert (table.currentRow(), table.currentColumn()) == (2, SOURCE)
    assert [texts(table, column) for column in (CLASS, SOURCE)] == before


@pytest.mark.parametrize("column", [NAME, CLASS, SOURCE])
def test_tab_leaves_the_table(table, qtbot, column):
    table.setCurrentCell(1, column)
    qtbot.keyClick(table, TAB)
    assert table.window().focusWidget().text() == "next"


@pytest.mark.parametrize(("column", "kind"), [(CLASS, QComboBox), (SOURCE, QLineEdit)])
def test_an_editor_opens_by_keyboard_and_tab_ends_it(table, qtbot, column, kind):
    table.setCurrentCell(1, column)
    qtbot.keyClick(table, RETURN)
    editor = table.findChild(kind)
    line = editor.lineEdit() if column == CLASS else editor
    line.selectAll()
    qtbot.keyClicks(line, "CLL")
    qtbot.keyClick(editor, TAB)
    qtbot.waitUntil(lambda: table.state() == table.State.NoState)
    assert texts(table, column)[1] == "CLL"
    assert (table.currentRow(), table.currentColumn()) == (1, column)
    qtbot.waitUntil(lambda: table.findChild(kind) is None)


def test_a_click_edits_and_a_selection_is_kept(table, qtbot):
    click(table, qtbot, 0, CLASS)
    assert table.findChild(QComboBox) is not None
    qtbot.keyClick(table.findChild(QComboBox), Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: table.findChild(QComboBox) is None)
    click(table, qtbot, 2, NAME, Qt.KeyboardModifier.ShiftModifier)
    assert table.findChild(QComboBox) is None
    click(table, qtbot, 1, CLASS)
    box = table.findChild(QComboBox)
    qtbot.keyClicks(box.lineEdit(), "CLL")
    qtbot.keyClick(box.lineEdit(), RETURN)
    qtbot.waitUntil(lambda: texts(table, CLASS) == ["CLL", "CLL", "CLL", "MM"])


@pytest.mark.parametrize(("column", "kind"), [(CLASS, QComboBox), (SOURCE, QLineEdit)])
def test_what_is_typed_can_be_read_in_a_narrow_column(table, qtbot, column, kind):
    table.setColumnWidth(column, 30)
    click(table, qtbot, 1, column)
    editor = table.findChild(kind)
    text = "lymphoblastic B"
    assert editor.width() > editor.fontMetrics().horizontalAdvance(text)
    assert editor.geometry().right() <= table.viewport().width()


def test_titles_and_classes_are_not_cut_off_in_a_large_font(table, qtbot):
    table.setStyleSheet("QTableView, QHeaderView { font-size: 20pt; }")
    table.window().resize(900, 300)
    across = table.horizontalHeader()
    qtbot.waitUntil(lambda: across.sectionSize(CLASS) >= across.sectionSizeHint(CLASS))
    metrics = table.fontMetrics()
    qtbot.waitUntil(lambda: table.columnWidth(SOURCE) > metrics.horizontalAdvance("patient 0"))


@pytest.mark.parametrize(("column", "kind"), [(CLASS, QComboBox), (SOURCE, QLineEdit)])
def test_the_editor_grows_with_what_is_typed(table, qtbot, column, kind):
    table.setStyleSheet("QTableView, QLineEdit, QComboBox { font-size: 14pt; }")
    table.window().resize(900, 300)
    click(table, qtbot, 1, column)
    editor = table.findChild(kind)
    line = editor if kind is QLineEdit else editor.lineEdit()
    text = "acute lymphoblastic leukaemia B"
    qtbot.keyClicks(line, text)
    assert line.width() > line.fontMetrics().horizontalAdvance(text)
    assert editor.geometry().right() <= table.viewport().width()


@pytest.mark.parametrize("stretched", [SOURCE, NAME])
@pytest.mark.parametrize("size", [9, 14, 18])
def test_all_columns_share_the_width_and_tooltips_have_the_rest(qtbot, size, stretched):
    table = ClassTable(["Field", "Class", "Source"], CLASS, stretched, check_column=NAME)
    qtbot.addWidget(table)
    table.setStyleSheet(f"QTableView, QHeaderView {{ font-size: {size}pt; }}")
    table.setRowCount(1)
    long = ("patient_with_a_long_name_0017", "polymorphonuclear neutrophil", "mask of another size")
    for column, text in enumerate(long):
        table.set_text(0, column, text)
    table.resize(400, 200)
    table.show()
    across = table.horizontalHeader()
    qtbot.wait(100)
    for width in (400, 600):
        table.resize(width, 200)
        qtbot.wait(100)
        assert table.horizontalScrollBar().maximum() == 0
        room = table.fontMetrics().horizontalAdvance("mask of")
        assert table.columnWidth(stretched) > room, width
        for column, text in enumerate(long):
            assert across.sectionSize(column) >= across.sectionSizeHint(column)
            assert table.item(0, column).toolTip() == text
    table.item(0, CLASS).setText("MM")
    assert table.item(0, CLASS).toolTip() == "MM"
