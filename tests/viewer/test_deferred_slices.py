"""In a drag of the slider slow labels come late; to everybody else a stack is always true."""

import gc
import threading
import time
import weakref

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QWidget

from napari_marrow.viewer.behaviours import deferred_slices as late_slices
from napari_marrow.viewer.behaviours.deferred_slices import attach_late_slices, dragging
from napari_marrow.viewer.stack import LazyStack

ROWS = 9


class Slow:
    """Readers that take long, and that note what was read."""

    def __init__(self):
        self.rows = []
        self.readers = [lambda row=row: self._read(row) for row in range(ROWS)]

    def _read(self, row):
        time.sleep(0.03)
        self.rows.append(row)
        return np.full((40, 50), row + 1, np.uint16)

    def stack(self):
        return LazyStack(self.readers, (40, 50), np.uint16, slow=True)


@pytest.fixture
def slow():
    return Slow()


@pytest.fixture
def held(monkeypatch):
    """Whether the mouse button is held; it is until a test says otherwise."""
    state = {"button": True}
    monkeypatch.setattr(late_slices, "dragging", lambda: state["button"])
    return state


@pytest.fixture
def viewer(make_napari_viewer):
    viewer = make_napari_viewer()
    attach_late_slices(viewer)
    return viewer


@pytest.fixture
def layer(viewer, slow, held):
    layer = viewer.add_labels(slow.stack())
    held["button"] = False
    drag(viewer, 0)
    held["button"] = True
    slow.rows.clear()
    return layer


def drag(viewer, *rows):
    for row in rows:
        viewer.dims.set_current_step(0, row)


def drawn(layer):
    """The label that is on the screen: one more than its row, 0 for an empty slice."""
    (value,) = np.unique(layer._slice.image.raw)
    return value


def test_a_drag_leaves_slices_out_and_ends_with_the_last_one(viewer, layer, slow, qtbot):
    drag(viewer, 5, 7, 3)
    assert drawn(layer) == 0
    qtbot.waitUntil(lambda: drawn(layer) == 4, timeout=10000)
    assert not {5, 7} & set(slow.rows)


def test_without_the_mouse_every_step_waits_for_its_slice(viewer, layer, held):
    held["button"] = False
    for row in (5, 7, 3):
        drag(viewer, row)
        assert drawn(layer) == row + 1


def test_the_button_is_that_of_the_mouse(qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    with qtbot.waitExposed(widget):
        widget.show()
    window = widget.windowHandle()
    assert not dragging()
    QTest.mousePress(window, Qt.MouseButton.LeftButton, pos=QPoint(3, 3))
    assert dragging()
    QTest.mouseRelease(window, Qt.MouseButton.LeftButton, pos=QPoint(3, 3))
    assert not dragging()


def test_what_is_ready_is_drawn_in_a_drag(viewer, layer, slow, qtbot):
    layer.data.put(5, np.full((40, 50), 77, np.uint16))
    drag(viewer, 8, 5)
    assert drawn(layer) == 77
    qtbot.wait(2 * late_slices.REST_MS)
    assert slow.rows == []  # 8 is not looked at any more


def test_fast_stacks_are_drawn_in_drags(viewer, layer):
    layer.data.slowest = 0.0
    drag(viewer, 5)
    assert drawn(layer) == 6


def test_others_get_the_true_slice_in_a_drag(viewer, layer):
    seen = []

    def look(event=None):
        seen.append(layer.data[viewer.dims.current_step[0], :, :])

    viewer.dims.events.point.connect(look)
    drag(viewer, 5, 7)
    assert [np.unique(x).tolist() for x in seen] == [[6], [8]]
    assert np.unique(layer.data[3]) == 4
    assert np.unique(eval("s[4]", {"__builtins__": {}, "s": layer.data})) == 5


def test_other_threads_are_never_put_off(viewer, layer):
    """napari slices in a thread of its own where its asynchronous slicing is switched on."""
    put_off, answers = layer.data.put_off(), []
    worker = threading.Thread(target=lambda: answers.append(put_off(layer.data, 6)))
    worker.start()
    worker.join()
    assert answers == [False]
    assert put_off(layer.data, 6)


def test_a_stack_in_two_layers_comes_in_both(viewer, layer, qtbot):
    other = viewer.add_labels(layer.data)
    drag(viewer, 5, 7)
    qtbot.waitUntil(lambda: (drawn(layer), drawn(other)) == (8, 8), timeout=10000)


def test_a_slice_that_fails_keeps_no_other_from_the_screen(viewer, layer, qtbot):
    other = viewer.add_labels(Slow().stack())
    other.data.read(1)

    def broken():
        raise OSError("gone")

    layer.data._readers[7] = broken
    with qtbot.capture_exceptions() as errors:
        drag(viewer, 5, 7)
        qtbot.waitUntil(lambda: drawn(other) == 8 and bool(errors), timeout=10000)
    assert "gone" in str(errors[0][1])
    drag(viewer, 2)
    qtbot.waitUntil(lambda: drawn(layer) == 3, timeout=10000)


def test_other_data_or_none_after_a_drag_hinder_nobody(viewer, layer, qtbot):
    others = [viewer.add_labels(Slow().stack()) for _ in range(2)]
    for other in others:
        other.data.read(1)
    drag(viewer, 5, 7)
    layer.data = np.full((ROWS, 40, 50), 99, np.uint16)
    viewer.layers.remove(others[0])
    qtbot.waitUntil(lambda: drawn(others[1]) == 8, timeout=10000)
    assert drawn(layer) == 99


def test_a_layer_that_joins_is_put_off_in_the_next_step(viewer, layer, qtbot):
    other = viewer.add_labels(Slow().stack())
    other.data.read(1)
    drag(viewer, 6)
    assert drawn(other) == 0
    qtbot.waitUntil(lambda: drawn(other) == 7, timeout=10000)


def test_a_stack_does_not_keep_its_viewer_or_layer(viewer, slow, held, qtbot):
    stack = slow.stack()
    stack.read(1)
    layer = weakref.ref(viewer.add_labels(stack))
    drag(viewer, 5)
    qtbot.waitUntil(lambda: drawn(layer()) == 6, timeout=10000)
    viewer.layers.clear()
    qtbot.waitUntil(lambda: gc.collect() >= 0 and layer() is None, timeout=10000)
