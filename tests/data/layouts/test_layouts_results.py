"""Results of this program that lie among photographs are no photographs, and are reported."""

import numpy as np
import pytest
from PIL import Image

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.layouts import scan, scan_all
from napari_marrow.data.outputs import png_kind, save_png

KIND = png_kind("an overlay")


def picture(path, mask=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(60, 255, (16, 16, 3), np.uint8)
    if mask:
        pixels = np.zeros((16, 16), np.uint8)
        pixels[4:9, 4:9], pixels[9:12, 4:9] = 255, 128
    Image.fromarray(pixels).save(path)
    return path


def result(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    save_png(Image.new("RGB", (16, 16), "pink"), path, KIND)
    return path


def names(collection):
    return sorted(collection.label(f) for f in collection.fields)


def test_overlays_beside_their_photographs_are_reported_as_results(tmp_path):
    for name in ("ALL/a.bmp", "MM/b.bmp"):
        picture(tmp_path / name)
        result((tmp_path / name).with_suffix(".png"))
    result(tmp_path / "seen" / "a.png")
    found = scan(tmp_path)
    assert names(found) == ["ALL/a.bmp", "MM/b.bmp"]
    assert any("3 results" in w and "ALL/a.png" in w for w in found.warnings)
    assert not any("neither" in w for w in found.warnings)


def test_overlays_in_sets_with_masks_are_neither_photographs_nor_masks(tmp_path):
    cells, fields = tmp_path / "cells", tmp_path / "fields"
    for k in (1, 2, 3):
        picture(cells / f"00{k}.bmp")
        picture(cells / f"00{k}.png", mask=True)
        result(cells / f"00{k}_nuclei.png")
    (cells / "classes.csv").write_text("image ID,class label\n1,1\n2,2\n3,3\n")
    picture(cells / "004.bmp")
    result(cells / "004.png")
    assert scan(cells).fields[2].class_name == "monocyte"
    assert scan(cells).fields[0].mask_code == "levels"
    picture(fields / "x" / "1.bmp")
    picture(fields / "y" / "1_1.bmp", mask=True)
    result(fields / "x" / "1.png")
    assert names(scan(fields)) == ["x/1.bmp"]


def test_a_result_that_is_named_is_refused(tmp_path):
    picture(tmp_path / "a.bmp")
    with pytest.raises(MarrowError, match=r"a\.png.*napari-marrow"):
        scan_all([tmp_path / "a.bmp", result(tmp_path / "a.png")])
