"""What every dock widget's work has in common: one at a time, cancelled, reported, never stale."""

import threading

import pytest
from napari.components import ViewerModel
from qtpy.compat import isalive
from qtpy.QtWidgets import QDockWidget

from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.jobs.events import Event
from napari_marrow.widgets.components.dock_widget import DockWidget
from napari_marrow.widgets.components.task import RunPanel, Task


class Work:
    """A job that waits until it is let go."""

    def __init__(self, result=None):
        self.result, self.begun, self.go = result, threading.Event(), threading.Event()
        self.stopped = False

    def __call__(self, emit, should_stop):
        self.begun.set()
        while not self.go.wait(0.005):
            if should_stop():
                self.stopped = True
                raise Stopped
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@pytest.fixture
def owner(qtbot):
    widget = DockWidget(ViewerModel(), min_width_px=200)
    widget.run = RunPanel()
    widget.fill(actions=[widget.run])
    widget.task = Task(widget, widget.run)
    yield widget
    if isalive(widget):
        widget.close()
        widget.deleteLater()


def idle(owner, qtbot):
    qtbot.waitUntil(lambda: not owner.task.busy and owner.task._in_thread is None)


def test_the_result_comes_once_and_the_panel_follows(owner, qtbot):
    work, results = Work(7), []
    owner.task.start(work, results.append, begun="Working...")
    assert owner.run.status.text() == "Working..."
    assert owner.run.cancel_button.isEnabled()
    assert owner.run.bars.own.isVisibleTo(owner)
    work.go.set()
    idle(owner, qtbot)
    assert results == [7]
    assert not owner.run.cancel_button.isEnabled()
    assert not owner.run.bars.own.isVisibleTo(owner)


def test_events_come_in_order_and_move_the_bar(owner, qtbot):
    heard, last = [], Work()

    def work(emit, should_stop):
        emit(Event("progress", "half", 0.5))
        for k in range(5):  # values are never left out, however fast they come
            emit(Event("progress", "", 0.5, {"k": k}))
        return last(emit, should_stop)

    owner.task.start(work, lambda _: None, heard=heard.append)
    qtbot.waitUntil(lambda: len(heard) == 7)
    assert heard[0].kind == "started"
    assert [event.values.get("k") for event in heard[1:]] == [None, 0, 1, 2, 3, 4]
    assert owner.run.status.text() == "half"
    assert owner.run.bars.own.value() == owner.run.bars.own.maximum() // 2
    last.go.set()
    idle(owner, qtbot)


@pytest.mark.parametrize(
    ("error", "said"),
    [(MarrowError("a.bmp is odd."), "a.bmp is odd."), (KeyError("x"), "KeyError")],
)
def test_an_error_is_one_sentence(owner, qtbot, error, said):
    work = Work(error)
    owner.task.start(work, lambda _: pytest.fail("no result"))
    work.go.set()
    idle(owner, qtbot)
    assert said in owner.run.status.text()
    assert "\n" not in owner.run.status.text()


def test_cancel_stops_the_work_and_drops_its_result(owner, qtbot):
    work, results = Work(1), []
    owner.task.start(work, results.append)
    qtbot.waitUntil(work.begun.is_set)
    owner.run.cancel_button.click()
    assert not owner.task.busy
    assert owner.run.status.text() == "Stopped."
    idle(owner, qtbot)
    assert work.stopped
    assert results == []


def test_newer_work_waits_for_the_thread_and_replaces_older_work(owner, qtbot):
    first, skipped, last, results = Work(1), Work(2), Work(3), []
    owner.task.start(lambda emit, should_stop: first.go.wait(10) and 1, results.append)
    owner.task.start(skipped, results.append)
    owner.task.start(last, results.append)
    last.go.set()
    qtbot.wait(50)
    assert not last.begun.is_set()
    first.go.set()
    idle(owner, qtbot)
    assert results == [3]
    assert not skipped.begun.is_set()


def test_a_closed_dock_ends_the_work(owner, qtbot):
    dock, work, results = QDockWidget(), Work(1), []
    qtbot.addWidget(dock)
    dock.setWidget(owner)
    owner.task.start(work, results.append)
    qtbot.waitUntil(work.begun.is_set)
    owner.setParent(None)  # as napari closes a dock
    idle(owner, qtbot)
    assert work.stopped
    assert results == []


def test_a_deleted_widget_ends_the_work(owner, qtbot):
    work, results = Work(1), []
    owner.task.start(work, results.append)
    qtbot.waitUntil(work.begun.is_set)
    owner.deleteLater()
    qtbot.waitUntil(lambda: not isalive(owner))
    qtbot.waitUntil(lambda: work.stopped)
    qtbot.wait(50)
    assert results == []
