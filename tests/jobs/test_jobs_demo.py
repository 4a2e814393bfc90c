"""The screenshot of the demonstration, with programs in place of the virtual display."""

from types import SimpleNamespace

import pytest

from napari_marrow.data.layouts import scan
from napari_marrow.data.samples import sample_folder
from napari_marrow.jobs import demo


@pytest.fixture
def bundle(tmp_path):
    info = SimpleNamespace(split={"heldout": []})
    return SimpleNamespace(info=info, path=tmp_path / "sample.marrow")


@pytest.fixture
def screenshot(bundle, tmp_path, monkeypatch):
    """Take the screenshot with a script as ``xvfb-run``; its last argument is the picture."""

    def take(script):
        program = tmp_path / "xvfb-run"
        program.write_text(f"#!/bin/sh\nfor last; do :; done\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(demo.shutil, "which", lambda name: str(program))
        monkeypatch.delenv("DISPLAY", raising=False)
        return demo._screenshot(bundle, scan(sample_folder()), tmp_path / "screenshot.png")

    return take


@pytest.mark.parametrize("code", [0, 1, 5])
def test_a_picture_counts_whatever_the_display_says_at_its_end(screenshot, tmp_path, code):
    found, notes = screenshot(f'echo picture > "$last"; exit {code}')
    assert (found, notes) == (tmp_path / "screenshot.png", [])


@pytest.mark.parametrize("code", [0, 1, 5])
def test_without_a_picture_the_last_message_is_told(screenshot, code):
    found, (note,) = screenshot(f"echo first >&2; echo no space left >&2; exit {code}")
    assert found is None
    assert "no space left" in note


def test_without_a_display_the_package_to_install_is_named(bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(demo.shutil, "which", lambda name: None)
    monkeypatch.delenv("DISPLAY", raising=False)
    found, (note,) = demo._screenshot(bundle, scan(sample_folder()), tmp_path / "screenshot.png")
    assert found is None
    assert "xvfb" in note
