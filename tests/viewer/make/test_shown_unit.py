"""A unit of a table is shown: its slice, in front, the camera on it, the cell in a ring."""

from pathlib import Path

import numpy as np
import pytest
from napari.layers import Points

from napari_marrow.viewer.make.shown_unit import (
    RING_FACTOR,
    RINGS_ACROSS,
    open_slice,
    remove_ring,
    show_unit,
)

PLUGIN, STACK = "napari-marrow", "PKG - SN-AM"


def rings(viewer):
    return [layer for layer in viewer.layers if isinstance(layer, Points)]


@pytest.fixture
def stack(make_napari_viewer):
    """A viewer with two fields of 60 x 80 pixels, moved and scaled, and a nucleus in the second."""
    viewer = make_napari_viewer()
    options = {"scale": (1, 0.5, 0.5), "translate": (0, 7, 3)}
    image = viewer.add_image(np.zeros((2, 60, 80, 3), np.uint8), rgb=True, name="a", **options)
    nuclei = np.zeros((2, 60, 80), np.uint8)
    nuclei[1, 40:50, 56:70] = 7
    viewer.add_labels(nuclei, name="a nuclei", **options)
    return viewer, image


def test_a_cell_of_a_stack_is_ringed_in_its_slice_alone(stack):
    viewer, image = stack
    viewer.dims.set_current_step(0, 0)
    show_unit(viewer, image, 1, (45, 63))
    assert viewer.dims.current_step[0] == 1
    [ring] = rings(viewer)
    assert ring.data.tolist() == [[1, 45, 63]]
    assert ring.size.tolist() == [RING_FACTOR * 14]  # the longer side of the nucleus
    np.testing.assert_allclose(viewer.camera.center[-2:], (7 + 45 / 2, 3 + 63 / 2))
    across = viewer.camera.zoom * RINGS_ACROSS * RING_FACTOR * 14 / 2
    assert across == pytest.approx(min(viewer.canvas.size))
    assert viewer.layers.selection.active is image


def test_another_cell_moves_the_ring_and_a_field_hides_it(stack):
    viewer, image = stack
    show_unit(viewer, image, 1, (45, 63))
    [ring] = rings(viewer)
    viewer.add_labels(np.zeros((2, 60, 80), np.uint8), name="later")
    show_unit(viewer, image, 0, (10, 20))  # no nucleus is there
    assert rings(viewer) == [ring]
    assert viewer.layers[-1] is ring
    assert ring.data.tolist() == [[0, 10, 20]]
    assert ring.size.tolist() == [pytest.approx(RING_FACTOR * 6)]
    show_unit(viewer, image, 1, None)
    assert not ring.visible
    low, high = image.extent.world[:, -2:]
    np.testing.assert_allclose(viewer.camera.center[-2:], (low + high) / 2, atol=0.5)
    show_unit(viewer, image, 1, (45, 63))
    assert ring.visible
    single = viewer.add_image(np.zeros((30, 40, 3), np.uint8), rgb=True, name="b")
    show_unit(viewer, single, 0, (3, 4))
    [ring] = rings(viewer)
    assert ring.data.tolist() == [[3, 4]]
    remove_ring(viewer)
    assert not rings(viewer)


def test_a_photograph_that_others_cover_comes_to_the_front_with_its_labels(stack):
    viewer, image = stack
    viewer.add_image(np.zeros((2, 60, 80, 3), np.uint8), rgb=True, name="cover", visible=False)
    viewer.add_labels(np.zeros((2, 60, 80), np.uint8), name="cover nuclei")
    image.visible = False
    show_unit(viewer, image, 0, None)
    assert [x.name for x in viewer.layers] == ["a", "a nuclei", "cover", "cover nuclei"]
    assert image.visible
    viewer.layers["cover"].visible = True
    show_unit(viewer, image, 0, (10, 20))
    names = ["cover", "cover nuclei", "a", "a nuclei", "shown cell"]
    assert [x.name for x in viewer.layers] == names


def test_the_slice_that_shows_a_file_is_found(make_napari_viewer, snam):
    viewer = make_napari_viewer()
    viewer.open(str(snam), plugin=PLUGIN)
    path = snam / STACK / "MM" / "MM_2.bmp"
    layer = viewer.layers[STACK]
    assert open_slice(viewer.layers, path) == (layer, 4)
    assert open_slice(viewer.layers, Path("MM_2.bmp")) is None
    viewer.open(str(path), plugin=PLUGIN)
    assert open_slice(viewer.layers, path) == (viewer.layers["MM_2"], 0)  # the topmost
