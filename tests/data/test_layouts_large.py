"""Folders of thousands of files: no step of a scan looks at all files once for each of them."""

import os
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.file_index import FileIndex
from napari_marrow.data.layouts import scan


@pytest.fixture
def crops(tmp_path):
    """Twenty cut-out cells in two class folders."""
    rng = np.random.default_rng(0)
    for k in range(20):
        folder = tmp_path / ("ALL" if k % 2 else "MM")
        folder.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(60, 255, (8, 8, 3), np.uint8)).save(folder / f"c{k}.png")
    return tmp_path


def test_a_table_beside_each_picture_is_not_searched_for_all_pictures(crops, monkeypatch):
    for picture in crops.glob("*/*.png"):
        picture.with_suffix(".csv").write_text("x,y\n1,2\n")
    made = []
    monkeypatch.setattr(
        FileIndex, "__init__", lambda self, files, init=FileIndex.__init__: (
            made.append(files), init(self, files))[1]
    )  # fmt: skip
    assert any("20 files that are not images" in w for w in scan(crops).warnings)
    assert len(made) <= 1


def test_folders_are_listed_a_few_times_whatever_they_hold(crops, monkeypatch):
    Image.new("RGB", (8, 8)).save(crops / "c.png")
    for k in range(30):
        (crops / f"t{k}.csv").write_text("image,class\n")
    listed: Counter[str] = Counter()
    for name in ("scandir", "listdir"):
        listing = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda p, listing=listing: (listed.update([os.fspath(p)]), listing(p))[1]
        )
    with pytest.raises(MarrowError, match="several"):
        scan(crops)
    assert 1 <= max(listed.values()) < 12
