"""Folders of thousands of files: no step of a scan looks at all files once for each of them."""

import os
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from napari_marrow.audit.audit import audit
from napari_marrow.data.errors import Stopped
from napari_marrow.data.file_index import FileIndex
from napari_marrow.data.layouts import scan, scan_all


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


@pytest.fixture
def listed(monkeypatch):
    """How often each folder is listed."""
    counts: Counter[str] = Counter()
    for name in ("scandir", "listdir"):
        listing = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda p, listing=listing: (counts.update([os.fspath(p)]), listing(p))[1]
        )
    return counts


def test_folders_are_listed_a_few_times_whatever_they_hold(crops, listed):
    Image.new("RGB", (8, 8)).save(crops / "c.png")
    for k in range(30):
        (crops / f"t{k}.csv").write_text("image,class\n")
    found = scan(crops)
    assert sum(f"t{k}.csv" in " ".join(found.warnings) for k in range(30)) == 30
    assert 1 <= max(listed.values()) < 12


def test_photographs_that_are_named_one_by_one_list_their_folder_once(crops, listed):
    found = scan_all(sorted(crops.glob("*/*.png")))
    assert len(found) == 20
    assert 1 <= max(listed.values()) < 12


def test_progress_is_reported_and_can_end_the_scan_and_the_audit(crops):
    for work in (scan, lambda _, progress: audit(scan(crops), progress)):
        reports = []
        work(crops, lambda fraction, text: reports.append(fraction))  # noqa: B023
        assert len(reports) >= 20
        assert all(0 <= fraction <= 1 for fraction in reports)

        def stop(fraction, text):
            if fraction > 0.5:
                raise Stopped

        with pytest.raises(Stopped):
            work(crops, stop)
