"""The features table of a folder's nuclei follows the slider."""

import gc
import threading
import weakref
from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage
from superqt.utils import WorkerBase

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.settings import SegmentSettings
from napari_marrow.viewer.behaviours.current_table import attach_current_table
from napari_marrow.viewer.layer_info import Kind, LayerInfo
from napari_marrow.viewer.make.segmented import segment_photograph, segmented_layers
from napari_marrow.viewer.photograph.annotations import label_classes
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.stack import LazyStack
from napari_marrow.viewer.training.session import write_session


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


def test_what_the_user_says_of_a_field_stays_with_it(make_napari_viewer, snam, qtbot, tmp_path):
    viewer = make_napari_viewer()
    viewer.open(str(snam), plugin="napari-marrow")
    nuclei = viewer.layers["PKG - SN-AM nuclei"]
    qtbot.waitUntil(partial(shows, nuclei, "ALL_1"), timeout=10000)
    nuclei.features = nuclei.features.assign(**{"class": "mine"})
    viewer.dims.set_current_step(0, 4)
    qtbot.waitUntil(partial(shows, nuclei, "MM_2"), timeout=10000)
    assert "class" not in nuclei.features
    (found,) = Photograph.all_of(viewer.layers)
    fields = write_session([found], tmp_path, "cell")[0].fields
    told = {f.name: set(f.cell_classes.values()) for f in fields}
    assert told["ALL_1"] == {"mine"}
    assert not any(classes for name, classes in told.items() if name != "ALL_1")
    viewer.dims.set_current_step(0, 0)
    qtbot.waitUntil(partial(shows, nuclei, "ALL_1"), timeout=10000)
    assert set(nuclei.features["class"]) == {"mine"}


def test_a_table_without_fields_is_of_all_of_them(make_napari_viewer, snam, qtbot):
    viewer = make_napari_viewer()
    viewer.open(str(snam), plugin="napari-marrow")
    nuclei = viewer.layers["PKG - SN-AM nuclei"]
    nuclei.features = pd.DataFrame({"index": [1, 2], "class": ["ALL", "MM"]})
    viewer.dims.set_current_step(0, 1)
    qtbot.wait(1500)
    assert nuclei.features["class"].tolist() == ["ALL", "MM"]
    assert label_classes(nuclei, 3) == {1: "ALL", 2: "MM"}


def test_saved_nuclei_of_a_folder_have_the_tables_of_all_fields(
    make_napari_viewer, snam, qtbot, tmp_path
):
    viewer = make_napari_viewer()
    viewer.open(str(snam), plugin="napari-marrow")
    nuclei = viewer.layers["PKG - SN-AM nuclei"]
    qtbot.waitUntil(partial(shows, nuclei, "ALL_1"), timeout=10000)
    first = nuclei.features.assign(**{"class": "mine"})
    nuclei.features = first
    viewer.dims.set_current_step(0, 4)
    qtbot.waitUntil(partial(shows, nuclei, "MM_2"), timeout=10000)
    fifth = nuclei.features
    pixels = np.asarray(nuclei.data)
    nuclei.save(str(tmp_path / "n.tif"), plugin="napari-marrow")
    saved = pd.read_csv(tmp_path / "n.csv")
    counts = [int(page.max()) for page in pixels]
    assert saved["page"].value_counts().to_dict() == {k + 1: n for k, n in enumerate(counts) if n}
    viewer.layers.clear()
    (again,) = viewer.open(str(tmp_path / "n.tif"), plugin="napari-marrow")
    np.testing.assert_array_equal(again.data, pixels)
    for row, table in ((0, first), (4, fifth), (0, first)):
        viewer.dims.set_current_step(0, row)
        name = table["field"].iloc[0]
        qtbot.waitUntil(partial(shows, again, name), timeout=10000)
        pd.testing.assert_frame_equal(again.features[table.columns], table)
    again.save(str(tmp_path / "m.tif"), plugin="napari-marrow")
    assert (tmp_path / "m.csv").read_text() == (tmp_path / "n.csv").read_text()


def test_segmented_nuclei_beside_masks_have_tables_too(make_napari_viewer, snam, qtbot, tmp_path):
    viewer = make_napari_viewer()
    viewer.open(str(snam), plugin="napari-marrow")
    photograph = Photograph.of(viewer.layers["PKG - SN-AM"], viewer.layers)
    found = segment_photograph(photograph, SegmentSettings(), True)
    counts = [one.count for one in found]
    layers = segmented_layers(photograph, found, viewer.layers)
    made = [viewer.add_layer(layer) for layer in layers]
    nuclei = made[-1]
    assert nuclei.name == "PKG - SN-AM segmented nuclei"
    for row, name in {0: "ALL_1", 4: "MM_2"}.items():
        viewer.dims.set_current_step(0, row)
        qtbot.waitUntil(partial(shows, nuclei, name), timeout=10000)
        assert len(nuclei.features) == counts[row]
        assert "nucleus_to_cell" in nuclei.features
    nuclei.save(str(tmp_path / "n.tif"), plugin="napari-marrow")
    pages = pd.read_csv(tmp_path / "n.csv")["page"].value_counts().to_dict()
    assert pages == {k + 1: n for k, n in enumerate(counts) if n}
    for layer in segmented_layers(photograph, found, viewer.layers):
        viewer.add_layer(layer)
    assert nuclei.name == "PKG - SN-AM segmented nuclei (earlier)"  # which follows as well
    viewer.dims.set_current_step(0, 0)
    qtbot.waitUntil(partial(shows, nuclei, "ALL_1"), timeout=10000)


@pytest.mark.parametrize("kind", ["measured", "with a column of one's own", "saved and reopened"])
def test_the_table_follows_what_is_painted_on_the_shown_field(
    make_napari_viewer, make_snam, qtbot, tmp_path, kind
):
    viewer = make_napari_viewer()
    root = make_snam(tmp_path / "s", 2, size=(120, 160), masks=False)
    [image, *_] = viewer.open(str(root), plugin="napari-marrow")
    photograph = Photograph.of(image, viewer.layers)
    found = segment_photograph(photograph, SegmentSettings(), True)
    _, nuclei = [viewer.add_layer(x) for x in segmented_layers(photograph, found, viewer.layers)]
    qtbot.waitUntil(partial(shows, nuclei, "ALL_1"), timeout=10000)
    columns = list(nuclei.features)
    if kind != "measured":
        nuclei.features = nuclei.features.assign(**{"class": "mine"})
        columns += ["class"]
    if kind == "saved and reopened":
        nuclei.save(str(tmp_path / "n.tif"), plugin="napari-marrow")
        viewer.layers.remove(nuclei)
        (nuclei,) = viewer.open(str(tmp_path / "n.tif"), plugin="napari-marrow")
        qtbot.waitUntil(partial(shows, nuclei, "ALL_1"), timeout=10000)

    def is_as_painted():
        labels = np.asarray(nuclei.data[0])
        numbers, areas = np.unique(labels[labels > 0], return_counts=True)
        areas_of = nuclei.features.set_index("index")["area"]
        return areas_of[areas_of > 0].to_dict() == dict(
            zip(numbers.tolist(), areas.tolist(), strict=True)
        )

    assert is_as_painted()
    new = int(np.asarray(nuclei.data[0]).max()) + 1
    nuclei.brush_size = 8
    nuclei.paint((0, 4, 4), new)
    assert not is_as_painted()
    qtbot.waitUntil(is_as_painted, timeout=10000)
    nuclei.fill((0, *np.argwhere(np.asarray(nuclei.data[0]) == 1)[0]), 0)
    qtbot.waitUntil(is_as_painted, timeout=10000)
    assert list(nuclei.features) == columns
    assert set(nuclei.features["field"]) == {"ALL_1"}
    if kind != "measured":
        classes = nuclei.features.set_index("index")["class"]
        assert classes.isna()[new]
        assert set(classes.drop(new)) == {"mine"}
    nuclei.undo()
    nuclei.undo()
    qtbot.waitUntil(is_as_painted, timeout=10000)
    if kind == "measured":
        assert new not in set(nuclei.features["index"])
    else:  # the class of the erased one is there again
        classes = nuclei.features.set_index("index")["class"]
        assert set(classes.drop(new)) == {"mine"}
    viewer.dims.set_current_step(0, 1)
    qtbot.waitUntil(partial(shows, nuclei, "ALL_2"), timeout=10000)
    nuclei.data_setitem((np.array([0]), np.array([4]), np.array([4])), new)  # it is not shown
    viewer.dims.set_current_step(0, 0)
    qtbot.waitUntil(lambda: shows(nuclei, "ALL_1") and is_as_painted(), timeout=10000)


@pytest.mark.parametrize("kind", ["segmented", "masks", "in memory"])
def test_nuclei_converted_to_an_image_and_back_have_their_table_again(
    make_napari_viewer, snam, qtbot, kind
):
    viewer = make_napari_viewer()
    [image, *layers] = viewer.open(str(snam), plugin="napari-marrow")
    nuclei = layers[-1]
    if kind != "masks":
        photograph = Photograph.of(image, viewer.layers)
        found = segment_photograph(photograph, SegmentSettings(), False)
        [nuclei] = [viewer.add_layer(x) for x in segmented_layers(photograph, found, viewer.layers)]
    qtbot.waitUntil(partial(shows, nuclei, "ALL_1"), timeout=10000)
    areas = nuclei.features["area"].tolist()
    assert areas
    data = np.asarray(nuclei.data) if kind == "in memory" else nuclei.data
    options = {"name": nuclei.name, "metadata": nuclei.metadata}  # all that napari keeps
    viewer.layers.remove(nuclei)
    again = viewer.add_labels(data, **options)
    qtbot.waitUntil(lambda: "area" in again.features, timeout=10000)
    assert again.features["area"].tolist() == areas


def test_a_stack_of_which_a_field_is_gone_is_not_saved(make_napari_viewer, make_snam, tmp_path):
    folder = make_snam(tmp_path / "made")
    viewer = make_napari_viewer()
    viewer.open(str(folder), plugin="napari-marrow")
    (folder / "MM" / "MM_2_nucleus_mask.bmp").unlink()
    with pytest.raises(MarrowError, match=r"MM_2_nucleus_mask\.bmp is not there"):
        viewer.layers["PKG - SN-AM nuclei"].save(str(tmp_path / "n.tif"), plugin="napari-marrow")
    assert not list(tmp_path.glob("n.*"))


def test_measured_stacks_are_not_kept(make_napari_viewer, snam, qtbot):
    """What a stack has read would stay in memory with it."""
    viewer = make_napari_viewer()
    viewer.open(str(snam), plugin="napari-marrow")
    name = "PKG - SN-AM nuclei"
    qtbot.waitUntil(lambda: "area" in viewer.layers[name].features, timeout=10000)
    stack = weakref.ref(viewer.layers[name].data)
    viewer.layers.clear()
    qtbot.waitUntil(lambda: gc.collect() >= 0 and stack() is None, timeout=10000)


class SlowNuclei(LazyStack):
    """A nucleus of k + 1 pixels in row k, drawn at once; measured only when a test says so."""

    def __init__(self):
        super().__init__([partial(self._nuclei, row) for row in range(4)], (20, 20), np.uint16)
        self.names = [f"field {row}" for row in range(4)]
        self.begun, self.may, self.errors = [], threading.Event(), {}

    def _nuclei(self, row):
        labels = np.zeros((20, 20), np.uint16)
        labels[0, : row + 1] = 1
        return labels

    def read(self, row):
        name = threading.current_thread().name
        if name != "MainThread" and not name.startswith("marrow-prefetch"):
            self.begun.append(row)
            assert self.may.wait(20)
            if row in self.errors:
                raise self.errors[row]
        return super().read(row)


@pytest.fixture
def slow(make_napari_viewer):
    """A viewer whose stack of nuclei shows row 1, which is being measured."""
    viewer = make_napari_viewer()
    layer = viewer.add_labels(SlowNuclei(), metadata=LayerInfo(kind=Kind.NUCLEI).metadata())
    viewer.dims.set_current_step(0, 1)
    attach_current_table(viewer)
    yield viewer, layer
    layer.data.may.set()


def wait_until_measured(layer, row, qtbot):
    qtbot.waitUntil(lambda: row in layer.data.begun, timeout=10000)


def test_of_fields_that_are_paged_through_only_the_shown_one_has_its_table_shown(slow, qtbot):
    viewer, layer = slow
    wait_until_measured(layer, 1, qtbot)
    shown = []
    layer.events.features.connect(lambda: shown.append(layer.features["area"].tolist()))
    for row in (2, 3):
        viewer.dims.set_current_step(0, row)
        qtbot.wait(600)  # long enough to be asked for
    layer.data.may.set()
    qtbot.waitUntil(lambda: shown != [], timeout=10000)
    qtbot.wait(100)
    assert shown == [[4]]
    assert 2 not in layer.data.begun


def test_the_table_of_a_field_that_was_left_meanwhile_is_not_shown(slow, qtbot):
    viewer, layer = slow
    wait_until_measured(layer, 1, qtbot)
    shown = []
    layer.events.features.connect(lambda: shown.append(layer.features["area"].tolist()))
    viewer.dims.set_current_step(0, 2)
    layer.data.may.set()
    qtbot.waitUntil(lambda: shown != [], timeout=10000)
    assert shown == [[3]]


def test_a_removed_layer_gets_no_table(slow, qtbot):
    viewer, layer = slow
    wait_until_measured(layer, 1, qtbot)
    viewer.layers.remove(layer)
    layer.data.may.set()
    qtbot.wait(300)
    assert "area" not in layer.features


def test_measuring_ends_when_napari_quits(slow, qtbot):
    viewer, layer = slow
    other = viewer.add_labels(SlowNuclei(), metadata=layer.metadata)
    wait_until_measured(layer, 1, qtbot)
    threading.Timer(0.1, layer.data.may.set).start()
    WorkerBase.await_workers(10_000)
    qtbot.wait(300)
    assert other.data.begun == []
    assert "area" not in layer.features


def test_an_unreadable_field_has_an_empty_table_and_a_fault_is_reported(slow, qtbot, notified):
    viewer, layer = slow
    layer.data.errors = {2: MarrowError("b.bmp is odd."), 3: KeyError("fault")}
    layer.data.may.set()
    qtbot.waitUntil(lambda: layer.features.get("area", pd.Series()).tolist() == [2], timeout=10000)
    viewer.dims.set_current_step(0, 2)
    qtbot.waitUntil(lambda: len(layer.features) == 0, timeout=10000)
    assert notified == []
    viewer.dims.set_current_step(0, 3)
    qtbot.waitUntil(lambda: ["fault" in text for text in notified] == [True], timeout=10000)
