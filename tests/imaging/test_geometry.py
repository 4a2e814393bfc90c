"""Geometry against numpy, Pillow, scikit-image, and against its own inverse."""

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
    """An array of any dtype, with channels or without."""
    shape = (draw(sizes), draw(sizes), *draw(st.sampled_from([(), (3,), (4,)])))
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


@given(pictures(), st.integers(-5, 5))
def test_turned_is_numpys_and_turns_back(array, quarters):
    out = geometry.turned(array, quarters)
    np.testing.assert_array_equal(out, np.rot90(array, quarters))
    np.testing.assert_array_equal(geometry.turned(out, -quarters), array)
    assert out.dtype == array.dtype
    assert not np.shares_memory(out, array)


@given(pictures())
def test_mirrors_are_numpys_and_their_own_inverse(array):
    for function, expected in (
        (geometry.mirrored, np.fliplr(array)),
        (geometry.flipped, np.flipud(array)),
    ):
        out = function(array)
        np.testing.assert_array_equal(out, expected)
        np.testing.assert_array_equal(function(out), array)
        assert not np.shares_memory(out, array)


def test_turned_takes_views_that_are_not_contiguous():
    """A photograph can be a view of its file: upside down, blue before red."""
    file = np.random.default_rng(0).integers(0, 256, (30, 41, 3)).astype(np.uint8)
    view = file[::-1, :, ::-1]
    np.testing.assert_array_equal(geometry.turned(view, 1), np.rot90(view))


def test_border_is_cut_off_and_the_rest_stays():
    array = np.arange(40 * 60 * 3).reshape(40, 60, 3)
    np.testing.assert_array_equal(geometry.without_border(array, 0.1), array[4:-4, 6:-6])
    assert geometry.without_border(array[:3, :1], 0.45).shape == (1, 1, 3)
    np.testing.assert_array_equal(geometry.without_border(array, 0), array)


@given(pictures(), st.integers(-50, 50), st.integers(-50, 50))
def test_shift_moves_whole_pixels_and_back(array, down, right):
    out = geometry.shifted(array, down, right)
    assert out.shape == array.shape
    assert out.dtype == array.dtype
    height, width = array.shape[:2]
    down = max(1 - height, min(down, height - 1))
    right = max(1 - width, min(right, width - 1))
    inside = array[max(-down, 0) : height - max(down, 0), max(-right, 0) : width - max(right, 0)]
    moved = out[max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)]
    np.testing.assert_array_equal(moved, inside)
    back = geometry.shifted(out, -down, -right)
    kept = (slice(max(-down, 0), height - max(down, 0)),)
    kept += (slice(max(-right, 0), width - max(right, 0)),)
    np.testing.assert_array_equal(back[kept], array[kept])


def test_shift_mirrors_what_comes_in():
    row = np.array([[1, 2, 3, 4]])
    np.testing.assert_array_equal(geometry.shifted(row, 0, 2), [[2, 1, 1, 2]])
    np.testing.assert_array_equal(geometry.shifted(row, 0, -1), [[2, 3, 4, 4]])


@pytest.mark.parametrize("degrees", [-45, -10, 0, 3.3, 30])
def test_rotation_is_scikit_images(degrees):
    image, labels = photograph(), blobs(np.uint16)
    expected = skimage_rotate(image, degrees, order=1, mode="symmetric", preserve_range=True)
    error = np.abs(geometry.rotated(image, degrees) - expected)
    assert error.mean() < 3  # it mixes pixels three times, scikit-image once
    assert np.abs(geometry.rotated(image, -degrees) - expected).mean() > 10 or degrees == 0
    nearest = skimage_rotate(
        labels.astype(float), degrees, order=0, mode="symmetric", preserve_range=True
    )
    assert (geometry.rotated(labels, degrees) != nearest).mean() < 0.01  # where two are as near


def test_rotation_and_back_gives_the_image_back():
    image, labels = photograph((90, 120)), blobs(shape=(90, 120))
    inner = (slice(25, -25), slice(25, -25))
    back = geometry.rotated(geometry.rotated(image, 9), -9)
    assert np.abs(back[inner].astype(int) - image[inner]).mean() < 4
    again = geometry.rotated(geometry.rotated(labels, 9), -9)
    assert (again[inner] != labels[inner]).mean() < 0.02
    np.testing.assert_array_equal(geometry.rotated(image, 0), image)


def test_large_angles_are_refused():
    with pytest.raises(ValueError, match="from -45 to 45"):
        geometry.rotated(photograph(), 46)


def moves(shape=(60, 90), seed=3, strength=0.03):
    return geometry.displacements(shape, strength, np.random.default_rng(seed))


def test_displacements_are_smooth_reach_their_strength_and_keep_the_edges():
    drawn = moves((320, 480), strength=0.02)
    assert np.abs(drawn).max() == pytest.approx(0.02 * 320)
    assert not drawn[[0, -1]].any()
    assert not drawn[:, [0, -1]].any()
    # no mesh is turned over: neighbours come nearer by less than the 20 pixels between them
    assert max(np.abs(np.diff(drawn, axis=axis)).max() for axis in (0, 1)) < 10


def test_distortion_by_nothing_is_nothing_and_by_a_shift_that_shift():
    image, labels = photograph(), blobs()
    none = np.zeros((5, 7, 2))
    np.testing.assert_array_equal(geometry.distorted(image, none), image)
    np.testing.assert_array_equal(geometry.distorted(labels, none), labels)
    shift = none + np.array([2, -3])  # each pixel shows what lies 2 below and 3 to the left
    for array in (image, labels):
        out = geometry.distorted(array, shift)
        np.testing.assert_array_equal(out[15:-18, 18:-18], array[17:-16, 15:-21])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "function",
    [lambda a: geometry.rotated(a, 11), lambda a: geometry.distorted(a, moves())],
    ids=["rotated", "distorted"],
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
    [lambda a: geometry.rotated(a, 11), lambda a: geometry.distorted(a, moves())],
    ids=["rotated", "distorted"],
)
def test_photograph_and_labels_stay_aligned(function):
    """A photograph drawn of the labels themselves: inside them it must have their values."""
    labels = blobs(np.uint8)
    image, moved = function(np.stack([labels] * 3, axis=-1)), function(labels)
    flat = maximum_filter(moved, 7) == minimum_filter(moved, 7)
    assert flat[moved > 0].mean() > 0.2  # the rest is within 3 pixels of an edge
    # labels are 240 and more; between pixels a trace of what is 4 away may be left
    np.testing.assert_allclose(image[flat][:, 0], moved[flat].astype(int), atol=2)


@given(st.integers(1, 30), st.integers(1, 30))
def test_tiny_images_are_no_trouble(height, width):
    image = np.full((height, width, 3), 77, np.uint8)
    generator = np.random.default_rng(0)
    net = geometry.displacements((height, width), 0.03, generator)
    for out in (geometry.rotated(image, 40), geometry.distorted(image, net)):
        np.testing.assert_array_equal(out, image)
