"""Count lines of code, uses of Any and private attributes of others below src, by folder.

    python tools/code_size.py [SRC]

A line of code holds something else than a comment, a docstring or white space.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections import Counter
from pathlib import Path

LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
TRICKS = re.compile(r"_getframe|currentframe|_instances\b|\._qt_\w+|\b_qt_viewer\b")


def code_lines(text: str) -> int:
    """Lines of a module with code, without those of docstrings (and other bare strings)."""
    strings: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        value = node.value if isinstance(node, ast.Expr) else None
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            strings.update(range(value.lineno, (value.end_lineno or value.lineno) + 1))
    used: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in LAYOUT:
            used.update(range(token.start[0], token.end[0] + 1))
    return len(used - strings)


def main() -> None:
    """Print the counts."""
    source = Path(sys.argv[1] if len(sys.argv) > 1 else "src") / "napari_marrow"
    lines, anys, tricks = Counter[str](), Counter[str](), Counter[str]()
    for path in sorted(source.rglob("*.py")):
        text, folder = path.read_text("utf-8"), path.relative_to(source).parts[0]
        lines[folder] += code_lines(text)
        anys[folder] += len(re.findall(r"\bAny\b", text))
        tricks[folder] += len(TRICKS.findall(text))
    print(f"{'folder':12} {'code':>6} {'Any':>4} {'private':>8}")
    for folder in lines:
        print(f"{folder:12} {lines[folder]:6} {anys[folder]:4} {tricks[folder]:8}")
    print(f"{'all':12} {lines.total():6} {anys.total():4} {tricks.total():8}")


if __name__ == "__main__":
    main()
