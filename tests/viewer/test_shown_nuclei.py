"""The features table of a folder's nuclei follows the slider."""

import gc
import weakref
from functools import partial

import numpy as np
from scipy import ndimage


def shows(nuclei, name):
    return set(nuclei.features.get("field", ())) == {name}


def test_the_table_holds_the_nuclei_of_the_shown_field(make_napari_viewer, snam, draw, qtbot):
    viewer = make_napari_viewer()
    viewer.open(str(snam), plugin="napari-marrow")
    nuclei = viewer.layers["PKG - SN-AM nuclei"]
    for row, (name, class_name, seed) in {0: ("ALL_1", "ALL", 1), 4: ("MM_2", "MM", 2)}.items():
        viewer.dims.set_current_step(0, row)
        qtbot.waitUntil(partial(shows, nuclei, name), timeout=10000)
        pieces, count = ndimage.label(draw(class_name, seed)[1])
        assert nuclei.features["index"].tolist() == list(range(1, count + 1))
        assert sorted(nuclei.features["area"]) == sorted(np.bincount(pieces.ravel())[1:])


def test_columns_of_the_user_stay(make_napari_viewer, snam, qtbot):
    viewer = make_napari_viewer()
    viewer.open(str(snam), plugin="napari-marrow")
    nuclei = viewer.layers["PKG - SN-AM nuclei"]
    qtbot.waitUntil(lambda: "area" in nuclei.features, timeout=10000)
    nuclei.features = nuclei.features.assign(mine=1)
    viewer.dims.set_current_step(0, 1)
    qtbot.wait(1500)
    assert "mine" in nuclei.features
    assert set(nuclei.features["field"]) == {"ALL_1"}


def test_measured_stacks_are_not_kept(make_napari_viewer, snam, qtbot):
    """What a stack has read would stay in memory with it."""
    viewer = make_napari_viewer()
    viewer.open(str(snam), plugin="napari-marrow")
    name = "PKG - SN-AM nuclei"
    qtbot.waitUntil(lambda: "area" in viewer.layers[name].features, timeout=10000)
    stack = weakref.ref(viewer.layers[name].data)
    viewer.layers.clear()
    qtbot.waitUntil(lambda: gc.collect() >= 0 and stack() is None, timeout=10000)
