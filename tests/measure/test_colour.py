"""The mean colour and the density of cells, against numpy's mean and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_marrow.measure.cells import SIDE_PX, CellCrops
from napari_marrow.measure.colour import MEAN_COLOUR, colour, mean_colour
from napari_marrow.measure.texture import texture


def test_small_images_are_averaged_whole():
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3)).astype(np.uint8)
    np.testing.assert_allclose(mean_colour(image), image.mean(axis=(0, 1)), atol=1e-9)
    assert len(MEAN_COLOUR) == 3


def test_large_images_are_sampled_evenly():
    image = np.zeros((800, 1000, 3), np.uint8)
    image[:, 500:] = [100, 200, 50]
    np.testing.assert_allclose(
        mean_colour(image, pixels=20_000), [50, 100, 25], rtol=0.01, atol=1e-6
    )


def test_order_is_red_green_blue():
    image = np.zeros((4, 4, 3), np.uint8)
    image[..., 0] = 9
    assert MEAN_COLOUR[int(mean_colour(image).argmax())] == "mean_red"


def squares(count=1):
    """Masks of a nucleus of 20x20 pixels in cytoplasm of 40x40, for each cell."""
    nucleus, cell = np.zeros((2, count, SIDE_PX, SIDE_PX), bool)
    nucleus[:, 30:50, 30:50] = True
    cell[:, 20:60, 20:60] = True
    return nucleus, cell & ~nucleus


def test_densities_are_means_and_ratios_of_means(make_cells):
    nucleus, cytoplasm = squares()
    density = (
        np.random.default_rng(0).uniform(0.1, 0.9, (1, SIDE_PX, SIDE_PX, 3)).astype(np.float32)
    )
    found = {k: v[0] for k, v in colour(make_cells(density, nucleus, cytoplasm)).items()}
    assert len(found) == 2 * (3 + 3 + 2) + 3
    inside = {"nucleus": density[nucleus], "cytoplasm": density[cytoplasm]}
    for name, values in inside.items():
        red, green, blue = values.astype(float).T
        for channel, level in (("red", red), ("green", green), ("blue", blue)):
            key = f"{name}_density_{channel}"
            assert found[key] == pytest.approx(level.mean(), abs=1e-9)
            assert found[f"{key}_variation"] == pytest.approx(level.std() / level.mean(), abs=1e-9)
        for channel, level in (("red", red), ("blue", blue)):
            ratio = found[f"{name}_density_{channel}_to_green"]
            assert ratio == pytest.approx(level.mean() / green.mean(), abs=1e-9)
    for k, channel in enumerate(("red", "green", "blue")):
        means = [inside[name][:, k].mean() for name in ("cytoplasm", "nucleus")]
        ratio = found[f"cytoplasm_to_nucleus_density_{channel}"]
        assert ratio == pytest.approx(means[0] / means[1], rel=1e-5, abs=1e-6)


def test_cells_cut_out_on_black_have_a_texture_and_no_density():
    """There is no background to measure against: as in C-NMC, of half of which light was black."""
    y, x = np.ogrid[:120, :120]
    disc = np.hypot(y - 60, x - 60) < 25
    image = np.zeros((120, 120, 3), np.uint8)
    image[disc] = np.random.default_rng(0).integers(30, 90, (disc.sum(), 3))
    cells = CellCrops.from_image(image, disc.astype(np.uint16), np.zeros(disc.shape, np.uint16))
    assert all(np.isnan(values).all() for values in colour(cells).values())
    assert (cells.density[cells.nucleus] > 0).all()
    assert np.isfinite([values[0] for values in texture(cells).values()]).all()
    image[~disc] = [220, 200, 210]
    lit = CellCrops.from_image(image, disc.astype(np.uint16), np.zeros(disc.shape, np.uint16))
    assert 0.5 < colour(lit)["nucleus_density_green"][0] < 0.7  # log10(200 / 52)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.3, 3), st.integers(0, 9))
def test_ratios_and_variations_do_not_depend_on_the_strength_of_the_stain(
    make_cells, strength, seed
):
    nucleus, cytoplasm = squares(2)
    density = np.random.default_rng(seed).uniform(0.2, 0.9, (2, SIDE_PX, SIDE_PX, 3))
    first = colour(make_cells(density, nucleus, cytoplasm))
    strong = colour(make_cells(density * strength, nucleus, cytoplasm))
    for name, values in first.items():
        plain = name.endswith(("_density_red", "_density_green", "_density_blue"))
        factor = strength if plain and "_to_nucleus_" not in name else 1
        np.testing.assert_allclose(
            strong[name], values * factor, rtol=1e-4, err_msg=name, atol=1e-6
        )


def test_nothing_is_made_up_where_there_is_nothing_to_measure(make_cells):
    nucleus, cytoplasm = squares(3)
    cytoplasm[0] = False  # none
    cytoplasm[1] = False
    cytoplasm[1, 20, 20:31] = True  # 11 pixels: too few for a mean
    density = np.full((3, SIDE_PX, SIDE_PX, 3), 0.5)
    density[2][cytoplasm[2]] = 0.01  # no more than background
    found = colour(make_cells(density, nucleus, cytoplasm))
    around = [name for name in found if name.startswith("cytoplasm_")]
    assert all(np.isnan(found[name][:2]).all() for name in around)
    assert found["cytoplasm_density_red"][2] == pytest.approx(0.01, abs=1e-9)
    assert np.isnan(found["cytoplasm_density_red_to_green"][2])
    assert np.isnan(found["cytoplasm_density_blue_variation"][2])
    assert found["cytoplasm_to_nucleus_density_green"][2] == pytest.approx(0.02, abs=1e-9)
    inside = [name for name in found if name.startswith("nucleus_")]
    assert all(np.isfinite(found[name]).all() for name in inside)
    assert found["nucleus_density_green_variation"] == pytest.approx(0, abs=1e-6)


def test_densities_of_no_cell(make_cells):
    found = colour(
        make_cells(np.zeros((0, SIDE_PX, SIDE_PX, 3)), np.zeros((0, SIDE_PX, SIDE_PX), bool))
    )
    assert {values.shape for values in found.values()} == {(0,)}
