"""Pictures on which nothing is to be seen: no nucleus there, and the others get their results."""

import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from napari_marrow.data.layouts import scan
from napari_marrow.imaging.segmentation import segment_nuclei

SHAPE = (120, 160, 3)


def _one_pixel():
    picture = np.full(SHAPE, 225, np.uint8)
    picture[60, 80] = 0
    return picture


BLANK = {
    "shutter closed": lambda: np.random.default_rng(1).poisson(0.3, SHAPE).astype(np.uint8),
    "shutter closed, in grey": lambda: np.random.default_rng(2).poisson(0.3, SHAPE[:2]),
    "black": lambda: np.zeros(SHAPE),
    "grey": lambda: np.full(SHAPE, 128),
    "white": lambda: np.full(SHAPE, 255),
    "one pixel": _one_pixel,
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory, make_snam):
    """The same folder without and with the pictures."""
    plain = make_snam(tmp_path_factory.mktemp("plain"), 6, size=SHAPE[:2], masks=False)
    mixed = tmp_path_factory.mktemp("mixed") / plain.name
    shutil.copytree(plain, mixed)
    for k, draw in enumerate(BLANK.values()):
        Image.fromarray(draw().astype(np.uint8)).save(mixed / "MM" / f"MM_9{k}.bmp")
    return plain, mixed


@pytest.mark.parametrize("draw", BLANK.values(), ids=BLANK)
def test_there_is_no_nucleus(draw):
    picture = draw().astype(np.uint8)
    picture = picture if picture.ndim == 3 else np.dstack([picture] * 3)
    assert not segment_nuclei(picture).any()


def test_the_others_are_segmented_as_without(folders, tmp_path, call):
    for name, folder in zip(("plain", "mixed"), folders, strict=True):
        status, _, _ = call("segment", folder, "--out", tmp_path / name)
        assert status == 0
    plain, mixed = (pd.read_csv(tmp_path / name / "nuclei.csv") for name in ("plain", "mixed"))
    assert len(plain) == 6 * 13
    pd.testing.assert_frame_equal(plain, mixed, rtol=0, atol=1e-06)


@pytest.mark.parametrize("unit", ["field", "cell"])
def test_the_others_are_learnt_from_and_labelled(folders, tmp_path, call, unit):
    plain, mixed = folders
    options = ("--model", "logistic", "--unit", unit, "--families", "morphology,colour")
    status, _, _ = call("train", mixed, *options, "--out", tmp_path / "m.marrow")
    assert status == 0
    for name, folder in zip(("plain", "mixed"), folders, strict=True):
        status, _, _ = call("predict", tmp_path / "m.marrow", folder, "--out", tmp_path / name)
        assert status == 0
    first, second = (pd.read_csv(tmp_path / name) for name in ("plain", "mixed"))
    assert set(first["image"]) == {scan(plain).label(f) for f in scan(plain).fields}
    known = second[second["image"].isin(first["image"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(first, known, rtol=0, atol=1e-06)
