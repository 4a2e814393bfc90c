"""A trained model is not lost when its dock, its window or another model takes its place."""

import shutil

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QMessageBox, QPushButton

from napari_marrow.learning.bundles.bundle import load_bundle
from napari_marrow.widgets.components.unsaved_model import UnsavedModel

PLUGIN, WIDGET = "napari-marrow", "Train DCNN"
ANSWERS = QMessageBox.StandardButton


@pytest.fixture
def open_trained(make_napari_viewer, monkeypatch, toy, qtbot):
    """A viewer on the screen, its dock and its widget, with a model that was just trained."""
    monkeypatch.setattr("napari_marrow.widgets.train_dcnn.WARM_START_AFTER_MS", 10**8)

    def make():
        viewer = make_napari_viewer(show=True)
        dock, widget = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
        bundle = widget.folder / "model-1.marrow"
        shutil.copytree(toy.path, bundle)
        qtbot.wait(50)  # the window is drawn
        widget._trained(load_bundle(bundle), "Trained on cpu.")
        return viewer, dock, widget

    return make


@pytest.fixture
def asked(monkeypatch):
    """Answers the question with what is put into the list; counts the questions."""
    answers = []

    def question(*_):
        return answers.pop(0)

    monkeypatch.setattr(QMessageBox, "question", question)
    return answers


def click_close(dock, qtbot):
    """Click the cross of a dock's title bar."""
    close = dock.findChild(QPushButton, "QTitleBarCloseButton")
    qtbot.mouseClick(close, Qt.MouseButton.LeftButton)


def test_closing_the_dock_asks(open_trained, asked, qtbot, tmp_path, monkeypatch, recovery_folder):
    viewer, dock, widget = open_trained()
    window, saved = viewer.window._qt_window, tmp_path / "mine.marrow"
    asked[:] = [ANSWERS.Cancel, ANSWERS.Save, ANSWERS.Save]
    click_close(dock, qtbot)
    assert asked == [ANSWERS.Save] * 2
    assert dock in window.findChildren(type(dock))
    assert widget.parent() is not None
    dock.setFloating(True)  # napari makes another title bar
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    qtbot.waitUntil(lambda: dock.findChild(QPushButton, "QTitleBarCloseButton").isVisible())
    click_close(dock, qtbot)
    assert widget.parent() is not None  # saving was cancelled
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(saved), ""))
    click_close(dock, qtbot)
    assert widget.parent() is None
    assert load_bundle(saved).info.classes == ("ALL", "MM")
    assert not list(recovery_folder.iterdir())


@pytest.mark.parametrize("how", ["script closes dock", "script closes viewer", "another model"])
def test_where_nobody_is_asked_the_model_is_kept_and_named(
    open_trained, asked, how, recovery_folder, toy, notified, qtbot
):
    viewer, dock, widget = open_trained()
    if how == "script closes dock":
        viewer.window.remove_dock_widget(dock)
    elif how == "script closes viewer":
        viewer.close()
    else:
        widget.model.load(toy.path)
    qtbot.waitUntil(lambda: len(list(recovery_folder.iterdir())) == 1)
    [kept] = recovery_folder.iterdir()
    assert load_bundle(kept).info.classes == ("ALL", "MM")
    if how != "script closes viewer":
        assert str(kept) in notified[-1]
    _, _, again = open_trained()
    again.model.unsaved.path = None


def test_the_next_widget_names_a_model_that_was_kept(
    make_napari_viewer, monkeypatch, recovery_folder, toy
):
    monkeypatch.setattr("napari_marrow.widgets.train_dcnn.WARM_START_AFTER_MS", 10**8)
    shutil.copytree(toy.path, recovery_folder / "2026-01-01.marrow")
    _, widget = make_napari_viewer().window.add_plugin_dock_widget(PLUGIN, WIDGET)
    assert "2026-01-01.marrow" in widget.model.result.text()


def test_only_models_that_were_kept_are_removed(recovery_folder, toy, monkeypatch):
    """A model that a person put or renamed there is theirs."""
    monkeypatch.setattr("napari_marrow.widgets.components.unsaved_model.MAX_KEPT", 2)
    theirs = ["2026-01-01 best.marrow", "0.marrow", "2026-01-01 00-00-00-000000 copy.marrow"]
    for name in theirs:
        shutil.copytree(toy.path, recovery_folder / name)
    kept = []
    for _ in range(4):
        model = UnsavedModel()
        model.path = toy.path
        kept.append(model.keep())
    assert sorted(recovery_folder.iterdir()) == sorted(
        [*kept[-2:], *(recovery_folder / name for name in theirs)]
    )
