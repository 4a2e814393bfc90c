"""Maps of a cell lie exactly over it, and are shown with its slice alone."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_marrow.learning.explaining.cell_maps import CellMaps, Shares
from napari_marrow.viewer.behaviours.caption import attach_caption
from napari_marrow.viewer.make.cell_maps import map_layers, remove_cell_maps, show_cell_maps
from napari_marrow.viewer.photograph.annotations import set_field_class

SQUARE = (6, -4, 24)
"""Top, left and side."""


def maps(agreement=0.9, *, grad_cam=True):
    heat = np.zeros((12, 12))
    heat[3, 8] = 1
    return CellMaps(
        classes=("ALL", "MM"),
        probabilities=(0.3, 0.7),
        square=SQUARE,
        least=0.2,
        occlusion=heat * 3 - 1,
        grad_cam=heat if grad_cam else None,
        why_none="" if grad_cam else "None.",
        area=Shares(0.1, 0.2),
        of_grad_cam=Shares(0.5, 0.6) if grad_cam else None,
        of_occlusion=Shares(0.5, 0.6),
        agreement=agreement,
        spot_agreement=0.1,
        random_agreement=0.0,
    )


PLACE = {"scale": (2, 0.5), "translate": (7, -9), "rotate": 30, "units": ("um", "um")}


@pytest.mark.parametrize("place", [{}, PLACE])
def test_a_map_lies_over_the_square_of_its_cell(place):
    image = Image(np.zeros((40, 50, 3), np.uint8), rgb=True, name="a", **place)
    top, left, side = SQUARE
    for layer in map_layers(image, 0, maps()):
        for corner in ((0, 0), (0, 12), (12, 0), (12, 12)):
            edge = np.array(corner) - 0.5  # edges of pixels, whose centres are whole
            in_image = np.array([top, left]) + np.array(corner) * side / 12 - 0.5
            np.testing.assert_allclose(
                layer.data_to_world(edge), image.data_to_world(in_image), atol=1e-9
            )
        assert layer.units == image.units


def test_in_a_stack_a_map_is_of_one_slice():
    image = Image(np.zeros((5, 40, 50, 3), np.uint8), rgb=True, name="a", scale=(1, 2, 2))
    layer = map_layers(image, 3, maps())[-1]
    assert layer.data.shape == (1, 12, 12)
    assert layer.data_to_world((0, -0.5, -0.5)) == image.data_to_world((3, 5.5, -4.5))
    assert layer.extent.world[:, 0].tolist() == [3, 3]


def test_what_can_be_believed_is_shown_and_replaces_what_was_there():
    viewer = ViewerModel()
    image = viewer.add_layer(Image(np.zeros((40, 50, 3), np.uint8), rgb=True, name="a"))
    labels = viewer.add_layer(Labels(np.zeros((40, 50), np.uint8), name="cells"))
    viewer.layers.selection.active = labels
    show_cell_maps(viewer, image, 0, maps())
    assert [x.name for x in viewer.layers] == ["a", "cells", "a occlusion", "a Grad-CAM"]
    assert [x.visible for x in viewer.layers] == [True, True, False, True]
    assert viewer.layers.selection.active is labels
    assert viewer.layers["a occlusion"].data.min() == 0
    show_cell_maps(viewer, image, 0, maps(agreement=0.1))
    assert [x.name for x in viewer.layers] == ["a", "cells", "a Grad-CAM", "a occlusion"]
    assert [x.visible for x in viewer.layers] == [True, True, False, True]
    show_cell_maps(viewer, image, 0, maps(float("nan"), grad_cam=False))
    assert [x.name for x in viewer.layers] == ["a", "cells", "a occlusion"]
    remove_cell_maps(viewer)
    assert [x.name for x in viewer.layers] == ["a", "cells"]


def test_the_caption_stays_that_of_the_photograph(make_napari_viewer):
    """A map belongs to the photograph, whose class it would have, too."""
    viewer = make_napari_viewer()
    image = Image(np.zeros((40, 50, 3), np.uint8), name="a", rgb=True)
    set_field_class(viewer.add_layer(image), 0, "MM")
    caption = attach_caption(viewer)
    assert caption.text() == "a   class MM"
    show_cell_maps(viewer, image, 0, maps())
    assert caption.text() == "a   class MM"
