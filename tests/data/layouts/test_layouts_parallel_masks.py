"""Masks in folders beside those of the photographs, under the same path."""

import numpy as np
import pytest
from PIL import Image

from napari_marrow.data.layouts import scan

LAYOUTS = {
    "images/{c}/{k}.png": "masks/{c}/{k}.png",
    "set/Images/{c}/{k}.jpg": "set/Masks/{c}/{k}_mask.png",
    "images/train/{c}/{k}.png": "masks/train/{c}/{k}.tif",
    "{c}/images/{k}.png": "{c}/masks/{k}.png",
    "{c}/{k}.png": "{c}_masks/{k}.png",
    "img/{c}/{k}.bmp": "nucleus_masks/{c}/{k}.bmp",
    "image/{c}/{k}.png": "mask/{c}/{k}.png",
    "raw/{c}/{k}.tif": "Masks/{c}/{k}.tif",
    "set/photos/{c}/{k}.png": "set/masks/{c}/{k}.png",
    "train/{c}/{k}.png": "train/masks/{c}/{k}.png",
    "patient 1/{c}/{k}.png": "patient 1/{c}/masks/{k}_mask.png",
    "test/{c}/{k}.png": "test/{c}/{c}_masks/{k}.png",
}


def _write(root, photograph, mask, classes=("ALL", "MM")):
    """Write photographs, each with a mask of its own; return the masks by photograph."""
    random = np.random.default_rng(0)
    masks = {}
    for c in classes:
        for k in (1, 2):
            path, beside = (root / name.format(c=c, k=k) for name in (photograph, mask))
            masks[path] = np.zeros((40, 50), bool)
            masks[path][5 * k : 20, 3 + len(c) : 25] = True
            for file, pixels in (
                (path, random.integers(0, 255, (40, 50, 3), np.uint8)),
                (beside, 255 * masks[path].astype(np.uint8)),
            ):
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(file)
    return masks


@pytest.mark.parametrize("photograph", LAYOUTS)
def test_masks_under_the_same_path_are_paired(tmp_path, photograph):
    masks = _write(tmp_path, photograph, LAYOUTS[photograph])
    found = scan(tmp_path)
    assert {f.path for f in found.fields} == set(masks)
    assert found.counts() == {"ALL": 2, "MM": 2}
    for f in found.fields:
        np.testing.assert_array_equal(f.mask("nucleus"), masks[f.path])
    assert not any("mask" in w.lower() and "out" in w for w in found.warnings)
    assert not any("Passed over" in w for w in found.warnings)


def test_the_folder_of_the_photographs_may_be_named_and_both_kinds_be_there(tmp_path):
    _write(tmp_path, "images/{c}/{k}.png", "nuclei_masks/{c}/{k}.png")
    _write(tmp_path, "images/{c}/{k}.png", "cytoplasm_masks/{c}/{k}.png")
    for f in scan(tmp_path / "images").fields:
        assert {kind: path.parents[1].name for kind, path in f.masks.items()} == {
            "nucleus": "nuclei_masks",
            "cytoplasm": "cytoplasm_masks",
        }


def test_one_photograph_and_one_class_have_their_masks_too(tmp_path):
    masks = _write(tmp_path, "images/{c}/{k}.png", "masks/{c}/{k}.png")
    for path in (tmp_path / "images/MM/2.png", tmp_path / "images/MM"):
        field = scan(path).fields[-1]
        np.testing.assert_array_equal(field.mask("nucleus"), masks[field.path])


@pytest.mark.parametrize(
    "names", [("{c}/{k}.png", "masks/{k}.png"), ("{c}/a/{k}.png", "mask/a/{k}.png")]
)
def test_masks_that_may_be_of_two_photographs_are_of_none(tmp_path, names):
    """``masks/1.png`` may be of ``ALL/1.png`` or of ``MM/1.png``."""
    _write(tmp_path, *names)
    for folder in (tmp_path, tmp_path / "ALL"):
        assert not any(f.masks for f in scan(folder).fields)
    warnings = scan(tmp_path).warnings
    assert any("mask" in w and ("left out" in w or "Passed over" in w) for w in warnings)


def test_masks_go_to_the_folder_of_photographs_before_one_beside_it(tmp_path):
    masks = _write(tmp_path, "images/{c}/{k}.png", "masks/{c}/{k}.png")
    _write(tmp_path, "thumbnails/{c}/{k}.png", "spare/{c}/{k}.png")
    for f in scan(tmp_path).fields:
        assert bool(f.masks) == (f.path in masks)
