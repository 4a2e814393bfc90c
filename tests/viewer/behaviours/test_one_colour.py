"""Masks are hidden while predicted cells are shown over them, and count all the same."""

import numpy as np
import pytest

from napari_marrow.viewer.make.answers import answers_layer
from napari_marrow.viewer.make.predictions import predict_photographs, show_predictions
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.training.learning import summarize_learning


@pytest.fixture
def labelled(make_napari_viewer, snam, tmp_path, make_toy, qtbot):
    viewer, bundle = make_napari_viewer(), make_toy(tmp_path / "cells.marrow", unit="cell")
    viewer.open(str(snam), plugin="napari-marrow")

    def label():
        for one in predict_photographs(bundle, Photograph.all_of(viewer.layers)):
            show_predictions(viewer, one, bundle.info.classes)
        qtbot.wait(10)
        return viewer.layers["PKG - SN-AM predicted cells"]

    return viewer, viewer.layers["PKG - SN-AM nuclei"], label


def test_each_cell_has_one_colour_while_predictions_are_shown(labelled, qtbot):
    viewer, nuclei, label = labelled
    (before,) = Photograph.all_of(viewer.layers)
    other = viewer.add_labels(np.zeros((6, 48, 64), np.uint8), name="PKG - SN-AM cytoplasm")
    hidden = viewer.add_labels(
        np.zeros((6, 48, 64), np.uint8), name="PKG - SN-AM old nuclei", visible=False
    )
    layer = label()
    assert [nuclei.visible, other.visible, layer.visible] == [False, False, True]
    layer.visible = False
    qtbot.wait(10)
    assert [nuclei.visible, other.visible, hidden.visible] == [True, True, False]
    layer.visible = True
    qtbot.wait(10)
    assert not nuclei.visible
    layer = label()  # again: another layer
    assert not nuclei.visible
    viewer.layers.remove(layer)
    qtbot.wait(10)
    assert [nuclei.visible, other.visible, hidden.visible] == [True, True, False]
    (after,) = Photograph.all_of(viewer.layers)
    assert after.nuclei.layer is before.nuclei.layer


def test_what_a_person_shows_stays_shown(labelled):
    _, nuclei, label = labelled
    label()
    nuclei.visible = True
    layer = label()
    assert nuclei.visible
    layer.visible = False
    nuclei.visible = False  # by the person: not shown again
    layer.visible = True
    assert not nuclei.visible


def test_hidden_masks_count_as_if_they_were_seen(labelled, qtbot):
    viewer, nuclei, label = labelled
    qtbot.waitUntil(lambda: len(nuclei.features) == 12, timeout=10000)
    nuclei.features = nuclei.features.assign(**{"class": "mine"})  # annotations by number
    hidden = viewer.add_labels(
        np.ones((6, 48, 64), np.uint8), name="PKG - SN-AM other nuclei", visible=False
    )
    before = summarize_learning(Photograph.all_of(viewer.layers), "cell").sentence()
    assert "12 mine" in before
    label()
    (photograph,) = Photograph.all_of(viewer.layers)
    assert photograph.nuclei.layer is nuclei  # not the topmost of two hidden ones
    assert photograph.hidden_nuclei == ""
    assert summarize_learning([photograph], "cell").sentence() == before
    assert not hidden.visible


def test_rings_of_the_live_model_and_predicted_cells_are_not_shown_together(labelled):
    viewer, _, label = labelled
    cells = label()
    rings = viewer.add_layer(answers_layer(viewer.layers["PKG - SN-AM"]))
    assert [cells.visible, rings.visible] == [False, True]
    assert label().visible
    assert not rings.visible
    rings.visible = True
    assert not cells.visible
    cells.visible = True
    assert not rings.visible
