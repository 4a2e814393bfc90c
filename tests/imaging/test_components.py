"""What is done with masks by slices, against scipy's own on the same masks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from skimage.morphology import disk

from napari_marrow.imaging.components import opened, without_holes

MASKS = hnp.arrays(bool, st.tuples(st.integers(1, 30), st.integers(1, 30)), elements=st.booleans())


@settings(max_examples=100, deadline=None)
@given(MASKS)
def test_holes_are_those_of_scipy(mask):
    np.testing.assert_array_equal(without_holes(mask), ndimage.binary_fill_holes(mask))


@settings(max_examples=100, deadline=None)
@given(MASKS, st.integers(1, 6))
def test_opening_is_that_of_scipy_with_a_disc(mask, radius):
    mask = ndimage.binary_closing(mask, iterations=2) | mask  # some of it is thick enough to stay
    rim = 3 * radius
    far = np.pad(mask, rim, mode="edge")
    expected = ndimage.binary_opening(far, disk(radius))[rim:-rim, rim:-rim]
    np.testing.assert_array_equal(opened(mask, radius), expected)


@pytest.mark.parametrize("radius", [1, 2, 3, 5])
def test_discs_stay_and_narrower_ones_go(radius):
    mask = np.zeros((40, 60), bool)
    mask[5 : 6 + 2 * radius, 5 : 6 + 2 * radius] = disk(radius)
    mask[5 : 4 + 2 * radius, 40 : 39 + 2 * radius] = disk(radius - 1)
    expected = mask.copy()
    expected[:, 30:] = False
    np.testing.assert_array_equal(opened(mask, radius), expected)
