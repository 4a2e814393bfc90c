"""CellCrops brought to one size: place, area, density and masks, by hand and by scikit-image."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt
from skimage.measure import regionprops

from napari_marrow.measure.cells import SIDE_PX, CellCrops

BACKGROUND, DARK = (230, 210, 220), (100, 50, 130)


@pytest.fixture
def pair(disc):
    """Two round cells of 14 and 7 pixels' radius, the first with cytoplasm; image and labels."""
    shape = (100, 140)
    nuclei, cytoplasm = np.zeros(shape, np.uint16), np.zeros(shape, np.uint16)
    nuclei[disc(shape, (45, 40), 14)] = 3
    nuclei[disc(shape, (60, 100), 7)] = 8
    cytoplasm[disc(shape, (45, 40), 22)] = 3  # its nucleus is covered too
    image = np.full((*shape, 3), BACKGROUND, np.uint8)
    image[nuclei > 0] = DARK
    return image, nuclei, cytoplasm


def test_place_and_areas_are_those_of_regionprops(phantom_field):
    nuclei, cytoplasm = phantom_field.nuclei, phantom_field.cytoplasm
    cells = CellCrops.from_image(phantom_field.image, nuclei, cytoplasm)
    found = regionprops(nuclei)
    assert len(cells) == len(found) > 5
    np.testing.assert_array_equal(cells.index, [r.label for r in found])
    np.testing.assert_allclose(cells.y, [r.centroid[0] for r in found], atol=1e-9)
    np.testing.assert_allclose(cells.x, [r.centroid[1] for r in found], atol=1e-9)
    np.testing.assert_array_equal(cells.area, [r.area for r in found])
    np.testing.assert_allclose(
        cells.diameter, [r.equivalent_diameter_area for r in found], atol=1e-9
    )
    around = [np.count_nonzero((cytoplasm == r.label) & (nuclei == 0)) for r in found]
    np.testing.assert_array_equal(cells.cytoplasm_area, around)


def test_every_nucleus_is_38_pixels_wide(pair):
    cells = CellCrops.from_image(*pair)
    assert cells.index.tolist() == [3, 8]
    for mask in cells.nucleus:
        (region,) = regionprops(mask.astype(np.uint8))
        assert region.equivalent_diameter_area == pytest.approx(SIDE_PX / 2.5, rel=0.06, abs=1e-6)
        assert region.centroid == pytest.approx((SIDE_PX / 2, SIDE_PX / 2), abs=2)


def test_cytoplasm_is_the_cells_own_without_nuclei(pair):
    image, nuclei, cytoplasm = pair
    cells = CellCrops.from_image(image, nuclei, cytoplasm)
    expected = np.count_nonzero(cytoplasm) - np.count_nonzero(nuclei == 3)
    assert cells.cytoplasm_area.tolist() == [expected, 0]
    assert not (cells.cytoplasm & cells.nucleus).any()
    inner, whole = cells.nucleus[0].sum(), (cells.nucleus | cells.cytoplasm)[0].sum()
    assert whole / inner == pytest.approx((22 / 14) ** 2, rel=0.05, abs=1e-6)
    assert not cells.cytoplasm[1].any()


def test_a_neighbour_is_in_the_picture_and_not_in_the_masks(disc):
    shape = (80, 100)
    nuclei = np.zeros(shape, np.int32)
    nuclei[disc(shape, (40, 35), 12)] = 1
    nuclei[disc(shape, (40, 60), 12)] = 2
    cytoplasm = np.where(disc(shape, (40, 68), 20) & (nuclei == 0), 2, 0)
    image = np.full((*shape, 3), BACKGROUND, np.uint8)
    image[nuclei > 0] = DARK
    first, second = CellCrops.from_image(image, nuclei, cytoplasm).nucleus
    for mask in (first, second):
        assert len(regionprops(mask.astype(np.uint8))) == 1
        assert mask.sum() == pytest.approx(np.pi * 19.2**2, rel=0.06, abs=1e-6)
    cells = CellCrops.from_image(image, nuclei, cytoplasm)
    assert not cells.cytoplasm[0].any()
    assert cells.cytoplasm[1].any()
    assert (cells.images[0][~first] == DARK).all(axis=-1).any()  # the other one


def test_density_is_the_logarithm_of_background_over_pixel(pair):
    cells = CellCrops.from_image(*pair)
    middle = slice(SIDE_PX // 2 - 8, SIDE_PX // 2 + 8)
    expected = np.log10(np.array(BACKGROUND) / DARK)
    for k in range(2):
        found = cells.density[k, middle, middle]
        np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), atol=1e-5)
        np.testing.assert_array_equal(cells.images[k, SIDE_PX // 2, SIDE_PX // 2], DARK)


def test_black_is_no_infinite_density(pair):
    image, nuclei, cytoplasm = pair
    image = image.copy()
    image[nuclei > 0] = 0
    density = CellCrops.from_image(image, nuclei, cytoplasm).density
    assert np.isfinite(density).all()
    assert density[0, SIDE_PX // 2, SIDE_PX // 2] == pytest.approx(np.log10(BACKGROUND), abs=1e-5)


def test_numbers_of_other_types_and_sizes(pair):
    image, nuclei, cytoplasm = pair
    first = CellCrops.from_image(image, nuclei, cytoplasm)
    for kind in (np.uint8, np.int64, np.uint64):
        again = CellCrops.from_image(image, nuclei.astype(kind), cytoplasm.astype(kind))
        np.testing.assert_array_equal(again.nucleus, first.nucleus)
        np.testing.assert_array_equal(again.cytoplasm_area, first.cytoplasm_area)
    large = CellCrops.from_image(
        image, nuclei.astype(np.int32) * 30_000, cytoplasm.astype(np.int32) * 30_000
    )
    assert large.index.tolist() == [90_000, 240_000]
    np.testing.assert_array_equal(large.cytoplasm, first.cytoplasm)


def test_no_nucleus_no_cell(pair):
    image, nuclei, _ = pair
    nothing = np.zeros_like(nuclei)
    cells = CellCrops.from_image(image, nothing, nothing)
    assert len(cells) == 0
    assert cells.nucleus.shape == (0, SIDE_PX, SIDE_PX)


def test_inside_is_what_lies_in_the_photograph(disc):
    image = np.full((100, 140, 3), 100, np.uint8)
    nuclei = np.zeros((100, 140), np.uint8)
    nuclei[disc((100, 140), (50, 70), 8)] = 1  # a square of 41 pixels about it, all there
    nuclei[disc((100, 140), (0, 139), 16)] = 2  # in the corner, upper right
    cells = CellCrops.from_image(image, nuclei, np.zeros_like(nuclei))
    assert cells.inside[0].all()
    assert (cells.images[1][cells.inside[1]] == 100).all()
    # three or four pixels of the crop at the edge may be of the photograph and of the fill
    filled = (cells.images[1] == 240).all(axis=-1)
    assert (~cells.inside[1] & ~filled).mean() < 0.1


def test_depth_is_the_distance_to_the_outline(pair):
    cells = CellCrops.from_image(*pair)
    for mask, depth in zip(cells.nucleus, cells.depth, strict=True):
        np.testing.assert_allclose(depth, distance_transform_edt(mask), rtol=1e-6, atol=1e-6)
