"""Which pixels are inside of outlines, against scikit-image and shapely."""

import numpy as np
import pytest
import shapely
from skimage.draw import polygon2mask

from napari_marrow.imaging.marked_cells import pixels_inside


@pytest.mark.parametrize("closed", [True, False])
def test_pixels_inside_are_those_whose_middle_is(closed):
    rng = np.random.default_rng(3)
    for _ in range(50):
        ring = rng.uniform(-4, 24, (rng.integers(3, 9), 2))  # also beyond the picture, and crossing
        found = pixels_inside([np.vstack([ring, ring[:1]]) if closed else ring], (20, 16))
        expected = polygon2mask((20, 16), ring[:, ::-1] - 0.5)
        np.testing.assert_array_equal(found, expected)


def test_corners_on_the_middle_of_a_row_count_once():
    diamond = np.array([[8, 2.5], [13.2, 8.5], [8, 14.5], [2.7, 8.5]])
    found = pixels_inside([diamond], (17, 16))
    y, x = np.mgrid[:17, :16] + 0.5
    inside = shapely.contains_xy(shapely.Polygon(diamond), x, y)
    on_edge = shapely.distance(shapely.Polygon(diamond).exterior, shapely.points(x, y)) < 1e-9
    np.testing.assert_array_equal(found[~on_edge], inside[~on_edge])


def test_what_is_in_a_hole_is_outside():
    outer, inner = (np.array([[a, a], [b, a], [b, b], [a, b]]) for a, b in ((1, 9), (3, 6)))
    found = pixels_inside([outer, inner], (12, 12))
    assert found.sum() == 64 - 9
    assert not found[3:6, 3:6].any()
