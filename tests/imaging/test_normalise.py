"""Reinhard and Macenko against torchstain on the same pixels, and what they can't do said."""

import sys
from dataclasses import asdict

import numpy as np
import pytest
from PIL import Image
from torchstain.numpy.normalizers import NumpyMacenkoNormalizer, NumpyReinhardNormalizer

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.options import settings_from_dict
from napari_marrow.imaging.normalise import StainSettings, fit_reference, normalise, normaliser
from napari_marrow.imaging.stain import white_balance
from napari_marrow.imaging.white_point import WHITE_LEVEL, white_point

AZURE, EOSIN = (0.62, 0.74, 0.26), (0.3, 0.92, 0.25)


def field(seed=0, light=(240, 240, 240), azure=AZURE, eosin=EOSIN, size=(120, 160), amount=1.0):
    """Nuclei and cytoplasm of two stains on an empty background that fills the lower half."""
    rng = np.random.default_rng(seed)
    amounts = np.zeros((*size, 2))
    half, third = size[0] // 2, size[1] // 3
    amounts[:half, :third, 0] = rng.uniform(0.3, 0.9, (half, third))
    amounts[:half, third : 2 * third, 1] = rng.uniform(0.3, 0.7, (half, third))
    amounts[:half, 2 * third : 2 * third + 9] = rng.uniform(0.1, 0.4, (half, 9, 2))
    density = amount * amounts @ np.array([azure, eosin])
    return np.rint(np.array(light) * 10**-density).astype(np.uint8)


OTHER = field(5, (225, 210, 190), azure=(0.5, 0.8, 0.3), eosin=(0.25, 0.85, 0.45), amount=0.8)


@pytest.mark.parametrize("repeat", [1, 6])  # small ones pixel by pixel, large ones by a lattice
def test_reinhard_is_torchstains(repeat):
    image, reference = field(1).repeat(repeat, 0).repeat(repeat, 1), OTHER
    theirs = NumpyReinhardNormalizer()
    theirs.fit(reference)
    expected = theirs.normalize(image)
    found = normalise(image, fit_reference(reference, "reinhard"))
    assert found.dtype == np.uint8
    difference = np.abs(found.astype(int) - expected)
    assert np.quantile(difference, 0.999) <= 2  # torchstain cuts off decimals
    assert np.abs(expected.astype(int) - image).mean() > 10


@pytest.mark.parametrize("light", [(240, 240, 240), (220, 225, 205)])
def test_macenko_is_torchstains_after_white_balance(light):
    image = field(1, light)
    # torchstain measures how much stain there is over all pixels it is given, and this over the
    # stained ones: so it is given no others
    pixels = white_balance(image).reshape(-1, 3)
    stained = np.linalg.norm(np.log10(WHITE_LEVEL / np.maximum(pixels, 1)), axis=1) > 0.15
    target = white_balance(OTHER).reshape(-1, 3)
    target = target[np.linalg.norm(np.log10(WHITE_LEVEL / np.maximum(target, 1)), axis=1) > 0.15]
    theirs = NumpyMacenkoNormalizer()
    theirs.fit(target[:, None], Io=WHITE_LEVEL)
    expected = theirs.normalize(pixels[stained][:, None], Io=WHITE_LEVEL, stains=False)[0][:, 0]
    found = normalise(image, fit_reference(OTHER, "macenko")).reshape(-1, 3)[stained]
    difference = np.abs(found.astype(int) - expected)
    assert difference.max() <= 3
    assert np.abs(expected.astype(int) - pixels[stained]).mean() > 5


def test_the_light_of_a_field_does_not_matter_to_macenko():
    reference = fit_reference(OTHER, "macenko")
    one, two = (normalise(field(1, light), reference) for light in ((240,) * 3, (215, 225, 200)))
    np.testing.assert_allclose(one[-1, -1], WHITE_LEVEL, atol=2)
    assert np.abs(one.astype(int) - two).max() <= 6  # of 8 bits, twice


@pytest.mark.parametrize("method", ["reinhard", "macenko"])
def test_the_reference_itself_stays_nearly_as_it_is(method):
    balanced = white_balance(OTHER) if method == "macenko" else OTHER
    found = normalise(OTHER, fit_reference(OTHER, method))
    assert np.abs(found.astype(int) - balanced).max() <= 3


def test_colours_come_near_to_the_reference():
    image = field(1)
    found = normalise(image, fit_reference(OTHER, "reinhard"))
    before = np.abs(image.mean(axis=(0, 1)) - OTHER.mean(axis=(0, 1))).max()
    after = np.abs(found.mean(axis=(0, 1)) - OTHER.mean(axis=(0, 1))).max()
    assert after < 0.3 * before


def test_a_large_field_is_judged_by_a_sample_and_every_pixel_changed():
    small = field(1, size=(240, 320))
    large = small.repeat(4, 0).repeat(4, 1)
    for method in ("reinhard", "macenko"):
        reference = fit_reference(OTHER, method)
        once = normalise(small, reference).repeat(4, 0).repeat(4, 1)
        again = normalise(large, reference)
        assert again.shape == large.shape
        assert np.quantile(np.abs(once.astype(int) - again), 0.999) <= 4


def test_few_cells_in_a_large_field_do_not_blow_up():
    image = np.full((600, 800, 3), 240, np.uint8)
    image[:40, :160] = field(1)[20:60]
    found = normalise(image, fit_reference(OTHER, "macenko"))
    near = normalise(field(1), fit_reference(OTHER, "macenko"))[20:60]
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
    for work in (fit_reference, lambda image, how: normalise(image, fit_reference(OTHER, how))):
        with pytest.raises(MarrowError, match="The photograph") as caught:
            work(EMPTY[name], method)
        assert str(caught.value).count(".") == 1


def test_one_stain_only_is_refused_by_macenko():
    with pytest.raises(MarrowError, match="two stains"):
        fit_reference(field(2, eosin=AZURE), "macenko")


def test_views_with_flipped_memory_give_the_same():
    flipped = OTHER[::-1, :, ::-1].copy()[::-1, :, ::-1]
    for method in ("reinhard", "macenko"):
        reference = fit_reference(field(1), method)
        np.testing.assert_array_equal(
            normalise(flipped, reference), normalise(OTHER, reference), strict=True
        )


def test_settings_say_what_can_not_work():
    assert StainSettings().problems() == []
    assert StainSettings("macenko", "a.png").problems() == []
    (said,) = StainSettings("reinhard").problems()
    assert "needs a reference" in said
    (said,) = StainSettings("reinhard", "a.png", "per-class").problems()
    assert "writes the class into the pixels" in said
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
        expected = normalise(image, fit_reference(OTHER, method))
        np.testing.assert_array_equal(normaliser(StainSettings(method, path))(image), expected)
    with pytest.raises(MarrowError, match="writes the class into the pixels"):
        normaliser(StainSettings("reinhard", path, "per-class"))
    Image.fromarray(EMPTY["white"]).save(tmp_path / "white.png")
    with pytest.raises(MarrowError, match=r"white\.png can't be the reference\."):
        normaliser(StainSettings("macenko", str(tmp_path / "white.png")))


def test_a_white_balanced_background_is_what_torchstain_takes_for_granted():
    np.testing.assert_array_equal(white_point(white_balance(OTHER)), [WHITE_LEVEL] * 3)


def test_neither_torch_nor_tensorflow_nor_opencv_is_imported():
    assert "torchstain" in sys.modules
    assert not {"torch", "torchstain.torch", "torchstain.tf", "cv2"} & set(sys.modules)
