"""A folder's fields are never drawn as a volume."""

import numpy as np
import pytest

from napari_marrow.viewer.stack import LazyStack


def test_3d_and_other_orders_are_taken_back_unread(make_napari_viewer, snam, monkeypatch, capsys):
    viewer = make_napari_viewer()
    viewer.open(str(snam), plugin="napari-marrow")
    viewer.dims.set_current_step(0, 2)
    read, made = [], LazyStack.made
    monkeypatch.setattr(LazyStack, "made", lambda self, row: read.append(row) or made(self, row))
    for change in (lambda: setattr(viewer.dims, "ndisplay", 3), viewer.dims.roll):
        change()
        assert (viewer.dims.ndisplay, viewer.dims.order) == (2, (0, 1, 2))
    assert set(read) <= {1, 2, 3}  # the field that is shown, and its neighbours
    shown = viewer.layers["PKG - SN-AM"]._slice.image.view
    np.testing.assert_array_equal(shown, viewer.layers["PKG - SN-AM"].data[2])
    viewer.dims.transpose()  # of height and width: nothing against it
    assert viewer.dims.order == (0, 2, 1)


def test_without_a_folder_3d_is_napari_s_own(make_napari_viewer, snam):
    viewer = make_napari_viewer()
    viewer.open(str(snam), plugin="napari-marrow")
    viewer.layers.clear()
    viewer.add_image(np.zeros((4, 5, 6)))
    viewer.dims.ndisplay = 3
    assert viewer.dims.ndisplay == 3


def test_a_stack_in_a_viewer_that_is_not_watched_is_drawn_in_3d(make_napari_viewer):
    """Of a photograph that another reader opened, no empty picture would be taken back."""
    viewer = make_napari_viewer()
    planes = np.arange(4 * 5 * 6, dtype=np.uint16).reshape(4, 5, 6)
    viewer.add_labels(LazyStack([lambda p=p: p for p in planes], (5, 6), np.uint16))
    viewer.dims.ndisplay = 3
    np.testing.assert_array_equal(viewer.layers[0]._slice.image.raw, planes)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0)])
def test_a_viewer_in_3d_is_taken_back_unread_when_a_folder_is_opened(
    make_napari_viewer, snam, monkeypatch, notified, order
):
    viewer = make_napari_viewer()
    viewer.add_image(np.zeros((4, 5, 6)))
    viewer.dims.order = order
    viewer.dims.ndisplay = 3
    read, made = [], LazyStack.made
    monkeypatch.setattr(LazyStack, "made", lambda self, row: read.append(row) or made(self, row))
    viewer.open(str(snam), plugin="napari-marrow")
    assert (viewer.dims.ndisplay, viewer.dims.order) == (2, (0, 1, 2))
    row = int(viewer.dims.point[0])
    assert set(read) <= {0, row}
    assert ["holds pictures of one folder" in told for told in notified] == [True]
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


def test_one_photograph_is_left_in_3d(make_napari_viewer, snam, notified):
    viewer = make_napari_viewer()
    viewer.add_image(np.zeros((4, 5, 6)))
    viewer.dims.ndisplay = 3
    viewer.open(str(snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp"), plugin="napari-marrow")
    assert viewer.dims.ndisplay == 3
    assert notified == []
