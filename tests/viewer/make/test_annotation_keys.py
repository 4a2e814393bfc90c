"""Cells are annotated by keyboard alone, in a real viewer."""

import numpy as np
from qtpy.QtCore import Qt

from napari_marrow.viewer.make.annotating import annotation_layer_to_paint
from napari_marrow.viewer.photograph.photograph import Photograph


def test_cells_of_a_stack_get_classes_by_keys(make_napari_viewer, qtbot):
    viewer = make_napari_viewer()
    options = {"scale": (1, 0.5, 0.5), "translate": (0, 7, 3)}
    image = viewer.add_image(np.zeros((2, 60, 80, 3), np.uint8), rgb=True, name="a", **options)
    nuclei = np.zeros((2, 60, 80), np.uint8)
    nuclei[1, 5:15, 5:15], nuclei[1, 40:50, 60:70] = 2, 7
    nuclei[1, 30:50, 20:24] = nuclei[1, 46:50, 20:45] = 4  # its centroid is outside
    viewer.add_labels(nuclei, name="a nuclei", **options)

    def photograph():
        return Photograph.of(image, viewer.layers)

    layer = annotation_layer_to_paint(viewer, photograph(), ("ALL", "MM"))
    layer.brush_size = 3
    window = viewer.window._qt_window
    viewer.dims.set_current_step(0, 0)
    qtbot.keyClick(window, Qt.Key.Key_N)
    assert "segment them first" in viewer.status
    viewer.dims.set_current_step(0, 1)
    for key in "NANAN=ANN":  # on label 4 twice: first as ALL, then past 7 and 2 again
        qtbot.keyClick(window, {"N": Qt.Key.Key_N, "A": Qt.Key.Key_A}.get(key, Qt.Key.Key_Equal))
    expected = dict(zip((2, 4, 7), ("ALL", "ALL", "MM"), strict=True))
    assert photograph().annotated(1).classes == expected
    assert photograph().annotated(1).loose_classes == ()
    assert photograph().annotated(0).classes == {}
    qtbot.keyClick(window, Qt.Key.Key_A)  # the second nucleus again: now MM
    assert photograph().annotated(1).classes == expected | {4: "MM"}
    assert "MM" in viewer.status
    viewer.camera.center = (7 + 2, 3 + 35)  # no nucleus is there
    qtbot.keyClick(window, Qt.Key.Key_A)
    assert photograph().annotated(1).loose_classes == ("MM",)
