"""What belongs to a photograph lies over it, however the photograph was moved and turned."""

import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_marrow.imaging.augment import AugmentSettings
from napari_marrow.imaging.normalise import StainSettings
from napari_marrow.imaging.settings import SegmentSettings
from napari_marrow.viewer.make.augmented import preview, product_layers
from napari_marrow.viewer.make.segmented import segment_target, segmented_layers
from napari_marrow.viewer.make.stains import recoloured, recoloured_layer
from napari_marrow.viewer.photograph.annotations import new_cells_layer
from napari_marrow.viewer.photograph.gathering import gathered
from napari_marrow.viewer.photograph.labelling import target_of
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


def returned(work):
    """What a generator returns in the end."""
    while True:
        try:
            next(work)
        except StopIteration as ended:
            return ended.value


CORNERS = ((0, 0), (0, 63), (47, 0), (47, 63))


def test_layers_that_are_made_lie_over_the_photograph(turned):
    target = target_of(turned)
    found = list(segment_target(target, SegmentSettings(), True))
    nuclei = [Labels(d, **options) for d, options, _ in segmented_layers(target, found, [turned])]
    colours = recoloured(target, 0, StainSettings("white-balance"), None)
    others = [recoloured_layer(turned, colours, "white-balance"), new_cells_layer(turned, ("a",))]
    for layer in (*nuclei, *others):
        np.testing.assert_allclose(in_world(layer, *CORNERS), in_world(turned, *CORNERS))
        assert layer.units == turned.units
        layer.affine = np.eye(3)  # its own, and not the photograph's too
    np.testing.assert_array_equal(turned.affine.affine_matrix, PLACE["affine"])


@pytest.mark.parametrize("name", ["turned", "turned_stack"])
def test_a_slice_lies_where_the_photograph_shows_it(name, request):
    image = request.getfixturevalue(name)
    over = Labels(np.zeros((48, 64), int), **slice_place_of(image))
    np.testing.assert_allclose(in_world(over, *CORNERS), in_world(image, *CORNERS))


@pytest.mark.parametrize("name", ["turned", "turned_stack"])
def test_products_lie_as_the_photograph_does(name, request, monkeypatch):
    monkeypatch.setattr(
        "napari_marrow.viewer.make.augmented.PREVIEW_SIDE", 32
    )  # every second pixel
    image = request.getfixturevalue(name)
    source = gathered(image, [image])
    shown = preview(source, 0, AugmentSettings(("mirror",)), "mirror").layer(image)
    expected = in_world(image, (0.5, 0.5), (46.5, 62.5))  # middles of two by two pixels
    np.testing.assert_allclose(in_world(shown, (0, 0), (23, 31)), expected)
    work = product_layers(source, AugmentSettings(("mirror",)))
    data, options, _ = returned(work)[0]
    made = Image(data, **options)
    np.testing.assert_allclose(in_world(made, *CORNERS), in_world(image, *CORNERS))
