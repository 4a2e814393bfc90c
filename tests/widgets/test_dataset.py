"""The Data set widget, opened by the name in the manifest."""

import re
from threading import Event
from time import sleep

import numpy as np
import pytest
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QFileDialog, QLineEdit, QMessageBox, QPushButton

from napari_marrow.data.fields import Field
from napari_marrow.data.layouts import scan, write_table
from napari_marrow.data.layouts.saved_table import suggested_table
from napari_marrow.imaging.settings import AugmentSettings
from napari_marrow.viewer.layer_info import LayerInfo
from napari_marrow.viewer.make.augmented import augment_photograph, augmented_layers
from napari_marrow.viewer.photograph.annotations import set_field_class
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.widgets.components.source_panel import SourcePanel
from napari_marrow.widgets.dataset import CLASS, NOTES, SOURCE, THUMBNAIL_PX, USE, thumbnail


@pytest.fixture
def widget(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy()
    _, widget = viewer.window.add_plugin_dock_widget("napari-marrow", "Data set")
    widget.viewer_for_test = viewer
    return widget


def look(widget, folder, qtbot):
    """Look through a folder until the audit has spoken, which is last."""
    widget.set_folder(folder)
    qtbot.waitUntil(lambda: "acquisition" in widget.findings.text(), timeout=60000)


def test_fields_are_shown_with_thumbnails_and_what_was_found(widget, make_snam, tmp_path, qtbot):
    root = make_snam(tmp_path / "s", 2)
    turned = Image.open(root / "ALL" / "ALL_1.bmp").transpose(Image.Transpose.ROTATE_90)
    turned.save(root / "MM" / "MM_9.bmp")
    look(widget, root, qtbot)
    table = widget.table
    names = [table.item(row, USE).text() for row in range(table.rowCount())]
    assert names == ["ALL_1", "ALL_2", "MM_1", "MM_2", "MM_9"]
    assert not table.item(0, USE).icon().isNull()
    assert "near duplicate" in table.item(0, NOTES).text()
    assert "near duplicate" in table.item(4, NOTES).text()
    assert "near duplicate" not in table.item(1, NOTES).text()
    assert "IN TWO CLASSES" in widget.findings.text()
    counts = "5 fields of 5 sources: 2 ALL, 3 MM."
    qtbot.waitUntil(lambda: widget.run.status.text() == counts, timeout=5000)


def test_the_notes_of_a_field_are_in_view_in_a_large_font(widget, make_snam, tmp_path, qtbot):
    root = make_snam(tmp_path / "s", 2)
    for name in ("ALL_1", "MM_1"):
        Image.open(root / "ALL" / "ALL_1.bmp").save(root / "ALL" / f"a copy of {name} of 2019.png")
    Image.new("L", (8, 6)).save(root / "ALL" / "ALL_1_nucleus_mask.bmp")
    widget.setStyleSheet("QTableView, QHeaderView { font-size: 14pt; }")
    widget.resize(widget.minimumSizeHint().width(), 700)
    look(widget, root, qtbot)
    table = widget.table
    qtbot.waitUntil(lambda: table.horizontalScrollBar().maximum() == 0)
    row = texts(widget, USE).index("ALL_1")
    advance = table.fontMetrics().horizontalAdvance  # the widths are shared a moment later
    qtbot.waitUntil(lambda: table.columnWidth(NOTES) > advance("duplicate"))
    qtbot.waitUntil(lambda: table.columnWidth(USE) > THUMBNAIL_PX + advance("[x] ALL_1"))
    assert table.horizontalScrollBar().maximum() == 0
    assert not widget.about_field.text()
    table.setCurrentCell(row, CLASS)
    assert widget.about_field.text().startswith("ALL_1: ")
    for part in ("masks: background, nucleus", "mask of another size", "duplicate"):
        assert part in widget.about_field.text()
    table.setCurrentCell(texts(widget, USE).index("MM_2"), CLASS)
    assert "duplicate" not in widget.about_field.text()
    widget.set_folder(root / "MM")
    assert not widget.about_field.text()


def test_closing_the_dock_with_changes_asks(
    make_napari_viewer, make_snam, tmp_path, qtbot, monkeypatch
):
    viewer, answers = make_napari_viewer(show=True), QMessageBox.StandardButton
    dock, widget = viewer.window.add_plugin_dock_widget("napari-marrow", "Data set")
    look(widget, make_snam(tmp_path / "s", 2), qtbot)
    asked = [answers.Cancel, answers.Save, answers.Discard]
    monkeypatch.setattr(QMessageBox, "question", lambda *_: asked.pop(0))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "t.csv"), ""))
    widget.table.item(0, CLASS).setText("AML")
    close = dock.findChild(QPushButton, "QTitleBarCloseButton")
    qtbot.waitUntil(close.isVisible)
    qtbot.mouseClick(close, Qt.MouseButton.LeftButton)
    assert widget.parent() is not None
    assert len(asked) == 2
    qtbot.mouseClick(close, Qt.MouseButton.LeftButton)
    assert widget.parent() is None
    assert "AML" in (tmp_path / "t.csv").read_text()
    assert asked == [answers.Discard]


def test_every_row_has_the_notes_that_name_it(widget, tmp_path, qtbot):
    pixels = np.random.default_rng(0).integers(0, 255, (6, 60, 80, 3), np.uint8)
    for name, picture in zip(("a", "b", "c", "d", "e", "f"), pixels, strict=True):
        (tmp_path / "AML").mkdir(exist_ok=True)
        Image.fromarray(picture).save(tmp_path / "AML" / f"{name}.png")
        Image.new("L", (80, 60)).save(tmp_path / "AML" / f"{name}_nucleus_mask.png")
    Image.new("L", (8, 6)).save(tmp_path / "AML" / "b_nucleus_mask.png")
    (tmp_path / "AML" / "c_nucleus_mask.png").unlink()
    (tmp_path / "AML" / "d.png").write_bytes(b"BM" + bytes(100))
    whole = (tmp_path / "AML" / "e.png").read_bytes()
    (tmp_path / "AML" / "e.png").write_bytes(whole[: len(whole) // 2])
    look(widget, tmp_path, qtbot)
    notes = [widget.table.item(row, NOTES).text() for row in range(6)]
    assert notes == [
        "",
        "mask of another size",
        "no nucleus mask",
        "damaged",
        "damaged",
        "",
    ]


def test_edits_are_saved_as_a_table_that_is_read_back(widget, make_snam, tmp_path, qtbot):
    root = make_snam(tmp_path / "s", 2)
    look(widget, root, qtbot)
    table = widget.table
    for row in (0, 1):  # the same source for both selected rows
        table.selectionModel().select(
            table.model().index(row, 0),
            table.selectionModel().SelectionFlag.Select | table.selectionModel().SelectionFlag.Rows,
        )
    table.item(1, SOURCE).setText("patient 7")
    table.clearSelection()
    table.item(2, CLASS).setText("plasma")
    table.item(3, USE).setCheckState(Qt.CheckState.Unchecked)
    widget.save(root / "mine")
    counted = "3 fields of 2 sources: 2 ALL, 1 plasma."
    assert widget.run.status.text() == f"{counted} Saved as {root / 'mine.csv'}."
    found = scan(root / "mine.csv")
    assert [(f.name, f.class_name, f.source) for f in found.fields] == [
        ("ALL_1", "ALL", "patient 7"),
        ("ALL_2", "ALL", "patient 7"),
        ("MM_1", "plasma", "MM/MM_1"),
    ]
    assert all("nucleus" in f.masks for f in found.fields)


def test_ticked_fields_open_as_one_stack(widget, make_snam, tmp_path, qtbot):
    look(widget, make_snam(tmp_path / "s", 2), qtbot)
    widget.table.item(0, USE).setCheckState(Qt.CheckState.Unchecked)
    widget.open_fields()
    image, nuclei = widget.viewer_for_test.layers
    assert image.data.shape[0] == nuclei.data.shape[0] == 3
    assert LayerInfo.of(image).fields[0].name == "ALL_2"


def test_a_class_that_is_called_minus_is_kept(widget, tmp_path, qtbot):
    for k, name in enumerate("+-+-"):
        (tmp_path / name).mkdir(exist_ok=True)
        Image.fromarray(np.full((9, 9, 3), 50 * k, np.uint8)).save(tmp_path / name / f"{k}.png")
    look(widget, tmp_path, qtbot)
    widget.save(tmp_path / "fields.csv")
    assert sorted(f.class_name for f in scan(tmp_path).fields) == ["+", "+", "-", "-"]


def test_only_its_own_table_is_replaced(widget, make_snam, tmp_path, qtbot):
    root = make_snam(tmp_path / "s", 1, wrapped=False)
    others = ["image,class,source,age\nALL/ALL_1,ALL,a,9\n", "name,mark\nAda,1\n"]
    (root / "labels.csv").write_text("image,class,source\nALL/ALL_1,ALL,a\n")
    look(widget, root / "labels.csv", qtbot)
    widget.save(root / "labels.csv")
    assert "labels.csv is there already" in widget.run.status.text()
    for text in others:
        (root / "mine.csv").write_text(text)
        widget.save(root / "mine.csv")
        assert "mine.csv is there already" in widget.run.status.text()
        assert (root / "mine.csv").read_text() == text
    widget.save(root / "fields.csv")
    look(widget, root, qtbot)
    widget.save(root / "fields.csv")
    assert "Saved as" in widget.run.status.text()
    saved = (root / "fields.csv").read_text()
    with_age = saved.replace(',"source"', ',"source","age"').replace("_1\n", "_1,9\n")
    in_another_form = [f"{saved},,\n", saved.replace("\n", "\r\n"), saved.replace(".bmp", "")]
    by_hand = saved.replace('"', "")
    from_r = re.sub("[^,\n]+", r'"\g<0>"', by_hand)
    for text in [with_age, *in_another_form, by_hand, from_r]:
        (root / "fields.csv").write_bytes(text.encode())
        if text in (by_hand, from_r):  # read as ever, only not replaced
            look(widget, root, qtbot)
            assert texts(widget, CLASS) == ["ALL"]
            widget.table.item(0, CLASS).setText("CLL")
        widget.save(root / "fields.csv")
        assert "fields.csv is there already" in widget.run.status.text()
        assert "--force" not in widget.run.status.text()
        assert (root / "fields.csv").read_bytes() == text.encode()


def test_what_cannot_be_read_or_saved_is_one_sentence(widget, make_snam, tmp_path, qtbot):
    widget.set_folder(tmp_path / "nowhere")
    qtbot.waitUntil(lambda: "is not there" in widget.run.status.text(), timeout=5000)
    assert not widget.save_button.isEnabled()
    root = make_snam(tmp_path / "s", 2)
    look(widget, root, qtbot)
    widget.save(tmp_path / "elsewhere" / "t.csv")
    assert "must lie above all its photographs" in widget.run.status.text()
    for row in range(4):
        widget.table.item(row, USE).setCheckState(Qt.CheckState.Unchecked)
    widget.open_fields()
    assert widget.run.status.text() == "No field is checked; check those that are wanted."


def test_a_thumbnail_is_every_nth_pixel(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (100, 200, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.bmp")
    small = thumbnail(Field(tmp_path / "a.bmp", "a", "a"))
    np.testing.assert_array_equal(small, pixels[::5, ::5])
    assert max(small.shape[:2]) <= THUMBNAIL_PX


def editor_of(widget, row, qtbot, column=CLASS):
    """The box in which the class of a row is edited, or the line of its source."""
    kind = QComboBox if column == CLASS else QLineEdit
    widget.table.editItem(widget.table.item(row, column))
    qtbot.waitUntil(lambda: widget.table.findChild(kind) is not None)
    return widget.table.findChild(kind)


def texts(widget, column):
    return [widget.table.item(row, column).text() for row in range(widget.table.rowCount())]


@pytest.mark.parametrize("column", [CLASS, SOURCE])
def test_what_stands_in_a_row_is_chosen_for_all_selected(
    widget, make_snam, tmp_path, qtbot, column
):
    look(widget, make_snam(tmp_path / "s", 2), qtbot)
    before = texts(widget, column)
    widget.table.selectAll()
    editor = editor_of(widget, 1, qtbot, column)
    widget.table.itemDelegateForColumn(column).commitData.emit(editor)  # as when it is left
    assert texts(widget, column) == before
    assert not widget._unsaved
    line = editor.lineEdit() if column == CLASS else editor
    qtbot.keyClick(line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: texts(widget, column) == [before[1]] * 4)
    assert widget._unsaved


def test_a_class_of_the_list_is_chosen_for_all_selected(widget, make_snam, tmp_path, qtbot):
    look(widget, make_snam(tmp_path / "s", 2), qtbot)
    widget.table.selectAll()
    box = editor_of(widget, 0, qtbot)
    box.showPopup()
    qtbot.keyClick(box.view(), Qt.Key.Key_Return)
    widget.table.itemDelegateForColumn(CLASS).commitData.emit(box)
    assert texts(widget, CLASS) == ["ALL"] * 4


@pytest.mark.parametrize("typed", ["CLL", "M"])  # M begins one of the classes that are offered
def test_what_is_typed_replaces_the_class(widget, make_snam, tmp_path, qtbot, typed):
    look(widget, make_snam(tmp_path / "s", 2), qtbot)
    box = editor_of(widget, 1, qtbot)
    qtbot.keyClicks(box.lineEdit(), typed)
    widget.table.itemDelegateForColumn(CLASS).commitData.emit(box)
    classes = [widget.table.item(row, CLASS).text() for row in range(4)]
    assert classes == ["ALL", typed, "MM", "MM"]


def test_the_wheel_does_not_change_a_class(widget, make_snam, tmp_path, qtbot, turn_wheel):
    look(widget, make_snam(tmp_path / "s", 2), qtbot)
    box = editor_of(widget, 0, qtbot)
    down = turn_wheel(box)
    assert box.currentText() == "ALL"
    assert not down.isAccepted()  # so that the table gets it


def test_unsaved_changes_are_not_lost_unasked(widget, make_snam, tmp_path, qtbot, monkeypatch):
    root = make_snam(tmp_path / "s", 2)
    look(widget, root, qtbot)
    asked = []

    def ask(*given):
        asked.append(given[-1])
        return QMessageBox.StandardButton.No

    monkeypatch.setattr(QMessageBox, "question", ask)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(root / "MM"))
    widget.table.item(0, CLASS).setText("CLL")
    widget.folder_edit.folder_button.click()
    assert len(asked) == 1
    assert widget.table.rowCount() == 4
    widget.save(tmp_path / "kept.csv")
    assert widget.run.status.text().startswith("4 fields of 4 sources: 1 ALL, 1 CLL, 2 MM. Saved")
    widget.folder_edit.folder_button.click()
    assert len(asked) == 1
    qtbot.waitUntil(lambda: widget.table.rowCount() == 2, timeout=20000)


def test_a_folder_that_is_not_gone_to_leaves_the_path(
    widget, make_snam, tmp_path, qtbot, monkeypatch
):
    root = make_snam(tmp_path / "s", 2)
    look(widget, root, qtbot)
    answers = [QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes]
    monkeypatch.setattr(QMessageBox, "question", lambda *_: answers.pop(0))
    widget.table.item(0, CLASS).setText("CLL")

    def type_folder():
        widget.folder_edit.line.selectAll()
        qtbot.keyClicks(widget.folder_edit.line, str(root / "MM"))
        qtbot.keyClick(widget.folder_edit.line, Qt.Key.Key_Return)

    type_folder()
    assert widget.folder_edit.line.text() == str(root)
    assert widget.table.rowCount() == 4
    type_folder()
    qtbot.waitUntil(lambda: widget.table.rowCount() == 2, timeout=20000)


def test_looking_through_a_folder_can_be_cancelled(widget, make_snam, tmp_path, qtbot, monkeypatch):
    begun, go = Event(), Event()

    def slow(shown):
        begun.set()
        go.wait(10)
        return thumbnail(shown)

    monkeypatch.setattr("napari_marrow.widgets.dataset.thumbnail", slow)
    widget.set_folder(make_snam(tmp_path / "s", 2))
    qtbot.waitUntil(lambda: begun.is_set() and widget.table.rowCount() == 4, timeout=20000)
    widget.run.cancel_button.click()
    go.set()
    assert widget.run.status.text() == "Stopped."
    qtbot.waitUntil(lambda: widget.task._in_thread is None, timeout=20000)
    assert widget.table.item(0, USE).icon().isNull()
    assert widget.findings.text() == ""
    assert widget.save_button.isEnabled()  # the fields that were found can be edited


def endless(folder, progress):
    """A scan of a folder that never ends by itself."""
    while True:
        progress(0.5, "Reading headers: 7 of 14")
        sleep(0.01)


def test_a_long_scan_shows_its_progress_and_can_be_cancelled(widget, tmp_path, qtbot, monkeypatch):
    monkeypatch.setattr("napari_marrow.widgets.dataset.scan", endless)
    monkeypatch.setattr("napari_marrow.widgets.components.source_panel.scan", endless)
    panel = SourcePanel(widget)
    for start, run, task in (
        (widget.set_folder, widget.run, widget.task),
        (panel.set_folder, panel.run, panel._scan),
    ):
        start(tmp_path)
        qtbot.waitUntil(lambda run=run: "7 of 14" in run.status.text(), timeout=20000)
        assert run.bars.own.value() == 500
        run.cancel_button.click()
        assert run.status.text() == "Stopped."
        qtbot.waitUntil(lambda task=task: task._in_thread is None, timeout=20000)


@pytest.mark.parametrize(
    ("name", "hidden"), [("fields.csv", [0]), ("fields.csv", [2, 3]), ("mine.csv", [0, 3])]
)
def test_hidden_fields_stay_in_the_table(widget, make_snam, tmp_path, qtbot, name, hidden):
    root = make_snam(tmp_path / "s", 2)
    look(widget, root, qtbot)
    for row in hidden:
        widget.table.item(row, USE).setCheckState(Qt.CheckState.Unchecked)
    widget.save(root / name)
    look(widget, root if name == "fields.csv" else root / name, qtbot)
    assert texts(widget, USE) == ["ALL_1", "ALL_2", "MM_1", "MM_2"]
    assert [row for row in range(4) if not widget.table.is_checked(row)] == hidden
    assert "Passed over: " not in widget.findings.text()


def test_a_hidden_field_is_shown_again_after_saving(widget, make_snam, tmp_path, qtbot):
    root = make_snam(tmp_path / "s", 2)
    look(widget, root, qtbot)
    widget.table.item(1, USE).setCheckState(Qt.CheckState.Unchecked)
    widget.table.item(1, CLASS).setText("CLL")
    widget.save(root / "fields.csv")
    look(widget, root, qtbot)
    assert texts(widget, USE) == ["ALL_1", "ALL_2", "MM_1", "MM_2"]
    assert [widget.table.is_checked(row) for row in range(4)] == [True, False, True, True]
    assert texts(widget, CLASS) == ["ALL", "CLL", "MM", "MM"]
    assert "Passed over" not in widget.findings.text()
    widget.table.item(1, USE).setCheckState(Qt.CheckState.Checked)
    widget.save(root / "fields.csv")
    assert [f.name for f in scan(root).fields] == ["ALL_1", "ALL_2", "MM_1", "MM_2"]


def test_counts_and_findings_follow_the_edits(widget, make_snam, tmp_path, qtbot):
    look(widget, make_snam(tmp_path / "s", 2), qtbot)
    assert "CLL has too few" not in widget.findings.text()
    widget.table.item(0, CLASS).setText("CLL")
    assert widget.run.status.text() == "4 fields of 4 sources: 1 ALL, 1 CLL, 2 MM."
    qtbot.waitUntil(lambda: "CLL has too few" in widget.findings.text(), timeout=20000)
    widget.table.item(0, CLASS).setText("")
    widget.table.item(3, USE).setCheckState(Qt.CheckState.Unchecked)
    assert widget.run.status.text() == "3 fields of 3 sources: 1 ALL, 1 MM."
    widget.table.item(1, SOURCE).setText("MM/MM_1")
    assert widget.run.status.text() == "3 fields of 2 sources: 1 ALL, 1 MM."
    qtbot.waitUntil(
        lambda: "Fields without a class: ALL_1" in widget.findings.text(), timeout=20000
    )
    assert "CLL" not in widget.findings.text()


def test_names_can_be_read_beside_the_thumbnails(widget, make_snam, tmp_path, qtbot):
    look(widget, make_snam(tmp_path / "s", 2), qtbot)
    table = widget.table
    for size in (9, 14):
        table.setStyleSheet(f"QTableView {{ font-size: {size}pt; }}")
        name = table.fontMetrics().horizontalAdvance("ALL_1")
        room = THUMBNAIL_PX + name
        qtbot.waitUntil(lambda room=room: table.columnWidth(USE) > room)


def test_an_emptied_source_is_one_of_its_own_and_a_spelling_is_the_one_there(
    widget, make_snam, tmp_path, qtbot
):
    root = make_snam(tmp_path / "s", 3)
    look(widget, root, qtbot)
    for row in (0, 1, 2):
        widget.table.item(row, SOURCE).setText("patient 7")
    for row in (0, 1):
        widget.table.item(row, SOURCE).setText(" " * row)
    widget.table.item(3, CLASS).setText(" all ")
    widget.table.item(4, CLASS).setText("mm")
    widget.save(root / "fields.csv")
    found = scan(root).fields
    assert len({f.source for f in found}) == 6
    assert [f.source for f in found][2] == "patient 7"
    assert [f.source for f in found] == texts(widget, SOURCE)
    assert texts(widget, CLASS) == ["ALL"] * 4 + ["MM"] * 2


def test_what_is_saved_counts_in_the_layers_that_are_open(widget, make_snam, tmp_path, qtbot):
    root, viewer = make_snam(tmp_path / "s", 2), widget.viewer_for_test
    look(widget, root, qtbot)
    widget.open_fields()
    widget.save(root / "fields.csv")
    assert "open layers" not in widget.run.status.text()
    viewer.open(str(root / "MM" / "MM_1.bmp"), plugin="napari-marrow")
    stack, single = viewer.layers[root.name], viewer.layers["MM_1"]
    augmented = augment_photograph(of(viewer, "MM_1"), AugmentSettings(("rotate90",)))
    viewer.add_layer(augmented_layers(of(viewer, "MM_1"), augmented)[0])
    product = viewer.layers[-1].name
    set_field_class(stack, 1, "by hand")
    widget.table.item(0, CLASS).setText("CLL")
    widget.table.item(2, CLASS).setText("MGUS")
    widget.table.item(2, SOURCE).setText("patient 7")
    widget.table.item(3, USE).setCheckState(Qt.CheckState.Unchecked)
    widget.save(root / "fields.csv")
    assert of(viewer, stack.name).classes == ("CLL", "by hand", "MGUS", "MM")
    assert [of(viewer, stack.name).field(row).source for row in (0, 2)] == [
        "ALL/ALL_1",
        "patient 7",
    ]
    assert 3 not in of(viewer, stack.name).chosen
    assert of(viewer, single.name).classes == ("MGUS",)
    assert of(viewer, single.name).field(0).source == "patient 7"
    assert of(viewer, product).classes[0] == "MGUS"
    assert of(viewer, product).field(0).source == "patient 7"
    for name in (stack.name, "MM_1"):
        assert name in widget.run.status.text().partition("Saved as")[2]
    assert "ALL_2 (by hand)" in widget.run.status.text()
    widget.table.item(0, CLASS).setText("ALL")
    widget.save(root / "fields.csv")
    assert of(viewer, stack.name).classes[0] == "ALL"


def of(viewer, name):
    return Photograph.of(viewer.layers[name], viewer.layers)


@pytest.mark.parametrize("name", ["patients.csv", "fields.csv"])
def test_saving_again_keeps_what_the_widget_does_not_show(
    widget, make_snam, tmp_path, qtbot, monkeypatch, name
):
    """A class folder of the table, and a photograph that is not there for the moment."""
    root, suggested = make_snam(tmp_path / "s", 2), []
    monkeypatch.setattr(
        QFileDialog, "getSaveFileName", lambda *given: (suggested.append(given[2]), "")
    )
    widget.viewer_for_test.open(str(root), plugin="napari-marrow")
    look(widget, root, qtbot)
    widget.save(root / name)
    for opened in (root / name, root / "ALL" if name == "fields.csv" else root / name):
        look(widget, opened, qtbot)
        widget.table.item(0, SOURCE).setText(f"patient {opened.name}")
        widget._ask_path()
        assert suggested.pop() == str(root / name)
        widget.save(root / name)
        assert "Saved as" in widget.run.status.text()
    assert ("2 rows" in widget.run.status.text()) == (name == "fields.csv")
    (root / "MM" / "MM_1.bmp").rename(tmp_path / "MM_1.bmp")
    look(widget, root / name, qtbot)
    widget.save(root / name)
    assert "1 row of a photograph" in widget.run.status.text()
    (tmp_path / "MM_1.bmp").rename(root / "MM" / "MM_1.bmp")
    assert [f.source for f in scan(root / name).fields] == [
        f"patient {opened.name}",
        "ALL/ALL_2",
        "MM/MM_1",
        "MM/MM_2",
    ]


@pytest.mark.parametrize("has_outer", [True, False])
def test_a_class_folder_is_saved_where_it_counts(widget, make_snam, tmp_path, qtbot, has_outer):
    """Where the dialog suggests: in the table above if there is one, else in the folder."""
    root = make_snam(tmp_path / "s", 2)
    if has_outer:
        write_table(scan(root), root / "fields.csv")
    look(widget, root / "ALL", qtbot)
    widget.table.item(0, SOURCE).setText("patient 9")
    widget.table.item(1, USE).setCheckState(Qt.CheckState.Unchecked)
    table = suggested_table(widget.collection)
    assert table == (root if has_outer else root / "ALL") / "fields.csv"
    widget.save(table)
    widget.viewer_for_test.open(str(root), plugin="napari-marrow")
    [photographs] = Photograph.all_of(widget.viewer_for_test.layers)
    names = [photographs.field(k).name for k in range(len(photographs))]
    sources = [photographs.field(k).source for k in range(len(photographs))]
    assert names == ["ALL_1", "MM_1", "MM_2"]
    assert sources == ["patient 9", "MM/MM_1", "MM/MM_2"]
