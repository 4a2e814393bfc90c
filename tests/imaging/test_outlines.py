"""Polygons of labels, against shapely's union of their pixels."""

import numpy as np
import pytest
import shapely
from scipy import ndimage
from shapely.geometry import shape

from napari_marrow.imaging.outlines import outlines


def geometry(polygons):
    return shape({"type": "MultiPolygon", "coordinates": polygons})


def check(labels):
    found = outlines(labels)
    assert [*found] == sorted({*np.unique(labels).tolist()} - {0})
    for number, polygons in found.items():
        y, x = np.nonzero(labels == number)
        pixels = shapely.union_all(shapely.box(x, y, x + 1, y + 1))
        made = geometry(polygons)
        assert made.is_valid, shapely.is_valid_reason(made)
        assert made.area == len(y)
        assert made.symmetric_difference(pixels).area == 0
        assert len(polygons) == ndimage.label(labels == number)[1]
        for polygon in made.geoms:
            assert polygon.exterior.is_ccw
            assert not any(hole.is_ccw for hole in polygon.interiors)


@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.int64])
def test_polygons_are_exactly_the_pixels_and_valid(kind):
    rng = np.random.default_rng(1)
    for _ in range(40):
        shape_ = rng.integers(1, 9, 2)
        check(rng.integers(0, rng.integers(2, 5), shape_).astype(kind))


def test_holes_islands_in_them_and_pieces_that_touch_at_a_corner():
    ring = np.ones((7, 7), int)
    ring[1:6, 1:6], ring[2:5, 2:5], ring[3, 3] = 0, 1, 0
    check(ring)
    (outer, inner) = outlines(ring)[1]
    assert [len(polygon) for polygon in (outer, inner)] == [2, 2]
    assert geometry([outer]).area == 49 - 25
    closing = np.array([[1, 1, 1, 0], [1, 0, 1, 0], [1, 1, 0, 1], [0, 0, 1, 1]])
    check(closing)


def test_a_ring_has_corners_alone_and_ends_where_it_begins():
    labels = np.zeros((5, 6), int)
    labels[1:3, 2:5] = 4
    assert outlines(labels) == {4: [[[[2, 1], [5, 1], [5, 3], [2, 3], [2, 1]]]]}


def test_without_labels_there_is_none():
    assert outlines(np.zeros((3, 4), np.uint16)) == {}


def test_numbers_may_be_large():
    labels = np.array([[0, 2**31 - 1], [7, 0]], np.int32)
    check(labels)
