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


def _write_levels(path, levels):
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, levels, photometric="rgb")


def _folder_of_12_bits(folder, count=16):
    """Write photographs of levels up to 4080, and return them."""
    pictures = np.random.default_rng(0).integers(0, 256, (count, 40, 50, 3), np.uint16) << 4
    for k, levels in enumerate(pictures):
        _write_levels(folder / ("ALL", "MM")[k % 2] / f"{k}.tif", levels)
    return pictures


@pytest.mark.parametrize("hot", [1, 5])
def test_hot_pixels_do_not_tell_the_bits(tmp_path, hot):
    pictures = _folder_of_12_bits(tmp_path)
    for k in range(0, 16, 2):  # in half of the files
        pictures[k].flat[7 : 7 + hot] = 65535
        _write_levels(tmp_path / f"ALL/{k}.tif", pictures[k])
    found = scan(tmp_path)
    assert {f.bits for f in found.fields} == {12}
    for f in found.fields:
        levels = np.minimum(pictures[int(f.name)] >> 4, 255)
        np.testing.assert_array_equal(f.image(), levels)
    alone = scan(tmp_path / "ALL/0.tif").fields[0]
    np.testing.assert_array_equal(alone.image(), np.minimum(pictures[0] >> 4, 255))


def test_alpha_does_not_tell_the_bits(tmp_path):
    levels = np.random.default_rng(0).integers(0, 256, (20, 30, 4), np.uint16) << 4
    levels[..., 3] = 65535
    tifffile.imwrite(tmp_path / "a.tif", levels, photometric="rgb", extrasamples=["unassalpha"])
    assert scan(tmp_path).fields[0].bits == 12


def test_one_odd_file_is_named_and_read_by_its_own_bits(tmp_path):
    pictures = _folder_of_12_bits(tmp_path)
    _write_levels(tmp_path / "MM/3.tif", pictures[3] << 4)
    for found in ([scan(tmp_path)], scan_all(sorted(tmp_path.glob("*/*.tif")))):
        fields = [f for c in found for f in c.fields]
        assert {f.name: f.bits for f in fields} == {str(k): 12 + 4 * (k == 3) for k in range(16)}
        for f in fields:
            np.testing.assert_array_equal(f.image(), pictures[int(f.name)] >> 4)
        warnings = [w for c in found for w in c.warnings if "3.tif" in w]
        assert len(warnings) == 1
        assert "12 bits" in warnings[0]


def test_files_that_are_read_nearly_black_are_named(tmp_path):
    pictures = _folder_of_12_bits(tmp_path, 6)
    for k in (1, 3, 5):
        _write_levels(tmp_path / f"MM/{k}.tif", pictures[k] << 4)
    warnings = scan(tmp_path).warnings
    assert any("0.tif" in w and "4.tif" in w and "12 bits" in w for w in warnings)
