"""The screenshot of the demonstration is written as every other output is."""

import os

import pytest
from PIL import Image

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.outputs import png_kind, save_png
from napari_marrow.viewer.io.screenshot import screenshot


@pytest.mark.parametrize("out", ["ALL_1.png", "link.png", "theirs.png", "overlay.png", "folder"])
def test_a_screenshot_replaces_no_file_of_others(tmp_path, monkeypatch, out):
    """Refused before any work: no viewer is opened."""
    monkeypatch.setattr("napari.Viewer", lambda show: pytest.fail("a viewer was opened"))
    photograph = tmp_path / "ALL_1.png"
    save_png(Image.new("RGB", (9, 9)), photograph, png_kind("a screenshot"))
    os.link(photograph, tmp_path / "link.png")
    Image.new("RGB", (9, 9)).save(tmp_path / "theirs.png")
    save_png(Image.new("RGB", (9, 9)), tmp_path / "overlay.png", png_kind("an overlay"))
    (tmp_path / "folder").mkdir()
    before = {p: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()}
    with pytest.raises(MarrowError, match=out):
        screenshot(photograph, tmp_path / "m.marrow", tmp_path / out)
    assert {p: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()} == before
