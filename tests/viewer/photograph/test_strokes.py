"""Every stroke is counted: those that are outvoted, too, and in the table as in the sentence."""

import threading

import numpy as np
import pytest
from scipy import ndimage

from napari_marrow.imaging.segmentation import segment_nuclei
from napari_marrow.viewer.photograph.annotations import new_cells_layer
from napari_marrow.viewer.photograph.cell_counts import cell_counts
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.training.learning import summarize_learning


@pytest.fixture
def viewer(make_napari_viewer_proxy):
    return make_napari_viewer_proxy()


def squares(shape, corners, side):
    labels = np.zeros(shape, np.uint16)
    for number, (y, x) in enumerate(corners, 1):
        labels[y : y + side, x : x + side] = number
    return labels


@pytest.mark.parametrize("how", ["one layer", "two layers", "across two nuclei"])
def test_a_stroke_that_is_outvoted_is_counted(viewer, draw, how):
    image, _ = draw(size=(60, 80))
    viewer.add_image(image, rgb=True, name="a")
    viewer.add_labels(squares(image.shape[:2], [(5, 5), (30, 30)], 12), name="a nuclei")
    cells = viewer.add_layer(new_cells_layer(viewer.layers["a"], ("ALL", "MM")))
    cells.data[6:8, 6:8] = 1
    cells.data[31:33, 31:41] = 2
    units, n_outvoted = {"ALL": 1, "MM": 1}, 1
    if how == "one layer":
        cells.data[38, 32:36] = cells.data[40, 32:36] = 1
        n_outvoted = 2
    elif how == "two layers":
        above = viewer.add_layer(new_cells_layer(viewer.layers["a"], ("MM",)))
        above.data[14, 14] = 1
        units = {"MM": 2}
    else:
        cells.data[15, 10:50] = 2  # 7 pixels on the first nucleus, where ALL has 4
        units, n_outvoted = {"MM": 2}, 1
    photograph = Photograph.of(viewer.layers["a"], viewer.layers)
    summary = summarize_learning([photograph], "cell", True)
    assert summary.units == units
    assert summary.n_outvoted_strokes == n_outvoted
    assert summary.n_loose_strokes == 0
    words = "1 stroke lies on a nucleus" if n_outvoted == 1 else "2 strokes lie on nuclei"
    assert words in summary.sentence()
    assert "another class" in summary.sentence()
    assert cell_counts(photograph) == (units,)


@pytest.mark.parametrize("how", ["beside the nuclei", "on a nucleus", "its class was taken away"])
def test_a_stroke_without_a_class_is_counted(viewer, draw, how):
    image, _ = draw(size=(60, 80))
    viewer.add_image(image, rgb=True, name="a")
    viewer.add_labels(squares(image.shape[:2], [(5, 5), (30, 30)], 12), name="a nuclei")
    cells = viewer.add_layer(new_cells_layer(viewer.layers["a"], ("ALL", "MM")))
    cells.data[6:8, 6:8] = 1
    if how == "its class was taken away":
        cells.data[31:33, 31:33] = 2
        cells.features = cells.features.iloc[:1]
    else:
        row = 50 if how == "beside the nuclei" else 31
        cells.data[row : row + 2, 31:33] = 7
    summary = summarize_learning([Photograph.of(viewer.layers["a"], viewer.layers)], "cell", True)
    assert (summary.units, summary.n_unknown_strokes) == ({"ALL": 1}, 1)
    assert "1 stroke has a label without a class" in summary.sentence()


def test_the_table_and_the_sentence_count_the_same_where_nuclei_are_found(
    make_napari_viewer, monkeypatch, draw, qtbot
):
    monkeypatch.setattr("napari_marrow.widgets.train_dcnn.WARM_START_AFTER_MS", 10**8)
    count, in_viewer = Photograph.annotated, []

    def noted(*args):
        in_viewer.append(threading.current_thread() is threading.main_thread())
        return count(*args)

    monkeypatch.setattr(Photograph, "annotated", noted)
    viewer = make_napari_viewer()
    _, widget = viewer.window.add_plugin_dock_widget("napari-marrow", "Train DCNN")
    widget.form.fields["unit"].value = "cell"
    image, _ = draw("ALL", 9, (240, 320))
    found = segment_nuclei(image)
    viewer.add_image(image, rgb=True, name="a")  # no nuclei
    cells = viewer.add_layer(new_cells_layer(viewer.layers["a"], ("ALL", "MM")))
    for number, label in ((1, 1), (2, 1), (3, 2)):
        places = np.argwhere(ndimage.binary_erosion(found == number, iterations=3))
        for place in (places[0], places[-1]):  # two strokes on each nucleus
            cells.data_setitem(tuple(place[:, None]), label)

    def text():
        item = widget.source.table.item(0, 2)
        return item and item.text(), widget.source.learning.sentence.text()

    expected = "2 ALL, 1 MM", "Learns from 2 ALL and 1 MM cells of 1 field; MM has only one cell."
    qtbot.waitUntil(lambda: text() == expected, timeout=20_000)
    assert widget.source.learning.only_annotated
    assert set(in_viewer) == {False}  # strokes are counted in a worker: the viewer would stall
