"""The white point of drawn fields, of cells cut out on black and of round fields of view."""

import numpy as np
import pytest
from PIL import Image

from napari_marrow.imaging.white_point import WHITE_LEVEL, is_cut_out, white_point

LIGHT = (220, 200, 180)


@pytest.fixture
def field():
    """Flat light; over 70 % of it lie cells that let a tenth of it through."""
    image = np.full((40, 60, 3), LIGHT, np.uint8)
    image[:28] = [22, 20, 18]
    return image


def test_background_is_the_light_and_not_the_mean(field):
    np.testing.assert_array_equal(white_point(field), LIGHT)


def test_a_few_glares_do_not_move_it(field):
    field[-1, :40] = 255
    np.testing.assert_array_equal(white_point(field), LIGHT)


@pytest.mark.parametrize("rim", [0, 20])
def test_a_bright_cell_cut_out_even_close_to_it_has_no_light(rim):
    # uneven, as cells are; only corners are black where the cut is close
    radius = 40
    y, x = np.mgrid[: 2 * (radius + rim), : 2 * (radius + rim)] - radius - rim
    image = np.random.default_rng(0).integers(110, 230, (*y.shape, 3)).astype(np.uint8)
    image[np.hypot(y, x) > radius] = 0
    assert is_cut_out(image)
    np.testing.assert_array_equal(white_point(image), [WHITE_LEVEL] * 3)


@pytest.mark.parametrize("factor", [1, 0.4])
def test_a_round_field_in_a_dark_surround_has_a_light(factor):
    y, x = np.ogrid[:90, :120]
    light = np.rint(np.array(LIGHT) * factor)
    image = np.full((90, 120, 3), light, np.uint8)
    image[::2] = image[::2] // 3  # half of it absorbs
    image[np.hypot(y - 45, x - 60) > 44] = 0
    assert not is_cut_out(image)
    np.testing.assert_array_equal(white_point(image), light)


@pytest.mark.parametrize("turn", [0, 20, 45])
def test_a_picture_with_a_border_or_turned_keeps_its_light(turn):
    uneven = np.linspace(1, 0.6, 120)[:, None]  # no light that much of it is like
    image = np.rint(np.full((90, 120, 3), LIGHT) * uneven).astype(np.uint8)
    bordered = np.pad(image, ((9, 9), (9, 9), (0, 0)))
    turned = np.asarray(Image.fromarray(bordered).rotate(turn, expand=True))
    assert not is_cut_out(turned)
    np.testing.assert_allclose(white_point(turned), white_point(image), atol=5)
