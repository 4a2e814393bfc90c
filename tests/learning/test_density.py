"""Optical densities of a network's images, against StandardScaler on all of their pixels."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.preprocessing import StandardScaler

from napari_marrow.learning.acquisitions import Acquisition
from napari_marrow.learning.density import (
    DENSITY_DEVIATION,
    MEAN_DENSITY,
    measure_density,
    standardize_density,
)
from napari_marrow.learning.samples import Units


def units(seed=0, count=12, gamma=1.0, light=(0.9, 0.85, 0.8)):
    """Cells of two images each: dark squares on a light background, seen by a camera."""
    rng = np.random.default_rng(seed)
    light_levels = rng.uniform(0.7, 1, (2 * count, 16, 16, 3))
    light_levels[:, 4:12, 4:12] *= rng.uniform(0.2, 0.5, (2 * count, 1, 1, 3))
    seen = 255 * light_levels**gamma * light
    owner = np.repeat(np.arange(count), 2)
    return Units(np.rint(seen).astype(np.uint8), owner, pd.DataFrame({"index": range(count)}))


def densities(images):
    """(pixels, 3) -log10(level / 255)."""
    return -np.log10(np.maximum(images, 1) / 255).reshape(-1, 3)


def standardized(found, rows=None):
    return standardize_density(found, measure_density(found).mean(axis=0), rows)


def test_it_is_what_standard_scaler_gives_for_all_pixels_of_an_acquisition():
    found = units()
    expected = StandardScaler().fit_transform(densities(found.images))
    expected = expected * DENSITY_DEVIATION + MEAN_DENSITY
    levels = 255 * 10 ** -expected.reshape(found.images.shape)
    np.testing.assert_allclose(standardized(found).images, levels.clip(0, 255), atol=0.51)


@pytest.mark.parametrize("camera", [{"gamma": 0.6}, {"light": (0.6, 0.9, 0.5)}, {"gamma": 1.5}])
def test_two_cameras_give_nearly_the_same(camera):
    one, other = standardized(units()).images, standardized(units(**camera)).images
    assert np.abs(one.astype(int) - other).mean() < 2.5
    assert np.abs(units().images.astype(int) - units(**camera).images).mean() > 15


def test_of_a_unit_the_mean_over_its_images_counts():
    found = units()
    for k, row in enumerate(measure_density(found)):
        own = densities(found.images[2 * k : 2 * k + 2])
        np.testing.assert_allclose(row[:3], own.mean(axis=0), atol=1e-4)
        np.testing.assert_allclose(row[3:], (own**2).mean(axis=0), atol=1e-4)
    assert measure_density(found.take(np.arange(0))).shape == (0, 6)


def test_other_rows_stay_as_they_are_also_where_none_is_meant():
    found, rows = units(), np.arange(12) < 5
    changed = standardized(found, rows).images
    np.testing.assert_array_equal(changed[10:], found.images[10:])
    assert not np.array_equal(changed[:10], found.images[:10])
    same = standardized(found, np.zeros(12, bool)).images
    np.testing.assert_array_equal(same, found.images)


def test_an_empty_picture_has_finite_levels():
    blank = Units(np.full((2, 8, 8, 3), 240, np.uint8), np.arange(2), pd.DataFrame(index=range(2)))
    found = standardized(blank).images
    expected = 255 * 10**-MEAN_DENSITY
    np.testing.assert_allclose(found, expected, atol=0.51)


def test_a_network_sees_the_standardised_image(tmp_path, make_toy):
    """The toy network answers softmax((red - blue) / 64) of mean levels."""
    known = Acquisition(
        "here",
        {"ALL": 20, "MM": 20},
        (0.2, 0.3, 0.1, 0.05, 0.1, 0.02),
        (1.0,) * 6,
        ("a",),
        (0,) * 4,
    )
    bundle = make_toy(tmp_path / "a.marrow", acquisitions=(known,))
    image = np.broadcast_to(np.array([132, 0, 100], np.uint8), (40, 50, 3)).copy()
    nuclei = np.eye(40, 50, dtype=np.uint16)
    mean, square = np.array(known.centre[:3]), np.array(known.centre[3:])
    z = (-np.log10(np.array([132, 1, 100]) / 255) - mean) / np.sqrt(square - mean**2)
    seen = 255 * 10 ** -(MEAN_DENSITY + DENSITY_DEVIATION * z)
    red_over_blue = (seen[0] - seen[2]) / 64
    expected = softmax([red_over_blue, -red_over_blue])[0]
    row = bundle.predictor.predict(image, nuclei).table.iloc[0]
    assert row["probability_ALL"] == pytest.approx(expected, abs=0.01)

    # twelve of these fields, half of them brighter, are standardised by themselves
    seen = [bundle.predictor.observe((image * k).astype(np.uint8), nuclei) for k in [1, 0.8] * 6]
    batch = [bundle.predictor.predict_batch(seen, adapt)[0] for adapt in ("batch", "none")]
    assert batch[1].table["probability_ALL"].iloc[0] == pytest.approx(expected, abs=0.01)
    od = -np.log10(np.maximum([image[0, 0], (image[0, 0] * 0.8).astype(np.uint8)], 1) / 255)
    z = StandardScaler().fit_transform(od)[0]
    z[1] = 0  # the channel without any light varies in nothing
    levels = 255 * 10 ** -(MEAN_DENSITY + DENSITY_DEVIATION * z)
    red_over_blue = (levels[0] - levels[2]) / 64
    expected = softmax([red_over_blue, -red_over_blue])[0]
    assert batch[0].table["probability_ALL"].iloc[0] == pytest.approx(expected, abs=0.02)
