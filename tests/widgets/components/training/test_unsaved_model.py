"""Trained models are not lost when their dock, their window or another model takes their place."""

import os
import shutil
import subprocess
import sys
import threading

import pytest
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QFileDialog, QMessageBox, QPushButton

from napari_marrow.learning.bundles.bundle import load_bundle
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.widgets.components.training import unsaved_model
from napari_marrow.widgets.components.training.runs import Runs
from napari_marrow.widgets.components.training.saving import save_bundle

PLUGIN, WIDGET = "napari-marrow", "Train DCNN"
ANSWERS = QMessageBox.StandardButton


@pytest.fixture
def open_trained(make_napari_viewer, monkeypatch, finish_run, qtbot):
    """A viewer on the screen, its dock and its widget, with models that were just trained."""
    monkeypatch.setattr("napari_marrow.widgets.train_dcnn.WARM_START_AFTER_MS", 10**8)

    def make(count=1):
        viewer = make_napari_viewer(show=True)
        dock, widget = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
        qtbot.wait(50)  # the window is drawn
        for _ in range(count):
            finish_run(widget)
        return viewer, dock, widget

    return make


@pytest.fixture
def asked(monkeypatch):
    """The questions so far, and the answers to come."""
    questions, answers = [], []

    def question(_parent, _title, text, *_):
        questions.append(text)
        return answers.pop(0)

    monkeypatch.setattr(QMessageBox, "question", question)
    return questions, answers


def click_close(dock, qtbot):
    """Click the cross of a dock's title bar."""
    close = dock.findChild(QPushButton, "QTitleBarCloseButton")
    qtbot.mouseClick(close, Qt.MouseButton.LeftButton)


def test_closing_the_dock_asks(open_trained, asked, qtbot, tmp_path, monkeypatch, recovery_folder):
    viewer, dock, widget = open_trained()
    questions, answers = asked
    window, saved = viewer.window._qt_window, tmp_path / "mine.marrow"
    answers[:] = [ANSWERS.Cancel, ANSWERS.Save, ANSWERS.Save]
    click_close(dock, qtbot)
    assert "dcnn 1" in questions[0]
    assert answers == [ANSWERS.Save] * 2
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
    assert not list(recovery_folder.glob("*.marrow"))


def test_closing_waits_for_a_model_that_is_being_saved(
    open_trained, asked, qtbot, tmp_path, monkeypatch, recovery_folder
):
    _, dock, widget = open_trained()
    [run], goes_on = widget.runs.runs, threading.Event()

    def save_later(*args):
        goes_on.wait(20)
        return save_bundle(*args)

    monkeypatch.setattr("napari_marrow.widgets.components.model_panel.save_bundle", save_later)
    widget.model.save(tmp_path / "mine")
    QTimer.singleShot(300, goes_on.set)
    click_close(dock, qtbot)  # nobody is asked
    assert widget.parent() is None
    assert run.bundle == load_bundle(tmp_path / "mine.marrow").path
    assert not list(recovery_folder.glob("*.marrow"))


def test_all_models_of_the_list_are_asked_about_once_and_saved_by_name(
    open_trained, asked, qtbot, tmp_path, monkeypatch, recovery_folder, save_model
):
    _, dock, widget = open_trained(3)
    questions, answers = asked
    save_model(widget, tmp_path / "second")  # the current one is the last
    (tmp_path / "dcnn 2.marrow").mkdir()
    (tmp_path / "dcnn 2.marrow" / "thesis.txt").write_text("mine")
    widget.runs.setData(widget.runs.index(0, 0), "a/b: 1?")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    answers[:] = [ANSWERS.Save]
    click_close(dock, qtbot)
    assert widget.parent() is None
    [question] = questions
    assert question.startswith("2 models are not saved: a/b: 1?, dcnn 2.")
    made = sorted(x.name for x in tmp_path.glob("*.marrow"))
    assert set(made) > {"a-b- 1-.marrow", "dcnn 2 2.marrow", "dcnn 2.marrow", "second.marrow"} - {
        "dcnn 2.marrow"
    }
    assert (tmp_path / "dcnn 2.marrow" / "thesis.txt").read_text() == "mine"
    assert not list(recovery_folder.glob("*.marrow"))


@pytest.mark.parametrize("how", ["script closes dock", "script closes viewer"])
def test_where_nobody_is_asked_all_models_are_kept_and_named(
    open_trained, how, recovery_folder, notified, qtbot
):
    viewer, dock, widget = open_trained(2)
    if how == "script closes dock":
        viewer.window.remove_dock_widget(dock)
    else:
        viewer.close()
    qtbot.waitUntil(lambda: len(list(recovery_folder.iterdir())) == 2)
    kept = sorted(recovery_folder.iterdir())
    assert all(load_bundle(path).info.classes == ("ALL", "MM") for path in kept)
    assert [run.bundle for run in widget.runs.runs] == kept
    if how == "script closes dock":
        assert all(str(path) in notified[-1] for path in kept)


def test_another_model_leaves_those_of_the_list_where_they_are(
    open_trained, asked, toy, recovery_folder, notified
):
    _, _, widget = open_trained(2)
    before = len(notified)
    widget.model.load(toy.path)
    assert len(widget.runs.unsaved) == 2
    assert not list(recovery_folder.glob("*.marrow"))
    assert len(notified) == before
    widget.runs.discard()


def test_the_next_widget_names_a_model_that_was_kept(
    make_napari_viewer, monkeypatch, recovery_folder, toy
):
    monkeypatch.setattr("napari_marrow.widgets.train_dcnn.WARM_START_AFTER_MS", 10**8)
    shutil.copytree(toy.path, recovery_folder / "2026-01-01.marrow")
    _, widget = make_napari_viewer().window.add_plugin_dock_widget(PLUGIN, WIDGET)
    assert "2026-01-01.marrow" in widget.model.result.text()


def unsaved_runs(toy, count):
    runs = Runs()
    for _ in range(count):
        run = runs.begin(TrainingSettings())
        run.bundle = toy.path
        runs.end(run, "finished")
    return runs


def test_only_models_that_were_kept_are_removed(recovery_folder, toy, monkeypatch):
    """A model that a person put or renamed there is theirs."""
    monkeypatch.setattr(unsaved_model, "MAX_KEPT", 2)
    theirs = ["2026-01-01 best.marrow", "0.marrow", "2026-01-01 00-00-00-000000 copy.marrow"]
    for name in theirs:
        shutil.copytree(toy.path, recovery_folder / name)
    kept = []
    for _ in range(4):
        kept += unsaved_model.keep_unsaved(unsaved_runs(toy, 1))
    assert sorted(recovery_folder.iterdir()) == sorted(
        [*kept[-2:], *(recovery_folder / name for name in theirs)]
    )


def test_models_that_are_kept_at_once_do_not_remove_each_other(recovery_folder, toy, monkeypatch):
    monkeypatch.setattr(unsaved_model, "MAX_KEPT", 2)
    first = unsaved_model.keep_unsaved(unsaved_runs(toy, 1))
    kept = unsaved_model.keep_unsaved(unsaved_runs(toy, 3))
    assert sorted(recovery_folder.iterdir()) == sorted(kept)
    assert not first[0].exists()
    assert unsaved_model.keep_unsaved(Runs()) == []
    assert len(list(recovery_folder.iterdir())) == 3  # nothing new, nothing removed


def test_one_model_that_can_not_be_saved_keeps_no_other_from_being_saved(
    open_trained, asked, qtbot, tmp_path, monkeypatch, notified
):
    """It was removed; the name of another is too long for a file, in letters of two bytes."""
    _, dock, widget = open_trained(3)
    _, answers = asked
    shutil.rmtree(widget.runs.runs[0].bundle)
    widget.runs.setData(widget.runs.index(1, 0), "\N{GREEK SMALL LETTER MU}" * 200)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    answers[:] = [ANSWERS.Save]
    click_close(dock, qtbot)
    assert widget.parent() is not None
    assert "1 of 3 models can't be saved: dcnn 1" in notified[-1]
    assert "removed" in notified[-1]
    assert widget.runs.unsaved == widget.runs.runs[:1]
    for run in widget.runs.runs[1:]:
        assert load_bundle(run.bundle).path.parent == tmp_path
    widget.runs.discard()


SCRIPT = """
import sys
import napari
from napari_marrow.learning.settings import TrainingSettings
import napari_marrow.widgets.train_dcnn as module
import shutil
from pathlib import Path

module.WARM_START_AFTER_MS = 10**8
viewer = napari.Viewer()
_, widget = viewer.window.add_plugin_dock_widget("napari-marrow", "Train DCNN")
path = widget.folder / "model-1.marrow"
shutil.copytree(sys.argv[1], path)
run = widget.runs.begin(TrainingSettings())
run.bundle = path
widget.runs.end(run, "finished")
if sys.argv[2] == "closes":
    viewer.close()
"""


@pytest.mark.parametrize("how", ["closes", "leaves open"])
def test_a_model_is_kept_where_a_script_ends_without_handling_events(toy, tmp_path, how):
    data = tmp_path / "data"
    homes = {"XDG_DATA_HOME": str(data), "HOME": str(tmp_path), "LOCALAPPDATA": str(data)}
    subprocess.run(
        [sys.executable, "-c", SCRIPT, str(toy.path), how],
        env=os.environ | homes,
        check=True,
        timeout=120,
        cwd=tmp_path,
    )
    [kept] = tmp_path.rglob("unsaved models/*.marrow")
    assert load_bundle(kept).info.classes == ("ALL", "MM")
