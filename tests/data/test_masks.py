"""Masks: told by their names, and read as "every channel is 255" in both encodings."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.masks import looks_like_mask, mask_kind, read_mask


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("ALL_1_nucleus_mask.bmp", ("ALL_1", "nucleus")),
        ("ALL_1_background_mask.bmp", ("ALL_1", "background")),
        ("MM_5_also_ref_image_cyto_mask.bmp", ("MM_5_also_ref_image", "cytoplasm")),
        ("25_ALL_5_Nucleus_Mask.BMP", ("25_ALL_5", "nucleus")),
        ("ref_ALL-cytoplasm-mask.png", ("ref_ALL", "cytoplasm")),
        ("5_also_ref_image_MM_nucleusmask.bmp", ("5_also_ref_image_MM", "nucleus")),
        ("ALL_1_nuclei.png", ("ALL_1", "nucleus")),
        ("ALL_1_nuclei_masks.png", ("ALL_1", "nucleus")),
        ("ALL_1.bmp", None),
        ("5_also_ref_image_MM.bmp", None),
        ("nucleus_mask.bmp", None),
        ("ALL_1_mask.bmp", None),
    ],
)
def test_kind_and_photograph_by_name(name, found):
    assert mask_kind(Path("folder") / name) == found


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("ALL_1_mask.bmp", True),
        ("mask_3.png", True),
        ("ALL_1_MASKS.png", True),
        ("masked_ball.png", False),
        ("damask.png", False),
        ("ALL_1.bmp", False),
    ],
)
def test_names_that_say_mask(name, is_one):
    assert looks_like_mask(Path(name)) is is_one


@pytest.mark.parametrize("suffix", [".bmp", ".png", ".tif"])
@pytest.mark.parametrize("copied", [False, True], ids=["black", "photograph"])
def test_both_encodings_give_the_same_mask(tmp_path, draw, write_mask, suffix, copied):
    image, mask = draw("ALL", 1)
    write_mask(tmp_path / f"m{suffix}", mask, image if copied else None)
    np.testing.assert_array_equal(read_mask(tmp_path / f"m{suffix}", mask.shape), mask)


def test_two_white_channels_are_no_mask(tmp_path):
    pixels = np.full((2, 3, 3), 255, np.uint8)
    for column in range(3):
        pixels[0, column, column] = 254
    Image.fromarray(pixels).save(tmp_path / "m.bmp")
    np.testing.assert_array_equal(read_mask(tmp_path / "m.bmp", (2, 3)), [[False] * 3, [True] * 3])


def _two_nuclei():
    """Two nuclei on 0, as numbers 1 and 2: (48, 64) uint8."""
    numbers = np.zeros((48, 64), np.uint8)
    numbers[6:20, 8:24] = 1
    numbers[25:40, 35:58] = 2
    return numbers


def _photograph(seed=0):
    """Noise around the grey of a photograph, (48, 64) uint8, 60..219."""
    return np.random.default_rng(seed).integers(60, 220, (48, 64)).astype(np.uint8)


def _saved(path, values):
    if path.suffix == ".tif":
        tifffile.imwrite(path, values, photometric="rgb" if values.ndim == 3 else "minisblack")
    else:
        Image.fromarray(values).save(path)
    return path


def _check(path, values, meant):
    np.testing.assert_array_equal(read_mask(_saved(path, values), meant.shape), meant)


NUMBERS = {
    "bit": lambda n: n > 0,
    "0 and 1": lambda n: np.uint8(n > 0),
    "0 and 127": lambda n: np.uint8(127 * (n > 0)),
    "0 and 200": lambda n: np.uint8(200 * (n > 0)),
    "0 and 255": lambda n: np.uint8(255 * (n > 0)),
    "1 and 2": lambda n: n,
    "1 and 200": lambda n: np.array([0, 1, 200], np.uint8)[n],
    "100 and 255": lambda n: np.array([0, 100, 255], np.uint8)[n],
    "16 bits, 0 and 65535": lambda n: np.uint16(65535 * (n > 0)),
    "16 bits, 1 and 2": lambda n: np.uint16(n),
    "16 bits, 300 and 40000": lambda n: np.array([0, 300, 40000], np.uint16)[n],
    "32 bits, 1 and 2": lambda n: np.int32(n),
    "32 bits, 7 and 70000": lambda n: np.array([0, 7, 70000], np.uint32)[n],
    "empty": lambda n: 0 * n,
}


@pytest.mark.parametrize("make", NUMBERS.values(), ids=NUMBERS)
def test_every_flat_number_of_one_channel_is_meant(tmp_path, make):
    values = make(_two_nuclei())
    _check(tmp_path / "m.tif", values, values > 0)


@pytest.mark.parametrize("suffix", [".bmp", ".png", ".tif"])
@pytest.mark.parametrize("values", [(1, 1), (1, 2), (3, 48), (100, 200), (100, 255)])
def test_flat_numbers_are_meant_in_three_channels_too(tmp_path, suffix, values):
    numbers = np.array([0, *values], np.uint8)[_two_nuclei()]
    _check(tmp_path / f"m{suffix}", np.dstack([numbers] * 3), numbers > 0)


@pytest.mark.parametrize("suffix", [".bmp", ".png", ".tif"])
@pytest.mark.parametrize(
    "colours", [((255, 0, 0),) * 2, ((128, 0, 0), (0, 128, 0)), ((9, 80, 200), (255, 200, 0))]
)
def test_flat_colours_on_black_are_meant(tmp_path, suffix, colours):
    numbers = _two_nuclei()
    _check(tmp_path / f"m{suffix}", np.array([(0, 0, 0), *colours], np.uint8)[numbers], numbers > 0)


def test_a_palette_of_colours_is_meant(tmp_path):
    numbers = _two_nuclei()
    image = Image.fromarray(numbers)
    image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    image.save(tmp_path / "m.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png", numbers.shape), numbers > 0)


def test_among_flat_colours_white_alone_is_meant(tmp_path):
    numbers = _two_nuclei()
    colours = np.array([(0, 0, 0), (0, 0, 255), (255, 255, 255)], np.uint8)
    _check(tmp_path / "m.png", colours[numbers], numbers == 2)


@pytest.mark.parametrize("black", [0, 20], ids=["", "with a black rim"])
@pytest.mark.parametrize("empty", [False, True], ids=["", "empty"])
@pytest.mark.parametrize("form", ["8", "16", "16 upper", "3x8", "3x16"])
def test_only_white_is_meant_in_a_copy_of_the_photograph(tmp_path, form, empty, black):
    meant = (_two_nuclei() > 0) & (not empty)
    planes = [np.where(meant, 255, _photograph(seed)).astype(np.uint8) for seed in range(3)]
    values = np.dstack(planes) if form.startswith("3") else planes[0]
    values[:black][~meant[:black]] = 0
    if form.endswith("16"):
        values = values * np.uint16(257)
    elif form == "16 upper":
        values = values * np.uint16(256)  # white is 65280
    _check(tmp_path / "m.tif", values, meant)


def test_white_that_few_rows_hold_is_not_missed(tmp_path):
    """Neither in a black picture nor where JPEG left noise around it."""
    meant = np.zeros((640, 800), bool)
    meant[290:299, 401:409] = True
    drawn = np.uint8(255 * meant)
    _check(tmp_path / "m.bmp", np.dstack([drawn] * 3), meant)
    Image.fromarray(np.dstack([drawn] * 3)).save(tmp_path / "m.jpg", quality=75)
    noisy = np.asarray(Image.open(tmp_path / "m.jpg"))
    assert (noisy[meant].min(axis=-1) < 255).any()
    _check(tmp_path / "m.png", noisy, meant)


def test_a_soft_edge_is_parted_in_the_middle(tmp_path):
    nuclei = Image.fromarray(np.uint8(255 * (_two_nuclei() > 0))).resize((256, 192), 1)
    values = np.asarray(nuclei)
    assert len(np.unique(values)) > 20
    _check(tmp_path / "m.png", values, values >= 128)


def test_alpha_is_passed_over(tmp_path):
    numbers = _two_nuclei()
    bands = [Image.fromarray(np.uint8(255 * (numbers > 1))), Image.new("L", (64, 48), 255)]
    Image.merge("LA", bands).save(tmp_path / "m.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png", (48, 64)), numbers > 1)
    Image.merge("RGBA", [bands[0]] * 3 + [bands[1]]).save(tmp_path / "m.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png", (48, 64)), numbers > 1)


def test_another_size_is_said_with_both_sizes(tmp_path):
    Image.new("RGB", (64, 48)).save(tmp_path / "m.bmp")
    with pytest.raises(MarrowError, match=r"m\.bmp is 64x48 and its photograph 32x24"):
        read_mask(tmp_path / "m.bmp", (24, 32))


@pytest.mark.parametrize("values", [np.ones((2, 3), np.float32), np.ones((4, 2, 3), np.uint8)])
def test_what_is_no_mask_is_said(tmp_path, values):
    tifffile.imwrite(tmp_path / "m.tif", values, photometric="minisblack")
    with pytest.raises(MarrowError, match=r"m\.tif"):
        read_mask(tmp_path / "m.tif", (2, 3))


def test_damaged_mask_is_said(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "m.bmp")
    (tmp_path / "m.bmp").write_bytes((tmp_path / "m.bmp").read_bytes()[:100])
    with pytest.raises(MarrowError, match="cut off"):
        read_mask(tmp_path / "m.bmp", (8, 8))


@pytest.mark.real
def test_hand_drawn_masks(real_data):
    for k in range(1, 6):
        path = real_data / f"snam-thumbnails/ALL/ALL_{k}_nucleus_mask.png"
        grey = np.asarray(Image.open(path).convert("L"))
        assert set(np.unique(grey)) <= {0, 255}
        np.testing.assert_array_equal(read_mask(path, grey.shape), grey == 255)


@pytest.mark.parametrize("ending", ["bmp", "png"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("top", [1, 127])
def test_small_numbers_are_meant_in_every_format(tmp_path, ending, mode, top):
    meant = np.zeros((12, 16), bool)
    meant[3:7, 4:9] = True
    path = tmp_path / f"m.{ending}"
    Image.fromarray((meant * top).astype(np.uint8)).convert(mode).save(path)
    np.testing.assert_array_equal(read_mask(path, meant.shape), meant)


@pytest.mark.parametrize("suffix", [".jpg", ".bmp", ".png", ".tif"])
@pytest.mark.parametrize("quality", [95, 75, 50])
def test_noise_of_jpeg_stays_out_whatever_the_file_is_now(tmp_path, draw, suffix, quality):
    _, mask = draw("ALL", 1)
    drawn = Image.fromarray(np.repeat(np.uint8(255 * mask)[..., np.newaxis], 3, axis=-1))
    drawn.save(tmp_path / "lossy.jpg", quality=quality)
    noisy = Image.open(tmp_path / "lossy.jpg")
    if suffix != ".jpg":
        assert (np.asarray(noisy).min(axis=-1)[mask] < 255).mean() > 0.01  # else nothing is tried
        noisy.save(tmp_path / f"m{suffix}")
    found = read_mask(tmp_path / ("lossy.jpg" if suffix == ".jpg" else f"m{suffix}"), mask.shape)
    assert 2 * (found & mask).sum() / (found.sum() + mask.sum()) > 0.995  # Dice


def test_a_copied_photograph_with_bright_and_black_parts_is_no_noise(tmp_path):
    pixels = np.full((60, 80, 3), 230, np.uint8)  # bright, but not meant
    pixels[:, :30] = (90, 40, 120)
    pixels[:20] = 3  # a black rim
    pixels[30:40, 50:60] = 255
    Image.fromarray(pixels).save(tmp_path / "m.png")
    found = read_mask(tmp_path / "m.png", (60, 80))
    np.testing.assert_array_equal(found, (pixels == 255).all(axis=-1))


@pytest.mark.parametrize("value", [254, 250])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_halo_around_a_flat_mask_is_left_out(tmp_path, value, channels):
    """A mask of 0 and 254 that went through JPEG, or was made larger with soft edges."""
    rows, columns = np.mgrid[:120, :160]
    mask = (rows - 60) ** 2 + (columns - 70) ** 2 < 40**2
    flat = np.where(mask, value, 0).astype(np.uint8)
    drawn = Image.fromarray(flat if channels == 1 else np.repeat(flat[..., np.newaxis], 3, -1))
    drawn.save(tmp_path / "lossy.jpg", quality=85)
    Image.open(tmp_path / "lossy.jpg").save(tmp_path / "a.png")
    drawn.resize((80, 60), Image.Resampling.LANCZOS).resize((160, 120)).save(tmp_path / "b.png")
    for name in ("a.png", "b.png"):
        found = read_mask(tmp_path / name, mask.shape)
        assert (found & mask).sum() / (found | mask).sum() > 0.98


def test_small_labels_stay_beside_large_ones(tmp_path):
    labels = np.zeros((60, 80), np.uint8)
    labels[5:25, 5:25], labels[30:50, 30:60], labels[5:15, 50:70] = 3, 250, 120
    Image.fromarray(labels).save(tmp_path / "m.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png", labels.shape), labels > 0)


@pytest.mark.parametrize(("mode", "shape"), [("L", (240, 320)), ("RGB", (120, 97))])
def test_black_that_jpeg_made_one_is_no_label(tmp_path, mode, shape):
    """At about 30 qualities black decodes to a flat 1 or 2, with 0 in the noise around white."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    mask = np.hypot(rows - 40, columns - 30) < 20
    mask |= np.hypot(rows - 70, columns - 90) < 25
    drawn = Image.fromarray(np.uint8(255 * mask)).convert(mode)
    wrong = []
    for quality in range(1, 101):
        drawn.save(tmp_path / "lossy.jpg", quality=quality)
        Image.open(tmp_path / "lossy.jpg").save(tmp_path / "m.bmp")
        found = read_mask(tmp_path / "m.bmp", mask.shape)
        dice = 2 * (found & mask).sum() / (found.sum() + mask.sum())
        if dice <= (0.95 if quality < 8 else 0.98):
            wrong.append((quality, dice))
    assert not wrong


@pytest.mark.parametrize("others", [(255,), (2, 255), tuple(range(2, 256))])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_large_label_one_beside_white_is_a_label(tmp_path, others, mode):
    labels = np.zeros((240, 320), np.uint8)
    labels[20:220] = 1
    for number, value in enumerate(others):
        row, column = 8 + 12 * (number // 20), 15 * (number % 20)
        labels[row : row + 7, column : column + 7] = value
    Image.fromarray(labels).convert(mode).save(tmp_path / "m.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png", labels.shape), labels > 0)


@pytest.mark.parametrize("zero", ["miniswhite", "minisblack"])
def test_booleans_are_read_as_tifffile_wrote_them(tmp_path, zero):
    mask = _two_nuclei() > 0
    tifffile.imwrite(tmp_path / "m.tif", mask, photometric=zero)
    np.testing.assert_array_equal(read_mask(tmp_path / "m.tif", mask.shape), mask)


@pytest.mark.parametrize("compression", ["group4", "raw", "packbits"])
def test_what_looks_white_is_meant_where_another_program_says_that_0_is_white(
    tmp_path, compression
):
    mask = _two_nuclei() > 0
    zero_is_white = {262: 0}
    drawn = Image.fromarray(mask)
    drawn.save(tmp_path / "m.tif", compression=compression, tiffinfo=zero_is_white)
    np.testing.assert_array_equal(read_mask(tmp_path / "m.tif", mask.shape), mask)
