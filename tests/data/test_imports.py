"""What is imported late is imported by one thread at a time."""

import ast
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
