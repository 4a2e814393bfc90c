"""The buttons, progress and status of a dock widget's work; a closed dock ends it."""

import threading

import pytest
from napari.components import ViewerModel
from qtpy.QtWidgets import QDockWidget

from napari_marrow.data.errors import Stopped
from napari_marrow.jobs.events import Event
from napari_marrow.viewer.task import Task
from napari_marrow.widgets.components.dock_widget import DockWidget
from napari_marrow.widgets.components.layout import button
from napari_marrow.widgets.components.run_panel import RunPanel


@pytest.fixture
def owner(qtbot):
    widget = DockWidget(ViewerModel(), min_width_px=200)
    widget.start_button = button("Start", lambda: None)
    widget.run = RunPanel(widget.start_button)
    widget.fill(actions=[widget.run])
    widget.task = Task(widget, widget.run)
    yield widget
    widget.task.cancel()
    widget.close()
    widget.deleteLater()


@pytest.fixture
def work():
    """A job that says that it is half done and then waits until it is let go or stopped."""

    def work(emit, should_stop):
        emit(Event("progress", "half", 0.5))
        while not work.go.wait(0.005):
            if should_stop():
                work.stopped.set()
                raise Stopped
        return 7

    work.go, work.stopped = threading.Event(), threading.Event()
    return work


def idle(owner, qtbot):
    qtbot.waitUntil(lambda: not owner.task.busy and owner.task._in_thread is None)


def test_the_panel_follows_its_task(owner, work, qtbot):
    run, results = owner.run, []
    owner.task.start(work, results.append, begun="Working...")
    assert run.status.text() == "Working..."
    assert run.cancel_button.isEnabled()
    assert not owner.start_button.isEnabled()
    qtbot.waitUntil(lambda: run.bars.own.isVisibleTo(owner))
    qtbot.waitUntil(lambda: run.status.text() == "half")
    assert run.bars.own.value() == run.bars.own.maximum() // 2
    work.go.set()
    idle(owner, qtbot)
    assert results == [7]
    assert owner.start_button.isEnabled()
    assert not run.cancel_button.isEnabled()
    assert not run.bars.own.isVisibleTo(owner)


def test_its_button_cancels_all_tasks(owner, work, qtbot):
    other = Task(owner, owner.run)
    owner.task.start(work, lambda _: pytest.fail("no result"))
    other.start(work, lambda _: pytest.fail("no result"))
    assert owner.run.busy
    owner.run.cancel_button.click()
    assert not owner.run.busy
    assert owner.run.status.text() == "Stopped."
    idle(owner, qtbot)
    qtbot.waitUntil(lambda: other._in_thread is None)
    assert work.stopped.is_set()


def test_a_closed_dock_ends_the_work(owner, work, qtbot):
    dock = QDockWidget()
    qtbot.addWidget(dock)
    dock.setWidget(owner)
    owner.task.start(work, lambda _: pytest.fail("no result"))
    qtbot.waitUntil(lambda: owner.run.status.text() == "half")
    owner.setParent(None)  # as napari closes a dock
    idle(owner, qtbot)
    assert work.stopped.is_set()
