"""The fields of a folder are shown one at a time, never as a volume."""

import numpy as np
import pytest

from napari_marrow.viewer.stack import LazyStack


@pytest.fixture
def read(monkeypatch):
    """The rows that are read from files."""
    rows, original = [], LazyStack.read
    monkeypatch.setattr(
        LazyStack, "read", lambda self, row: rows.append(row) or original(self, row)
    )
    return rows


def test_3d_is_taken_back(make_napari_viewer, snam, notified):
    viewer = make_napari_viewer()
    viewer.open(str(snam), plugin="napari-marrow")
    viewer.dims.set_current_step(0, 2)
    viewer.dims.ndisplay = 3
    assert (viewer.dims.ndisplay, viewer.dims.order) == (2, (0, 1, 2))
    assert ["not a volume" in message for message in notified] == [True]
    shown = viewer.layers["PKG - SN-AM"]._slice.image.view
    np.testing.assert_array_equal(shown, viewer.layers["PKG - SN-AM"].data[2])


def test_rolling_the_axes_reads_no_other_field(make_napari_viewer, snam, read):
    viewer = make_napari_viewer()
    viewer.open(str(snam), plugin="napari-marrow")
    viewer.dims.set_current_step(0, 2)
    read.clear()
    viewer.dims.roll()
    assert viewer.dims.order == (0, 2, 1)
    viewer.dims.transpose()
    assert viewer.dims.order == (0, 1, 2)
    assert set(read) <= {2}
    viewer.dims.order = (1, 0, 2)
    assert viewer.dims.order == (0, 1, 2)


def test_without_a_folder_3d_is_napari_s_own(make_napari_viewer, snam):
    viewer = make_napari_viewer()
    viewer.open(str(snam), plugin="napari-marrow")
    viewer.layers.clear()
    viewer.add_image(np.zeros((4, 5, 6)))
    viewer.dims.ndisplay = 3
    assert viewer.dims.ndisplay == 3
    assert all(viewer.dims.rollable)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0)])
def test_a_viewer_in_3d_returns_to_2d_before_a_folder_is_read(
    make_napari_viewer, snam, read, order
):
    viewer = make_napari_viewer()
    viewer.add_image(np.zeros((4, 5, 6)))
    viewer.dims.order = order
    viewer.dims.ndisplay = 3
    viewer.open(str(snam), plugin="napari-marrow")
    assert (viewer.dims.ndisplay, viewer.dims.order) == (2, (0, 1, 2))
    row = int(viewer.dims.point[0])
    assert set(read) <= {0, row}
    stack = viewer.layers["PKG - SN-AM"]
    np.testing.assert_array_equal(stack._slice.image.view, stack.data[row])


def test_a_stack_that_comes_later_is_looked_at_too(make_napari_viewer, snam, notified):
    viewer = make_napari_viewer()
    viewer.open(str(snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp"), plugin="napari-marrow")
    viewer.add_image(np.zeros((4, 5, 6)))
    viewer.dims.ndisplay = 3
    planes = np.zeros((4, 5, 6), np.uint16)
    viewer.add_labels(LazyStack([lambda p=p: p for p in planes], (5, 6), np.uint16))
    assert viewer.dims.ndisplay == 2
    assert len(notified) == 1


def test_labels_of_a_folder_cannot_be_painted_on(make_napari_viewer, snam):
    viewer = make_napari_viewer()
    viewer.open(str(snam), plugin="napari-marrow")
    assert not viewer.layers["PKG - SN-AM nuclei"].editable


def test_one_photograph_is_left_in_3d(make_napari_viewer, snam, notified):
    viewer = make_napari_viewer()
    viewer.add_image(np.zeros((4, 5, 6)))
    viewer.dims.ndisplay = 3
    viewer.open(str(snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp"), plugin="napari-marrow")
    assert viewer.dims.ndisplay == 3
    assert notified == []
