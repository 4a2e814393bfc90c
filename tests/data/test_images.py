"""Photographs of any format against Pillow; damaged files are sentences, never crashes."""

import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.images import image_size, is_image_name, open_image, read_image


@pytest.fixture
def pixels():
    return np.random.default_rng(2).integers(0, 256, (9, 13, 3), np.uint8)


@pytest.mark.parametrize("suffix", [".bmp", ".BMP", ".png", ".tif", ".TIFF"])
def test_lossless_formats_come_back_exactly(tmp_path, pixels, suffix):
    path = tmp_path / f"a{suffix}"
    Image.fromarray(pixels).save(path)
    assert image_size(path) == (9, 13)
    for read in (open_image, read_image):
        np.testing.assert_array_equal(read(path), pixels)
    assert read_image(path).flags.c_contiguous


def test_jpeg_is_what_pillow_decodes(tmp_path, pixels):
    Image.fromarray(pixels).save(tmp_path / "a.jpg", quality=95)
    np.testing.assert_array_equal(read_image(tmp_path / "a.jpg"), Image.open(tmp_path / "a.jpg"))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA"])
@pytest.mark.parametrize("suffix", [".png", ".bmp"])
def test_other_modes_become_rgb(tmp_path, pixels, mode, suffix):
    path = tmp_path / f"a{suffix}"
    Image.fromarray(pixels).convert(mode).save(path)
    np.testing.assert_array_equal(read_image(path), Image.open(path).convert("RGB"))


def test_sixteen_bits_are_scaled_to_eight(tmp_path):
    values = np.array([[[0, 255, 256], [65535, 257, 32768]]], np.uint16).repeat(4, 0)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb")
    # 256 levels of 16 bits to one of 8: 65535 // 256 = 255, 32768 // 256 = 128
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif")[0], [[0, 0, 1], [255, 1, 128]])


@pytest.mark.parametrize(
    ("shape", "dtype", "says"),
    [((4, 6), np.float32, "float32"), ((5, 20, 30), np.uint8, r"\(5, 20, 30\)")],
)
def test_what_is_no_photograph_is_said(tmp_path, shape, dtype, says):
    tifffile.imwrite(tmp_path / "a.tif", np.ones(shape, dtype))
    with pytest.raises(MarrowError, match=says):
        read_image(tmp_path / "a.tif")


def png_claiming(width, height):
    import zlib

    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    end = struct.pack(">I", zlib.crc32(chunk))
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + chunk
        + end
        + struct.pack(">I", 9)
        + b"IDAT"
        + bytes(64)
    )


def test_huge_claims_are_refused_from_the_header(tmp_path):
    (tmp_path / "a.png").write_bytes(png_claiming(100_000, 100_000))
    # A compressed BMP may be smaller than its pixels, so only the claim itself gives it away.
    info = struct.pack("<IiiHHI", 40, 100_000, 100_000, 1, 8, 1) + bytes(20)
    (tmp_path / "a.bmp").write_bytes(b"BM" + struct.pack("<IHHI", 0, 0, 0, 54) + info)
    for name in ("a.png", "a.bmp"):
        for read in (image_size, open_image):
            with pytest.raises(MarrowError, match="400 million"):
                read(tmp_path / name)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".bmp"])
@pytest.mark.parametrize("damage", ["cut", "text", "empty"])
def test_damaged_files_name_themselves(tmp_path, pixels, suffix, damage):
    path = tmp_path / f"a{suffix}"
    Image.fromarray(pixels.repeat(8, 0).repeat(8, 1)).save(path)
    content = path.read_bytes()
    path.write_bytes(
        {"cut": content[: len(content) // 2], "text": b"no image", "empty": b""}[damage]
    )
    with pytest.raises(MarrowError) as error:
        read_image(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_file_and_folder(tmp_path):
    for name in ("gone.png", "gone.bmp"):
        with pytest.raises(MarrowError, match="is not there"):
            image_size(tmp_path / name)
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(MarrowError, match=r"folder\.png"):
        read_image(tmp_path / "folder.png")


def test_unreadable_file_says_permission(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("napari_marrow.data.images.Image.open", refuse)
    with pytest.raises(MarrowError, match="no permission"):
        image_size(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("a.bmp", True), ("A.JPEG", True), (".a.bmp", False), ("a.gif", False), ("bmp", False)],
)
def test_names_of_images(tmp_path, name, is_one):
    assert is_image_name(tmp_path / name) is is_one


@pytest.mark.real
def test_real_photographs_as_pillow_reads_them(real_data):
    names = ["snam-thumbnails/ALL/ALL_1.png", "all-idb2/blast/Im001_1.tif", "wbc-dataset1/001.bmp"]
    names.append("cnmc/fold_0/all/UID_1_1_1_all.bmp")
    for name in names:
        expected = np.asarray(Image.open(real_data / name).convert("RGB"))
        np.testing.assert_array_equal(open_image(real_data / name), expected, err_msg=name)


@pytest.mark.real
def test_bmpsuite_good_files_are_right_or_refused(real_data):
    """Never a wrong pixel: what Pillow can't read is a sentence."""
    right = 0
    for path in sorted((real_data / "bmpsuite").glob("[gqb]/*.bmp")):
        try:
            found = read_image(path)
        except MarrowError:
            continue
        np.testing.assert_array_equal(found, Image.open(path).convert("RGB"), err_msg=path.name)
        right += 1
    assert right >= 40
    for name in ("pal1", "pal4", "pal8", "rgb16", "rgb24", "rgb16-565"):
        reference = Image.open(real_data / f"bmpsuite/html/{name}.png").convert("RGB")
        found = read_image(real_data / f"bmpsuite/g/{name}.bmp").astype(int)
        # the reference of pal8 is rounded the other way in places
        np.testing.assert_allclose(found, reference, atol=1, err_msg=name)
