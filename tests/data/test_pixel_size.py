"""The size of pixels, against files that tifffile and Pillow wrote with one."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_marrow.data.pixel_size import common_pixel_size, pixel_size

PIXELS = np.zeros((6, 8, 3), np.uint8)


@pytest.mark.parametrize("unit", ["um", "micron", "\\u00B5m", "nm", "mm", "cm", "inch"])
def test_unit_of_imagej(tmp_path, unit):
    in_um = {"nm": 1e-3, "mm": 1e3, "cm": 1e4, "inch": 25_400}.get(unit, 1)
    resolution = (in_um / 0.2, in_um / 0.25)  # pixels a unit, x and y
    tifffile.imwrite(
        tmp_path / "a.tif", PIXELS, imagej=True, resolution=resolution, metadata={"unit": unit}
    )
    np.testing.assert_allclose(pixel_size(tmp_path / "a.tif"), (0.25, 0.2), atol=1e-5)


@pytest.mark.parametrize(("unit", "in_um"), [("µm", 1), ("nm", 1e-3), (None, 1)])
def test_ome_xml(tmp_path, unit, in_um):
    notes = {"axes": "YXS", "PhysicalSizeX": 0.2 / in_um, "PhysicalSizeY": 0.25 / in_um}
    if unit:
        notes |= {"PhysicalSizeXUnit": unit, "PhysicalSizeYUnit": unit}
    tifffile.imwrite(tmp_path / "a.ome.tif", PIXELS, photometric="rgb", ome=True, metadata=notes)
    np.testing.assert_allclose(pixel_size(tmp_path / "a.ome.tif"), (0.25, 0.2), atol=1e-5)


@pytest.mark.parametrize("unit", ["CENTIMETER", "INCH"])
@pytest.mark.parametrize("orientation", [1, 3], ids=["Pillow", "tifffile"])
def test_resolution_of_a_tiff(tmp_path, unit, orientation):
    dots = {"CENTIMETER": 1e4, "INCH": 25_400}[unit]
    tifffile.imwrite(
        tmp_path / "a.tif",
        PIXELS,
        photometric="rgb",
        resolution=(dots / 0.2, dots / 0.25),
        resolutionunit=unit,
        extratags=[(274, "H", 1, orientation, True)],
    )
    np.testing.assert_allclose(pixel_size(tmp_path / "a.tif"), (0.25, 0.2), atol=1e-5)


def test_of_a_photograph_after_its_thumbnail(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for part, size in ((PIXELS[::2, ::2], 0.4), (PIXELS, 0.2)):
            dots = (1e4 / size,) * 2
            file.write(part, photometric="rgb", resolution=dots, resolutionunit="CENTIMETER")
    np.testing.assert_allclose(pixel_size(tmp_path / "a.tif"), (0.2, 0.2), atol=1e-5)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
@pytest.mark.parametrize(("dpi", "size"), [(127_000, 0.2), (72, None), (300, None)])
def test_dots_an_inch_as_pillow_writes_them(tmp_path, suffix, dpi, size):
    Image.fromarray(PIXELS).save(tmp_path / f"a{suffix}", dpi=(dpi, dpi))
    found = pixel_size(tmp_path / f"a{suffix}")
    assert found is None if size is None else found == pytest.approx((size, size), abs=1e-5)


@pytest.mark.parametrize("notes", [{}, {"unit": "pixel"}, {"unit": "sec"}])
def test_files_that_tell_none(tmp_path, notes):
    tifffile.imwrite(tmp_path / "a.tif", PIXELS, imagej=True, metadata=notes)
    tifffile.imwrite(tmp_path / "b.tif", PIXELS, photometric="rgb")
    Image.fromarray(PIXELS).save(tmp_path / "c.jpg")
    assert [pixel_size(tmp_path / name) for name in ("a.tif", "b.tif", "c.jpg")] == [None] * 3


def test_files_that_differ_have_none_in_common(tmp_path):
    for name, dpi in (("a.png", 127_000), ("b.png", 127_000), ("c.png", 101_600), ("d.png", 72)):
        Image.fromarray(PIXELS).save(tmp_path / name, dpi=(dpi, dpi))
    a, b, c, d = (tmp_path / f"{name}.png" for name in "abcd")
    assert common_pixel_size([a, b]) == pytest.approx((0.2, 0.2), abs=1e-5)
    assert common_pixel_size([a, c]) is None
    assert common_pixel_size([a, d]) is None
    assert common_pixel_size([]) is None
