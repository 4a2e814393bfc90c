"""Write the table of docs/bmp.md anew: what happens to each file of the published bmpsuite.

python tools/bmp_table.py BMPSUITE_FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.images import open_image, read_image

PAGE = Path(__file__).parents[1] / "docs" / "bmp.md"
START, END = "<!-- table: tools/bmp_table.py -->", "<!-- end of table -->"
KINDS = {"g": "good", "q": "questionable", "b": "bad"}


def row(path: Path) -> str:
    """One line of the table: file, what happens, what Pillow makes of the same file."""
    try:
        opened = open_image(path)
    except MarrowError as error:
        reason = str(error).removeprefix(f"{path} ").split(";")[0]
        result = f"refused: it {reason}"
    else:
        mapped = not opened.flags.owndata and not opened.flags.writeable
        result = "read without copying" if mapped else "read"
    return f"| `{path.parent.name}/{path.name}` | {result} | {pillow(path, result)} |"


def pillow(path: Path, result: str) -> str:
    """Say what Pillow makes of it: the same pixels, others, or nothing."""
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
    except Exception:  # noqa: BLE001 - a decoder raises what it likes
        return "refuses it"
    if result.startswith("refused"):
        return "reads it"
    return "the same pixels" if np.array_equal(pixels, read_image(path)) else "OTHER PIXELS"


def main() -> None:
    """Put the table between its two marks in the page."""
    files = [p for kind in KINDS for p in sorted(Path(sys.argv[1]).glob(f"{kind}/*.bmp"))]
    if not files:
        sys.exit(f"{sys.argv[1]} has no g, q and b with BMP files; give the folder of bmpsuite.")
    text = PAGE.read_text()
    before, rest = text.split(START)
    _, after = rest.split(END)
    lines = ["| file | what happens | Pillow |", "|---|---|---|", *map(row, files)]
    PAGE.write_text(before + START + "\n\n" + "\n".join(lines) + "\n\n" + END + after)


if __name__ == "__main__":
    main()
