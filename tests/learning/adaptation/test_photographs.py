"""What is measured of photographs, and what is usual of them."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.spatial.distance import mahalanobis
from skimage.draw import disk
from skimage.measure import blur_effect

from napari_marrow.imaging.intensity import restain
from napari_marrow.learning.adaptation.photographs import (
    PhotographModel,
    measure_photograph,
)

STAIN, SHARPNESS = slice(4, 7), 7


def photograph(blur=0.7, shape=(200, 300), radius=20):
    image = np.full((*shape, 3), (230, 220, 180), np.uint8)
    nuclei = np.zeros(shape, np.int64)
    for number, (y, x) in ((1, (50, 50)), (2, (140, 150))):
        nuclei[disk((y, x), radius, shape=shape)] = number
    image[nuclei > 0] = (90, 50, 140)
    smooth = [gaussian_filter(image[..., k].astype(float), blur) for k in range(3)]
    return np.rint(np.stack(smooth, axis=-1)).astype(np.uint8), nuclei


def test_background_nuclei_stain_and_size_are_measured():
    image, nuclei = photograph()
    found = np.exp(measure_photograph(image, nuclei))
    np.testing.assert_allclose(found[:4], [230, 220, 180, 40], rtol=0.02, atol=0.1)
    np.testing.assert_allclose(
        found[STAIN], np.log10([230 / 90, 220 / 50, 180 / 140]), rtol=0.02, atol=0.002
    )
    assert found[-1] == pytest.approx(np.sqrt(200 * 300))


def test_sharpness_is_that_of_scikit_image_about_the_largest_nucleus():
    image, nuclei = photograph(shape=(128, 128))
    found = np.exp(measure_photograph(image, nuclei))[SHARPNESS]
    assert found == pytest.approx(1 - blur_effect(image[..., 1]), abs=1e-4)
    wide = np.pad(image, ((300, 200), (50, 600), (0, 0)), mode="edge")
    labels = np.pad(nuclei, ((300, 200), (50, 600)))
    labels[0, 0] = 3  # a speck elsewhere
    again = np.exp(measure_photograph(wide, labels))[SHARPNESS]
    assert again == pytest.approx(found, rel=0.15)
    blurred = measure_photograph(*photograph(blur=3))[SHARPNESS]
    assert np.exp(blurred) < 0.6 * found


def test_a_stain_of_half_the_strength_has_half_the_density():
    image, nuclei = photograph(blur=0.01)
    white = np.log10(255 / np.array([230, 220, 180]))
    pale = restain(image, np.full(3, 0.5), white * 0.5)
    change = measure_photograph(pale, nuclei) - measure_photograph(image, nuclei)
    np.testing.assert_allclose(np.exp(change[STAIN]), 0.5, rtol=0.05)
    np.testing.assert_allclose(change[:4], 0, atol=0.01)


def test_a_photograph_without_nuclei_has_a_background_and_a_size_alone():
    image, nuclei = photograph()
    known = np.isfinite(measure_photograph(image, np.zeros_like(nuclei)))
    assert known.tolist() == [True] * 3 + [False] * 5 + [True]
    renamed = np.where(nuclei > 0, nuclei + 10**12, 0)
    np.testing.assert_array_equal(
        measure_photograph(image, renamed), measure_photograph(image, nuclei)
    )


@pytest.mark.parametrize("shape", [(9, 9), (1, 40), (40, 2), (3, 3)])
def test_tiny_and_black_pictures_are_measured(shape):
    for level in (0, 90):
        image = np.full((*shape, 3), level, np.uint8)
        image[0, 0] = 7
        nuclei = np.ones(shape, np.int64)
        assert np.isfinite(measure_photograph(image, nuclei)).all()


def test_the_distances_are_those_of_scipy_and_what_is_missing_is_as_usual():
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(9, 9))
    measured, others = ((rng.normal(size=(n, 9)) @ mixing).astype(np.float32) for n in (80, 5))
    model = PhotographModel.of_photographs(measured, np.arange(80).astype(str), np.full(80, "ALL"))
    found = model.distances(others)
    for k, rows in enumerate((slice(0, 4), slice(4, 8))):
        inverse = np.linalg.inv(model.covariance[rows, rows].astype(float))
        expected = [mahalanobis(x[rows], model.centre[rows], inverse) for x in others]
        np.testing.assert_allclose(found[:, k], expected, rtol=1e-3)
    others[:, [3, 6]] = np.nan
    filled = np.where(np.isnan(others), model.centre, others)
    np.testing.assert_allclose(model.distances(others), model.distances(filled), atol=1e-6)
