"""Reinhard against torchstain, Macenko against drawn stains, and what they refuse."""

from dataclasses import asdict

import numpy as np
import pytest
from PIL import Image
from torchstain.numpy.normalizers import NumpyReinhardNormalizer

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.options import settings_from_dict
from napari_marrow.imaging.normalise import METHODS, StainSettings, normaliser
from napari_marrow.imaging.stain import white_balance
from napari_marrow.imaging.white_point import WHITE_LEVEL

AZURE, EOSIN = (0.48, 0.86, 0.17), (0.38, 0.63, 0.68)


def field_amounts(seed, size=(120, 160)):
    """Amounts of two stains: nuclei, cytoplasm, and a mixture; the lower half is empty."""
    rng = np.random.default_rng(seed)
    amounts = np.zeros((*size, 2))
    half, third = size[0] // 2, size[1] // 3
    amounts[:half, :third, 0] = rng.uniform(0.3, 0.9, (half, third))
    amounts[:half, third : 2 * third, 1] = rng.uniform(0.3, 0.7, (half, third))
    amounts[:half, 2 * third : 2 * third + 9] = rng.uniform(0.1, 0.4, (half, 9, 2))
    return amounts


def field(seed=0, light=(240, 240, 240), azure=AZURE, eosin=EOSIN, size=(120, 160), amount=1.0):
    """Nuclei and cytoplasm of two stains on an empty background that fills the lower half."""
    density = amount * field_amounts(seed, size) @ np.array([azure, eosin])
    return np.rint(np.array(light) * 10**-density).astype(np.uint8)


OTHER_AZURE, OTHER_EOSIN = (0.58, 0.79, 0.2), (0.27, 0.7, 0.66)
OTHER = field(5, (225, 210, 190), azure=OTHER_AZURE, eosin=OTHER_EOSIN, amount=0.8)


@pytest.mark.parametrize("repeat", [1, 6])
def test_reinhard_is_torchstains(repeat):
    image, reference = field(1).repeat(repeat, 0).repeat(repeat, 1), OTHER
    theirs = NumpyReinhardNormalizer()
    theirs.fit(reference)
    expected = theirs.normalize(image)
    found = METHODS["reinhard"].fit(reference).normalise(image)
    assert found.dtype == np.uint8
    difference = np.abs(found.astype(int) - expected)
    assert np.quantile(difference, 0.999) <= 2  # torchstain cuts off decimals
    assert np.abs(expected.astype(int) - image).mean() > 10


@pytest.mark.parametrize("light", [(240, 240, 240), (220, 225, 205)])
def test_macenko_draws_the_same_amounts_in_the_stains_of_the_reference(light):
    """By Beer and Lambert's law: other vectors, each as strong as the reference's is."""
    image = field(1, light)
    amounts = field_amounts(1)
    strength = [np.quantile(field_amounts(seed)[..., k], 0.99) for seed in (1, 5) for k in (0, 1)]
    scale = 0.8 * np.array(strength[2:]) / strength[:2]
    expected = 240 * 10 ** -(amounts * scale @ np.array([OTHER_AZURE, OTHER_EOSIN]))
    found = METHODS["macenko"].fit(OTHER).normalise(image)
    assert np.abs(found - expected).max() < 12  # the 99th percentiles of 20,000 pixels
    assert np.abs(found - expected).mean() < 2
    assert np.abs(image - expected).mean() > 5


@pytest.mark.real
def test_macenko_keeps_what_two_stains_give_of_real_photographs(real_data):
    """A photograph as its own reference loses what two stains can't show, and no more."""
    for path in sorted((real_data / "all-idb2").rglob("*.tif"))[::20]:
        image = np.asarray(Image.open(path).convert("RGB"))
        found = METHODS["macenko"].fit(image).normalise(image)
        assert np.abs(found.astype(int) - white_balance(image)).mean() < 6, path.name


def test_the_light_of_a_field_does_not_matter_to_macenko():
    reference = METHODS["macenko"].fit(OTHER)
    one, two = (reference.normalise(field(1, light)) for light in ((240,) * 3, (215, 225, 200)))
    np.testing.assert_allclose(one[-1, -1], WHITE_LEVEL, atol=2)
    assert np.abs(one.astype(int) - two).max() <= 6  # of 8 bits, twice


@pytest.mark.parametrize("method", ["reinhard", "macenko"])
def test_the_reference_itself_stays_nearly_as_it_is(method):
    balanced = white_balance(OTHER) if method == "macenko" else OTHER
    found = METHODS[method].fit(OTHER).normalise(OTHER)
    assert np.abs(found.astype(int) - balanced).max() <= 3


def test_colours_come_near_to_the_reference():
    image = field(1)
    found = METHODS["reinhard"].fit(OTHER).normalise(image)
    before = np.abs(image.mean(axis=(0, 1)) - OTHER.mean(axis=(0, 1))).max()
    after = np.abs(found.mean(axis=(0, 1)) - OTHER.mean(axis=(0, 1))).max()
    assert after < 0.3 * before


def test_a_large_field_is_judged_by_a_sample_and_every_pixel_changed():
    small = field(1, size=(240, 320))
    large = small.repeat(4, 0).repeat(4, 1)
    for method in ("reinhard", "macenko"):
        reference = METHODS[method].fit(OTHER)
        once = reference.normalise(small).repeat(4, 0).repeat(4, 1)
        again = reference.normalise(large)
        assert again.shape == large.shape
        assert np.quantile(np.abs(once.astype(int) - again), 0.999) <= 4


def test_few_cells_in_a_large_field_do_not_blow_up():
    image = np.full((600, 800, 3), 240, np.uint8)
    image[:40, :160] = field(1)[20:60]
    found = METHODS["macenko"].fit(OTHER).normalise(image)
    near = METHODS["macenko"].fit(OTHER).normalise(field(1))[20:60]
    assert np.abs(found[:40, :160].astype(int) - near).mean() < 10
    np.testing.assert_allclose(found[-1, -1], WHITE_LEVEL, atol=2)


EMPTY = {
    "white": np.full((80, 90, 3), 255, np.uint8),
    "black": np.zeros((80, 90, 3), np.uint8),
    "one pixel": np.full((1, 1, 3), 200, np.uint8),
    "grey": np.random.default_rng(0).integers(0, 256, (80, 90, 1), np.uint8).repeat(3, 2),
}


@pytest.mark.parametrize("name", EMPTY)
@pytest.mark.parametrize("method", ["reinhard", "macenko"])
def test_what_can_not_be_matched_is_said(name, method):
    for work in (METHODS[method].fit, METHODS[method].fit(OTHER).normalise):
        with pytest.raises(MarrowError, match="The photograph") as caught:
            work(EMPTY[name])
        assert str(caught.value).count(".") == 1


def test_one_stain_only_is_refused_by_macenko():
    with pytest.raises(MarrowError, match="two stains"):
        METHODS["macenko"].fit(field(2, eosin=AZURE))


def test_views_with_flipped_memory_give_the_same():
    flipped = OTHER[::-1, :, ::-1].copy()[::-1, :, ::-1]
    for method in ("reinhard", "macenko"):
        reference = METHODS[method].fit(field(1))
        np.testing.assert_array_equal(
            reference.normalise(flipped), reference.normalise(OTHER), strict=True
        )


def test_settings_say_what_can_not_work():
    assert StainSettings().problems() == []
    assert StainSettings("macenko", "a.png").problems() == []
    (said,) = StainSettings("reinhard").problems()
    assert "needs a reference" in said
    assert "choose one of" in StainSettings("vahadane").problems()[0]
    settings = StainSettings("reinhard", "a.png")
    assert settings_from_dict(StainSettings, asdict(settings)) == settings


def test_the_normaliser_of_settings(tmp_path):
    Image.fromarray(OTHER).save(tmp_path / "reference.png")
    image, path = field(1), str(tmp_path / "reference.png")
    np.testing.assert_array_equal(normaliser(StainSettings())(image), image)
    balanced = normaliser(StainSettings("white-balance"))(image)
    np.testing.assert_array_equal(balanced, white_balance(image))
    for method in ("reinhard", "macenko"):
        expected = METHODS[method].fit(OTHER).normalise(image)
        np.testing.assert_array_equal(normaliser(StainSettings(method, path))(image), expected)
    Image.fromarray(EMPTY["white"]).save(tmp_path / "white.png")
    with pytest.raises(MarrowError, match=r"white\.png can't be the reference\."):
        normaliser(StainSettings("macenko", str(tmp_path / "white.png")))
