"""The zero-copy BMP reader against Pillow and the published bmpsuite."""

import os

import numpy as np
import pytest
from bmp_files import HEADERS, MASK_ORDERS, WINDOWS, bmp_bytes, stored
from PIL import Image

from napari_marrow.data.bmp import open_bmp, read_bmp, read_bmp_header
from napari_marrow.data.errors import MarrowError


@pytest.fixture
def picture():
    """Random pixels, with a row that needs padding: 5 * 3 = 15 bytes, stored in 16."""
    return np.random.default_rng(1).integers(0, 256, (7, 5, 3), np.uint8)


@pytest.fixture
def bmp(tmp_path, picture):
    path = tmp_path / "a.bmp"
    Image.fromarray(picture).save(path)
    return path


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 64])
def test_reads_what_pillow_wrote_whatever_the_padding(tmp_path, width):
    pixels = np.random.default_rng(width).integers(0, 256, (6, width, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.bmp")
    np.testing.assert_array_equal(read_bmp(tmp_path / "a.bmp"), pixels)
    np.testing.assert_array_equal(open_bmp(tmp_path / "a.bmp"), pixels)


def test_open_is_a_view_of_the_file_and_read_is_a_copy(bmp, picture):
    view, copy = open_bmp(bmp), read_bmp(bmp)
    assert not view.flags.owndata
    assert not view.flags.writeable
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
def test_every_header_and_direction_without_copying(tmp_path, info, top_down, width):
    pixels = np.random.default_rng(width).integers(0, 256, (401, width, 3), np.uint8)
    height = -401 if top_down else 401
    path = tmp_path / "a.bmp"
    path.write_bytes(bmp_bytes(width, height, stored(pixels, top_down=top_down), info=info))
    view = open_bmp(path)
    np.testing.assert_array_equal(view, pixels)
    np.testing.assert_array_equal(read_bmp(path), pixels)
    assert not view.flags.owndata
    if info != 16:  # which Pillow does not know
        np.testing.assert_array_equal(view, Image.open(path))


@pytest.mark.parametrize("top_down", [False, True])
@pytest.mark.parametrize(
    ("compression", "order"), [(0, "BGRX"), *((c, order) for c in (3, 6) for order in MASK_ORDERS)]
)
@pytest.mark.parametrize("info", WINDOWS)
def test_32_bits_without_copying(tmp_path, picture, info, order, compression, top_down):
    masks = () if compression == 0 else MASK_ORDERS[order]
    rows = stored(picture, order, top_down)
    content = bmp_bytes(
        5, -7 if top_down else 7, rows, bits=32, compression=compression, masks=masks, info=info
    )
    (tmp_path / "a.bmp").write_bytes(content)
    view = open_bmp(tmp_path / "a.bmp")
    assert not view.flags.owndata
    assert abs(view.strides[1]) == 4
    np.testing.assert_array_equal(view, picture)
    np.testing.assert_array_equal(read_bmp(tmp_path / "a.bmp"), picture)


@pytest.mark.parametrize("height", [1501, -1501])
def test_large_files_which_are_read_in_two_halves(tmp_path, height, monkeypatch):
    pixels = np.random.default_rng(5).integers(0, 256, (1501, 1001, 3), np.uint8)
    path = tmp_path / "a.bmp"
    path.write_bytes(bmp_bytes(1001, height, stored(pixels, top_down=height < 0)))
    np.testing.assert_array_equal(read_bmp(path), pixels)
    header = read_bmp_header(path)
    os.truncate(path, path.stat().st_size - 2000)  # the second half alone is cut
    monkeypatch.setattr("napari_marrow.data.bmp.read_bmp_header", lambda _: header)
    with pytest.raises(MarrowError, match="shorter while it was read"):
        read_bmp(path)


@pytest.mark.parametrize(
    ("bits", "masks"),
    [
        (16, (0xF800, 0x7E0, 0x1F)),
        (16, (0x7C00, 0x3E0, 0x1F)),
        (16, (0xF00, 0xF0, 0xF)),
        (16, (0x30, 0xE, 0x1)),
        (32, (0xFF000000, 0xFF00, 0xFF)),
        (32, (0xFF000000, 0xFF0, 0xFF0000)),
        (32, (0xFFE00000, 0x1FFC00, 0x3FF)),
        (32, (0x7FC0000, 0x3FE00, 0x1FF)),
    ],
)
def test_colour_masks_against_a_calculation_pixel_by_pixel(tmp_path, bits, masks):
    rng = np.random.default_rng(bits)
    values = rng.integers(0, 2**bits, (6, 4), np.uint64)
    rows = values[::-1].astype(f"<u{bits // 8}").tobytes()
    path = tmp_path / "a.bmp"
    path.write_bytes(bmp_bytes(4, 6, rows, bits=bits, compression=3, masks=masks))
    expected = np.empty((6, 4, 3), int)
    for (y, x), value in np.ndenumerate(values):
        for channel, mask in enumerate(masks):
            digits = [d for d, m in zip(f"{value:032b}", f"{mask:032b}", strict=True) if m == "1"]
            top, most = int("".join(digits), 2), 2 ** len(digits) - 1
            # up to 8 bits are stretched to 0..255, of more the upper 8 are kept
            expected[y, x, channel] = (
                int("".join(digits[:8]), 2) if most > 255 else top * 255 // most
            )
    np.testing.assert_array_equal(read_bmp(path), expected)
    if bits == 16 and masks[0] > 0xF00:  # which Pillow knows
        np.testing.assert_array_equal(read_bmp(path), Image.open(path))
    with pytest.raises(MarrowError, match="use read_image"):
        open_bmp(path)


def test_header_of_a_full_field(tmp_path):
    path = tmp_path / "full.bmp"
    with open(path, "wb") as file:
        file.write(bmp_bytes(2560, 1920, b""))
        file.truncate(54 + 2560 * 1920 * 3)
    h = read_bmp_header(path)
    assert (h.width, h.height, h.bits, h.top_down, h.is_plain) == (2560, 1920, 24, False, True)
    assert h.row_bytes == 7680
    assert open_bmp(path).shape == (1920, 2560, 3)


def test_last_row_may_lack_its_padding(tmp_path, picture):
    path = tmp_path / "a.bmp"
    Image.fromarray(picture).save(path)
    path.write_bytes(path.read_bytes()[:-1])
    np.testing.assert_array_equal(read_bmp(path), picture)
    path.write_bytes(path.read_bytes()[:-1])  # one more is a byte of a pixel
    with pytest.raises(MarrowError, match="cut off"):
        read_bmp(path)


def claim(width, height, **changes):
    return bmp_bytes(width, height, bytes(500), **changes)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty file"),
        (b"BM", "not a BMP"),
        (b"\x89PNG\r\n\x1a\n" + bytes(60), "not a BMP"),
        (claim(64, 48), "cut off or damaged.*64x48"),
        (claim(100_000, 100_000), "100000x100000"),
        (claim(100_000, -100_000), "100000x100000"),
        (claim(4, -(2**31)), "cut off or damaged.*4x2147483648"),
        (claim(2**31 - 1, 2**31 - 1, bits=1), "cut off|palette"),
        (claim(0, 4), "size of 0x4"),
        (claim(4, 0), "size of 4x0"),
        (claim(-3, 4), "size of -3x4"),
        (claim(4, 4, info=13), "damaged BMP header, of 13 bytes"),
        (claim(4, 4, info=66), "damaged BMP header, of 66 bytes"),
        (bmp_bytes(4, 4, b"")[:30], "damaged BMP header"),
        (claim(4, 4, offset=4_000_000_000), "cut off or damaged"),
        (claim(4, 4, offset=0), "inside its header"),
        (claim(4, 4, offset=53), "inside its header"),
        (claim(4, 4, planes=0), "0 colour planes"),
        (claim(4, 4, planes=30_000), "30000 colour planes"),
        (claim(4, 4, bits=0), "0 bits a pixel"),
        (claim(4, 4, bits=2), "2 bits a pixel"),
        (claim(4, 4, bits=0, compression=4), "JPEG inside a BMP"),
        (claim(4, 4, bits=0, compression=5), "PNG inside a BMP"),
        (claim(4, 4, compression=4, info=64), "24 bits a pixel in compression 4"),
        (claim(4, 4, compression=7), "compression 7"),
        (claim(4, 4, bits=32, compression=3, info=64), "32 bits a pixel in compression 3"),
        (claim(4, 4, bits=8, compression=2), "8 bits a pixel in compression 2"),
        (claim(4, 4, bits=4, compression=1), "4 bits a pixel in compression 1"),
        (claim(4, 4, bits=32, compression=3, masks=(0xFF, 0, 0xFF0000)), "colour masks"),
        (claim(4, 4, bits=32, compression=3, masks=(0xFF, 0x5500, 0xFF0000)), "colour masks"),
        (claim(4, 4, bits=16, compression=3, masks=(0x1F0000, 0x7E0, 0x1F)), "colour masks"),
        (claim(4, 4, bits=24, compression=3, masks=(0xFF, 0xFF00, 0xFF000000)), "colour masks"),
        (claim(4, 4, bits=8, colours=257), "palette of 257 colours"),
        (claim(4, 4, bits=8, colours=2**32 - 1), "palette of 4,294,967,295"),
        (claim(4, 4, bits=8), "ends inside its palette"),
        (claim(4, 4, bits=8, info=16), "header of 16 bytes"),
        (claim(300, 300, bits=8, compression=1, colours=1), "300x300 pixels.*can't hold"),
        (claim(300, 300, bits=4, compression=2, colours=1), "300x300 pixels.*can't hold"),
        (claim(4, 4, bits=8, compression=1, colours=1, offset=2**31), "can't hold"),
    ],
)
def test_damaged_files_are_one_sentence_that_names_them(tmp_path, content, says):
    path = tmp_path / "bad.bmp"
    path.write_bytes(content)
    for read in (read_bmp_header, open_bmp, read_bmp):
        with pytest.raises(MarrowError, match=says) as error:
            read(path)
        assert str(path) in str(error.value)
        assert "\n" not in str(error.value)
        assert "; " in str(error.value)  # what is wrong; what to do


def test_runs_hold_255_pixels_in_two_bytes(tmp_path):
    """The bound must let through the tightest file that there can be: 127.5 pixels a byte."""
    rows = b"\xff\x01" * 40 + b"\0\1"
    content = bmp_bytes(
        255 * 40, 1, rows, bits=8, compression=1, palette=bytes(4) + b"\3\2\1\0" * 255
    )
    (tmp_path / "a.bmp").write_bytes(content)
    assert (read_bmp(tmp_path / "a.bmp") == [1, 2, 3]).all()


def test_what_is_no_file_of_ours_is_a_sentence(tmp_path, bmp, monkeypatch):
    (tmp_path / "folder.bmp").mkdir()
    names = [("gone.bmp", "not there"), ("folder.bmp", "is a folder")]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.bmp")
        names.append(("pipe.bmp", "a pipe"))
    names += [("a.bmp/b.bmp", "not there"), ("nul\0.bmp", "can't be opened")]
    for read in (read_bmp_header, open_bmp, read_bmp):
        for name, says in names:
            with pytest.raises(MarrowError, match=says):
                read(tmp_path / name)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    for read in (read_bmp_header, open_bmp, read_bmp):
        with pytest.raises(MarrowError, match=r"a\.bmp can't be read: no permission"):
            read(bmp)


def test_a_file_that_shrinks_while_it_is_read(bmp, picture, monkeypatch):
    header = read_bmp_header(bmp)
    bmp.write_bytes(bmp.read_bytes()[:90])
    monkeypatch.setattr("napari_marrow.data.bmp.read_bmp_header", lambda _: header)
    with pytest.raises(MarrowError, match="shorter while it was read"):
        read_bmp(bmp)
    with pytest.raises(MarrowError, match="can't be opened"):
        open_bmp(bmp)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are counted in /proc")
def test_no_file_stays_open(tmp_path, bmp):
    Image.new("P", (8, 8)).save(tmp_path / "p.bmp")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        open_bmp(bmp), read_bmp(bmp), read_bmp(tmp_path / "p.bmp")
    assert len(os.listdir("/proc/self/fd")) == before


def test_palettes_are_read_and_not_opened(tmp_path):
    Image.linear_gradient("L").resize((8, 8)).save(tmp_path / "grey.bmp")
    expected = Image.open(tmp_path / "grey.bmp").convert("RGB")
    np.testing.assert_array_equal(read_bmp(tmp_path / "grey.bmp"), expected)
    assert not read_bmp_header(tmp_path / "grey.bmp").is_plain
    with pytest.raises(MarrowError, match="read_image"):
        open_bmp(tmp_path / "grey.bmp")
