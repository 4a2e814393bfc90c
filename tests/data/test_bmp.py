"""The zero-copy BMP reader against Pillow."""

import os

import numpy as np
import pytest
from bmp_files import HEADERS, WINDOWS, bmp_bytes, stored
from PIL import Image

from napari_marrow.data.bmp import parse_plain_bmp
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.images import image_size, open_image, read_image

READS = (image_size, open_image, read_image)


@pytest.fixture
def picture():
    """Random pixels, with a row that needs padding: 5 * 3 = 15 bytes, stored in 16."""
    return np.random.default_rng(1).integers(0, 256, (7, 5, 3), np.uint8)


@pytest.fixture
def bmp(tmp_path, picture):
    path = tmp_path / "a.bmp"
    Image.fromarray(picture).save(path)
    return path


def is_mapped(array):
    return not array.flags.owndata and not array.flags.writeable


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 64])
def test_reads_what_pillow_wrote_whatever_the_padding(tmp_path, width):
    pixels = np.random.default_rng(width).integers(0, 256, (6, width, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.bmp")
    np.testing.assert_array_equal(read_image(tmp_path / "a.bmp"), pixels)
    np.testing.assert_array_equal(open_image(tmp_path / "a.bmp"), pixels)


def test_open_is_a_view_of_the_file_and_read_is_a_copy(bmp, picture):
    view, copy = open_image(bmp), read_image(bmp)
    assert is_mapped(view)
    assert view.strides == (-16, 3, -1)  # bottom-up, padded to 16 bytes, BGR
    assert copy.flags.c_contiguous
    assert copy.flags.writeable
    # The view follows the file: byte 54 is blue of the first pixel of the bottom row.
    with open(bmp, "r+b") as file:
        file.seek(54)
        file.write(bytes([255 - picture[-1, 0, 2]]))
    assert view[-1, 0, 2] == 255 - picture[-1, 0, 2]
    assert copy[-1, 0, 2] == picture[-1, 0, 2]


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 300])
@pytest.mark.parametrize(
    ("info", "top_down"),
    [(info, t) for info in HEADERS for t in (False, True) if not (t and info == 12)],
)
def test_every_header_and_direction(tmp_path, info, top_down, width):
    pixels = np.random.default_rng(width).integers(0, 256, (41, width, 3), np.uint8)
    path = tmp_path / "a.bmp"
    rows = stored(pixels, top_down=top_down)
    path.write_bytes(bmp_bytes(width, -41 if top_down else 41, rows, info=info))
    np.testing.assert_array_equal(open_image(path), pixels)
    np.testing.assert_array_equal(read_image(path), pixels)
    np.testing.assert_array_equal(Image.open(path), pixels)
    assert is_mapped(open_image(path)) == (info in WINDOWS)  # the others are of OS/2


@pytest.mark.parametrize("top_down", [False, True])
@pytest.mark.parametrize("info", WINDOWS)
def test_32_bits_without_copying(tmp_path, picture, info, top_down):
    rows = stored(picture, "BGRX", top_down)
    (tmp_path / "a.bmp").write_bytes(bmp_bytes(5, -7 if top_down else 7, rows, bits=32, info=info))
    view = open_image(tmp_path / "a.bmp")
    assert is_mapped(view)
    assert abs(view.strides[1]) == 4
    np.testing.assert_array_equal(view, picture)
    np.testing.assert_array_equal(read_image(tmp_path / "a.bmp"), picture)


def test_header_of_a_full_field(tmp_path):
    path = tmp_path / "full.bmp"
    with open(path, "wb") as file:
        file.write(bmp_bytes(2560, 1920, b""))
        file.truncate(54 + 2560 * 1920 * 3)
    h = parse_plain_bmp(path, path.read_bytes()[:54], path.stat().st_size)
    assert (h.width, h.height, h.pixel_bytes, h.top_down) == (2560, 1920, 3, False)
    assert h.row_bytes == 7680
    assert open_image(path).shape == (1920, 2560, 3)


def test_last_row_may_lack_its_padding(bmp, picture):
    bmp.write_bytes(bmp.read_bytes()[:-1])
    np.testing.assert_array_equal(read_image(bmp), picture)
    bmp.write_bytes(bmp.read_bytes()[:-1])  # one more is a byte of a pixel
    with pytest.raises(MarrowError, match="cut off"):
        read_image(bmp)


def claim(width, height, **changes):
    return bmp_bytes(width, height, bytes(500), **changes)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty file"),
        (b"BM", "can't be read"),
        (claim(64, 48), "cut off or damaged.*64x48"),
        (claim(100_000, 100_000), "100000x100000"),
        (claim(100_000, -100_000), "100000x100000"),
        (claim(4, -(2**31)), "cut off or damaged.*4x2147483648"),
        (claim(2**31 - 1, 2**31 - 1, bits=1), "million pixels"),
        (claim(0, 4), "damaged BMP header"),
        (claim(4, 0), "damaged BMP header"),
        (claim(-3, 4), "damaged BMP header"),
        (claim(4, 4, info=13), "can't be read"),
        (claim(4, 4, info=66), "can't be read"),
        (bmp_bytes(4, 4, b"")[:30], "can't be read"),
        (claim(4, 4, offset=4_000_000_000), "cut off or damaged"),
        (claim(4, 4, offset=0), "damaged BMP header"),
        (claim(4, 4, offset=53), "damaged BMP header"),
        (claim(4, 4, bits=0), "can't be read"),
        (claim(4, 4, bits=2), "can't be read"),
        (claim(4, 4, bits=0, compression=4), "can't be read"),  # JPEG inside a BMP
        (claim(4, 4, bits=32, compression=3, masks=(0xFF, 0, 0xFF0000)), "can't be read"),
        (claim(300, 300, bits=8, compression=1, colours=1), "300x300 pixels"),
        (claim(300, 300, bits=4, compression=2, colours=1), "300x300 pixels"),
    ],
)
def test_damaged_files_are_one_sentence_that_names_them(tmp_path, content, word):
    path = tmp_path / "bad.bmp"
    path.write_bytes(content)
    for read in READS:
        with pytest.raises(MarrowError, match=word) as error:
            read(path)
        assert str(path) in str(error.value)
        assert "\n" not in str(error.value)


def test_runs_hold_255_pixels_in_two_bytes(tmp_path):
    """The bound must let through the tightest file that there can be: 127.5 pixels a byte."""
    rows = b"\xff\x01" * 40 + b"\0\1"
    content = bmp_bytes(
        255 * 40, 1, rows, bits=8, compression=1, palette=bytes(4) + b"\3\2\1\0" * 255
    )
    (tmp_path / "a.bmp").write_bytes(content)
    assert (read_image(tmp_path / "a.bmp") == [1, 2, 3]).all()


def test_what_is_no_file_of_ours_is_a_sentence(tmp_path, bmp, monkeypatch):
    (tmp_path / "folder.bmp").mkdir()
    names = [("gone.bmp", "not there"), ("folder.bmp", "is a folder")]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.bmp")
        names.append(("pipe.bmp", "a pipe"))
    names += [("a.bmp/b.bmp", "not there"), ("nul\0.bmp", "can't be opened")]
    for read in READS:
        for name, word in names:
            with pytest.raises(MarrowError, match=word):
                read(tmp_path / name)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    for read in READS:
        with pytest.raises(MarrowError, match=r"a\.bmp can't be read: no permission"):
            read(bmp)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are counted in /proc")
def test_no_file_stays_open(tmp_path, bmp):
    Image.new("P", (8, 8)).save(tmp_path / "p.bmp")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        open_image(bmp), read_image(bmp), read_image(tmp_path / "p.bmp")
    assert len(os.listdir("/proc/self/fd")) == before


def test_palettes_are_read_and_not_mapped(tmp_path):
    Image.linear_gradient("L").resize((8, 8)).save(tmp_path / "grey.bmp")
    expected = Image.open(tmp_path / "grey.bmp").convert("RGB")
    np.testing.assert_array_equal(read_image(tmp_path / "grey.bmp"), expected)
    assert not is_mapped(open_image(tmp_path / "grey.bmp"))
