"""Masks whose pixels do not tell what is foreground are read by their photograph, or refused."""

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Field

SIZE = (120, 160)


@pytest.fixture
def field(tmp_path, draw):
    """A function that writes a photograph and, as a mask, what is made of its true nuclei."""

    def make(values, name="a_nucleus_mask.png", kind="nucleus", photograph=None, **how):
        image, _ = draw("ALL", 1, SIZE)
        Image.fromarray(image if photograph is None else photograph).save(tmp_path / "a.bmp")
        path = tmp_path / name
        if path.suffix == ".tif":
            tifffile.imwrite(path, values, **how)
        else:
            (values if isinstance(values, Image.Image) else Image.fromarray(values)).save(path)
        return Field(tmp_path / "a.bmp", "a", "a", masks={kind: path})

    return make


@pytest.fixture
def truth(draw):
    return draw("ALL", 1, SIZE)[1]


def _iou(found, meant):
    return (found & meant).sum() / (found | meant).sum()


def _two(mask, inside, outside):
    return np.where(mask[..., np.newaxis] if np.ndim(inside) else mask, inside, outside)


def _lossy(values, quality=75):
    file = io.BytesIO()
    Image.fromarray(values.astype(np.uint8)).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


LEVELS = {
    "1 and 2": lambda m: _two(m, 2, 1),
    "2 and 1": lambda m: _two(m, 1, 2),
    "10 and 200": lambda m: _two(m, 200, 10),
    "255 and 100": lambda m: _two(m, 255, 100),
    "100 and 255": lambda m: _two(m, 100, 255),
    "254 and 253": lambda m: _two(m, 254, 253),
    "inverted": lambda m: _two(m, 0, 255),
    "inverted bits": lambda m: _two(m, 0, 1),
    "inverted, in three channels": lambda m: _two(m, (0, 0, 0), (255, 255, 255)),
    "red on white": lambda m: _two(m, (255, 0, 0), (255, 255, 255)),
    "red on green": lambda m: _two(m, (255, 0, 0), (0, 255, 0)),
    "inverted JPEG": lambda m: _lossy(_two(m, 0, 255)),
    "JPEG of 0 and 200": lambda m: _lossy(_two(m, 200, 0)),
    "JPEG of 50 and 180": lambda m: _lossy(_two(m, 180, 50), 60),
}


@pytest.mark.parametrize("make", LEVELS.values(), ids=LEVELS)
def test_two_levels_are_read_by_the_photograph(field, truth, make):
    assert _iou(field(make(truth).astype(np.uint8)).mask("nucleus"), truth) > 0.97


@pytest.mark.parametrize("values", [(1, 2), (300, 40000), (70000, 1)])
def test_deep_levels_without_zero(field, truth, values):
    wide = _two(truth, *values).astype(np.uint32)
    assert _iou(field(wide, "a_nucleus_mask.tif").mask("nucleus"), truth) > 0.97


def test_a_few_stray_values_do_not_count(field, truth):
    values = _two(truth, 2, 1).astype(np.uint8)
    values[0, :3] = 24, 37, 255
    assert _iou(field(values).mask("nucleus"), truth) > 0.97


def test_a_jpeg_file_with_rims(field, truth):
    mask = Image.fromarray(_two(truth, 200, 0).astype(np.uint8))
    assert _iou(field(mask, "a_nucleus_mask.jpg").mask("nucleus"), truth) > 0.97


def _with_alpha(mask, colours, suffix):
    rgba = Image.fromarray(colours)
    rgba.putalpha(Image.fromarray(np.uint8(255 * mask)))
    if suffix == "grey":
        return rgba.convert("LA")
    return rgba.quantize(colors=4) if suffix == "palette" else rgba


@pytest.mark.parametrize("colour", [0, 90, 255])
@pytest.mark.parametrize("form", ["rgb", "grey", "palette"])
def test_a_mask_in_alpha_over_one_colour(field, truth, colour, form):
    colours = np.full((*SIZE, 3), colour, np.uint8)
    assert _iou(field(_with_alpha(truth, colours, form)).mask("nucleus"), truth) > 0.97


def test_a_mask_in_alpha_over_the_photograph(field, truth, draw):
    mask = _with_alpha(truth, draw("ALL", 1, SIZE)[0], "rgb")
    assert _iou(field(mask).mask("nucleus"), truth) > 0.97


def test_a_background_is_brighter(field, truth):
    for values in (_two(~truth, 2, 1), _two(~truth, 1, 2), _two(~truth, 255, 0)):
        found = field(values.astype(np.uint8), kind="background").mask("background")
        assert _iou(found, ~truth) > 0.97


def test_large_nuclei_stay(field, draw):
    image, mask = draw("MM", 1, SIZE)
    image, mask = image[30:90, 50:110], mask[30:90, 50:110]
    assert mask.mean() > 0.7
    found = field(np.uint8(255 * mask), photograph=np.ascontiguousarray(image)).mask("nucleus")
    np.testing.assert_array_equal(found, mask)


def test_a_black_surround_counts_for_neither(field, truth, draw):
    image, _ = draw("ALL", 1, SIZE)
    image[:, :75] = 0  # nearly half of the picture
    truth = truth.copy()
    truth[:, :75] = False
    found = field(_two(truth, 1, 2).astype(np.uint8), photograph=image).mask("nucleus")
    assert _iou(found, truth) > 0.97


def test_a_copy_with_nothing_marked_is_empty(field, draw):
    image, _ = draw("ALL", 1, SIZE)
    for copy in (image, image.mean(axis=2).astype(np.uint8), _lossy(image, 90)):
        assert not field(copy).mask("nucleus").any()
    overexposed = image.copy()
    overexposed[image.min(axis=2) > 200] = 255
    assert not field(overexposed, photograph=overexposed).mask("nucleus").any()


def _three_levels(mask):
    values = _two(mask, 3, 1).astype(np.uint8)
    values[:40][~mask[:40]] = 2
    return values


UNCLEAR = {
    "everything": (lambda m: np.full(SIZE, 255), "255"),
    "one value": (lambda m: np.full(SIZE, 1), "1"),
    "three levels without zero": (_three_levels, "1, 2, 3"),
    "another field's": (lambda m: _two(np.indices(SIZE).sum(0) % 2, 1, 2), "1, 2"),
}


@pytest.mark.parametrize(("make", "values"), UNCLEAR.values(), ids=UNCLEAR)
def test_what_is_unclear_is_refused_with_its_values(field, truth, make, values):
    with pytest.raises(MarrowError, match=rf"a_nucleus_mask\.png.*values? {values}"):
        field(make(truth).astype(np.uint8)).mask("nucleus")


def test_a_grey_photograph_tells_nothing(field, truth):
    blank = np.full((*SIZE, 3), 120, np.uint8)
    with pytest.raises(MarrowError, match=r"a_nucleus_mask\.png.*1, 2"):
        field(_two(truth, 2, 1).astype(np.uint8), photograph=blank).mask("nucleus")


def test_cytoplasm_is_never_inverted(field, truth):
    """It is darker than the rest but for the nuclei, so that a photograph can't tell it."""
    with pytest.raises(MarrowError, match=r"covers \d+ %"):
        field(np.uint8(255 * ~truth), kind="cytoplasm").mask("cytoplasm")


def test_a_photograph_is_read_only_when_in_doubt(field, truth, monkeypatch):
    plain = field(np.uint8(255 * truth))
    monkeypatch.setattr(Field, "open", lambda self: pytest.fail("not needed"))
    np.testing.assert_array_equal(plain.mask("nucleus"), truth)
    assert not field(np.zeros(SIZE, np.uint8)).mask("nucleus").any()


@pytest.mark.real
def test_real_masks_in_other_values(real_data, field):
    for path in sorted(Path(real_data).glob("snam-thumbnails/ALL/*_nucleus_mask.png")):
        photograph = path.with_stem(path.stem.removesuffix("_nucleus_mask"))
        image = np.asarray(Image.open(photograph).convert("RGB"))
        truth = np.asarray(Image.open(path).convert("L")) == 255
        for inside, outside in ((2, 1), (1, 2), (0, 255)):
            mask = _two(truth, inside, outside).astype(np.uint8)
            assert _iou(field(mask, photograph=image).mask("nucleus"), truth) > 0.97
