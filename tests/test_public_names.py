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
def test_a_page_imports_from_the_package_itself_only(page):
    assert re.findall(r"^ *(?:from|import) napari_marrow\.\S+", page.read_text("utf-8"), re.M) == []


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


def test_no_public_name_imports_keras():
    """Somebody may name them in napari's console, where TensorFlow crashes Qt."""
    code = "import napari_marrow as m, sys; [getattr(m, n) for n in m.__all__]; "
    code += "print({'keras', 'tensorflow'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.slow
def test_the_python_of_the_readme_runs(tmp_path):
    code = re.search(r"```python\n(.*?)```", PAGES[0].read_text("utf-8"), re.S)[1]
    (tmp_path / "sample_data").symlink_to(ROOT / "sample_data")
    code = code.replace("epochs=5", "epochs=1")  # one is enough to see that it runs
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "16 fields {'ALL': 8, 'MM': 8}" in done.stdout
    assert "held out: 0." in done.stdout
    assert "probability_ALL" in done.stdout
