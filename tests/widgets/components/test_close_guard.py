"""A person who closes a dock or the window with unsaved work is asked; a script is not."""

import pytest
from napari.settings import get_settings
from qtpy.QtCore import Qt
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QApplication, QDialog, QMessageBox, QPushButton

ANSWERS = QMessageBox.StandardButton


@pytest.fixture
def asked(monkeypatch):
    """Titles of the questions that were asked, and the answers that are given."""
    titles, answers = [], []

    def question(_parent, title, *_):
        titles.append(title)
        return answers.pop(0) if answers else ANSWERS.Cancel

    monkeypatch.setattr(QMessageBox, "question", question)
    return titles, answers


@pytest.fixture
def opened(make_napari_viewer, monkeypatch, finish_run, qtbot):
    """A viewer, and the docks of two widgets with unsaved work: a model, and a table."""
    monkeypatch.setattr("napari_marrow.widgets.train_dcnn.WARM_START_AFTER_MS", 10**8)
    viewer = make_napari_viewer(show=True)
    get_settings().application.confirm_close_window = False
    docks = {}
    for name in ("Train DCNN", "Data set"):
        docks[name], widget = viewer.window.add_plugin_dock_widget("napari-marrow", name)
        if name == "Data set":
            widget._unsaved = True
        else:
            finish_run(widget)
    viewer.window._qt_window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is viewer.window._qt_window)
    return viewer, docks


def by_mouse(dock, qtbot):
    close = dock.findChild(QPushButton, "QTitleBarCloseButton")
    qtbot.mouseClick(close, Qt.MouseButton.LeftButton)


def by_space(dock, qtbot):
    close = dock.findChild(QPushButton, "QTitleBarCloseButton")
    close.setFocus()
    qtbot.keyClick(close, Qt.Key.Key_Space)


@pytest.mark.parametrize("close", [by_mouse, by_space])
@pytest.mark.parametrize("name", ["Train DCNN", "Data set"])
def test_close_button_of_a_dock_asks(opened, asked, qtbot, name, close, recovery_folder):
    viewer, docks = opened
    titles, answers = asked
    dock, window = docks[name], viewer.window._qt_window
    widget = dock.inner_widget()
    close(dock, qtbot)
    window.addDockWidget(Qt.DockWidgetArea.TopDockWidgetArea, dock)
    qtbot.wait(50)
    close(dock, qtbot)
    dock.setFloating(True)
    close(dock, qtbot)
    assert titles == [name] * 3
    assert widget.isVisible()
    assert dock in window.findChildren(type(dock))
    answers[:] = [ANSWERS.Discard]
    close(dock, qtbot)
    assert widget.parent() is None
    assert len(titles) == 4
    assert not list(recovery_folder.iterdir())


class ClosedByHand(QCloseEvent):
    """What a window manager makes Qt send."""

    def spontaneous(self):
        return True


def close_by(way, viewer, qtbot):
    """Close the window in one of the ways that a person has."""
    window = viewer.window._qt_window
    actions = {action.text(): action for action in viewer.window.file_menu.actions()}
    if way == "title bar":
        QApplication.sendEvent(window, ClosedByHand())
    elif way == "shortcut":
        qtbot.keyClick(window, Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier)
    else:
        actions[way].trigger()


@pytest.mark.parametrize("way", ["title bar", "Close Window", "shortcut", "Exit"])
def test_closing_the_window_asks_each_widget_once(
    opened, asked, qtbot, way, monkeypatch, recovery_folder
):
    viewer, docks = opened
    titles, answers = asked
    window, runs = viewer.window._qt_window, docks["Train DCNN"].inner_widget().runs
    monkeypatch.setattr("napari._qt.qt_main_window.quit_app_", lambda: None)
    close_by(way, viewer, qtbot)
    assert len(titles) == 1
    answers[:] = [ANSWERS.Discard, ANSWERS.Cancel]
    close_by(way, viewer, qtbot)
    assert sorted(titles[1:]) == ["Data set", "Train DCNN"]
    assert window.isVisible()
    assert runs.unsaved  # it stays, and so does the window
    assert docks["Data set"].inner_widget()._unsaved
    answers[:] = [ANSWERS.Discard] * 2
    if way == "title bar":  # the others would close it, which a viewer of a test can't take
        close_by(way, viewer, qtbot)
        assert len(titles) == 5
        viewer.close()
        assert not list(recovery_folder.iterdir())


def test_where_napari_keeps_the_window_nothing_is_forgotten(opened, asked, monkeypatch):
    viewer, docks = opened
    _, answers = asked
    monkeypatch.setattr(QDialog, "exec_", lambda _: QDialog.DialogCode.Rejected)
    get_settings().application.confirm_close_window = True
    viewer.add_points()
    answers[:] = [ANSWERS.Discard] * 2
    QApplication.sendEvent(viewer.window._qt_window, ClosedByHand())
    assert viewer.window._qt_window.isVisible()
    assert docks["Train DCNN"].inner_widget().runs.unsaved


def test_a_script_is_not_asked(opened, asked, recovery_folder):
    viewer, docks = opened
    viewer.window.remove_dock_widget(docks["Data set"])
    viewer.close()
    assert not asked[0]
    assert len(list(recovery_folder.iterdir())) == 1


@pytest.mark.parametrize("with_model", [False, True])
def test_closing_the_dock_of_a_running_training_asks_and_ends_its_child(
    opened, asked, make_snam, tmp_path, qtbot, notified, recovery_folder, with_model
):
    _, docks = opened
    titles, answers = asked
    dock, before = docks["Train DCNN"], len(notified)
    widget = dock.inner_widget()
    if not with_model:
        widget.runs.discard()
    widget.source.where.setCurrentIndex(1)
    widget.source.folder_edit.line.setText(str(make_snam(tmp_path / "data", 6, masks=False)))
    widget.form.fields["model"].value = "svm"
    widget.train_button.click()
    qtbot.waitUntil(lambda: widget.client.pid is not None, timeout=20000)
    process = widget.client._process
    answers[:] = [ANSWERS.Discard, ANSWERS.Cancel] if with_model else [ANSWERS.Cancel]
    by_mouse(dock, qtbot)
    assert len(titles) == 1 + with_model
    assert widget.task.busy
    assert process.poll() is None
    assert bool(widget.runs.unsaved) == with_model
    answers[:] = [ANSWERS.Discard] * 2
    by_mouse(dock, qtbot)
    assert widget.parent() is None
    assert len(titles) == 2 * (1 + with_model)
    assert process.poll() is not None
    qtbot.waitUntil(lambda: widget.task._in_thread is None)
    assert not widget.folder.exists()
    assert not list(recovery_folder.iterdir())
    assert len(notified) == before
