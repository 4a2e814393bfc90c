"""The cells of a field: their places, and which were painted on."""

import numpy as np
import pytest
from skimage.measure import label, regionprops

from napari_marrow.viewer.annotating.field_cells import EncodedCells, FieldCells


@pytest.fixture
def labels():
    rng = np.random.default_rng(0)
    return label(rng.random((60, 80)) > 0.6).astype(np.uint16)


def test_places_are_of_the_cell_and_nearest_to_its_centre(labels):
    cells = FieldCells(labels)
    assert cells.numbers == np.unique(labels)[1:].tolist()
    for region in regionprops(labels):
        place = cells.place(region.label)
        assert cells.number_at(*place) == region.label
        away = np.linalg.norm(region.coords - np.array(region.centroid), axis=1)
        own = np.linalg.norm(np.array(place) - np.array(region.centroid))
        assert own == pytest.approx(away.min(), abs=1e-9)


def test_pixels_are_those_of_the_cell(labels):
    cells = FieldCells(labels)
    for number in (1, 7, int(labels.max())):
        assert set(zip(*cells.pixels(number), strict=True)) == set(
            zip(*np.nonzero(labels == number), strict=True)
        )
    assert not cells.pixels(int(labels.max()) + 1)[0].size
    assert not cells.pixels(0)[0].size


def test_outside_there_is_no_cell(labels):
    cells = FieldCells(labels)
    for y, x in [(-1, 0), (0, -1), (60, 0), (0, 80)]:
        assert cells.number_at(y, x) == 0


def test_places_of_all_cells_are_those_of_each(labels):
    cells = FieldCells(labels)
    assert cells.places.tolist() == [[*cells.place(k)] for k in cells.numbers]
    assert FieldCells(np.zeros((3, 3), int)).places.shape == (0, 2)


def test_encoded_cells_are_the_same(labels):
    np.testing.assert_array_equal(EncodedCells.of(labels).cells.labels, labels)


def test_new_paint_counts_by_its_larger_part():
    labels = np.repeat([[1, 2, 3, 4, 0]], 10, axis=0)
    painted = np.zeros_like(labels)
    painted[:, 0] = 1  # as it was
    painted[:6, 1], painted[6:8, 1] = 2, 1  # two classes on one cell
    painted[:2, 2] = 2  # over 1, by a stroke on two of ten pixels
    painted[2:, 2] = 1
    painted[:5, 3] = 1  # half of it erased
    painted[:, 4] = 2  # on no cell
    found = FieldCells(labels).painted_since(painted, {1: 1, 3: 1, 4: 1})
    assert found == {2: 2, 3: 2, 4: 0}


def test_of_an_empty_field_nothing_was_painted():
    assert FieldCells(np.zeros((4, 5), int)).painted_since(np.ones((4, 5), int), {}) == {}
