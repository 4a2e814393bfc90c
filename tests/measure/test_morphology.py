"""The form of cells, against scikit-image's regionprops, circles and ellipses by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import regionprops
from skimage.segmentation import find_boundaries

from napari_marrow.measure.cells import SIDE_PX, CellCrops
from napari_marrow.measure.morphology import morphology


def measured(nuclei, cytoplasm=None):
    """Morphology of labels; the photograph has no say in it."""
    image = np.full((*nuclei.shape, 3), 200, np.uint8)
    around = np.zeros_like(nuclei) if cytoplasm is None else cytoplasm
    return morphology(CellCrops.from_image(image, nuclei, around))


def test_shapes_are_those_of_regionprops(phantom_field):
    cells = CellCrops.from_image(phantom_field.image, phantom_field.nuclei, phantom_field.cytoplasm)
    found = morphology(cells)
    wholes = cells.nucleus | cells.cytoplasm
    for k in range(len(cells)):
        (nucleus,) = regionprops(cells.nucleus[k].astype(np.uint8))
        (cell,) = regionprops(wholes[k].astype(np.uint8))
        for name in ("eccentricity", "solidity", "extent"):
            assert found[f"nucleus_{name}"][k] == pytest.approx(nucleus[name], abs=1e-9)
        aspect = nucleus.axis_minor_length / nucleus.axis_major_length
        assert found["nucleus_aspect"][k] == pytest.approx(aspect, abs=1e-9)
        for name, region in (("nucleus", nucleus), ("cell", cell)):
            round_ = 4 * np.pi * region.area / region.perimeter_crofton**2
            assert found[f"{name}_circularity"][k] == pytest.approx(round_, abs=1e-9)
        if cells.cytoplasm_area[k]:
            assert found["cell_eccentricity"][k] == pytest.approx(cell.eccentricity, abs=1e-9)
            assert found["cell_solidity"][k] == pytest.approx(cell.solidity, abs=1e-9)
            apart = np.hypot(*np.subtract(nucleus.centroid, cell.centroid))
            expected = apart / nucleus.equivalent_diameter_area
            assert found["nucleus_off_centre"][k] == pytest.approx(expected, abs=1e-9)
        rim = find_boundaries(cells.nucleus[k], connectivity=2, mode="inner")
        away = np.hypot(*(np.argwhere(rim) - np.argwhere(rim).mean(axis=0)).T)
        assert found["nucleus_outline_variation"][k] == pytest.approx(
            away.std() / away.mean(), abs=1e-9
        )


def test_areas_are_pixels_of_the_photograph(phantom_field):
    nuclei, cytoplasm = phantom_field.nuclei, phantom_field.cytoplasm
    found = morphology(CellCrops.from_image(phantom_field.image, nuclei, cytoplasm))
    for k, region in enumerate(regionprops(nuclei)):
        around = np.count_nonzero(cytoplasm == region.label)
        assert found["nucleus_area_px"][k] == region.area
        assert found["nucleus_diameter_px"][k] == pytest.approx(
            region.equivalent_diameter_area, abs=1e-9
        )
        if around:
            assert found["cell_area_px"][k] == region.area + around
            expected = region.area / (region.area + around)
            assert found["nucleus_to_cell_ratio"][k] == pytest.approx(expected, abs=1e-9)


def test_a_circle(disc):
    shape = (120, 120)
    nuclei = disc(shape, (60, 60), 30).astype(np.uint8)
    found = {name: values[0] for name, values in measured(nuclei).items()}
    assert found["nucleus_circularity"] == pytest.approx(1, abs=0.05)
    assert found["nucleus_aspect"] == pytest.approx(1, abs=0.02)
    assert found["nucleus_depth"] == pytest.approx(0.5, abs=0.03)
    assert found["nucleus_outline_variation"] < 0.03
    assert found["nucleus_extent"] == pytest.approx(np.pi / 4, abs=0.03)
    assert found["nuclei_near"] == 0


def test_an_ellipse_and_a_nucleus_off_the_middle(disc):
    shape = (120, 140)
    nuclei = disc(shape, (60, 60), 24, ratio=0.5).astype(np.uint8)
    cell = disc(shape, (60, 66), 34).astype(np.uint8)  # as wide as the square of 85 pixels
    found = {name: values[0] for name, values in measured(nuclei, cell).items()}
    assert found["nucleus_aspect"] == pytest.approx(0.5, abs=0.03)
    assert found["nucleus_eccentricity"] == pytest.approx(np.sqrt(1 - 0.5**2), abs=0.03)
    diameter = 2 * 24 * np.sqrt(0.5)
    assert found["nucleus_depth"] == pytest.approx(12 / diameter, abs=0.03)
    assert found["nucleus_off_centre"] == pytest.approx(6 / diameter, abs=0.01)


def test_what_needs_cytoplasm_is_missing_without_it(disc):
    nuclei = disc((60, 60), (30, 30), 10).astype(np.uint8)
    found = measured(nuclei)
    missing = {name for name, values in found.items() if np.isnan(values[0])}
    assert missing == {
        "nucleus_to_cell_ratio",
        "cell_area_px",
        "cell_eccentricity",
        "cell_solidity",
        "cell_circularity",
        "nucleus_off_centre",
    }


def test_a_lobed_nucleus_is_less_solid_and_less_round(disc):
    shape = (120, 200)
    nuclei = disc(shape, (60, 50), 18).astype(np.uint8)
    nuclei[disc(shape, (60, 140), 12) | disc(shape, (60, 162), 12)] = 2
    found = measured(nuclei)
    for name in ("nucleus_solidity", "nucleus_circularity", "nucleus_aspect", "nucleus_depth"):
        assert found[name][1] < found[name][0] - 0.05, name
    assert found["nucleus_outline_variation"][1] > found["nucleus_outline_variation"][0] + 0.1


def test_near_nuclei_are_those_within_1_3_diameters(disc):
    shape = (80, 240)
    nuclei = np.zeros(shape, np.uint8)
    for number, (x, radius) in enumerate([(20, 9), (42, 9), (68, 9), (150, 9), (200, 4)], 1):
        nuclei[disc(shape, (40, x), radius)] = number
    # diameters of about 18: 22 apart is near (within 23.4), 26 is not
    assert measured(nuclei)["nuclei_near"].tolist() == [1, 1, 0, 0, 0]


@settings(max_examples=20, deadline=None)
@given(
    st.floats(0.45, 1),
    st.floats(0, np.pi),
    st.integers(2, 3),
    st.tuples(st.integers(-3, 3), st.integers(-3, 3)),
)
def test_nothing_but_areas_depends_on_the_scale(disc, ratio, angle, factor, off):
    # wide enough for its outline not to be drawn larger than it is in the photograph
    shape, centre = (120, 120), (60, 60)
    nuclei = disc(shape, centre, 28, ratio, angle).astype(np.uint8)
    cell = disc(shape, (60 + off[0], 60 + off[1]), 34).astype(np.uint8)
    small = measured(nuclei, cell)
    large = measured(*(np.kron(m, np.ones((factor, factor), np.uint8)) for m in (nuclei, cell)))
    for name, (value,) in small.items():
        power = 2 if name.endswith("area_px") else 1 if name.endswith("_px") else 0
        # steps of a pixel make the outline of a disc up to a twentieth longer, and count twice
        shape_limit = 0.12 if name.endswith("circularity") else 0.08
        limit = shape_limit if power == 0 else 1e-9
        found = large[name][0] / factor**power
        if name.endswith("eccentricity"):  # a pixel makes much of it where a shape is round
            found, value = found**2, value**2
        assert found == pytest.approx(value, rel=limit, abs=limit), name


def test_of_no_cell():
    found = measured(np.zeros((40, 50), np.uint8))
    assert {values.shape for values in found.values()} == {(0,)}


def test_cells_of_a_crop_touching_its_edge_do_not_run_into_the_next(make_cells):
    """Crops are measured one below the other: each is still measured for itself."""
    masks = np.zeros((2, SIDE_PX, SIDE_PX), bool)
    masks[0, 40:, 30:60] = True  # to the last row
    masks[1, :30, 30:60] = True  # from the first row
    both = morphology(make_cells(np.zeros((*masks.shape, 3)), masks))
    for k in range(2):
        alone = morphology(make_cells(np.zeros((1, SIDE_PX, SIDE_PX, 3)), masks[k : k + 1]))
        for name, values in alone.items():
            np.testing.assert_allclose(both[name][k], values[0], err_msg=name, atol=1e-9)
