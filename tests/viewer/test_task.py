"""What all work in threads has in common: one at a time, cancelled, reported, never stale."""

import gc
import threading
import weakref

import pytest
from qtpy.compat import isalive
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QApplication
from superqt.utils import WorkerBase

from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.jobs.events import Event
from napari_marrow.viewer.task import SHOW_PROGRESS_MS, Task


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
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result


class Panel:
    """Writes down what a task shows."""

    def __init__(self):
        self.sentences, self.fractions, self.tasks = [], [], []
        self.add, self.say = self.tasks.append, self.sentences.append
        self.show_progress = self.fractions.append


@pytest.fixture
def owner(qapp):
    owner = QObject()
    owner.panel = Panel()
    owner.task = Task(owner, owner.panel)
    yield owner
    if isalive(owner):
        owner.task.cancel()
        owner.deleteLater()


def idle(owner, qtbot):
    qtbot.waitUntil(lambda: not owner.task.busy and owner.task._in_thread is None)


def test_the_result_comes_once_and_the_panel_follows(owner, qtbot):
    work, results, busy = Work(7), [], []
    owner.task.changed.connect(lambda: busy.append(owner.task.busy))
    owner.task.start(work, results.append, begun="Working...")
    assert owner.panel.tasks == [owner.task]
    assert owner.panel.sentences == ["Working..."]
    qtbot.waitUntil(lambda: owner.panel.fractions == [0])
    work.go.set()
    idle(owner, qtbot)
    assert results == [7]
    assert busy == [True, False]


def test_events_come_in_order_and_move_the_bar(owner, qtbot):
    heard, last = [], Work()

    def work(emit, should_stop):
        emit(Event("progress", "half", 0.5))
        for k in range(5):  # values are never left out, however fast they come
            emit(Event("progress", "", 0.5, {"k": k}))
        return last(emit, should_stop)

    owner.task.start(work, lambda _: None, heard=heard.append)
    qtbot.waitUntil(lambda: len(heard) >= 6 and heard[-1].values.get("k") == 4)
    assert heard[0].kind == "started"
    counted = [event.values["k"] for event in heard if event.values]
    assert counted == [0, 1, 2, 3, 4]
    qtbot.waitUntil(lambda: bool(owner.panel.fractions))
    assert owner.panel.sentences == ["half"]
    assert owner.panel.fractions == [0.5]  # the last one: each view costs a painting of the window
    last.go.set()
    idle(owner, qtbot)


def test_events_come_in_order_also_where_showing_one_handles_the_next(owner, qtbot, monkeypatch):
    """As napari's progress bar does, which stands for that of a hidden dock."""
    monkeypatch.setattr("napari_marrow.viewer.task.SHOW_PROGRESS_MS", 1)
    panel, go, emitted, heard = Panel(), threading.Event(), threading.Event(), []

    def show_progress(fraction):
        panel.fractions.append(fraction)
        if go.is_set():
            emitted.wait(10)
            QApplication.processEvents()

    def work(emit, should_stop):
        go.wait(10)
        for k in range(4):
            emit(Event("progress", "", k / 4, {"k": k}))
        emitted.set()

    panel.show_progress = show_progress
    owner.task = Task(owner, panel)
    owner.task.start(work, lambda _: heard.append("result"), heard=heard.append)
    qtbot.waitUntil(lambda: panel.fractions == [0] and not owner.task._showing.isActive())
    go.set()
    idle(owner, qtbot)
    assert [x if x == "result" else x.values.get("k") for x in heard] == [None, *range(4), "result"]
    assert panel.fractions[1:2] == [0]


def test_of_progress_that_comes_fast_the_last_is_shown(owner, qtbot):
    """It may stand for long: that TensorFlow starts, after the last of many files."""
    heard, last = [], Work()

    def work(emit, should_stop):
        for k in range(1000):
            emit(Event("progress", f"file {k}", k / 1000))
        emit(Event("progress", "epoch", 0.5, {"loss": 1}))
        for text in ("more", "starting"):
            emit(Event("progress", text, 0.9))
        return last(emit, should_stop)

    owner.task.start(work, lambda _: None, heard=heard.append)
    last.begun.wait(10)  # nothing is heard meanwhile
    qtbot.waitUntil(lambda: owner.panel.sentences[-1:] == ["starting"])
    assert [event.text for event in heard[1:]] == ["file 999", "epoch", "starting"]
    assert owner.panel.fractions[-1] == 0.9
    last.go.set()
    idle(owner, qtbot)


def test_of_short_work_no_progress_is_shown(owner, qtbot):
    """To show napari's bar takes longer than the work."""
    work, results = Work(7), []
    work.go.set()
    owner.task.start(work, results.append, begun="Working...")
    idle(owner, qtbot)
    qtbot.wait(SHOW_PROGRESS_MS + 100)
    assert results == [7]
    assert owner.panel.sentences == ["Working..."]
    assert owner.panel.fractions == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MarrowError("a.bmp is odd."), "a.bmp is odd."),
        (KeyError("x"), "KeyError"),
        (SystemExit(3), "SystemExit"),
    ],
)
def test_an_error_is_one_sentence(owner, qtbot, error, said):
    work = Work(error)
    owner.task.start(work, lambda _: pytest.fail("no result"))
    work.go.set()
    idle(owner, qtbot)
    (sentence,) = owner.panel.sentences
    assert said in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize("error", [MarrowError("a.bmp is odd."), KeyError("accuracy")])
def test_the_status_ends_also_where_the_result_can_not_be_shown(owner, qtbot, error):
    def show(result):
        raise error

    work = Work()
    with qtbot.captureExceptions() as raised:
        owner.task.start(work, show, begun="Opening...")
        work.go.set()
        idle(owner, qtbot)
    assert str(error) in owner.panel.sentences[-1]
    assert [kind for kind, *_ in raised] == ([] if isinstance(error, MarrowError) else [KeyError])


def test_without_a_panel_an_error_is_a_notification(owner, qtbot, notified):
    owner.task, work = Task(owner), Work(MarrowError("a.bmp is odd."))
    work.go.set()
    owner.task.start(work, lambda _: pytest.fail("no result"))
    idle(owner, qtbot)
    assert notified == ["a.bmp is odd."]


def test_cancel_stops_the_work_and_drops_its_result(owner, qtbot):
    work, results = Work(1), []
    owner.task.start(work, results.append)
    qtbot.waitUntil(work.begun.is_set)
    owner.task.cancel()
    assert not owner.task.busy
    assert owner.panel.sentences == ["Stopped."]
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


@pytest.mark.parametrize("looks", [True, False], ids=["asks whether to stop", "does not ask"])
def test_work_ends_when_napari_quits(owner, looks, qtbot):
    work, results = Work(1), []
    owner.task.start(work if looks else lambda *_: work.go.wait(10), results.append)
    qtbot.waitUntil(lambda: owner.task._in_thread.worker.is_running)
    threading.Timer(0.1, work.go.set).start()
    WorkerBase.await_workers(10_000)
    idle(owner, qtbot)
    assert work.stopped == looks
    assert results == []


def test_work_that_has_ended_is_not_kept(make_napari_viewer, owner, qtbot):
    """It may hold layers; napari keeps every worker as long as the window."""
    viewer = make_napari_viewer()
    work = Work(1)
    kept = weakref.ref(work)
    work.go.set()
    owner.task.start(work, lambda _: None)
    idle(owner, qtbot)
    del work
    qtbot.waitUntil(lambda: gc.collect() >= 0 and kept() is None)
    assert viewer.window is not None


def test_a_deleted_owner_ends_the_work(owner, qtbot):
    work, results = Work(1), []
    owner.task.start(work, results.append)
    qtbot.waitUntil(work.begun.is_set)
    owner.deleteLater()
    qtbot.waitUntil(lambda: not isalive(owner))
    qtbot.waitUntil(lambda: work.stopped)
    qtbot.wait(50)
    assert results == []
