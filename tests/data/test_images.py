"""Photographs of any format against Pillow; damaged files are sentences, never crashes."""

import struct
import subprocess
import sys
import tracemalloc
import zlib

import numpy as np
import pytest
import tifffile
from bmp_files import bmp_bytes
from PIL import Image

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.images import (
    decode,
    has_16_bits,
    image_format,
    image_size,
    is_image_name,
    open_image,
    read_image,
    used_bits,
)

COMPRESSIONS = ("tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "group4", "jpeg")


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


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_16_bit_tiffs_of_every_arrangement(tmp_path, planar, order, compression):
    values = np.random.default_rng(4).integers(0, 2**16, (9, 13, 3), np.uint16)
    stored = values if planar == "contig" else np.moveaxis(values, -1, 0)
    tifffile.imwrite(
        tmp_path / "a.tif",
        stored,
        photometric="rgb",
        planarconfig=planar,
        byteorder=order,
        compression=compression,
    )
    assert image_size(tmp_path / "a.tif") == (9, 13)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), values // 256)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_grey(tmp_path, suffix):
    values = np.random.default_rng(4).integers(0, 2**16, (9, 13), np.uint16)
    Image.fromarray(values).save(tmp_path / f"a{suffix}")
    expected = np.repeat(values[..., np.newaxis] // 256, 3, axis=-1)
    np.testing.assert_array_equal(read_image(tmp_path / f"a{suffix}"), expected)
    tifffile.imwrite(tmp_path / "big.tif", values, byteorder=">")
    np.testing.assert_array_equal(read_image(tmp_path / "big.tif"), expected)


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_cmyk_has_the_colours_that_pillow_gives_it(tmp_path, pixels, suffix):
    path = tmp_path / f"a{suffix}"
    Image.fromarray(pixels).convert("CMYK").save(path)
    found = read_image(path)
    np.testing.assert_array_equal(found, Image.open(path).convert("RGB"))
    if suffix == ".tif":  # without loss, so they are those of the start
        np.testing.assert_array_equal(found, pixels)
    assert decode(path).shape == (9, 13, 3)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_grey_and_alpha(tmp_path, pixels, suffix):
    path = tmp_path / f"a{suffix}"
    Image.fromarray(pixels[..., :2], "LA").save(path)
    np.testing.assert_array_equal(read_image(path), pixels[..., :1].repeat(3, -1))
    np.testing.assert_array_equal(decode(path), pixels[..., :2])


def test_palette_of_a_tiff(tmp_path, pixels):
    picture = Image.fromarray(pixels).quantize(16)
    picture.save(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), picture.convert("RGB"))


@pytest.mark.parametrize("shape", [(1, 13), (9, 1), (1, 1)])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_a_single_row_or_column(tmp_path, pixels, shape, suffix):
    part = pixels[: shape[0], : shape[1]]
    Image.fromarray(part).save(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(read_image(tmp_path / f"a{suffix}"), part)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
def test_pixels_stay_as_stored_whatever_the_orientation(tmp_path, pixels, suffix, orientation):
    path, plain = tmp_path / f"a{suffix}", tmp_path / f"plain{suffix}"
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(pixels).save(path, exif=exif)
    Image.fromarray(pixels).save(plain)
    assert Image.open(path).getexif()[274] == orientation
    assert image_size(path) == (9, 13)
    np.testing.assert_array_equal(read_image(path), read_image(plain))
    assert read_image(path).shape == pixels.shape


def test_first_page_where_the_next_is_its_thumbnail(tmp_path, pixels):
    first, small = Image.fromarray(pixels), Image.fromarray(pixels[::2, ::2])
    first.save(tmp_path / "a.tif", save_all=True, append_images=[small])
    assert image_size(tmp_path / "a.tif") == (9, 13)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_a_stack_is_refused_before_a_plane_of_it_is_chosen(tmp_path, dtype, planar):
    shape = (2, 9, 13, 3) if planar == "contig" else (2, 3, 9, 13)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.ones(shape, dtype), photometric="rgb", planarconfig=planar)
    for read in (image_size, open_image, read_image):
        with pytest.raises(MarrowError, match=r"a\.tif is a stack"):
            read(path)


def test_what_is_no_photograph_is_said(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((4, 6), np.float32))
    with pytest.raises(MarrowError, match=r"a\.tif holds float32"):
        read_image(tmp_path / "a.tif")
    tifffile.imwrite(
        tmp_path / "b.tif",
        np.ones((4, 6, 5), np.uint8),
        photometric="minisblack",
        planarconfig="contig",
    )
    with pytest.raises(MarrowError, match=r"b\.tif"):
        read_image(tmp_path / "b.tif")


def test_the_content_is_believed_not_the_name(tmp_path, pixels):
    for name, kind in (("a.bmp", "PNG"), ("a.png", "BMP"), ("a.jpg", "PNG")):
        Image.fromarray(pixels).save(tmp_path / name, kind)
        assert image_size(tmp_path / name) == (9, 13)
        for read in (open_image, read_image, decode):
            np.testing.assert_array_equal(read(tmp_path / name), pixels)


@pytest.mark.parametrize("name", ["BMP", "JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("suffix", [".bmp", ".jpg", ".png", ".tif"])
def test_the_format_is_what_the_file_begins_with(tmp_path, pixels, name, suffix):
    Image.fromarray(pixels).save(tmp_path / f"x{suffix}", format=name)
    assert image_format(tmp_path / f"x{suffix}") == name


@pytest.mark.parametrize("options", [{"bigtiff": True}, {"byteorder": ">"}])
def test_the_format_of_every_tiff(tmp_path, pixels, options):
    tifffile.imwrite(tmp_path / "x", pixels, photometric="rgb", **options)
    assert image_format(tmp_path / "x") == "TIFF"


def test_a_file_of_no_format_is_said(tmp_path):
    (tmp_path / "x.bmp").write_bytes(b"GIF89a")
    with pytest.raises(MarrowError, match=r"x\.bmp can't be read"):
        image_format(tmp_path / "x.bmp")


def test_formats_that_start_programs_are_not_opened(tmp_path, pixels):
    """Pillow gives an EPS to Ghostscript, whatever the name of the file ends with."""
    Image.fromarray(pixels).save(tmp_path / "a.png", "EPS")
    assert Image.open(tmp_path / "a.png").format == "EPS"
    for read in (image_size, open_image):
        with pytest.raises(MarrowError, match="of another kind"):
            read(tmp_path / "a.png")


def png_claiming(width, height):
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
    (tmp_path / "b.png").write_bytes(png_claiming(14_000, 13_000))  # which Pillow only warns of
    with open(tmp_path / "a.bmp", "wb") as file:  # a file with holes is as large as it claims
        file.write(bmp_bytes(60_000, 60_000, b"", bits=1, palette=bytes(8)))
        file.truncate(62 + 7500 * 60_000)
    for name in ("a.png", "b.png", "a.bmp"):
        for read in (image_size, open_image, read_image, decode):
            with pytest.raises(MarrowError, match="175 million"):
                read(tmp_path / name)


def test_claims_that_the_bytes_of_a_file_cannot_hold(tmp_path):
    Image.new("RGB", (4000, 3000)).save(tmp_path / "a.jpg")
    content = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(content[:1000])  # a JPEG may be tight, but not so
    (tmp_path / "a.png").write_bytes(png_claiming(10_000, 10_000))
    for name, dtype in (("a.tif", np.uint8), ("b.tif", np.uint64)):  # Pillow's, tifffile's
        tifffile.imwrite(tmp_path / name, np.zeros((3000, 4000), dtype))
        with open(tmp_path / name, "r+b") as file:
            file.truncate(1000)
    names = [("a.jpg", "4000x3000"), ("a.png", "10000x10000")]
    names += [("a.tif", "4000x3000"), ("b.tif", "4000x3000")]
    for name, size in names:
        tracemalloc.start()
        for read in (image_size, open_image):
            with pytest.raises(MarrowError, match=f"claims {size} pixels, more than its bytes"):
                read(tmp_path / name)
        assert tracemalloc.get_traced_memory()[1] < 2**20
        tracemalloc.stop()


@pytest.mark.parametrize("mode", ["1", "P", "L", "LA", "RGB", "RGBA", "CMYK"])
@pytest.mark.parametrize("suffix", [".png", ".jpg", *COMPRESSIONS])
def test_the_emptiest_pictures_that_there_can_be_are_read(tmp_path, mode, suffix):
    """The bound on what a byte can stand for lets through what compresses best."""
    how = {"optimize": True, "progressive": True}
    if suffix in COMPRESSIONS:
        suffix, how = ".tif", {"compression": suffix}
    path = tmp_path / f"a{suffix}"
    try:
        Image.new(mode, (3000, 2000)).save(path, **how)
    except OSError:
        return  # a format that does not know the mode
    assert read_image(path).shape == (2000, 3000, 3)


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
    with pytest.raises(MarrowError, match=r"folder\.png is a folder"):
        read_image(tmp_path / "folder.png")
    (tmp_path / "empty.png").touch()
    with pytest.raises(MarrowError, match=r"empty\.png is an empty file"):
        read_image(tmp_path / "empty.png")


def test_unreadable_file_says_permission(tmp_path, monkeypatch, pixels):
    for name in ("a.png", "a.bmp"):
        Image.fromarray(pixels).save(tmp_path / name)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    for name in ("a.png", "a.bmp"):
        for read in (image_size, open_image, read_image, decode):
            with pytest.raises(MarrowError, match="no permission"):
                read(tmp_path / name)


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


def png_of_16_bits(channels):
    """Return a PNG of 16 bits a channel, (height, width, 3 or 4): Pillow does not write any."""
    height, width, count = channels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in channels)
    header = struct.pack(">IIBBBBB", width, height, 16, {3: 2, 4: 6}[count], 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


@pytest.mark.parametrize("channels", [3, 4])
def test_colours_of_16_bits_in_a_png(tmp_path, channels):
    values = np.random.default_rng(3).integers(0, 2**16, (9, 13, channels), np.uint16)
    (tmp_path / "a.png").write_bytes(png_of_16_bits(values))
    np.testing.assert_array_equal(decode(tmp_path / "a.png"), values)
    np.testing.assert_array_equal(open_image(tmp_path / "a.png"), values[..., :3] // 256)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("form", ["tif", "tif planes", "big-endian", "zlib", "png", "grey png"])
def test_levels_are_scaled_by_the_bits_that_are_used(tmp_path, bits, form):
    levels = np.random.default_rng(3).integers(0, 256, (9, 13, 3), np.uint16)
    levels[0, 0] = 255
    values = levels << (bits - 8)
    path = tmp_path / f"a.{form[-3:] if 'png' in form else 'tif'}"
    if form == "grey png":
        values, levels = values[..., 0], levels[..., :1].repeat(3, -1)
        Image.fromarray(values).save(path)
    elif form == "png":
        path.write_bytes(png_of_16_bits(values))
    else:
        is_planar = form == "tif planes"
        tifffile.imwrite(
            path,
            np.moveaxis(values, -1, 0) if is_planar else values,
            photometric="rgb",
            planarconfig="separate" if is_planar else "contig",
            byteorder=">" if form == "big-endian" else "<",
            compression="zlib" if form == "zlib" else None,
        )
    assert has_16_bits(path)
    assert used_bits(path) == bits
    np.testing.assert_array_equal(open_image(path), levels)
    np.testing.assert_array_equal(open_image(path, 16), levels >> (16 - bits))
    np.testing.assert_array_equal(open_image(path, 8), np.minimum(levels << (bits - 8), 255))


def test_files_of_8_bits_have_no_levels_to_scale(tmp_path, pixels):
    for name in ("a.png", "a.bmp", "a.jpg", "a.tif"):
        Image.fromarray(pixels // 8).save(tmp_path / name)
        assert not has_16_bits(tmp_path / name)
    np.testing.assert_array_equal(open_image(tmp_path / "a.png"), pixels // 8)


def test_libraries_print_nothing_about_damaged_files(tmp_path, pixels):
    """In a process of its own: pytest has a logger of its own, and filters warnings."""
    for name in ("tiff_lzw", "tiff_deflate", "packbits"):
        path = tmp_path / f"{name}.tif"
        Image.fromarray(pixels.repeat(8, 0)).save(path, compression=name)
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.9)])
    text = (
        "import sys\nfrom napari_marrow.data.errors import MarrowError\n"
        "from napari_marrow.data.images import open_image\nfor path in sys.argv[1:]:\n"
        "    try:\n        open_image(path)\n    except MarrowError:\n        print(path)"
    )
    paths = sorted(map(str, tmp_path.iterdir()))
    command = [sys.executable, "-W", "always", "-c", text, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout.split(), done.stderr) == (paths, "")


@pytest.mark.parametrize("photometric", ["rgb", "minisblack"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_signed_levels_are_read_where_none_is_negative(tmp_path, pixels, photometric, byteorder):
    stored = pixels if photometric == "rgb" else pixels[..., 0]
    levels = stored.astype(np.int16) * 16
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, levels, photometric=photometric, byteorder=byteorder)
    expected = stored if stored.ndim == 3 else np.stack([stored] * 3, -1)
    assert has_16_bits(path)
    np.testing.assert_array_equal(open_image(path), expected)
    tifffile.imwrite(path, levels - 4096, photometric=photometric, byteorder=byteorder)
    with pytest.raises(MarrowError, match=r"a\.tif .*unsigned"):
        open_image(path)
