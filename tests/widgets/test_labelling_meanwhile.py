"""Layers that are changed or removed while Label layers works on them."""

import hashlib
import threading

import numpy as np
import pytest

from napari_marrow.viewer.layer_info import LayerInfo
from napari_marrow.viewer.make import predictions
from napari_marrow.viewer.make.predictions import predict_photographs

PLUGIN, WIDGET = "napari-marrow", "Train DCNN"


@pytest.fixture
def label(make_napari_viewer_proxy, snam, make_toy, tmp_path, monkeypatch, qtbot):
    """A viewer with ALL_1 and MM_1, and a function that labels them with what learnt from both.

    While they are labelled it calls a function; it returns what is reported in the end.
    """
    monkeypatch.setattr("napari_marrow.widgets.train_dcnn.WARM_START_AFTER_MS", 10**8)
    viewer = make_napari_viewer_proxy()
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    files = [snam / "PKG - SN-AM" / name / f"{name}_1.bmp" for name in ("ALL", "MM")]
    for file in files:
        viewer.open(str(file), plugin=PLUGIN)
    digests = {x.name: hashlib.sha256(x.read_bytes()).hexdigest() for x in files}

    def run(meanwhile, unit):
        bundle = make_toy(tmp_path / f"{unit}.marrow", unit=unit, fingerprints=digests)
        widget.model.load(bundle.path)
        done = threading.Event()

        def predict_later(*args):
            found = predict_photographs(*args)
            assert done.wait(20)
            return found

        monkeypatch.setattr(predictions, "predict_photographs", predict_later)
        widget.model.label_layers()
        meanwhile()
        done.set()
        qtbot.waitUntil(lambda: not widget.model.task.busy, timeout=20_000)
        return widget.run.status.text()

    yield viewer, run
    widget.client.shutdown()


@pytest.mark.parametrize("unit", ["field", "cell"])
def test_a_picture_that_was_put_in_place_of_another_has_no_answer(label, unit):
    viewer, run = label
    layer = viewer.layers["ALL_1"]

    def replace_pixels():
        layer.data = np.full_like(np.asarray(layer.data), 200)

    said = run(replace_pixels, unit)
    assert not LayerInfo.of(layer).predictions
    assert LayerInfo.of(viewer.layers["MM_1"]).predictions
    assert "ALL_1 predicted cells" not in viewer.layers
    assert ("MM_1 predicted cells" in viewer.layers) == (unit == "cell")
    assert "1 field labelled" in said
    assert "learnt from 1 of them" in said
    assert "ALL_1: The photograph was changed meanwhile" in said


def test_without_any_layer_left_nothing_is_counted_as_labelled(label):
    viewer, run = label
    said = run(viewer.layers.clear, "field")
    assert "ALL_1, MM_1: The photograph was removed meanwhile" in said
    assert "labelled" not in said
    assert "learnt" not in said


def test_with_all_layers_as_they_were_nothing_is_said_of_changes(label):
    _, run = label
    said = run(lambda: None, "field")
    assert said.startswith("2 fields labelled.")
    assert "learnt from 2 of them." in said
    assert "meanwhile" not in said
