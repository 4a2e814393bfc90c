"""The zero-copy BMP reader against Pillow and the published bmpsuite."""

import struct

import numpy as np
import pytest
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


def header(width, height, *, bits=24, compression=0, offset=54, info=40):
    start = b"BM" + struct.pack("<IHHI", 0, 0, 0, offset)
    return start + struct.pack("<IiiHHI", info, width, height, 1, bits, compression) + bytes(20)


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


def test_top_down_and_core_headers(tmp_path, picture):
    rows = b"".join(row[:, ::-1].tobytes() + b"\0" for row in picture)
    (tmp_path / "top.bmp").write_bytes(header(5, -7) + rows)
    np.testing.assert_array_equal(read_bmp(tmp_path / "top.bmp"), picture)
    np.testing.assert_array_equal(
        read_bmp(tmp_path / "top.bmp"), Image.open(tmp_path / "top.bmp").convert("RGB")
    )
    flipped = b"".join(row[:, ::-1].tobytes() + b"\0" for row in picture[::-1])
    core = b"BM" + struct.pack("<IHHI", 0, 0, 0, 26) + struct.pack("<IHHHH", 12, 5, 7, 1, 24)
    (tmp_path / "core.bmp").write_bytes(core + flipped)
    np.testing.assert_array_equal(read_bmp(tmp_path / "core.bmp"), picture)


def test_header_of_a_full_field(tmp_path):
    path = tmp_path / "full.bmp"
    with open(path, "wb") as file:
        file.write(header(2560, 1920))
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


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not a BMP"),
        (b"BM", "not a BMP"),
        (b"\x89PNG\r\n\x1a\n" + bytes(60), "not a BMP"),
        (header(64, 48), "cut off or damaged.*64x48"),
        (header(100_000, 100_000) + bytes(500), "100000x100000"),
        (header(100_000, -100_000) + bytes(500), "100000x100000"),
        (header(0, 4) + bytes(500), "size of 0x4"),
        (header(-3, 4) + bytes(500), "size of -3x4"),
        (header(4, 4, info=13) + bytes(500), "damaged BMP header"),
        (header(4, 4, offset=4_000_000_000) + bytes(500), "cut off or damaged"),
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


def test_other_depths_are_sent_to_the_general_reader(tmp_path):
    Image.new("L", (8, 8)).save(tmp_path / "grey.bmp")
    assert not read_bmp_header(tmp_path / "grey.bmp").is_plain
    with pytest.raises(MarrowError, match="read_image"):
        open_bmp(tmp_path / "grey.bmp")


@pytest.mark.real
def test_bmpsuite_pixels_are_those_of_the_reference_png(real_data):
    reference = np.asarray(Image.open(real_data / "bmpsuite/html/rgb24.png").convert("RGB"))
    for name in ("g/rgb24", "g/rgb24pal", "q/rgb24largepal", "q/rgb24prof"):
        found = read_bmp(real_data / f"bmpsuite/{name}.bmp")
        np.testing.assert_array_equal(found, reference, err_msg=name)


@pytest.mark.real
@pytest.mark.parametrize("name", ["badbitcount", "badwidth", "reallybig", "shortfile"])
def test_bmpsuite_bad_files_are_refused(real_data, name):
    with pytest.raises(MarrowError):
        read_bmp_header(real_data / f"bmpsuite/b/{name}.bmp")
