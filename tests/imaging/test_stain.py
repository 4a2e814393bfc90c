"""White balance and optical density against hand calculations."""

import numpy as np
import pytest

from napari_marrow.imaging.stain import WHITE, background_colour, optical_density, white_balance

LIGHT = (220, 200, 180)


@pytest.fixture
def field():
    """Flat light; over 70 % of it lie cells that let a tenth of it through."""
    image = np.full((40, 60, 3), LIGHT, np.uint8)
    image[:28] = [22, 20, 18]
    return image


def test_background_is_the_light_and_not_the_mean(field):
    np.testing.assert_array_equal(background_colour(field), LIGHT)


def test_a_few_glares_do_not_move_it(field):
    field[-1, :40] = 255
    np.testing.assert_array_equal(background_colour(field), LIGHT)


def test_black_image_has_no_division_by_zero():
    black = np.zeros((8, 8, 3), np.uint8)
    np.testing.assert_array_equal(background_colour(black), [1, 1, 1])
    assert not optical_density(black).any()


def test_white_balance_makes_the_background_one_grey(field):
    out = white_balance(field)
    assert out.dtype == np.uint8
    np.testing.assert_array_equal(out[30, 40], [WHITE] * 3)
    # a tenth of the light stays a tenth: 24
    np.testing.assert_array_equal(out[0, 0], [24] * 3)


def test_two_acquisitions_of_one_scene_look_the_same(field):
    warmer = np.round(field * np.array([0.9, 0.8, 0.6])).astype(np.uint8)
    difference = white_balance(field).astype(int) - white_balance(warmer)
    assert np.abs(difference).max() <= 4  # rounding to 8 bits, enlarged by the gain
    assert np.abs(field.astype(int) - warmer).max() > 20


def test_optical_density_is_beer_lambert(field):
    density = optical_density(field)
    assert density.dtype == np.float32
    np.testing.assert_allclose(density[30, 40], 0, atol=1e-6)
    np.testing.assert_allclose(density[0, 0], 1, atol=1e-5)  # log10(220 / 22) = 1
    field[39, 59] = [255, 100, 0]
    # log10(220/255) = -0.0641, log10(200/100) = 0.3010, log10(180/1) = 2.2553 (0 counts as 1)
    np.testing.assert_allclose(optical_density(field)[39, 59], [-0.0641, 0.3010, 2.2553], atol=1e-4)
