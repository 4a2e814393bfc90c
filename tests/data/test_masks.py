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


GREY = np.array([[0, 30, 200], [255, 128, 127]], np.uint8)


@pytest.mark.parametrize(
    ("values", "meant"),
    [
        (GREY, [[0, 0, 1], [1, 1, 0]]),  # 8 bits: above 127, so that the noise of JPEG stays out
        ((GREY > 100).astype(np.uint8), [[0, 0, 1], [1, 1, 1]]),  # 0 and 1
        (GREY > 100, [[0, 0, 1], [1, 1, 1]]),  # one bit
        (GREY.astype(np.uint16) // 30, [[0, 1, 1], [1, 1, 1]]),  # 16 bits: instance labels
        (np.zeros((2, 3), np.uint8), [[0, 0, 0], [0, 0, 0]]),
    ],
    ids=["grey", "0-1", "bit", "labels", "empty"],
)
def test_one_channel(tmp_path, values, meant):
    Image.fromarray(values).save(tmp_path / "m.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png", (2, 3)), np.array(meant, bool))


def test_alpha_is_passed_over(tmp_path):
    bands = [Image.fromarray(GREY), Image.new("L", (3, 2), 255)]
    Image.merge("LA", bands).save(tmp_path / "m.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png", (2, 3)), GREY > 127)
    Image.merge("RGBA", [bands[0]] * 3 + [bands[1]]).save(tmp_path / "m.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png", (2, 3)), GREY == 255)


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
