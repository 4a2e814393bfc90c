"""White balance, optical density and stains against hand calculations and drawn fields."""

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import binary_dilation
from skimage import color

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.stain import (
    combine_stains,
    optical_density,
    separate_stains,
    stain_vectors,
    white_balance,
)
from napari_marrow.imaging.white_point import WHITE_LEVEL, is_cut_out, white_point

LIGHT = (220, 200, 180)


@pytest.fixture
def field():
    """Flat light; over 70 % of it lie cells that let a tenth of it through."""
    image = np.full((40, 60, 3), LIGHT, np.uint8)
    image[:28] = [22, 20, 18]
    return image


def test_black_image_has_no_division_by_zero():
    black = np.zeros((8, 8, 3), np.uint8)
    np.testing.assert_array_equal(white_point(black), [1, 1, 1])
    assert not optical_density(black).any()


@pytest.mark.parametrize("radius", [15, 30])
def test_cells_cut_out_on_black_are_left_as_they_are(radius):
    y, x = np.ogrid[:100, :120]
    image = np.zeros((100, 120, 3), np.uint8)
    image[np.hypot(y - 50, x - 60) < radius] = [75, 32, 78]  # more and less than a fifth
    assert is_cut_out(image)
    np.testing.assert_array_equal(white_balance(image), image)
    np.testing.assert_allclose(
        optical_density(image)[50, 60], np.log10(240 / np.array([75, 32, 78])), atol=1e-5
    )


def test_white_balance_makes_the_background_one_grey(field):
    out = white_balance(field)
    assert out.dtype == np.uint8
    np.testing.assert_array_equal(out[30, 40], [WHITE_LEVEL] * 3)
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


# Unit vectors with the colours of Giemsa's two stains; haematoxylin is (0.65, 0.70, 0.29) and eosin
# (0.07, 0.99, 0.11) by Ruifrok and Johnston 2001, so that constants would not pass for estimates.
AZURE = np.array([0.48, 0.86, 0.17]) / np.linalg.norm([0.48, 0.86, 0.17])
RED_CELL = np.array([0.38, 0.63, 0.68]) / np.linalg.norm([0.38, 0.63, 0.68])


def stained(light=LIGHT, azure=1.0, eosin=0.35, first=AZURE, second=RED_CELL):
    """A field of red cells and nuclei by Beer and Lambert's law, and the amounts drawn."""
    rng = np.random.default_rng(8)
    amounts = np.zeros((120, 160, 2))
    amounts[20:60, 20:60, 0] = azure * rng.uniform(0.7, 1, (40, 40))
    amounts[20:100, 90:140, 1] = eosin * rng.uniform(0.7, 1, (80, 50))
    amounts[70:100, 20:60] = azure * 0.5, eosin * 0.5
    density = amounts @ np.stack([first, second])
    return np.rint(np.array(light) * 10**-density).astype(np.uint8), amounts


def degrees(a, b):
    return np.degrees(np.arccos(np.clip(a @ b, -1, 1)))


@pytest.mark.parametrize("light", [LIGHT, (250, 235, 200)])
@pytest.mark.parametrize("first", [AZURE, np.array([0.74, 0.65, 0.17])])
def test_the_stains_of_the_field_itself_are_found(light, first):
    first = first / np.linalg.norm(first)
    image, _ = stained(light, first=first)
    vectors = stain_vectors(image)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert degrees(vectors[0], first) < 1.5
    assert degrees(vectors[1], RED_CELL) < 1.5


def test_the_bluish_stain_is_the_first_however_much_there_is_of_it():
    little, _ = stained(azure=0.7, eosin=0.6)
    much, _ = stained(azure=1.4, eosin=0.25)
    for image in (little, much, much[::-1, ::-1], little.transpose(1, 0, 2)):
        vectors = stain_vectors(image)
        assert vectors[0, 0] - vectors[0, 2] > 0.2
        assert vectors[1, 0] - vectors[1, 2] < -0.2


@pytest.mark.parametrize("second", [(0.72, 0.63, 0.28), (0.71, 0.50, 0.50), (0.83, 0.51, 0.24)])
@pytest.mark.parametrize("first", [(0.41, 0.90, 0.16), (0.52, 0.84, 0.17)])
def test_the_purple_of_nuclei_is_the_first_beside_blue_and_grey(first, second):
    """As in fields of myeloma: plasma cells' cytoplasm is blue, their red cells are grey."""
    first, second = (v / np.linalg.norm(v) for v in (first, second))
    vectors = stain_vectors(stained(first=first, second=second, azure=0.8, eosin=0.7)[0])
    assert degrees(vectors[0], first) < 3
    assert degrees(vectors[1], second) < 3


def test_glare_is_no_stain():
    """Pixels brighter than the background, in one channel or all, do not turn the directions."""
    image, _ = stained(light=(200, 190, 150))
    image[100:115, :60] = 255
    vectors = stain_vectors(image)
    assert degrees(vectors[0], AZURE) < 3
    assert degrees(vectors[1], RED_CELL) < 3


def test_amounts_are_those_drawn_and_give_the_photograph_back():
    image, amounts = stained()
    found = separate_stains(image, np.stack([AZURE, RED_CELL]))
    assert found.dtype == np.float32
    assert found.shape == (120, 160, 2)
    np.testing.assert_allclose(found, amounts, atol=0.05)  # of pixels rounded to 8 bits
    np.testing.assert_allclose(found.mean(axis=(0, 1)), amounts.mean(axis=(0, 1)), atol=0.002)
    vectors = stain_vectors(image)
    again = combine_stains(separate_stains(image, vectors), vectors, white_point(image))
    assert again.dtype == np.uint8
    assert np.abs(again.astype(int) - image).max() <= 3


def test_split_is_least_squares():
    image = np.random.default_rng(1).integers(0, 256, (9, 11, 3)).astype(np.uint8)
    vectors = np.stack([AZURE, RED_CELL])
    density = optical_density(image).reshape(-1, 3)
    expected = np.linalg.lstsq(vectors.T, density.T, rcond=None)[0].T.reshape(9, 11, 2)
    np.testing.assert_allclose(separate_stains(image, vectors), expected, atol=1e-5)


def test_amounts_are_scikit_images_where_they_are_not_negative():
    image, _ = stained()
    vectors = np.stack([AZURE, RED_CELL])
    # scikit-image measures against white, 1, in units of log(1e-6), and cuts off what is below 0
    theirs = color.separate_stains(image / np.array(LIGHT), np.linalg.pinv(vectors)) * 6
    found = separate_stains(image, vectors).clip(0)
    np.testing.assert_allclose(found, theirs, atol=1e-4)


def test_one_stain_alone_has_its_colour():
    image, amounts = stained()
    only = combine_stains(amounts[..., :1], AZURE[None], np.array(LIGHT))
    np.testing.assert_array_equal(only[20:60, 20:60], image[20:60, 20:60])
    np.testing.assert_array_equal(only[20:100, 90:140], np.broadcast_to(LIGHT, (80, 50, 3)))


def test_fields_without_nuclei_or_stain_are_refused_in_a_sentence():
    red_cells, _ = stained(azure=0)
    with pytest.raises(MarrowError, match="no nuclei, only red cells"):
        stain_vectors(red_cells)
    with pytest.raises(MarrowError, match="hardly anything stained"):
        stain_vectors(np.full((50, 60, 3), 255, np.uint8))
    cut_out = np.zeros((120, 160, 3), np.uint8)
    cut_out[30:90, 40:120] = stained()[0][20:80, 20:100]
    for black in (cut_out, np.zeros((1, 1, 3), np.uint8)):
        with pytest.raises(MarrowError, match="cut out on black"):
            stain_vectors(black)
    with pytest.raises(MarrowError, match="of one colour"):
        separate_stains(red_cells, np.stack([AZURE, AZURE]))


def test_red_cells_are_split_by_the_stains_of_another_field():
    red_cells, amounts = stained(azure=0)
    found = separate_stains(red_cells, stain_vectors(stained()[0]))
    assert np.abs(found[..., 0]).max() < 0.05
    np.testing.assert_allclose(found[..., 1], amounts[..., 1], atol=0.05)


@pytest.mark.real
def test_nuclei_of_real_photographs_are_azure_and_red_cells_eosin(real_data):
    """Every fifth picture of ALL-IDB2 that holds red cells, by its mask: the larger amount."""
    right = []
    for path in sorted((real_data / "all-idb2").rglob("*.tif"))[::5]:
        image = np.asarray(Image.open(path).convert("RGB"))
        mask = real_data / "all-idb2-masks" / path.parent.name / path.name
        mask = np.asarray(Image.open(mask).convert("RGB")).astype(int)
        nucleus = np.abs(mask - [0, 255, 255]).sum(axis=-1) < 60
        found = separate_stains(image, stain_vectors(image))
        around = ~binary_dilation(mask[..., 0] < 128, iterations=12)
        cells = around & (found.clip(0).sum(axis=-1) > 0.15)
        if np.count_nonzero(cells) > 1000:
            more = found[..., 0] > found[..., 1]
            right.append(np.median(more[nucleus]) > np.median(more[cells]))
    assert len(right) > 20
    assert np.mean(right) > 0.9  # all of 121 were measured
