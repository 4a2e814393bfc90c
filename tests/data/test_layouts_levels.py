"""Photographs of 16-bit files are read at one scale in a whole folder."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_marrow.data.fields import Field
from napari_marrow.data.layouts import scan, scan_all


def _write(path, level, bits, size=(20, 30)):
    """Write a photograph whose brightest level of 8 bits is ``level``, in a file of 16 bits."""
    levels = np.random.default_rng(level).integers(0, level, (*size, 3), np.uint16)
    levels[0, 0] = level
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, levels << (bits - 8), photometric="rgb")
    return levels


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_one_scale_for_dark_and_bright_pictures(tmp_path, bits):
    bright = _write(tmp_path / "ALL/a.tif", 240, bits)
    dark = _write(tmp_path / "MM/b.tif", 30, bits)
    found = scan(tmp_path)
    for field, levels in zip(found.fields, (bright, dark), strict=True):
        np.testing.assert_array_equal(field.image(), levels)
        assert Field.from_dict(field.to_dict()) == field
    assert any(f"{bits} bits" in w and f"{2**bits - 1}" in w for w in found.warnings)
    # alone, a picture is read by its own bits
    assert scan(tmp_path / "MM/b.tif").fields[0].image().max() > dark.max()


def test_all_16_bits_are_nothing_to_report(tmp_path):
    bright = _write(tmp_path / "ALL/a.tif", 240, 16)
    _write(tmp_path / "MM/b.tif", 30, 16)
    found = scan(tmp_path)
    np.testing.assert_array_equal(found.fields[0].image(), bright)
    assert not any("16" in w for w in found.warnings)


def test_files_of_8_bits_beside_stay_as_they_are(tmp_path):
    levels = _write(tmp_path / "ALL/a.tif", 240, 12)
    Image.fromarray(levels.astype(np.uint8)).save(tmp_path / "ALL/b.png")
    (tmp_path / "ALL/c.tif").write_bytes((tmp_path / "ALL/a.tif").read_bytes()[:200])
    found = scan(tmp_path)
    assert [f.bits for f in found.fields] == [12, None, None]
    for field in found.fields[:2]:
        np.testing.assert_array_equal(field.image(), levels)


def test_files_given_together_have_one_scale(tmp_path):
    for name, level in (("a.tif", 240), ("b.tif", 30)):
        _write(tmp_path / name, level, 12)
    found = scan_all([tmp_path / "a.tif", tmp_path / "b.tif"])
    assert [f.bits for c in found for f in c.fields] == [12, 12]
