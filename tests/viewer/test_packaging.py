"""What users get: the manifest, the dependencies, the version, and pages that tell the truth."""

import importlib
import re
import tomllib
from pathlib import Path

import pytest
from npe2 import PluginManifest

import napari_marrow
from napari_marrow.cli import app

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
MANIFEST = PluginManifest.from_file(ROOT / "src" / "napari_marrow" / "napari.yaml")
COMMANDS = {command.id: command for command in MANIFEST.contributions.commands or ()}
QT_BINDINGS = re.compile(r"^(pyqt|pyside)|\[(.*,)?\s*(all|pyqt\d?|pyside\d?)\s*(,.*)?\]", re.I)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_manifest_command_resolves(command):
    module, _, name = command.python_name.partition(":")
    assert callable(getattr(importlib.import_module(module), name))


def test_manifest_contributions_name_known_commands():
    contributions = MANIFEST.contributions
    used = [
        item.command
        for group in (
            contributions.readers,
            contributions.writers,
            contributions.sample_data,
            contributions.widgets,
            *(contributions.menus or {}).values(),
        )
        for item in group or ()
        if getattr(item, "command", None)
    ]
    assert used
    assert set(used) <= set(COMMANDS)


def test_manifest_is_of_this_distribution():
    assert MANIFEST.name == PROJECT["name"]
    assert PROJECT["entry-points"]["napari.manifest"] == {
        MANIFEST.name: "napari_marrow:napari.yaml"
    }
    assert "Framework :: napari" in PROJECT["classifiers"]


def test_manifest_at_top_level_is_the_one_in_the_package():
    assert (ROOT / "napari.yaml").samefile(ROOT / "src" / "napari_marrow" / "napari.yaml")


def test_no_qt_binding_among_the_dependencies():
    assert any(d.startswith("napari>") for d in PROJECT["dependencies"])
    assert not [d for d in PROJECT["dependencies"] if QT_BINDINGS.search(d)]


def test_qt_bindings_would_be_noticed():
    noticed = ["PyQt6>=6", "pyside6", "napari[all]>=0.9", "napari[pyqt6]", "napari[optional,pyqt6]"]
    assert all(QT_BINDINGS.search(d) for d in noticed)
    assert not QT_BINDINGS.search("dask[array]>=2025.1")


def test_version_is_said_alike_everywhere():
    cited = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text("utf-8"), re.M)
    assert napari_marrow.__version__ == PROJECT["version"] == cited[1]


def test_every_public_name_is_there():
    assert all(getattr(napari_marrow, name) is not None for name in napari_marrow.__all__)


PAGES = ["README.md", *(p.relative_to(ROOT).as_posix() for p in ROOT.glob("docs/**/*.md"))]


@pytest.mark.parametrize("page", PAGES)
def test_page_names_commands_that_exist(page):
    code = re.findall(r"```.*?```|`[^`\n]+`", (ROOT / page).read_text("utf-8"), re.S)
    shown = {name for part in code for name in re.findall(r"napari-marrow ([a-z]+)", part)}
    known = {name for name in app if not name.startswith("-")}
    assert shown <= known
    if page == "README.md":
        assert shown == known
