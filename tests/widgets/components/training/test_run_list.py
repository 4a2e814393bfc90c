"""The list of runs in the widget Train DCNN; nothing is trained."""

import dataclasses
import threading

import pytest
from qtpy.QtCore import QItemSelectionModel, Qt
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QLineEdit

from napari_marrow.audit.verdict import Confounding
from napari_marrow.jobs.events import Event
from napari_marrow.learning.scores.evaluation import Evaluation, Score
from napari_marrow.widgets.components.training.runs import Runs, runs_of

PLUGIN, WIDGET = "napari-marrow", "Train DCNN"
EVALUATION = Evaluation(
    {"accuracy": Score(0.9, 0.71, 0.98, 0.55)}, [[5, 1], [0, 4]], ("ALL", "MM"), "ALL", 10, 10, 1.0
)
HISTORY = [{"epoch": k, "loss": 1 / k, "val_loss": 1.5 / k, "accuracy": 0.5} for k in (1, 2, 3)]


@pytest.fixture
def opened(make_napari_viewer_proxy, monkeypatch):
    """A viewer, the dock and the widget."""
    monkeypatch.setattr("napari_marrow.widgets.train_dcnn.WARM_START_AFTER_MS", 10**8)
    viewer = make_napari_viewer_proxy()
    dock, widget = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    yield viewer, dock, widget
    widget.client.shutdown()
    widget.runs.discard()


def shown(widget, row):
    runs = widget.runs
    return [runs.data(runs.index(row, column)) for column in range(3)]


def choose(widget, *rows):
    selection = widget.run_list.table.selectionModel()
    selection.clearSelection()
    flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
    for row in rows:
        selection.select(widget.runs.index(row, 0), flags)


def test_a_run_has_name_model_score_beside_chance_and_how_it_ended(
    opened, finish_run, make_toy, tmp_path
):
    _, _, widget = opened
    assert widget._runs_box.isHidden()
    bundle = make_toy(tmp_path / "a.marrow", evaluation=EVALUATION)
    run = finish_run(widget, bundle, HISTORY, unit="cell")
    run.seconds = 200
    name, accuracy, course = shown(widget, 0)
    assert name.split("\n") == ["\N{BLACK RIGHT-POINTING SMALL TRIANGLE} dcnn 1", "dcnn, cell"]
    assert accuracy == "0.90\nchance 0.55\n0.71 to 0.98"
    assert course == "not saved\n3 epochs\n3 min"
    few = dataclasses.replace(EVALUATION, few_sources={"MM": 2})
    confounded = Confounding(("camera",), 1.0, 1e-9)
    other = make_toy(tmp_path / "b.marrow", evaluation=few, confounding=confounded)
    finish_run(widget, other, model="svm")
    name, accuracy, _ = shown(widget, 1)
    assert name.endswith("svm 2\nsvm, field")
    assert accuracy == "0.90\nchance 0.55\ntoo few to tell\nconfounded"
    assert "go together" not in widget.run_list.about.text()  # of the current model it is below
    widget.runs.set_current(None)
    assert widget.run_list.about.text().startswith("Class and camera go together")
    assert not widget._runs_box.isHidden()


def test_runs_that_end_without_a_model_say_how(opened, qtbot):
    _, _, widget = opened
    for state, problem in (("cancelled", ""), ("failed", "the disk is full")):
        widget._begin_run(widget.form.settings())
        run = widget.runs.runs[-1]
        assert shown(widget, len(widget.runs.runs) - 1)[2].startswith("training")
        if problem:
            widget._training_failed(problem)
        else:
            widget.task.changed.emit()  # as when it was cancelled
        assert run.state == state
        choose(widget, len(widget.runs.runs) - 1)
        assert (problem or "was cancelled") in widget.run_list.about.text()
        assert not widget.run_list.use_button.isEnabled()
    assert [shown(widget, k)[1] for k in (0, 1)] == ["", ""]


def test_an_error_of_something_else_is_of_no_run(opened, finish_run, qtbot, tmp_path, save_model):
    """Of a training that did not begin, of wrong settings, and of saving."""
    _, _, widget = opened
    widget._begin_run(widget.form.settings())
    widget.task.changed.emit()  # it was cancelled
    empty = tmp_path / "empty"
    empty.mkdir()
    widget.train()
    assert "No photograph is open" in widget.run.status.text()
    widget.source.set_folder(empty)
    widget.train()
    qtbot.waitUntil(lambda: "holds no photograph" in widget.run.status.text())
    finish_run(widget)
    (tmp_path / "a.marrow").write_text("mine")
    save_model(widget, tmp_path / "a")
    assert "a.marrow" in widget.run.status.text()
    assert [x.state for x in widget.runs.runs] == ["cancelled", "finished"]
    assert [x.problem for x in widget.runs.runs] == ["", ""]


def test_several_selected_runs_are_compared(opened, finish_run):
    _, _, widget = opened
    for _ in range(2):
        finish_run(widget, history=HISTORY)
    plot = widget.view.plot
    assert [x.name for x in plot.loss.lines] == ["training", "validation", "best epoch"]
    choose(widget, 0, 1)
    assert [x.name for x in plot.loss.lines] == ["dcnn 1", "dcnn 2"]
    assert plot.loss.lines[0].points == [(1, 1.5), (2, 0.75), (3, 0.5)]
    assert not widget.run_list.use_button.isEnabled()  # of two


def test_a_finished_run_alone_is_selected_while_a_key_is_held(opened, finish_run, qtbot):
    """Qt adds a selected row to the others while Ctrl is held, here by a shortcut."""
    _, _, widget = opened
    first = finish_run(widget, history=HISTORY)
    qtbot.keyPress(widget, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    try:
        assert QGuiApplication.keyboardModifiers() == Qt.KeyboardModifier.ControlModifier
        second = finish_run(widget, history=HISTORY)
        assert widget.run_list.selected == [second]
        widget.run_list.select(first)
        assert widget.run_list.selected == [first]
    finally:
        qtbot.keyRelease(widget, Qt.Key.Key_S)
        qtbot.keyClick(widget, Qt.Key.Key_S)


def test_the_model_of_an_earlier_run_is_used_again(opened, finish_run, qtbot):
    _, _, widget = opened
    first, second = finish_run(widget), finish_run(widget)
    assert widget.model.bundle.path == second.bundle
    choose(widget, 0)
    widget.run_list.use_button.click()
    qtbot.waitUntil(lambda: widget.model.bundle.path == first.bundle)
    assert shown(widget, 0)[0].startswith("\N{BLACK RIGHT-POINTING SMALL TRIANGLE}")
    assert not shown(widget, 1)[0].startswith("\N{BLACK RIGHT-POINTING SMALL TRIANGLE}")
    choose(widget, 1)
    widget.run_list.table.doubleClicked.emit(widget.runs.index(1, 1))
    qtbot.waitUntil(lambda: widget.model.bundle.path == second.bundle)


def test_while_something_runs_no_other_model_is_used(opened, finish_run, qtbot):
    _, _, widget = opened
    finish_run(widget)
    goes_on = threading.Event()
    widget.task.start(lambda emit, stop: goes_on.wait(20), lambda found: None)
    assert not widget.run_list.use_button.isEnabled()
    goes_on.set()
    qtbot.waitUntil(lambda: not widget.task.busy)
    assert widget.run_list.use_button.isEnabled()


def test_a_run_is_renamed_in_place(opened, finish_run, qtbot):
    _, _, widget = opened
    run = finish_run(widget)
    table = widget.run_list.table
    table.setCurrentIndex(widget.runs.index(0, 0))
    table.edit(widget.runs.index(0, 0))
    editor = table.findChild(QLineEdit)
    assert editor.text() == "dcnn 1"
    editor.selectAll()
    qtbot.keyClicks(editor, "baseline")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: run.name == "baseline")
    assert not widget.runs.setData(widget.runs.index(0, 0), "  ")
    assert run.name == "baseline"
    widget.runs.setData(widget.runs.index(0, 0), "two\r\nlines\u2028 or more")
    assert run.name == "two lines or more"


def test_a_name_that_is_being_typed_outlives_news_of_its_run(opened, finish_run, qtbot):
    _, _, widget = opened
    run, table = finish_run(widget), widget.run_list.table
    table.setCurrentIndex(widget.runs.index(0, 0))
    table.edit(widget.runs.index(0, 0))
    editor = table.findChild(QLineEdit)

    def have_news():
        widget.runs.show_course(run)
        widget.runs.set_current(None)
        widget.runs.end(run, "finished")

    have_news()
    assert editor.selectedText() == "dcnn 1"  # what is typed still replaces it
    qtbot.keyClicks(editor, "base")
    have_news()
    qtbot.keyClicks(editor, "line")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: run.name == "baseline")


def test_runs_show_what_they_do_not_share_and_give_their_settings_back(opened, finish_run):
    _, _, widget = opened
    changed = {"epochs": 7, "balance": False, "select": 3, "unit": "cell", "heldout": 0.4}
    finish_run(widget, **changed)
    finish_run(widget, model="svm", families=("lobes", "colour"), epochs=9)
    finish_run(widget)
    first, second, third = widget.runs.runs
    first.origin = "/data/slides"
    assert first.details[0] == "Data: /data/slides."
    assert set(first.details[1].removeprefix("Settings: ").rstrip(".").split(", ")) == {
        "Epochs 7",
        "Balance classes off",
        "Held out 0.4",
    }  # no network takes the number of features
    assert second.details == ["Settings: Families lobes + colour."]
    assert third.details == ["Settings: the defaults."]
    tip = widget.runs.data(widget.runs.index(0, 0), Qt.ItemDataRole.ToolTipRole)
    assert all(line in tip for line in first.details)
    first.origin = "/data/<b>a</b>"
    tip = widget.runs.data(widget.runs.index(0, 0), Qt.ItemDataRole.ToolTipRole)
    assert "&lt;b&gt;a&lt;/b&gt;" in tip
    first.origin = "/data/slides"
    choose(widget, 0, 1)
    about = widget.run_list.about.text().split("\n")
    assert about[0] == f"dcnn 1: {' '.join(first.details)}"
    assert about[1] == f"svm 2: {' '.join(second.details)}"
    assert not widget.run_list.settings_button.isEnabled()
    for run in (first, second, third):
        choose(widget, widget.runs.runs.index(run))
        widget.run_list.settings_button.click()
        assert widget.form.checked_settings() == run.settings


def test_a_saved_model_counts_as_saved_and_is_used_from_there(
    opened, finish_run, tmp_path, save_model
):
    _, _, widget = opened
    run = finish_run(widget)
    save_model(widget, tmp_path / "kept")
    assert (run.bundle, run.saved) == (tmp_path / "kept.marrow", True)
    assert shown(widget, 0)[2].startswith("finished")
    assert widget.runs.is_current(run)
    assert not widget.runs.unsaved


def test_the_list_outlives_the_dock_and_other_viewers_have_their_own(
    opened, finish_run, tmp_path, make_napari_viewer_proxy, qtbot, save_model
):
    viewer, dock, widget = opened
    finish_run(widget, history=HISTORY)
    save_model(widget, tmp_path / "kept")
    finish_run(widget)
    widget.runs.discard()
    widget.model.load(tmp_path / "kept.marrow")
    assert widget.runs.is_current(widget.runs.runs[0])
    viewer.window.remove_dock_widget(dock)
    _, again = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    assert [run.name for run in again.runs.runs] == ["dcnn 1", "dcnn 2"]
    assert shown(again, 1)[2].startswith("discarded")
    assert not any(map(again.runs.is_current, again.runs.runs))  # it has no model yet
    choose(again, 0)
    assert again.view.plot.loss.lines
    again.run_list.use_button.click()
    qtbot.waitUntil(lambda: again.model.bundle is not None)
    assert again.model.bundle.path == tmp_path / "kept.marrow"
    assert runs_of(make_napari_viewer_proxy()).runs == []
    again.client.shutdown()


def test_epochs_that_come_are_shown_with_the_run(opened):
    _, _, widget = opened
    widget._begin_run(widget.form.settings())
    run = widget.runs.runs[0]
    widget.view.hear(run, Event("progress", "Epoch 1", 0.5, HISTORY[0]))
    assert "1 epochs" not in shown(widget, 0)[2]
    assert shown(widget, 0)[2].endswith("1 epoch")


def test_an_empty_list_has_nothing():
    runs = Runs()
    runs.update()
    assert (runs.rowCount(), runs.unsaved) == (0, [])
