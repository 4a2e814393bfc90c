"""A nucleus that is painted is a new one, in a folder as in a single photograph."""

import copy

import numpy as np
import pytest
from napari.layers import Labels
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QPushButton

from napari_marrow.viewer.behaviours.opening import attach_behaviours
from napari_marrow.viewer.stack import EditableStack

FREE = ((5, 60), (5, 75), (5, 90))


@pytest.mark.parametrize("kind", ["segmented", "copied", "single"])
def test_a_painted_nucleus_is_a_new_one(
    make_napari_viewer, make_snam, tmp_path, kind, notified, qtbot
):
    root = make_snam(tmp_path / "s", 1, size=(120, 160), masks=False)
    viewer = make_napari_viewer()
    path = root / "ALL" / "ALL_1.bmp" if kind == "single" else root
    viewer.open(str(path), plugin="napari-marrow")
    labels = np.zeros((2, 120, 160), np.uint16)
    labels[0, 60:80, 40:60], labels[0, 60:80, 80:100], labels[1, 60:80, 40:60] = 1, 2, 1
    stack = EditableStack([lambda k=k: labels[k] for k in (0, 1)], (120, 160), np.uint16)
    info = {"napari_marrow": {"version": 2, "kind": "nuclei", "segmented": True}}
    data = labels[0].copy() if kind == "single" else stack
    nuclei = viewer.add_layer(Labels(data, name="x nuclei", metadata=info))
    if kind == "copied":  # as napari duplicates a layer, and converts its type
        nuclei = viewer.add_layer(Labels(copy.deepcopy(stack), name="copy", metadata=info))
        nuclei.data = nuclei.data.astype(np.int32)
    viewer.layers.selection.active = nuclei
    nuclei.brush_size, at = 6, () if kind == "single" else (0,)
    controls = viewer.window._qt_viewer.controls.widgets[nuclei]
    [new] = [x for x in controls.findChildren(QPushButton) if x.text() == "new"]
    nuclei.paint((*at, *FREE[0]), nuclei.selected_label)  # without asking for a new one
    new.click()
    nuclei.paint((*at, *FREE[1]), nuclei.selected_label)
    viewer.window._qt_window.activateWindow()
    controls.parent().setFocus()
    qtbot.keyClick(viewer.window._qt_window, Qt.Key.Key_M)
    nuclei.paint((*at, *FREE[2]), nuclei.selected_label)
    field = np.asarray(nuclei.data)[at] if at else nuclei.data
    painted = [int(field[place]) for place in FREE]
    assert len({*painted, 1, 2, 0}) == 6
    for number in (1, 2):
        np.testing.assert_array_equal(field == number, labels[0] == number)
    assert notified == []
    nuclei.undo()
    new.click()
    assert nuclei.selected_label == painted[2]


def test_labels_that_leave_none_unused_open(make_napari_viewer):
    viewer = make_napari_viewer()
    attach_behaviours(viewer)
    mask = np.full((4, 5), 255, np.uint8)
    info = {"napari_marrow": {"version": 2, "kind": "nuclei"}}
    assert viewer.add_labels(mask, name="m", metadata=info).selected_label == 1
