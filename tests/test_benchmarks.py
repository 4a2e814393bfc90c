"""Benchmarks and tools take nothing from the program that is not there."""

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted([*ROOT.glob("benchmarks/*.py"), *ROOT.glob("tools/*.py")])
NEEDS_QT = ("napari_marrow.viewer", "napari_marrow.widgets")


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_what_a_script_imports_is_there(path):
    tree = ast.parse(path.read_text("utf-8"))
    found = [x for x in ast.walk(tree) if isinstance(x, ast.ImportFrom)]
    for node in found:
        module = node.module or ""
        if not module.startswith("napari_marrow") or module.startswith(NEEDS_QT):
            continue
        names = vars(importlib.import_module(module))
        for alias in node.names:
            if alias.name not in names:
                importlib.import_module(f"{module}.{alias.name}")
