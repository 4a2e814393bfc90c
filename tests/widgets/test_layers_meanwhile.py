"""Layers are switched, moved, scaled, renamed and deleted while predictions are shown."""

import numpy as np
import pytest

from napari_marrow.viewer.behaviours.opening import attach_behaviours
from napari_marrow.viewer.make.predictions import predict_photographs, show_predictions
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.widgets.components.legend import Legend


@pytest.fixture
def opened(make_napari_viewer, snam, tmp_path, make_toy, qtbot):
    """Two photographs with predicted cells: 12 of ALL_1, and one of MM_1."""
    viewer, bundle = make_napari_viewer(), make_toy(tmp_path / "cells.marrow", unit="cell")
    for name in ("ALL", "MM"):
        viewer.open(str(snam / "PKG - SN-AM" / name / f"{name}_1.bmp"), plugin="napari-marrow")
    attach_behaviours(viewer)
    legend = Legend(viewer)
    qtbot.addWidget(legend)

    def label():
        notes = []
        for one in predict_photographs(bundle, Photograph.all_of(viewer.layers)):
            notes.append(show_predictions(viewer, one, bundle.info.classes))
        qtbot.wait(400)  # the caption comes later than the photographs
        return notes

    label()
    return viewer, legend, label


def number_of_cells(legend):
    """As the legend has it."""
    return sum(int(part.split("&nbsp;")[0]) for part in legend.text().split("</span>&nbsp;")[1:])


def caption(viewer):
    return viewer.canvas.overlays.text.text.split("\n")[0]


def test_switching_and_reordering_show_the_topmost_photograph(opened, qtbot):
    viewer, legend, _ = opened
    assert caption(viewer).startswith("MM_1")
    assert number_of_cells(legend) == 1
    viewer.layers["MM_1"].visible = False
    viewer.layers.move(viewer.layers.index("ALL_1 predicted cells"), 0)  # to the bottom
    qtbot.waitUntil(lambda: number_of_cells(legend) == 12, timeout=2000)
    assert caption(viewer).startswith("ALL_1")
    viewer.layers["MM_1"].visible = True
    viewer.layers.move(viewer.layers.index("ALL_1"), len(viewer.layers))  # to the top
    assert caption(viewer).startswith("ALL_1")
    assert number_of_cells(legend) == 12
    names = {x.name: x.layer.name for x in Photograph.all_of(viewer.layers)}
    assert names == {"ALL_1": "ALL_1", "MM_1": "MM_1"}


def test_deleting_a_photograph_or_its_cells_leaves_the_others(opened, qtbot):
    viewer, legend, label = opened
    viewer.layers.remove("MM_1")
    qtbot.waitUntil(lambda: number_of_cells(legend) == 12, timeout=2000)
    assert caption(viewer).startswith("ALL_1")
    assert not viewer.layers["MM_1 nuclei"].visible  # its cells are shown yet
    viewer.layers.remove("MM_1 predicted cells")
    qtbot.waitUntil(lambda: viewer.layers["MM_1 nuclei"].visible, timeout=2000)
    assert not viewer.layers["ALL_1 nuclei"].visible
    viewer.layers.remove("ALL_1 predicted cells")
    qtbot.waitUntil(legend.isHidden, timeout=2000)
    assert viewer.layers["ALL_1 nuclei"].visible
    label()
    assert len(viewer.layers["ALL_1 predicted cells"].features) == 12
    viewer.layers.clear()
    qtbot.waitUntil(legend.isHidden, timeout=2000)
    assert caption(viewer) == ""


def test_renamed_and_scaled_photographs_keep_their_predictions(opened, qtbot):
    viewer, _, label = opened
    image, cells = viewer.layers["ALL_1"], viewer.layers["ALL_1 predicted cells"]
    classes = cells.features["class"].astype(object)
    classes[0] = "artefact"
    cells.features = cells.features.assign(**{"class": classes})
    image.name = "slide 9"
    for layer in [x for x in viewer.layers if x.name in ("slide 9", "ALL_1 nuclei")]:
        layer.scale, layer.translate = (0.5, 0.5), (3, 4)
    viewer.layers["ALL_1 background"].scale = (0.5, 0.5)
    photograph = Photograph.of(image, viewer.layers)
    assert photograph.misplaced == ""  # labelling again is what to do
    assert photograph.annotations == ()
    assert any("corrections are not used: label again" in x for x in photograph.notes)
    notes = label()
    assert "1 cell that you corrected keeps its class." in notes
    now = viewer.layers["slide 9 predicted cells"]
    np.testing.assert_array_equal(now.scale, image.scale)
    np.testing.assert_array_equal(now.translate, image.translate)
    assert now.features["class"].tolist().count("artefact") == 1
    assert len(Photograph.of(image, viewer.layers).annotations) == 1
    assert [x for x in viewer.layers if x.name == "slide 9 predicted cells"] == [cells]
    assert len([x for x in viewer.layers if "predicted" in x.name]) == 2
    np.testing.assert_array_equal(now.data > 0, viewer.layers["ALL_1 nuclei"].data > 0)
