"""The chi-square map as layers: what they show, and where they lie."""

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_marrow.data.errors import MarrowError
from napari_marrow.measure.thumbnail_grid import GRID_SIDE, pixels
from napari_marrow.viewer.behaviours.caption import Caption
from napari_marrow.viewer.layer_info import Kind
from napari_marrow.viewer.make.chi_square_map import show_map
from napari_marrow.viewer.photograph.annotations import set_field_class
from napari_marrow.viewer.photograph.links import is_photograph
from napari_marrow.viewer.photograph.photograph import Photograph

PICTURES = np.random.default_rng(0).integers(0, 256, (4, GRID_SIDE, GRID_SIDE, 3), np.uint8)
CLASSES = ["MM", "ALL", "MM", None]


@pytest.fixture
def table():
    return pd.DataFrame(pixels(PICTURES)).assign(**{"class": CLASSES})


@pytest.fixture
def scores():
    names = [f"pixel_{c}_y04_x07" for c in ("red", "green", "blue")]
    return pd.DataFrame({"feature": [*names, "pixel_red_y00_x00"], "chi2": [1.0, 2, 3, 4]})


@pytest.fixture
def viewer():
    return ViewerModel()


def test_pictures_and_map_lie_over_each_other(viewer, table, scores):
    show_map(viewer, table, scores, "field")
    names = ["mean picture ALL", "mean picture MM", Kind.MAP]
    assert [x.name for x in viewer.layers] == names
    np.testing.assert_array_equal(viewer.layers[0].data, PICTURES[1])
    expected = PICTURES[[0, 2]].astype(float).mean(axis=0).round()
    np.testing.assert_array_equal(viewer.layers[1].data, expected)
    assert viewer.layers[1].rgb
    assert viewer.layers[1].data.dtype == np.uint8
    found = viewer.layers[str(Kind.MAP)]
    assert found.data[4, 7] == 6
    assert found.data.sum() == 10
    assert found.contrast_limits == [0, 6]
    assert found.opacity == pytest.approx(0.6, abs=1e-9)
    assert [x.visible for x in viewer.layers] == [True, False, True]
    assert {tuple(x.scale) for x in viewer.layers} == {(32, 32)}


def test_another_map_lies_over_the_photograph_of_the_first(viewer, table, scores):
    first, second = (Image(np.zeros((48, 64, 3), np.uint8), rgb=True, name=n) for n in "ab")
    viewer.layers.extend([first, second])
    viewer.layers.selection.active = second
    assert "over b" in show_map(viewer, table, scores, "field")
    assert viewer.layers.selection.active.name == Kind.MAP  # as nobody touched anything
    assert "over b" in show_map(viewer, table, scores, "field")
    viewer.layers.selection.active = first
    assert "over a" in show_map(viewer, table, scores, "field")
    viewer.layers.remove(first)
    viewer.layers.selection.active = viewer.layers[str(Kind.MAP)]
    assert "over b" in show_map(viewer, table, scores, "field")


@pytest.mark.parametrize("shape", [(48, 64, 3), (5, 48, 64, 3)])
def test_the_map_of_fields_covers_the_photograph(viewer, table, scores, shape):
    more = (2,) * (len(shape) - 3)
    photograph = Image(
        np.zeros(shape, np.uint8), rgb=True, scale=(*more, 0.5, 0.25), translate=(*more, 3, 4)
    )
    viewer.add_layer(photograph)
    said = show_map(viewer, table, scores, "field")
    assert f"over {photograph.name}" in said
    for layer in list(viewer.layers)[1:]:
        # extent.world is of the middles of pixels
        low, high = layer.extent.world
        half = np.array(layer.scale) / 2
        np.testing.assert_allclose(low - half, [3 - 0.25, 4 - 0.125], atol=1e-06)
        np.testing.assert_allclose(high + half, [3 - 0.25 + 24, 4 - 0.125 + 16], atol=1e-06)
    assert [x.visible for x in viewer.layers] == [True, False, False, True]


def test_the_map_of_cells_lies_beside(viewer, table, scores):
    photograph = viewer.add_image(np.zeros((48, 64, 3), np.uint8), rgb=True)
    show_map(viewer, table, scores, "cell")
    found = viewer.layers[str(Kind.MAP)]
    assert tuple(found.scale) == (3, 3)  # as high as the photograph, and square
    assert found.extent.world[0, 1] > photograph.extent.world[1, 1]
    assert viewer.layers["mean picture ALL"].visible


def test_the_selected_photograph_is_covered(viewer, table, scores):
    for size in (16, 32, 64):
        viewer.add_image(np.zeros((size, size, 3), np.uint8), rgb=True, name=str(size))
    viewer.layers.selection.active = viewer.layers["32"]
    show_map(viewer, table, scores, "field")
    assert tuple(viewer.layers[str(Kind.MAP)].scale) == (2, 2)


def test_map_and_mean_pictures_are_not_captioned_as_a_field(viewer, table, scores):
    photograph = viewer.add_image(np.zeros((48, 64, 3), np.uint8), rgb=True, name="a")
    set_field_class(photograph, 0, "ALL")
    caption = Caption(viewer)
    expected = caption.text()
    assert "a" in expected
    show_map(viewer, table, scores, "cell")
    assert caption.text() == expected
    viewer.layers["mean picture MM"].visible = True
    viewer.layers[str(Kind.MAP)].visible = False
    assert caption.text() == expected


def test_another_map_takes_the_place_of_the_first(viewer, table, scores):
    show_map(viewer, table, scores, "field")
    show_map(viewer, table, scores.assign(chi2=0.0), "field")
    assert len(viewer.layers) == 3
    assert not viewer.layers[str(Kind.MAP)].data.any()


def test_mean_pictures_are_no_photographs_to_learn_from(viewer, table, scores):
    show_map(viewer, table, scores, "field")
    assert not any(is_photograph(x) for x in viewer.layers)
    with pytest.raises(MarrowError, match="No photograph is open"):
        Photograph.all_of(viewer.layers)
