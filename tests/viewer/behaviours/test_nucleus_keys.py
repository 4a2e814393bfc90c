"""Nuclei of a folder are joined, cut and deleted by keys, as those of one photograph are."""

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_marrow.viewer.io.readers import read
from napari_marrow.viewer.layer_info import LayerInfo
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.stack import EditableStack
from napari_marrow.viewer.training.session import write_session


@pytest.fixture(params=["folder", "photograph"])
def opened(request, make_napari_viewer, snam):
    viewer = make_napari_viewer()
    one = snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp"
    viewer.open(str(snam if request.param == "folder" else one), plugin="napari-marrow")
    nuclei = next(x for x in viewer.layers if x.name.endswith(" nuclei"))
    viewer.layers.selection.active = nuclei
    return viewer, nuclei


def shown(nuclei, row=0):
    data = nuclei.data
    return np.array(data.read(row) if nuclei.ndim == 3 else data)


def press(viewer, nuclei, key, *place):
    """Point at a pixel and press a key, as a person does."""
    at = place if nuclei.ndim == 2 else (viewer.dims.current_step[0], *place)
    viewer.cursor.position = nuclei.data_to_world(at)
    nuclei.keymap[next(k for k in nuclei.keymap if str(k) == key)](nuclei)


def centre(labels, number):
    return tuple(np.argwhere(labels == number).mean(axis=0).round().astype(int))


def test_a_nucleus_is_deleted_joined_and_cut_and_each_is_undone(opened):
    viewer, nuclei = opened
    before = shown(nuclei)
    one, two = centre(before, 1), centre(before, 2)
    press(viewer, nuclei, "D", *one)
    np.testing.assert_array_equal(shown(nuclei), np.where(before == 1, 0, before))
    nuclei.undo()
    np.testing.assert_array_equal(shown(nuclei), before)
    press(viewer, nuclei, "J", *one)
    press(viewer, nuclei, "J", *two)
    np.testing.assert_array_equal(shown(nuclei), np.where(before == 2, 1, before))
    nuclei.undo()
    press(viewer, nuclei, "K", one[0], one[1] - 1)
    press(viewer, nuclei, "K", one[0], one[1] + 1)
    new = int(before.max()) + 1
    cut = shown(nuclei)
    assert cut[one[0], one[1] + 1] == new
    assert cut[one[0], one[1] - 1] == 1
    np.testing.assert_array_equal(np.where(cut == new, 1, cut), before)
    nuclei.undo()
    np.testing.assert_array_equal(shown(nuclei), before)


def test_a_key_beside_nuclei_or_on_two_of_them_cuts_nothing(opened):
    viewer, nuclei = opened
    before = shown(nuclei)
    assert before[0, 0] == 0
    press(viewer, nuclei, "D", 0, 0)
    assert viewer.status == "No nucleus is under the pointer."
    press(viewer, nuclei, "K", *centre(before, 1))
    press(viewer, nuclei, "K", *centre(before, 2))
    np.testing.assert_array_equal(shown(nuclei), before)
    press(viewer, nuclei, "J", *centre(before, 1))
    press(viewer, nuclei, "J", *centre(before, 1))  # not with itself
    press(viewer, nuclei, "J", *centre(before, 2))  # the first again
    np.testing.assert_array_equal(shown(nuclei), before)


def test_the_keyboard_reaches_the_keys(make_napari_viewer, snam, qtbot):
    viewer = make_napari_viewer()
    viewer.open(str(snam), plugin="napari-marrow")
    nuclei = viewer.layers["PKG - SN-AM nuclei"]
    viewer.layers.selection.active = nuclei
    before = shown(nuclei)
    viewer.cursor.position = nuclei.data_to_world((0, *centre(before, 3)))
    qtbot.keyClick(viewer.window._qt_window, Qt.Key.Key_D)
    assert 3 not in shown(nuclei)


def test_corrections_of_a_folder_stay_and_count(make_napari_viewer, snam, tmp_path):
    viewer = make_napari_viewer()
    viewer.open(str(snam), plugin="napari-marrow")
    image, nuclei = viewer.layers["PKG - SN-AM"], viewer.layers["PKG - SN-AM nuclei"]
    before = [shown(nuclei, row) for row in range(6)]
    press(viewer, nuclei, "D", *centre(before[0], 1))
    viewer.dims.set_current_step(0, 4)
    viewer.dims.set_current_step(0, 0)
    assert isinstance(nuclei.data, EditableStack)
    expected = np.where(before[0] == 1, 0, before[0])
    np.testing.assert_array_equal(shown(nuclei), expected)
    np.testing.assert_array_equal(nuclei._slice.image.raw, expected)
    photograph = Photograph.of(image, viewer.layers)
    assert [photograph.nuclei.corrected(row) for row in range(6)] == [True] + [False] * 5
    assert [photograph.has_own_nuclei(row) for row in range(6)] == [True] + [False] * 5
    (tmp_path / "session").mkdir()
    fields = write_session([photograph], tmp_path / "session", "cell")[0].fields
    assert [f.labels is not None for f in fields] == [True] + [False] * 5
    np.testing.assert_array_equal(photograph.cells(0), expected)
    nuclei.save(str(tmp_path / "n.tif"), plugin="napari-marrow")
    ((data, options, _),) = read(str(tmp_path / "n.tif"))
    np.testing.assert_array_equal(data.read(0), expected)
    np.testing.assert_array_equal(data.read(4), before[4])
    assert data.painted_rows == {0}
    assert LayerInfo.from_metadata(options["metadata"]).kind == "nuclei"


def test_the_table_follows_and_a_new_number_is_one_that_no_row_has(make_napari_viewer, snam, qtbot):
    viewer = make_napari_viewer()
    viewer.open(str(snam), plugin="napari-marrow")
    nuclei = viewer.layers["PKG - SN-AM nuclei"]
    qtbot.waitUntil(lambda: len(nuclei.features) == 12, timeout=10000)
    nuclei.features = nuclei.features.assign(**{"class": "mine"})
    before = shown(nuclei)
    press(viewer, nuclei, "D", *centre(before, 12))
    qtbot.waitUntil(lambda: (nuclei.features["area"] == 0).sum() == 1, timeout=10000)
    y, x = centre(before, 1)
    press(viewer, nuclei, "K", y, x - 1)
    press(viewer, nuclei, "K", y, x + 1)
    assert sorted(np.unique(shown(nuclei))) == [*range(12), 13]  # 12 has a class in the table
    qtbot.waitUntil(lambda: 13 in set(nuclei.features["index"]), timeout=10000)
    assert nuclei.features.set_index("index")["class"].isna()[13]


def test_a_nucleus_can_be_painted_once_the_masks_take_corrections(make_napari_viewer, snam, qtbot):
    viewer = make_napari_viewer()
    viewer.open(str(snam), plugin="napari-marrow")
    nuclei = viewer.layers["PKG - SN-AM nuclei"]
    press(viewer, nuclei, "D", *centre(shown(nuclei), 1))
    assert nuclei.editable
    qtbot.waitUntil(lambda: not nuclei.data.unprepared, timeout=10000)
    for row, unused in ((4, 2), (0, 13)):  # unused in this field, whose labels begin with 1, too
        viewer.dims.set_current_step(0, row)
        assert nuclei.selected_label == unused
