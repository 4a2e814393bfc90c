"""While nobody moves the slider, the labels of the whole folder are read."""

import time

import numpy as np
import pytest

from napari_marrow.viewer.behaviours import prefetch as idle_reading
from napari_marrow.viewer.behaviours.prefetch import attach_idle_reading
from napari_marrow.viewer.stack import LazyStack

ROWS = 12


class Noting:
    """Labels that note which rows were read."""

    def __init__(self):
        self.rows = []
        readers = [lambda row=row: self._read(row) for row in range(ROWS)]
        self.stack = LazyStack(readers, (40, 50), np.uint16, slow=True, labels=True)

    def _read(self, row):
        time.sleep(0.03)
        self.rows.append(row)
        return np.full((40, 50), row + 1, np.uint16)


@pytest.fixture
def viewer(make_napari_viewer):
    viewer = make_napari_viewer()
    attach_idle_reading(viewer)
    return viewer


def test_all_labels_are_read_and_no_further_field_is_shown(viewer, qtbot):
    noting = Noting()
    viewer.add_labels(noting.stack)
    viewer.dims.set_current_step(0, 3)
    qtbot.waitUntil(lambda: len(noting.rows) == ROWS, timeout=10000)
    assert sorted(noting.rows) == list(range(ROWS))
    assert viewer.dims.current_step[0] == 3


def test_hidden_layers_are_read_when_they_are_shown(viewer, qtbot):
    noting = Noting()
    layer = viewer.add_labels(noting.stack, visible=False)
    before = len(noting.rows)
    qtbot.wait(3 * idle_reading.IDLE_MS // 2)
    assert len(noting.rows) == before
    layer.visible = True
    qtbot.waitUntil(lambda: len(noting.rows) == ROWS, timeout=10000)


@pytest.mark.parametrize("move", ["slider", "camera"])
def test_nothing_is_read_while_the_viewer_is_used(viewer, qtbot, monkeypatch, move):
    monkeypatch.setattr(idle_reading, "IDLE_MS", 400)
    noting = Noting()
    viewer.add_labels(noting.stack)
    viewer.dims.set_current_step(0, 0)
    noting.rows.clear()
    for k in range(12):
        if move == "slider":
            viewer.dims.set_current_step(0, k % 2)
        else:
            viewer.camera.zoom *= 1.01
        qtbot.wait(60)
    assert set(noting.rows) <= {1, 2}  # what is read beside what is shown
    qtbot.waitUntil(lambda: len(noting.rows) >= ROWS - 2, timeout=10000)


def test_a_layer_that_was_removed_is_read_no_further(viewer, qtbot):
    noting = Noting()
    viewer.add_labels(noting.stack)
    qtbot.waitUntil(lambda: len(noting.rows) >= 4, timeout=10000)
    viewer.layers.clear()
    qtbot.wait(60)  # what was queued
    before = len(noting.rows)
    qtbot.wait(2 * idle_reading.IDLE_MS)
    assert len(noting.rows) == before < ROWS


def test_the_labels_of_a_folder_that_was_opened_are_read(make_napari_viewer, snam, qtbot):
    viewer = make_napari_viewer()
    viewer.open(str(snam), plugin="napari-marrow")
    stack = viewer.layers["PKG - SN-AM nuclei"].data
    rows = range(len(stack))
    assert len(rows) > 4
    qtbot.waitUntil(lambda: all(stack.is_ready(row) for row in rows), timeout=20000)
    assert viewer.dims.current_step[0] == 0
