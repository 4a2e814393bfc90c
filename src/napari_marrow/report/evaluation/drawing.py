"""Figures of a report as PNG files, each with a caption and a text that stands in its place."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from napari_marrow.data.outputs import SOFTWARE, png_kind
from napari_marrow.report.figures import DPI
from napari_marrow.report.page import Picture
from napari_marrow.report.rendering import visible

FIGURE_PNG = png_kind("a figure of a report")
MAX_NAME = 22
"""Letters of a name in a figure; longer ones are cut."""


@dataclass(frozen=True)
class Drawing:
    """A figure before it is written: how it is drawn, its size in inches, and its words."""

    name: str
    size: tuple[float, float]
    draw: Callable[[Axes], None]
    caption: str
    alt: str


def short(name: str) -> str:
    """Return a name as it fits a figure."""
    plain = visible(name)
    return plain if len(plain) <= MAX_NAME else f"{plain[: MAX_NAME - 1]}…"


def write_drawings(folder: Path, drawings: Sequence[Drawing]) -> dict[str, Picture]:
    """Write figures as PNG files into a folder, which is made; return them by their names."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    marks = {"Software": SOFTWARE, "Description": FIGURE_PNG.name}
    with mpl.rc_context({"text.parse_math": False}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the page has the names
        for drawing in drawings:
            figure = Figure(figsize=drawing.size, layout="constrained")
            drawing.draw(figure.add_subplot())
            path = folder / f"{drawing.name}.png"
            figure.savefig(path, dpi=DPI, metadata=marks)
            found[drawing.name] = Picture(path, drawing.caption, drawing.alt)
    return found
