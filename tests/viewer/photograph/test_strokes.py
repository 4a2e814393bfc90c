"""Every stroke is counted: those that are outvoted, too, and in the table as in the sentence."""

import threading

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.segmentation import segment_nuclei
from napari_marrow.imaging.settings import SegmentSettings
from napari_marrow.viewer.make.annotating import nuclei_of_strokes, show_nuclei_of_strokes
from napari_marrow.viewer.make.segmented import segment_photograph, segmented_layers
from napari_marrow.viewer.photograph.annotations import new_cells_layer
from napari_marrow.viewer.photograph.cell_counts import cell_counts
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.training.learning import summarize_learning
from napari_marrow.viewer.training.session import write_session


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


@pytest.mark.parametrize("kind", ["stack", "stack in memory", "single"])
def test_nuclei_painted_while_strokes_become_nuclei_stay_and_so_does_the_table(
    viewer, make_snam, draw, tmp_path, kind
):
    if kind == "single":
        image = viewer.add_image(draw("ALL", 3, (240, 320))[0], rgb=True, name="a")
    else:
        root = make_snam(tmp_path / "s", 1, size=(240, 320), masks=False)
        [image, *_] = viewer.open(str(root), plugin="napari-marrow")

    def photograph():
        return Photograph.of(image, viewer.layers)

    found = segment_photograph(photograph(), SegmentSettings(), False)
    [nuclei] = [viewer.add_layer(x) for x in segmented_layers(photograph(), found, viewer.layers)]
    if kind == "stack in memory":
        nuclei.data = np.asarray(nuclei.data)
    nuclei.features = {"index": [1, 2, 3], "texture": [0.1, 0.2, 0.3]}
    at = () if kind == "single" else (0,)
    before = photograph().labels(0).copy()
    free = ndimage.binary_erosion(before == 0, iterations=6, border_value=0)
    places = [tuple(place) for place in np.argwhere(free)[:: free.sum() // 4]]
    cells = viewer.add_layer(new_cells_layer(image, ("ALL", "MM")))
    cells.brush_size = nuclei.brush_size = 3
    cells.paint((*at, *places[0]), 2)
    [made] = nuclei_of_strokes([photograph()])
    new = int(before.max()) + 1
    nuclei.paint((*at, *places[1]), new)  # the number that napari gives it
    nuclei.fill((*at, *np.argwhere(before == 1)[0]), 0)
    if kind != "single":
        nuclei.paint((1, 5, 5), 900)
    assert show_nuclei_of_strokes(viewer, made) == 1
    assert photograph().nuclei.layer.name == nuclei.name
    assert nuclei.visible
    assert len([x for x in viewer.layers if "nuclei" in x.name]) == 1
    assert nuclei.features["texture"].tolist() == [0.1, 0.2, 0.3]
    after = photograph().labels(0)
    assert after[places[1]] == new
    assert after[places[0]] not in (0, new)
    assert not (after == 1).any()
    for number in range(2, new):
        np.testing.assert_array_equal(after == number, before == number)
    assert photograph().annotated(0).loose_classes == ()
    if kind != "single":
        assert (photograph().labels(1) == 900).any()


def test_a_number_too_large_for_16_bits_widens_the_painted_stack(viewer, make_snam, tmp_path):
    root = make_snam(tmp_path / "s", 1, size=(240, 320), masks=False)
    [image, *_] = viewer.open(str(root), plugin="napari-marrow")
    photograph = Photograph.of(image, viewer.layers)
    found = segment_photograph(photograph, SegmentSettings(), False)
    [nuclei] = [viewer.add_layer(x) for x in segmented_layers(photograph, found, viewer.layers)]
    cells = viewer.add_layer(new_cells_layer(image, ("ALL", "MM")))
    nuclei.paint((1, 3, 3), 65535)
    cells.brush_size = 2
    cells.paint((1, 230, 3), 1)
    expected = np.asarray(nuclei.data).astype(np.uint32)
    expected[1][cells.data[1] > 0] = 65536
    [made] = nuclei_of_strokes([Photograph.of(image, viewer.layers)])
    assert show_nuclei_of_strokes(viewer, made) == 1
    np.testing.assert_array_equal(np.asarray(nuclei.data), expected)


@pytest.mark.parametrize("how", ["strokes", "cells by number", "a stack in memory"])
def test_what_is_painted_beside_a_smaller_photograph_is_counted(viewer, draw, tmp_path, how):
    sizes = {"ALL/a": (60, 80), "ALL/b": (30, 40), "MM/c": (60, 80), "MM/d": (40, 80)}
    for number, (name, size) in enumerate(sizes.items()):
        path = tmp_path / "mix" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw("ALL", number, size)[0]).save(path)
    [image, *_] = viewer.open(str(tmp_path / "mix"), plugin="napari-marrow")
    found = segment_photograph(Photograph.of(image, viewer.layers), SegmentSettings(), False)
    photograph = Photograph.of(image, viewer.layers)
    [nuclei] = [viewer.add_layer(x) for x in segmented_layers(photograph, found, viewer.layers)]
    nuclei.brush_size = 4
    if how == "a stack in memory":
        nuclei.data = np.asarray(nuclei.data)
    nuclei.data[...] = 0
    for place in ((0, 50, 60), (1, 10, 10), (1, 50, 60), (3, 30, 39), (3, 41, 30)):
        nuclei.paint(place, 1 + place[2])  # (3, 41, 30) reaches into its photograph

    def said():
        photograph = Photograph.of(image, viewer.layers)
        summary = summarize_learning([photograph], "cell", True)
        return summary.sentence(), [dict(x) for x in cell_counts(photograph)]

    text, _ = said()
    assert "1 nucleus lies outside" in text
    cells = viewer.add_layer(new_cells_layer(image, ("ALL", "MM")))
    cells.brush_size = 3
    if how == "cells by number":
        cells.metadata = {}
        cells.features = {"index": [1, 2, 3], "class": ["ALL", "MM", "MM"]}
        cells.data[1, 9:12, 9:12], cells.data[1, 50:53, 60:63], cells.data[3, 50:53, 5:9] = 1, 2, 3
    else:
        cells.paint((1, 10, 10), 1)
        cells.paint((1, 50, 60), 2)  # on the nucleus there, and in no photograph
        cells.paint((3, 50, 5), 2)
    text, counts = said()
    assert text.startswith("Learns from 1 ALL cell of 1 field; ")
    assert "2 strokes lie outside" in text
    assert "on no nucleus" not in text
    assert counts == [{}, {"ALL": 1, "MM": 1}, {}, {"MM": 1}]
    cells.data[1, :40, :50] = 0
    with pytest.raises(MarrowError, match="No stroke is on a nucleus"):
        write_session([Photograph.of(image, viewer.layers)], tmp_path, "cell", True)
