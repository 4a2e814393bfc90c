"""A nucleus in pieces as one, against the same nucleus measured with one number."""

import numpy as np
import pytest

from napari_marrow.measure.cells import CellCrops
from napari_marrow.measure.lobes import group_lobes, lobes, renumber
from napari_marrow.measure.morphology import morphology


@pytest.fixture(scope="module")
def photograph():
    """A nucleus of three lobes in one cell, and a round one 60 pixels away; RGB, labels, around."""
    rows, columns = np.mgrid[:160, :200]

    def disc(y, x, radius):
        return (rows - y) ** 2 + (columns - x) ** 2 < radius**2

    image = np.full((160, 200, 3), (228, 224, 222), np.uint8)
    around = np.where(disc(80, 60, 40), 2, 0) + np.where(disc(80, 150, 30), 9, 0)
    image[around > 0] = (166, 158, 205)
    nuclei = np.zeros((160, 200), np.uint16)
    for number, place in (
        (2, (65, 50, 11)),
        (5, (65, 75, 12)),
        (6, (90, 66, 13)),
        (9, (80, 150, 20)),
    ):
        nuclei[disc(*place)] = number
        image[disc(*place)] = (82, 40, 130 + number)
    around[nuclei > 0] = 0
    return image, nuclei, around


def test_lobes_are_measured_as_one_nucleus(photograph):
    image, nuclei, around = photograph
    found = lobes(CellCrops.from_image(image, nuclei, around))
    one = CellCrops.from_image(image, np.where(np.isin(nuclei, (5, 6)), 2, nuclei), around)
    assert one.index.tolist() == [2, 9]
    for name, values in morphology(one).items():
        expected = values[[0, 0, 0, 1]]
        np.testing.assert_allclose(found[f"lobes_{name}"], expected, atol=1e-9, err_msg=name)
    assert found["lobes_count"].tolist() == [3, 3, 3, 1]
    areas = [np.count_nonzero(nuclei == number) for number in (2, 5, 6)]
    expected = [max(areas) / sum(areas)] * 3 + [1]
    np.testing.assert_allclose(found["lobes_largest"], expected, atol=1e-9)


def test_a_nucleus_without_lobes_is_measured_as_it_is(photograph):
    image, nuclei, around = photograph
    cells = CellCrops.from_image(image, np.where(nuclei == 9, nuclei, 0), around)
    found = lobes(cells)
    for name, values in morphology(cells).items():
        np.testing.assert_allclose(found[f"lobes_{name}"], values, atol=1e-9, err_msg=name)


def test_no_cells_have_no_lobes(photograph):
    image, nuclei, around = photograph
    found = lobes(CellCrops.from_image(image, np.zeros_like(nuclei), np.zeros_like(around)))
    assert {len(values) for values in found.values()} == {0}


@pytest.mark.parametrize("size", [1, 8])
@pytest.mark.parametrize("numbers", [(2, 5, 6, 9), (2, 70_000, 3_000_000, 2**31 + 7)])
def test_groups_do_not_depend_on_numbers_or_size(photograph, numbers, size):
    nuclei = photograph[1].repeat(size, 0).repeat(size, 1).astype(np.uint32)
    renamed = renumber(nuclei, np.array([2, 5, 6, 9]), np.array(numbers, np.uint32))
    assert np.unique(renamed).tolist() == [0, *numbers]
    first, second, third, other = group_lobes(renamed, np.array(numbers))
    assert first == second == third != other


def test_lobes_farther_apart_than_a_third_of_the_diameter_are_nuclei():
    """0.3 diameters of the discs, which are 40 pixels wide: 12."""
    rows, columns = np.mgrid[:100, :200]
    for gap, groups in ((9, 1), (16, 2)):
        nuclei = ((rows - 50) ** 2 + (columns - 50) ** 2 < 20**2).astype(int)
        nuclei[(rows - 50) ** 2 + (columns - 90 - gap) ** 2 < 20**2] = 2
        assert len(set(group_lobes(nuclei, np.array([1, 2])))) == groups
