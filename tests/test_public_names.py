"""What the pages name is importable from the package itself, lazily and with types."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import napari_marrow

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]


def named_in(text: str) -> set[str]:
    """Names that a page imports from the package, or documents."""
    imported = re.findall(r"^from napari_marrow import ([\w, ]+)$", text, re.M)
    documented = re.findall(r"^::: napari_marrow\.[\w.]+\.(\w+)$", text, re.M)
    return {name.strip() for line in imported for name in line.split(",")} | set(documented)


def test_the_pages_name_some():
    names = set().union(*(named_in(page.read_text("utf-8")) for page in PAGES))
    assert {"scan", "train", "load_bundle", "Field", "MarrowError"} <= names


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_what_a_page_names_is_importable(page):
    for name in named_in(page.read_text("utf-8")):
        assert name in napari_marrow.__all__
        assert getattr(napari_marrow, name).__name__ == name


def test_the_reference_has_every_public_name():
    older = {"read_bmp"}  # of read_image
    names = set(napari_marrow.__all__) - older
    assert named_in((ROOT / "docs" / "api.md").read_text("utf-8")) >= names


def test_importing_the_package_imports_nothing_else():
    code = "import napari_marrow, sys; print({'numpy', 'pandas', 'napari'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
