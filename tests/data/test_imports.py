"""What is imported late is imported by one thread at a time."""

import ast
import subprocess
import sys
from pathlib import Path

import napari_marrow

LATE = ("skimage", "scipy", "torchstain")


def late_imports(tree):
    """Imports within functions, and those of them that the lock is held around."""
    held, late = set(), []
    for node in ast.walk(tree):
        if isinstance(node, ast.With) and ast.unparse(node.items[0]) == "importing":
            held.update(id(x) for x in node.body)
        if isinstance(node, ast.FunctionDef):
            late += [x for x in ast.walk(node) if isinstance(x, ast.ImportFrom)]
    ours = [x for x in late if (x.module or "").split(".")[0] in LATE]
    return [x for x in ours if id(x) not in held], ours


def test_every_late_import_holds_the_lock():
    loose, seen = [], 0
    for path in Path(napari_marrow.__file__).parent.rglob("*.py"):
        without, ours = late_imports(ast.parse(path.read_text("utf-8")))
        loose += [f"{path.name}:{x.lineno} {x.module}" for x in without]
        seen += len(ours)
    assert seen > 5
    assert not loose


PROGRAM = """
import sys

import numpy as np

from napari_marrow.data.imports import importing
from napari_marrow.learning.adaptation.photographs import measure_photograph

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("skimage", "scipy") and not importing._is_owned():
            print(name)

sys.meta_path.insert(0, Watch())
image = np.full((64, 64, 3), 200, np.uint8)
image[20:40, 20:40] = 90
measure_photograph(image, (image[..., 0] < 100).astype(int))
"""


def test_functions_of_scikit_image_import_nothing_when_they_are_called():
    """Some do, such as the blur effect; in a process of its own, where none was called before."""
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == ""
