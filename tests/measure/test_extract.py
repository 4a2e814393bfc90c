"""Features of fields and cells as one table: names, order, means by hand, and what is refused."""

import importlib
import pkgutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import napari_marrow
from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.nuclei import join_cytoplasm, separate
from napari_marrow.imaging.segmentation import segment_cytoplasm, segment_nuclei
from napari_marrow.measure.cells import CellCrops
from napari_marrow.measure.extract import features
from napari_marrow.measure.fourier import fourier
from napari_marrow.measure.histogram import histogram
from napari_marrow.measure.settings import FAMILIES, FeatureSettings
from napari_marrow.measure.thumbnail_grid import pixels

OF_CELLS = ("morphology", "lobes", "colour", "texture")


def asked(*families, unit="field"):
    return FeatureSettings(families or FAMILIES, unit)


@pytest.fixture(scope="session")
def masks(phantom_field):
    return {"nucleus": phantom_field.nuclei, "cytoplasm": phantom_field.cytoplasm}


@pytest.fixture(scope="session")
def of_cells(phantom_field, masks):
    """All that is measured of each cell of the simulated field."""
    return features(phantom_field.image, masks, asked(*OF_CELLS, unit="cell"))


def test_a_field_is_one_row_at_its_middle(phantom_field):
    table = features(phantom_field.image)
    assert list(table.columns[:3]) == ["index", "y", "x"]
    assert table.iloc[0, :3].tolist() == [0, 119.5, 159.5]  # of 240x320 pixels, the first is at 0
    expected = histogram(phantom_field.image[None]) | fourier(phantom_field.image[None])
    assert list(table.columns[3:]) == list(expected)
    measured = table.iloc[0, 3:].astype(float)
    np.testing.assert_allclose(measured, np.concatenate(list(expected.values())), atol=1e-9)


def test_families_stand_in_one_order_however_they_are_asked_for(phantom_field, masks):
    one = features(phantom_field.image, masks, asked("colour", "histogram", "pixels"))
    other = features(phantom_field.image, masks, asked("pixels", "colour", "histogram", "colour"))
    pd.testing.assert_frame_equal(one, other, rtol=0, atol=1e-09)
    assert one.columns[3] == "histogram_red_000_015"
    assert one.columns[-2] == "pixel_blue_y15_x15"


def test_of_a_field_cells_are_weighted_by_their_areas(phantom_field, masks, of_cells):
    field = features(phantom_field.image, masks, asked(*OF_CELLS)).iloc[0]
    areas = of_cells["nucleus_area_px"].to_numpy()
    assert field["nuclei_count"] == len(of_cells)
    for name in of_cells.columns[3:]:
        values = of_cells[name].to_numpy()
        known = np.isfinite(values)
        weights = areas[known] / areas[known].sum()
        mean = (weights * values[known]).sum()
        spread = np.sqrt((weights * (values[known] - mean) ** 2).sum())
        assert field[f"{name}_mean"] == pytest.approx(mean, abs=1e-9), name
        assert field[f"{name}_spread"] == pytest.approx(spread, abs=1e-9), name
    assert len(field) == 3 + 2 * (len(of_cells.columns) - 3) + 1


def test_missing_values_of_cells_are_left_out_of_the_mean_of_the_field(phantom_field, masks):
    bare = {**masks, "cytoplasm": np.where(masks["cytoplasm"] == 1, 1, 0)}
    cells = features(phantom_field.image, bare, asked("morphology", unit="cell"))
    assert cells["nucleus_to_cell_ratio"].notna().sum() == 1
    field = features(phantom_field.image, bare, asked("morphology")).iloc[0]
    assert field["nucleus_to_cell_ratio_mean"] == pytest.approx(
        cells["nucleus_to_cell_ratio"][0], abs=1e-9
    )
    assert np.isnan(field["nucleus_to_cell_ratio_spread"])  # of one there is none
    none = {**masks, "cytoplasm": np.zeros_like(masks["cytoplasm"])}
    field = features(phantom_field.image, none, asked("morphology")).iloc[0]
    assert np.isnan(field["cell_area_px_mean"])


def test_of_cells_pictures_are_crops(phantom_field, masks):
    table = features(phantom_field.image, masks, asked("histogram", "pixels", unit="cell"))
    cells = CellCrops.from_image(phantom_field.image, masks["nucleus"], masks["cytoplasm"])
    shown = cells.images, cells.inside
    for name, values in (histogram(*shown) | pixels(*shown)).items():
        np.testing.assert_allclose(table[name], values, atol=1e-9)
    assert table["index"].tolist() == list(range(1, phantom_field.nuclei.max() + 1))


def test_what_lies_beyond_the_edge_of_the_photograph_is_not_measured(disc):
    """A cell at the left edge in a photograph of one colour: half of its square is not there."""
    image = np.full((120, 160, 3), (60, 90, 120), np.uint8)
    nuclei = disc((120, 160), (60, 0), 20).astype(np.uint8)
    families = ("histogram", "fourier", "pixels")
    row = features(image, {"nucleus": nuclei}, asked(*families, unit="cell")).iloc[0]
    for name, level in (("red", "048_063"), ("green", "080_095"), ("blue", "112_127")):
        assert row[f"histogram_{name}_{level}"] == 1  # 60, 90, 120 and nothing of what is filled
        assert np.isnan(row[f"pixel_{name}_y07_x00"])
    assert row["pixel_green_y07_x08"] == row["pixel_green_y07_x15"] == 90
    assert np.isnan(row["fourier_ring_0.0000_0.0110_per_px"])  # of one colour, as it says


@pytest.mark.parametrize("turns", range(4))
def test_a_nucleus_at_the_edge_has_the_density_that_the_photograph_gives_it(turns):
    """One that fills its corner, enlarged beside what is filled in: none of that may count."""
    image = np.full((120, 160, 3), (90, 40, 120), np.uint8)
    image[24:] = image[:, 24:] = (200, 190, 210)
    labels = np.zeros((120, 160), np.uint8)
    labels[:18, :18] = 1  # well within its own colour, up to the corner
    image, labels = np.rot90(image, turns).copy(), np.rot90(labels, turns).copy()
    how = asked("colour", "texture", unit="cell")
    row = features(image, {"nucleus": labels, "cytoplasm": np.zeros_like(labels)}, how).iloc[0]
    expected = np.log10(np.array([200, 190, 210]) / (90, 40, 120))
    for channel, value in zip(("red", "green", "blue"), expected, strict=True):
        assert row[f"nucleus_density_{channel}"] == pytest.approx(value, rel=1e-5, abs=1e-6)
        assert row[f"nucleus_density_{channel}_variation"] == pytest.approx(0, abs=1e-3)
    assert row["chromatin_grain_0_1"] == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize(("radius", "seen"), [(30, True), (40, False)])
def test_a_cell_that_is_larger_than_its_square_has_no_outline(radius, seen, disc):
    """The square is 75 pixels wide, and the nucleus lies off the middle, as in plasma cells."""
    image = np.full((160, 200, 3), 200, np.uint8)
    nuclei = disc((160, 200), (80, 100), 15).astype(np.uint8)
    cells = disc((160, 200), (80, 100 - (radius - 24)), radius).astype(np.uint8)
    row = features(image, {"nucleus": nuclei, "cytoplasm": cells}, asked("morphology", unit="cell"))
    row = row.iloc[0]
    for name in ("cell_eccentricity", "cell_circularity", "cell_solidity", "nucleus_off_centre"):
        assert np.isfinite(row[name]) == seen, name
    assert row["cell_area_px"] == np.count_nonzero(cells)  # of the photograph, and always known
    assert np.isfinite(row["nucleus_circularity"])
    if seen:
        assert row["nucleus_off_centre"] == pytest.approx((radius - 24) / 30, abs=0.02)
        assert row["cell_circularity"] == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize("radius", [3, 7, 20])
def test_a_nucleus_of_few_pixels_has_no_form_and_no_texture(radius, disc):
    image = np.random.default_rng(1).integers(90, 200, (120, 160, 3)).astype(np.uint8)
    nuclei = disc((120, 160), (60, 80), radius).astype(np.uint8)
    cytoplasm = disc((120, 160), (60, 80), radius + 4).astype(np.uint8)
    table = features(
        image, {"nucleus": nuclei, "cytoplasm": cytoplasm}, asked(*OF_CELLS, unit="cell")
    )
    row, area = table.iloc[0], nuclei.sum()
    assert row["nucleus_area_px"] == area
    assert row["nucleus_to_cell_ratio"] == pytest.approx(area / cytoplasm.sum(), abs=1e-9)
    for name in ("nucleus_circularity", "nucleus_depth", "nucleus_off_centre", "cell_solidity"):
        assert np.isnan(row[name]) == (area < 50), name
    for name in ("chromatin_coarse", "glcm_contrast_1px", "lbp_0"):
        assert np.isnan(row[name]) == (area < 200), name


@settings(max_examples=8, deadline=None)
@given(st.data())
def test_a_cell_is_the_same_whatever_its_number_and_whoever_else_is_there(
    phantom_field, masks, of_cells, data
):
    count = len(of_cells)
    kept = data.draw(st.lists(st.integers(1, count), min_size=1, max_size=count, unique=True))
    numbers = data.draw(st.permutations(range(1, 300)))[: len(kept)]
    table = np.zeros(count + 1, np.uint16)
    table[kept] = numbers
    other = {kind: table[labels] for kind, labels in masks.items()}
    found = features(phantom_field.image, other, asked(*OF_CELLS, unit="cell"))
    assert found["index"].tolist() == sorted(numbers)
    same = found.set_index("index").loc[numbers].reset_index(drop=True)
    before = of_cells.set_index("index").loc[kept].reset_index(drop=True)
    near = [name for name in found if name.startswith("lobes_")]
    alone = ["nuclei_near", *near]  # say what is near, and nothing else does
    pd.testing.assert_frame_equal(
        same.drop(columns=alone), before.drop(columns=alone), rtol=0, atol=1e-06
    )


def test_masks_of_true_and_false_are_taken_apart_and_joined(phantom_field, masks):
    nucleus, cytoplasm = masks["nucleus"] > 0, masks["cytoplasm"] > 0
    found = features(
        phantom_field.image,
        {"nucleus": nucleus, "cytoplasm": cytoplasm},
        asked("morphology", unit="cell"),
    )
    labels = separate(nucleus)
    own = {"nucleus": labels, "cytoplasm": join_cytoplasm(labels, cytoplasm)}
    pd.testing.assert_frame_equal(
        found,
        features(phantom_field.image, own, asked("morphology", unit="cell")),
        rtol=0,
        atol=1e-09,
    )
    assert len(found) == labels.max()


def test_what_is_missing_is_found_in_the_photograph(phantom_field):
    image = phantom_field.image
    nuclei = segment_nuclei(image)
    own = {"nucleus": nuclei, "cytoplasm": segment_cytoplasm(image, nuclei)}
    how = asked("morphology", "colour", unit="cell")
    pd.testing.assert_frame_equal(
        features(image, None, how), features(image, own, how), rtol=0, atol=1e-09
    )
    assert len(nuclei) > 0


@pytest.mark.parametrize("unit", ["field", "cell"])
def test_where_there_is_no_cell_nothing_is_made_up(unit):
    image = np.full((60, 80, 3), 220, np.uint8)
    table = features(image, None, asked(unit=unit))
    if unit == "cell":
        assert len(table) == 0
        assert "nucleus_solidity" in table
        return
    (row,) = table.to_dict("records")
    assert row["nuclei_count"] == 0
    assert np.isnan(row["nucleus_solidity_mean"])
    assert np.isnan(row["chromatin_coarse_spread"])
    assert row["histogram_red_208_223"] == 1


def test_alpha_is_dropped(phantom_field, masks):
    image = phantom_field.image
    clear = np.dstack([image, np.zeros(image.shape[:2], np.uint8)])
    pd.testing.assert_frame_equal(
        features(clear, masks, asked()), features(image, masks, asked()), rtol=0, atol=1e-09
    )


IMAGE, MASK = np.full((8, 9, 3), 200, np.uint8), np.ones((8, 9), np.uint8)


@pytest.mark.parametrize(
    ("image", "masks", "says"),
    [
        (IMAGE, {"nucleus": MASK[:, :5]}, r"shape \(8, 5\)"),
        (IMAGE, {"nucleus": MASK.astype(bool).T}, r"shape \(9, 8\)"),
        (IMAGE, {"nucleus": MASK, "cytoplasm": MASK.T}, r"cytoplasm values.*shape \(9, 8\)"),
        (
            IMAGE,
            {"nucleus": MASK, "cytoplasm": MASK[1:] > 0},
            r"cytoplasm values are .* shape \(7, 9\)",
        ),
        (IMAGE, {"nucleus": MASK * 0.5}, "whole numbers"),
        (IMAGE, {"nucleus": -MASK.astype(int)}, "from 0"),
        (IMAGE, {"background": MASK}, "no mask background for features"),
        (IMAGE[..., 0], {}, "colour photograph"),
        (IMAGE / 255, {}, "colour photograph"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(image, masks, says):
    with pytest.raises(MarrowError, match=says) as error:
        features(image, masks, asked("morphology"))
    assert "\n" not in str(error.value)


def test_settings_that_can_not_work_are_refused():
    with pytest.raises(MarrowError, match="'smell'; choose from histogram"):
        features(IMAGE, None, FeatureSettings(("smell", "colour")))


def test_callable_from_the_top():
    found = napari_marrow.features(IMAGE, {"nucleus": MASK}, asked("histogram"))
    pd.testing.assert_frame_equal(
        found, features(IMAGE, None, asked("histogram")), rtol=0, atol=1e-09
    )
    assert napari_marrow.FeatureSettings is FeatureSettings


def test_no_submodule_takes_the_place_of_a_function():
    """A subpackage of the name of a function would hide it once anything was imported from it."""
    names = {name for _, name, _ in pkgutil.iter_modules(napari_marrow.__path__)}
    assert not names & set(napari_marrow.__all__)
    for _, name, _ in pkgutil.walk_packages(napari_marrow.__path__, "napari_marrow."):
        if name.split(".")[1] in ("data", "simulation", "imaging", "audit", "measure"):
            importlib.import_module(name)
    assert napari_marrow.features is features
