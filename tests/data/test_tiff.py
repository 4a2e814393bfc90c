"""Pages and palettes of TIFF files, against the pixels they were written from."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.images import image_size, open_image

PURE = [np.outer(np.eye(3, dtype=np.uint8)[k], np.arange(256, dtype=np.uint8)) for k in range(3)]
"""Look-up tables of ImageJ: from black to red, green, blue."""


@pytest.fixture
def pixels():
    return np.random.default_rng(7).integers(0, 256, (24, 32, 3), np.uint8)


def _check(path, pixels):
    assert image_size(path) == pixels.shape[:2]
    np.testing.assert_array_equal(open_image(path), pixels)


@pytest.mark.parametrize("mark", [{"subfiletype": 1}, {}, {"extratags": [(255, "H", 1, 2, True)]}])
@pytest.mark.parametrize("shift", [0, 8], ids=["8 bits", "16 bits"])
def test_the_photograph_may_come_after_its_thumbnail(tmp_path, pixels, mark, shift):
    dtype = np.uint16 if shift else np.uint8
    whole = pixels.astype(dtype) << shift
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(whole[::4, ::4], photometric="rgb", **mark)
        file.write(whole[::2, ::2], photometric="rgb", **mark)
        file.write(whole, photometric="rgb")
    _check(tmp_path / "a.tif", pixels)


def test_a_larger_page_that_is_marked_as_a_version_is_not_the_photograph(tmp_path, pixels):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(pixels.repeat(2, 0), photometric="rgb", subfiletype=1)
        file.write(pixels, photometric="rgb")
    _check(tmp_path / "a.tif", pixels)


def test_a_photograph_below_its_thumbnail(tmp_path, pixels):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(pixels[::4, ::4], photometric="rgb", subfiletype=1, subifds=1)
        file.write(pixels, photometric="rgb")
    _check(tmp_path / "a.tif", pixels)


@pytest.mark.parametrize("writer", ["imagej", "imagej composite", "one page", "ome", "tifffile"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_three_channels_as_pages_are_a_colour_photograph(tmp_path, pixels, writer, dtype):
    path = tmp_path / ("a.ome.tif" if writer == "ome" else "a.tif")
    options = {"metadata": {"axes": "CYX"}, "photometric": "minisblack"}
    if writer in ("imagej", "one page"):
        options |= {"imagej": True, "truncate": writer == "one page"}
    elif writer == "imagej composite":
        options |= {"imagej": True, "metadata": {"axes": "CYX", "mode": "composite", "LUTs": PURE}}
    elif writer == "ome":
        options |= {"ome": True}
    planes = np.moveaxis(pixels, -1, 0).astype(dtype) * (257 if dtype == np.uint16 else 1)
    tifffile.imwrite(path, planes, **options)
    _check(path, pixels)


def test_channels_are_shown_in_the_colours_that_imagej_notes(tmp_path, pixels):
    notes = {"axes": "CYX", "mode": "composite", "LUTs": PURE[::-1]}
    planes = np.moveaxis(pixels, -1, 0)[::-1]  # blue comes first
    tifffile.imwrite(tmp_path / "a.tif", planes, imagej=True, metadata=notes)
    _check(tmp_path / "a.tif", pixels)


@pytest.mark.parametrize("axes", ["ZYX", "TYX"])
@pytest.mark.parametrize("truncate", [False, True], ids=["pages", "one page"])
def test_three_slices_are_a_stack(tmp_path, pixels, axes, truncate):
    planes = np.moveaxis(pixels, -1, 0)
    notes = {"axes": axes}
    tifffile.imwrite(tmp_path / "a.tif", planes, imagej=True, metadata=notes, truncate=truncate)
    with pytest.raises(MarrowError, match=r"a\.tif is a stack"):
        open_image(tmp_path / "a.tif")


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("top", [255, 65535])
@pytest.mark.parametrize("n_colours", [16, 256])
def test_a_palette_in_either_range(tmp_path, pixels, byteorder, top, n_colours):
    picture = Image.fromarray(pixels).quantize(n_colours)
    colours = np.zeros((3, 256), np.uint16)
    own = np.array(picture.getpalette(), np.uint16).reshape(-1, 3).T
    colours[:, : own.shape[1]] = own * (top // 255)
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.asarray(picture),
        photometric="palette",
        colormap=colours,
        byteorder=byteorder,
    )
    _check(tmp_path / "a.tif", np.asarray(picture.convert("RGB")))


def test_a_palette_of_a_turned_photograph(tmp_path, pixels):
    """Pillow would turn it, so another library decodes it."""
    picture = Image.fromarray(pixels).quantize(64)
    picture.save(tmp_path / "a.tif", tiffinfo={274: 6})
    _check(tmp_path / "a.tif", np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("orientation", [1, 3])
def test_zero_that_is_white_is_inverted(tmp_path, pixels, byteorder, dtype, orientation):
    grey = pixels[..., 0]
    stored = (255 - grey).astype(dtype) * (257 if dtype == np.uint16 else 1)
    tifffile.imwrite(
        tmp_path / "a.tif",
        stored,
        photometric="miniswhite",
        byteorder=byteorder,
        extratags=[(274, "H", 1, orientation, True)],
    )
    _check(tmp_path / "a.tif", grey[..., np.newaxis].repeat(3, -1))
