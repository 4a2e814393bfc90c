"""Geometry against scikit-image, and against its own inverse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from scipy.ndimage import maximum_filter, minimum_filter
from skimage.transform import rotate as skimage_rotate

from napari_marrow.imaging import geometry

DTYPES = (np.uint8, np.uint16, np.int32, np.int64, bool)
sizes = st.integers(1, 40)


@st.composite
def pictures(draw):
    """A photograph, or a mask of any dtype."""
    shape = (draw(sizes), draw(sizes))
    if draw(st.booleans()):
        return draw(arrays(np.uint8, (*shape, 3)))
    return draw(arrays(draw(st.sampled_from(DTYPES)), shape))


def photograph(shape=(60, 90), seed=0):
    """A smooth picture, so that sampling between pixels can be compared."""
    noise = np.random.default_rng(seed).integers(0, 256, (shape[0] // 6, shape[1] // 6, 3))
    picture = Image.fromarray(noise.astype(np.uint8))
    return np.array(picture.resize(shape[::-1], Image.Resampling.BICUBIC))


def blobs(dtype=np.int32, shape=(60, 90)):
    """Instance labels with gaps in their numbers; the largest needs all of its type's bytes."""
    labels = np.zeros(shape, dtype)
    top = 1 if dtype is bool else np.iinfo(dtype).max
    for k, (y, x) in enumerate([(5, 8), (20, 40), (35, 60), (44, 12), (8, 70)]):
        labels[y : y + 12, x : x + 14] = top - 3 * k if dtype is not bool else True
    return labels


def test_border_is_cut_off_and_the_rest_stays():
    array = np.arange(40 * 60 * 3).reshape(40, 60, 3)
    np.testing.assert_array_equal(geometry.crop_border(array, 0.1), array[4:-4, 6:-6])
    assert geometry.crop_border(array[:3, :1], 0.45).shape == (1, 1, 3)
    np.testing.assert_array_equal(geometry.crop_border(array, 0), array)


@given(pictures(), st.integers(-50, 50), st.integers(-50, 50))
def test_translation_is_numpys_roll_of_the_mirrored_array(array, down, right):
    out = geometry.translate(array, down, right)
    assert out.dtype == array.dtype
    height, width = array.shape[:2]
    padding = ((height, height), (width, width), (0, 0))[: array.ndim]
    # mirrored, an array has the period of two of its sides
    period = np.pad(array, padding, mode="symmetric")[: 2 * height, : 2 * width]
    rolled = np.roll(period, (down, right), (0, 1))
    np.testing.assert_array_equal(out, rolled[height:, width:])


def test_translation_mirrors_what_comes_in():
    row = np.array([[1, 2, 3, 4]])
    np.testing.assert_array_equal(geometry.translate(row, 0, 2), [[2, 1, 1, 2]])
    np.testing.assert_array_equal(geometry.translate(row, 0, -1), [[2, 3, 4, 4]])


@pytest.mark.parametrize("degrees", [-45, -10, 0, 3.3, 30, 100])
def test_rotation_is_scikit_images(degrees):
    image, labels = photograph(), blobs(np.uint16)
    expected = skimage_rotate(image, degrees, order=1, mode="symmetric", preserve_range=True)
    found = geometry.rotate(image, degrees)
    assert np.abs(found - expected).max() <= 1.01  # rounded to levels
    nearest = skimage_rotate(
        labels.astype(float), degrees, order=0, mode="symmetric", preserve_range=True
    )
    assert (geometry.rotate(labels, degrees) != nearest).mean() < 0.01  # where two are as near


def test_rotation_and_back_gives_the_image_back():
    image, labels = photograph((90, 120)), blobs(shape=(90, 120))
    inner = (slice(25, -25), slice(25, -25))
    back = geometry.rotate(geometry.rotate(image, 9), -9)
    assert np.abs(back[inner].astype(int) - image[inner]).mean() < 4
    again = geometry.rotate(geometry.rotate(labels, 9), -9)
    assert (again[inner] != labels[inner]).mean() < 0.02
    np.testing.assert_array_equal(geometry.rotate(image, 0), image)


def moves(shape=(60, 90), seed=3, strength=0.03):
    return geometry.draw_displacements(shape, strength, np.random.default_rng(seed))


def test_displacements_are_smooth_reach_their_strength_and_keep_the_edges():
    drawn = moves((320, 480), strength=0.02)
    assert np.abs(drawn).max() == pytest.approx(0.02 * 320, abs=1e-9)
    assert not drawn[[0, -1]].any()
    assert not drawn[:, [0, -1]].any()
    # no mesh is turned over: neighbours come nearer by less than the 20 pixels between them
    assert max(np.abs(np.diff(drawn, axis=axis)).max() for axis in (0, 1)) < 10


def test_distortion_by_nothing_is_nothing_and_by_a_shift_that_shift():
    image, labels = photograph(), blobs()
    none = np.zeros((5, 7, 2))
    np.testing.assert_array_equal(geometry.distort(image, none), image)
    np.testing.assert_array_equal(geometry.distort(labels, none), labels)
    shift = none + np.array([2, -3])  # each pixel shows what is 2 below and 3 to the left
    for array in (image, labels):
        out = geometry.distort(array, shift)
        np.testing.assert_array_equal(out[15:-18, 18:-18], array[17:-16, 15:-21])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "function",
    [lambda a: geometry.rotate(a, 11), lambda a: geometry.distort(a, moves())],
    ids=["rotate", "distort"],
)
def test_labels_keep_their_numbers_and_type(dtype, function):
    labels = blobs(dtype)
    out = function(labels)
    assert out.dtype == labels.dtype
    assert out.shape == labels.shape
    assert set(np.unique(out)) == set(np.unique(labels))
    assert (out != labels).any()


@pytest.mark.parametrize(
    "function",
    [lambda a: geometry.rotate(a, 11), lambda a: geometry.distort(a, moves())],
    ids=["rotate", "distort"],
)
def test_photograph_and_labels_stay_aligned(function):
    """A photograph drawn of the labels themselves: inside them it must have their values."""
    labels = blobs(np.uint8)
    image, moved = function(np.stack([labels] * 3, axis=-1)), function(labels)
    flat = maximum_filter(moved, 5) == minimum_filter(moved, 5)
    assert flat[moved > 0].mean() > 0.4  # the rest is within 2 pixels of an edge
    # labels are 240 and more; the tip of a corner may be no pixel's nearest
    np.testing.assert_allclose(image[flat][:, 0], moved[flat].astype(int), atol=24)


@given(st.integers(1, 30), st.integers(1, 30))
def test_tiny_images_are_no_trouble(height, width):
    image = np.full((height, width, 3), 77, np.uint8)
    displacements = moves((height, width))
    for out in (geometry.rotate(image, 40), geometry.distort(image, displacements)):
        np.testing.assert_array_equal(out, image)
