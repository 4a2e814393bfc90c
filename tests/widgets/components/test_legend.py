"""Legend and caption have the cells that are shown, by class and colour."""

from functools import partial

import pytest

from napari_marrow.report.colours import FIXED, UNCERTAIN
from napari_marrow.viewer.behaviours.opening import attach_behaviours
from napari_marrow.viewer.make.predictions import predict_photographs, show_predictions
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.widgets.components.legend import Legend


@pytest.fixture
def labelled(make_napari_viewer, snam, tmp_path, make_toy, qtbot):
    viewer, bundle = make_napari_viewer(), make_toy(tmp_path / "cells.marrow", unit="cell")
    viewer.open(str(snam), plugin="napari-marrow")
    attach_behaviours(viewer)
    legend = Legend(viewer)
    qtbot.addWidget(legend)
    qtbot.wait(400)  # the caption comes later than the photograph
    assert legend.isHidden()
    for one in predict_photographs(bundle, Photograph.all_of(viewer.layers)):
        show_predictions(viewer, one, bundle.info.classes)
    return viewer, viewer.layers["PKG - SN-AM predicted cells"], legend


def certain(layer):
    layer.features = layer.features.assign(uncertain=False)


def count(layer, row):
    own = layer.features[layer.features["field"] == row]
    return {name: int((own["class"] == name).sum()) for name in ("ALL", "MM")}


def shows(legend, expected):
    return all(text in legend.text() for text in expected)


def test_the_legend_follows_slider_corrections_and_the_eye(labelled, qtbot):
    viewer, layer, legend = labelled
    certain(layer)
    for row in (0, 4):
        viewer.dims.set_current_step(0, row)
        expected = {f"{n}&nbsp;{name}" for name, n in count(layer, row).items()}
        qtbot.waitUntil(partial(shows, legend, expected), timeout=1000)
    for colour in (*FIXED.values(), UNCERTAIN):
        assert f"color:{colour}" in legend.text()
    assert "In all 6 fields: " in legend.text()
    classes = layer.features["class"].astype(object)
    classes[layer.features["field"] == 4] = "<b>odd"
    layer.features = layer.features.assign(**{"class": classes})
    qtbot.waitUntil(lambda: "1&nbsp;&lt;b&gt;odd" in legend.text(), timeout=1000)
    layer.visible = False
    qtbot.waitUntil(legend.isHidden, timeout=1000)
    layer.visible = True
    qtbot.waitUntil(lambda: not legend.isHidden(), timeout=1000)
    viewer.layers.remove(layer)
    qtbot.waitUntil(legend.isHidden, timeout=1000)


def test_the_caption_has_counts_share_and_colours_in_words(labelled, qtbot):
    viewer, layer, _ = labelled
    certain(layer)
    own, text = count(layer, 0), viewer.canvas.overlays.text
    lines = text.text.split("\n")
    assert f"{own['ALL']} ALL (orange), {own['MM']} MM (green)," in lines
    assert "0 uncertain (grey)" in lines
    assert any(x.endswith("; sampling alone)") for x in lines)
    assert lines[-1] == "research use only"
    assert max(map(len, lines)) < 47  # beside a wide dock at 1366 pixels
    classes = layer.features["class"].astype(object)
    classes[0] = "MM" if classes[0] == "ALL" else "ALL"
    layer.features = layer.features.assign(**{"class": classes})
    qtbot.waitUntil(lambda: "; sampling alone)\nbefore 1 correction\n" in text.text, timeout=1000)
    assert max(map(len, text.text.split("\n"))) < 47
    layer.visible = False
    assert "(orange)" not in text.text
