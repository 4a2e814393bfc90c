"""In a drag of the slider slow slices come late; to everybody else a stack is always true."""

import time

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from napari_marrow.viewer import late_slices
from napari_marrow.viewer.late_slices import attach_late_slices
from napari_marrow.viewer.stack import KEPT, LazyStack

ROWS = 9


def slow(row):
    time.sleep(0.03)
    return np.full((40, 50), row + 1, np.uint16)


@pytest.fixture
def stack():
    return LazyStack(
        [lambda row=row: slow(row) for row in range(ROWS)], (40, 50), np.uint16, slow=True
    )


@pytest.fixture
def drag(make_napari_viewer, stack, monkeypatch):
    """A viewer with a slow stack, and a function that drags its slider over some rows."""
    monkeypatch.setattr(late_slices, "DRAG_S", 30)  # however slow the machine is
    viewer = make_napari_viewer()
    layer = viewer.add_labels(stack)
    attach_late_slices(viewer)
    viewer.dims.set_current_step(0, 0)

    def over(*rows):
        for row in rows:
            QApplication.processEvents()
            viewer.dims.set_current_step(0, row)

    return viewer, layer, over


def drawn(layer):
    """The label that is on the screen: one number a row, 0 for an empty slice."""
    (value,) = np.unique(layer._slice.image.raw)
    return value


def test_a_step_by_itself_waits_for_its_slice(drag, monkeypatch):
    _, layer, over = drag
    monkeypatch.setattr(late_slices, "DRAG_S", 0)
    over(5, 7)
    assert drawn(layer) == 8


def test_a_drag_leaves_slices_out_and_ends_with_the_last_one(drag, qtbot):
    _, layer, over = drag
    over(5, 7, 3)
    assert drawn(layer) == 0
    qtbot.waitUntil(lambda: drawn(layer) == 4, timeout=10000)


def test_slices_that_were_passed_are_not_read(drag, stack, qtbot):
    _, layer, over = drag
    read = []
    stack._readers = [lambda row=row: read.append(row) or slow(row) for row in range(ROWS)]
    over(6, 4, 8)
    qtbot.waitUntil(lambda: drawn(layer) == 9, timeout=10000)
    assert not {6, 4} & set(read)


def test_what_is_ready_is_drawn_in_a_drag(drag, stack, qtbot):
    _, layer, over = drag
    stack.put(5, np.full((40, 50), 77, np.uint16))
    over(8, 5)
    assert drawn(layer) == 77
    qtbot.wait(2 * late_slices.REST_MS)
    assert not stack.is_ready(8)  # nobody looks at it any more


def test_others_get_the_true_slice_in_a_drag(drag, stack):
    viewer, layer, over = drag
    seen = []

    def look(event=None):
        seen.append(layer.data[viewer.dims.current_step[0], :, :])

    viewer.dims.events.point.connect(look)
    over(5, 7)
    QApplication.processEvents()
    assert [np.unique(x).tolist() for x in seen] == [[6], [8]]
    assert [np.unique(stack[row, :, :]).tolist() for row in (3, 4)] == [[4], [5]]


def test_a_script_that_never_turns_the_event_loop_is_no_drag(drag):
    viewer, layer, over = drag
    over(5)
    for row in (7, 3, 8):
        viewer.dims.set_current_step(0, row)
        assert drawn(layer) == row + 1


def test_fast_stacks_are_drawn_in_drags(drag, stack):
    _, layer, over = drag
    stack.slowest = 0.0
    stack._readers = [lambda row=row: np.full((40, 50), row + 1, np.uint16) for row in range(ROWS)]
    over(5, 7)
    assert drawn(layer) == 8


def test_a_slice_that_fails_is_empty_and_later_ones_come(drag, stack, qtbot):
    _, layer, over = drag
    real = stack._readers[7]

    def broken():
        raise OSError("gone")

    stack._readers[7] = broken
    with qtbot.capture_exceptions() as errors:
        over(5, 7)
        qtbot.waitUntil(lambda: bool(errors), timeout=10000)
    assert "gone" in str(errors[0][1])
    stack._readers[7] = real
    over(4, 2)
    qtbot.waitUntil(lambda: drawn(layer) == 3, timeout=10000)


def test_a_layer_may_be_removed_in_a_drag(drag, qtbot):
    viewer, layer, over = drag
    over(5, 7)
    viewer.layers.remove(layer)
    qtbot.wait(2 * late_slices.REST_MS)
    viewer.dims.set_point(0, 0)


def test_few_slices_are_kept_after_a_long_drag(drag, stack, qtbot):
    _, layer, over = drag
    over(*range(ROWS), *range(ROWS))
    qtbot.waitUntil(lambda: drawn(layer) == ROWS, timeout=10000)
    assert len(stack._kept) <= KEPT
