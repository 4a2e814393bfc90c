"""Histograms, against numpy's and the luma of ITU-R BT.601 by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_marrow.measure.histogram import green, histogram

PICTURES = hnp.arrays(
    np.uint8,
    st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9), st.just(3)),
)


@settings(max_examples=40, deadline=None)
@given(PICTURES)
def test_is_numpys_histogram(pictures):
    found = histogram(pictures)
    red, green, blue = np.moveaxis(pictures.astype(np.int64), -1, 0)
    # 0.299, 0.587 and 0.114 in 65536ths, rounded: as integers, so that no limit is missed
    grey = (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16
    for name, levels in (("red", red), ("green", green), ("blue", blue), ("grey", grey)):
        columns = [values for key, values in found.items() if key.startswith(f"histogram_{name}_")]
        for k, picture in enumerate(levels):
            expected = np.histogram(picture, bins=16, range=(0, 256))[0] / picture.size
            np.testing.assert_allclose([c[k] for c in columns], expected, atol=1e-12)


def test_green_is_numpys_histogram_of_the_second_plane():
    pictures = np.random.default_rng(0).integers(0, 256, (3, 20, 30, 3), np.uint8)
    found = green(pictures)
    assert next(iter(found)) == "histogram_green_000_015"
    expected = [np.histogram(p[..., 1], bins=16, range=(0, 256))[0] / 600 for p in pictures]
    np.testing.assert_allclose(np.transpose(list(found.values())), expected, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(PICTURES)
def test_shares_add_up_to_1_and_the_place_of_a_pixel_is_nothing_to_them(pictures):
    found = np.array(list(histogram(pictures).values())).reshape(4, 16, len(pictures))
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-9)
    turned = np.array(list(histogram(np.rot90(pictures, axes=(1, 2)).copy()).values()))
    np.testing.assert_allclose(turned.reshape(found.shape), found, atol=1e-9)


@pytest.mark.parametrize(
    ("level", "column"), [(0, "000_015"), (15, "000_015"), (16, "016_031"), (255, "240_255")]
)
def test_names_say_levels(level, column):
    found = histogram(np.full((1, 3, 4, 3), level, np.uint8))
    assert len(found) == 64
    full = [name for name, (share,) in found.items() if share == 1]
    assert full == [f"histogram_{c}_{column}" for c in ("red", "green", "blue", "grey")]


def test_of_no_picture():
    found = histogram(np.zeros((0, 96, 96, 3), np.uint8))
    assert {values.shape for values in found.values()} == {(0,)}
