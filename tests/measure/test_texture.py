"""The texture of nuclei, against counted pairs, scikit-image, scipy.stats and patterns by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import binary_erosion, distance_transform_edt
from scipy.stats import skew
from skimage.feature import local_binary_pattern
from skimage.filters import gaussian

from napari_marrow.measure.cells import SIDE_PX
from napari_marrow.measure.texture import texture

# where the second pixel of a pair lies, at 0, 45, 90 and 135 degrees
STEPS = {
    1: [(0, 1), (1, 1), (1, 0), (1, -1)],
    2: [(0, 2), (1, 1), (2, 0), (1, -1)],
    4: [(0, 4), (3, 3), (4, 0), (3, -3)],
}


@pytest.fixture(scope="module")
def nucleus(disc):
    """Mask of a nucleus as wide as a cut gives it, not quite round."""
    return disc((SIDE_PX, SIDE_PX), (48, 47), 19, ratio=0.85, angle=0.5)


@pytest.fixture(scope="module")
def density():
    """Green density with grains of all sizes."""
    values = np.random.default_rng(3).uniform(0.2, 0.8, (SIDE_PX, SIDE_PX))
    return gaussian(values, 1) + gaussian(values, 4)


def measured(make_cells, density, nucleus):
    whole = np.zeros((1, SIDE_PX, SIDE_PX, 3))
    whole[0, ..., 1] = density  # red and blue have no say
    return {k: v[0] for k, v in texture(make_cells(whole, nucleus[None])).items()}


def scaled(density, nucleus):
    """Levels from 0 to 1 between the percentiles 1 and 99 inside; outside as the mean is."""
    relative = np.where(nucleus, density / density[nucleus].mean() - 1, 0)
    low, high = np.percentile(relative[nucleus], [1, 99])
    return ((relative - low) / (high - low)).clip(0, 1)


@pytest.mark.parametrize("distance", [1, 2, 4])
def test_co_occurrence_is_that_of_pairs_counted_one_by_one(make_cells, density, nucleus, distance):
    found = measured(make_cells, density, nucleus)
    levels = (scaled(density, nucleus) * 15).astype(int)
    pairs = np.zeros((16, 16))
    for y, x in np.argwhere(nucleus):
        for down, across in STEPS[distance]:
            for sign in (1, -1):
                other = (y + sign * down, x + sign * across)
                if nucleus[other]:
                    pairs[levels[y, x], levels[other]] += 1
    shares = pairs / pairs.sum()
    i, j = np.indices(shares.shape)
    mean = (shares * i).sum()
    variance = (shares * (i - mean) ** 2).sum()
    known = shares[shares > 0]
    expected = {
        "contrast": (shares * (i - j) ** 2).sum(),
        "homogeneity": (shares / (1 + (i - j) ** 2)).sum(),
        "correlation": (shares * (i - mean) * (j - mean)).sum() / variance,
        "energy": np.sqrt((shares**2).sum()),
        "entropy": -(known * np.log2(known)).sum(),
    }
    for name, value in expected.items():
        limit = 1e-3  # a level that falls on a limit may be rounded otherwise in float32
        assert found[f"glcm_{name}_{distance}px"] == pytest.approx(value, rel=limit, abs=1e-6), name


def test_local_binary_patterns_are_scikit_images_well_inside(make_cells, density, nucleus):
    found = measured(make_cells, density, nucleus)
    levels = (scaled(density, nucleus) * 255).astype(np.uint8)
    patterns = local_binary_pattern(levels, 8, 2, "uniform")
    deep = binary_erosion(nucleus, iterations=2)
    expected = np.histogram(patterns[deep], bins=10, range=(0, 10))[0] / deep.sum()
    shares = [found[f"lbp_{k}"] for k in range(10)]
    np.testing.assert_allclose(shares, expected, atol=0.01)
    assert sum(shares) == pytest.approx(1, abs=1e-9)


def test_chromatin_is_that_of_blurs_weighted_inside(make_cells, density, nucleus):
    found = measured(make_cells, density, nucleus)
    relative = np.where(nucleus, density / density[nucleus].mean() - 1, 0)
    expected, finer, low = {}, relative, 0
    for sigma in (1, 2, 4):
        both = [gaussian(a.astype(float), sigma, truncate=3) for a in (relative, nucleus)]
        both[0][~nucleus], both[1][~nucleus] = 0, 1
        blurred = both[0] / both[1]
        # each blur goes on from the photograph, not from the blur before
        expected[f"chromatin_grain_{low}_{sigma}"] = (finer - blurred)[nucleus]
        finer, low = blurred, sigma
    expected["chromatin_coarse"] = finer[nucleus]
    for name, values in expected.items():
        assert found[name] == pytest.approx(np.sqrt((values**2).mean()), rel=1e-3, abs=1e-6), name
    assert found["chromatin_skewness"] == pytest.approx(skew(relative[nucleus]), rel=1e-3, abs=1e-6)
    depth = distance_transform_edt(nucleus)
    together = np.corrcoef(depth[nucleus], relative[nucleus])[0, 1]
    assert found["chromatin_rim"] == pytest.approx(together, abs=1e-4)


def test_fine_grains_and_coarse_ones_are_told_apart(make_cells, nucleus):
    y, x = np.indices((SIDE_PX, SIDE_PX))
    fine = measured(make_cells, 0.5 + 0.2 * ((y + x) % 2), nucleus)
    coarse = measured(make_cells, 0.5 + 0.2 * (x > 47), nucleus)
    assert fine["chromatin_grain_0_1"] > 5 * fine["chromatin_coarse"]
    assert coarse["chromatin_coarse"] > 5 * coarse["chromatin_grain_0_1"]
    assert fine["glcm_contrast_1px"] > 10 * coarse["glcm_contrast_1px"]
    assert coarse["glcm_correlation_1px"] > 0.9


def test_a_dark_middle_is_above_0_and_a_dark_rim_below(make_cells, nucleus):
    depth = distance_transform_edt(nucleus)
    assert measured(make_cells, 0.2 + depth / 40, nucleus)["chromatin_rim"] > 0.99
    assert measured(make_cells, 0.9 - depth / 40, nucleus)["chromatin_rim"] < -0.99


@settings(max_examples=15, deadline=None)
@given(st.floats(0.4, 4))
def test_the_strength_of_the_stain_does_not_count(make_cells, density, nucleus, strength):
    first = measured(make_cells, density, nucleus)
    strong = measured(make_cells, density * strength, nucleus)
    for name, value in first.items():
        assert strong[name] == pytest.approx(value, rel=0.02, abs=0.005), name


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31))
def test_what_lies_outside_of_the_nucleus_has_no_say(make_cells, density, nucleus, seed):
    other = np.random.default_rng(seed).uniform(0, 1, density.shape)
    changed = np.where(nucleus, density, other)
    assert measured(make_cells, changed, nucleus) == measured(make_cells, density, nucleus)


def test_a_nucleus_that_is_hardly_there_has_no_texture(make_cells, density, nucleus):
    small = np.zeros_like(nucleus)
    small[40:54, 40:54] = True
    small[53, 40:53] = small[53, 53] = False  # 182 pixels
    small[54, 40:57] = True  # 199
    clear = np.where(nucleus, 0, density)
    for values, mask in ((density, small), (clear, nucleus)):
        assert np.isnan(list(measured(make_cells, values, mask).values())).all()
    small[54, 57] = True
    assert np.isfinite(list(measured(make_cells, density, small).values())).all()


def test_an_even_nucleus_is_even_and_finite(make_cells, nucleus):
    found = measured(make_cells, np.full((SIDE_PX, SIDE_PX), 0.5), nucleus)
    assert np.isfinite(list(found.values())).all()
    assert found["glcm_contrast_1px"] == found["glcm_entropy_4px"] == 0
    assert found["chromatin_coarse"] == pytest.approx(0, abs=1e-6)


def test_of_no_cell(make_cells):
    found = texture(
        make_cells(np.zeros((0, SIDE_PX, SIDE_PX, 3)), np.zeros((0, SIDE_PX, SIDE_PX), bool))
    )
    assert {values.shape for values in found.values()} == {(0,)}
    assert len(found) == 6 + 5 * 3 + 10
