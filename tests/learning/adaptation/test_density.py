"""The strength of the stain in a network's images, worked out on optical densities by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from napari_marrow.learning.adaptation.acquisitions import Acquisition
from napari_marrow.learning.adaptation.density import DENSITY, measure_density, standardize_density
from napari_marrow.learning.units.samples import Units

WHITE = 240


def units(seed=0, count=12, strength=1.0, hue=(0.8, 1.0, 0.4)):
    """Cells of two images each: stained squares on white."""
    rng = np.random.default_rng(seed)
    density = rng.uniform(0, 0.02, (2 * count, 16, 16, 3))
    density[:, 4:12, 4:12] += rng.uniform(0.1, 0.3, (2 * count, 8, 8, 1)) * hue
    levels = np.rint(WHITE * 10 ** (-strength * density)).astype(np.uint8)
    return Units(levels, np.repeat(np.arange(count), 2), pd.DataFrame({"index": range(count)}))


def densities(images):
    return np.log10(WHITE / np.maximum(images, 1))


def standardized(found, rows=None):
    return standardize_density(found, measure_density(found).mean(axis=0), rows)


def test_all_pixels_of_an_acquisition_together_get_the_usual_strength():
    found = units()
    density = densities(found.images)
    expected = density * DENSITY / np.sqrt((density**2).mean())
    levels = (WHITE * 10**-expected).clip(0, 255)
    np.testing.assert_allclose(standardized(found).images, levels, atol=0.51)
    white = found.images == WHITE
    assert white.any()
    assert (standardized(found).images[white] == WHITE).all()


@pytest.mark.parametrize("strength", [0.4, 0.7, 1.6])
def test_a_paler_and_a_darker_stain_give_nearly_the_same(strength):
    plain, other = units(), units(strength=strength)
    one, two = standardized(plain).images, standardized(other).images
    assert np.abs(one.astype(int) - two).mean() < 2
    assert np.abs(plain.images.astype(int) - other.images).mean() > 5


def test_the_hue_of_a_stain_stays_and_a_channel_that_it_does_not_absorb_is_not_amplified():
    found = standardized(units(hue=(0.8, 1.0, 0.0))).images[:, 4:12, 4:12]
    red, green, blue = densities(found).reshape(-1, 3).mean(axis=0)
    assert red / green == pytest.approx(0.8, abs=0.03)
    assert blue < 0.1 * green


def test_of_a_unit_the_mean_over_its_images_counts():
    found = units()
    for k, (value,) in enumerate(measure_density(found)):
        own = densities(found.images[2 * k : 2 * k + 2])
        assert value == pytest.approx((own**2).mean(), abs=1e-5)
    assert measure_density(found.take(np.arange(0))).shape == (0, 1)


def test_other_rows_stay_as_they_are_also_where_none_is_meant():
    found, rows = units(), np.arange(12) < 5
    changed = standardized(found, rows).images
    np.testing.assert_array_equal(changed[10:], found.images[10:])
    assert not np.array_equal(changed[:10], found.images[:10])
    same = standardized(found, np.zeros(12, bool)).images
    np.testing.assert_array_equal(same, found.images)


def test_an_empty_picture_stays_empty():
    levels = np.random.default_rng(0).integers(238, 243, (2, 8, 8, 3)).astype(np.uint8)
    blank = Units(levels, np.arange(2), pd.DataFrame(index=range(2)))
    assert standardized(blank).images.min() > 190


def test_a_network_sees_the_standardised_image(tmp_path, make_toy):
    """The toy network answers softmax((red - blue) / 64) of mean levels."""
    known = Acquisition("here", {"ALL": 20, "MM": 20}, (0.09,), (0.02,), ("a",), (0.0,) * 9)
    bundle = make_toy(tmp_path / "a.marrow", acquisitions=(known,))
    image = np.full((40, 50, 3), (160, 230, 120), np.uint8)
    nuclei = np.eye(40, 50, dtype=np.uint16)

    def expected(root_mean_square):
        levels = WHITE * 10 ** (-densities(image[0, 0]) * DENSITY / root_mean_square)
        difference = (levels[0] - levels[2]) / 64
        return softmax([difference, -difference])[0]

    row = bundle.predictor.predict(image, nuclei).table.iloc[0]
    assert row["probability_ALL"] == pytest.approx(expected(0.3), abs=0.01)

    # twelve of these fields, half of them darker, are standardised by themselves
    darker = (image * 0.8).astype(np.uint8)
    seen = [bundle.predictor.observe(x, nuclei) for x in [image, darker] * 6]
    squares = [(densities(x) ** 2).mean() for x in (image, darker)]
    own, plain = (bundle.predictor.predict_batch(seen, adapt)[0] for adapt in ("batch", "none"))
    assert plain.table["probability_ALL"].iloc[0] == pytest.approx(expected(0.3), abs=0.01)
    found = own.table["probability_ALL"].iloc[0]
    assert found == pytest.approx(expected(np.sqrt(np.mean(squares))), abs=0.01)
