"""What belongs to a photograph lies over it, however the photograph was moved and turned."""

import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_marrow.imaging.normalise import StainSettings
from napari_marrow.imaging.settings import AugmentSettings, SegmentSettings
from napari_marrow.viewer.make.augmented import augment_photograph, augmented_layers, preview
from napari_marrow.viewer.make.segmented import segment_photograph, segmented_layers
from napari_marrow.viewer.make.stains import recoloured, recoloured_layer
from napari_marrow.viewer.photograph.annotations import new_cells_layer
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.transforms import slice_place_of

PLACE = {
    "scale": (0.5, 2),
    "translate": (10, -4),
    "rotate": 30,
    "shear": [0.2],
    "affine": [[0, 1.5, 3], [-1, 0.1, 2], [0, 0, 1]],
    "units": ("um", "um"),
}


@pytest.fixture
def turned(draw):
    """A photograph that is scaled, moved, turned and sheared."""
    return Image(draw()[0], rgb=True, name="a", **PLACE)


@pytest.fixture
def turned_stack(draw):
    """Likewise a stack, along the last two axes."""
    affine = np.eye(4)
    affine[1:, 1:] = PLACE["affine"]
    rotation = np.eye(3)
    rotation[1:, 1:] = [[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]]
    image = draw()[0]
    return Image(
        np.stack([image, image]),
        rgb=True,
        scale=(1, 0.5, 2),
        translate=(0, 10, -4),
        rotate=rotation,
        shear=[0, 0, 0.2],
        affine=affine,
    )


def in_world(layer, *pixels):
    """Where pixels (row, column) of a layer, or of the first slice of a stack, are shown."""
    pixels = [(0,) * (layer.ndim - 2) + tuple(pixel) for pixel in pixels]
    return np.array([layer.data_to_world(pixel)[-2:] for pixel in pixels])


CORNERS = ((0, 0), (0, 63), (47, 0), (47, 63))


def test_layers_that_are_made_lie_over_the_photograph(turned):
    photograph = Photograph.of(turned, [turned])
    found = segment_photograph(photograph, SegmentSettings(), True)
    nuclei = segmented_layers(photograph, found, [turned])
    colours = recoloured(photograph, 0, StainSettings("white-balance"), None)
    white = recoloured_layer(photograph, colours, "white-balance")
    others = [white, new_cells_layer(turned, ("a",))]
    for layer in (*nuclei, *others):
        np.testing.assert_allclose(
            in_world(layer, *CORNERS), in_world(turned, *CORNERS), atol=1e-06
        )
        assert layer.units == turned.units
        layer.affine = np.eye(3)  # its own, and not the photograph's too
    np.testing.assert_array_equal(turned.affine.affine_matrix, PLACE["affine"])


@pytest.mark.parametrize("name", ["turned", "turned_stack"])
def test_a_slice_lies_where_the_photograph_shows_it(name, request):
    image = request.getfixturevalue(name)
    over = Labels(np.zeros((48, 64), int), **slice_place_of(image))
    np.testing.assert_allclose(in_world(over, *CORNERS), in_world(image, *CORNERS), atol=1e-06)


@pytest.mark.parametrize("name", ["turned", "turned_stack"])
def test_products_lie_as_the_photograph_does(name, request, monkeypatch):
    monkeypatch.setattr(
        "napari_marrow.viewer.make.augmented.MAX_PREVIEW_SIDE_PX", 32
    )  # every second pixel
    image = request.getfixturevalue(name)
    photograph = Photograph.of(image, [image])
    made = preview(photograph, 0, AugmentSettings(("mirror",)), "mirror")
    shown = Image(made.picture, rgb=True, **made.options(image))
    expected = in_world(image, (0.5, 0.5), (46.5, 62.5))  # middles of two by two pixels
    np.testing.assert_allclose(in_world(shown, (0, 0), (23, 31)), expected, atol=1e-06)
    stacks = augment_photograph(photograph, AugmentSettings(("mirror",)))
    made = augmented_layers(photograph, stacks)[0]
    np.testing.assert_allclose(in_world(made, *CORNERS), in_world(image, *CORNERS), atol=1e-06)
