"""Similar cells: by hand, on a plane."""

import numpy as np

from napari_marrow.learning.explaining.similar import most_similar

# 0 is asked about; 1 is nearest but has no class
VALUES = np.array([[0.0, 0.0], [0.1, 0.0], [3.0, 4.0], [0.0, 2.0], [0.0, 1.0], [0.0, 0.0]])


def test_only_annotated_cells_are_found_and_never_the_cell_itself():
    given = np.array([1, -1, 0, 1, 0, -1])
    found = most_similar(VALUES, given, 0, 2)
    assert found.rows.tolist() == [4, 3]
    np.testing.assert_allclose(found.distances, np.array([1, 2]) / np.sqrt(2), atol=1e-12)
    all_of_them = most_similar(VALUES, given, 0, 9)
    assert all_of_them.rows.tolist() == [4, 3, 2]
    np.testing.assert_allclose(all_of_them.distances[-1], 5 / np.sqrt(2), atol=1e-12)


def test_a_cell_that_looks_the_same_is_found():
    assert most_similar(VALUES, np.array([0, -1, -1, -1, -1, 1]), 0, 3).rows.tolist() == [5]


def test_where_no_other_cell_has_a_class_none_is_found():
    assert most_similar(VALUES, np.array([0, -1, -1, -1, -1, -1]), 0, 3).rows.size == 0
