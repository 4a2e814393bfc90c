"""The report of a run as one HTML file that holds its pictures, to be opened or mailed."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_marrow.data.atomic import atomic_file
from napari_marrow.data.fields import Collection
from napari_marrow.data.outputs import SOFTWARE, FileKind, png_kind
from napari_marrow.learning.bundles.info import BundleInfo
from napari_marrow.report.card import render
from napari_marrow.report.colours import class_colours

_MARK = f'<meta name="generator" content="{SOFTWARE}">'


def _is_page(path: Path) -> bool:
    try:
        return _MARK in path.read_text(encoding="utf-8")
    except (OSError, UnicodeError):
        return False


PAGE = FileKind("a report", _is_page)
SCREENSHOT_PNG = png_kind("a screenshot")


@dataclass(frozen=True)
class Picture:
    """A PNG of the report and its caption."""

    path: Path
    caption: str

    @property
    def data(self) -> str:
        """The file as a ``data:`` address."""
        return "data:image/png;base64," + base64.b64encode(self.path.read_bytes()).decode()


@dataclass(frozen=True)
class Answer:
    """The answer for one field, beside its true class and its side of the split.

    ``reason`` is why it is uncertain; "" where it is not.
    """

    name: str
    truth: str | None
    answer: str | None
    probability: float
    reason: str
    side: str


def write_page(
    path: Path,
    title: str,
    collection: Collection,
    info: BundleInfo,
    figures: Sequence[Picture],
    overlays: Sequence[Picture],
    answers: Sequence[Answer],
    screenshot: Picture | None = None,
    notes: Sequence[str] = (),
) -> None:
    """Write the report.

    Parameters
    ----------
    path
        The HTML file.
    title
        Its heading.
    collection
        What was scanned.
    info
        The bundle's description, with its held-out result.
    figures, overlays
        Pictures of the training, and of the predictions.
    answers
        One a field.
    screenshot
        The viewer, where a screenshot could be taken.
    notes
        More sentences, such as why something is missing.
    """
    text = render(
        "page.html",
        info,
        title=title,
        collection=collection,
        figures=figures,
        overlays=overlays,
        answers=answers,
        screenshot=screenshot,
        notes=notes,
        colours=class_colours(info.classes),
    )
    with atomic_file(path) as part:
        part.write_text(text, encoding="utf-8")
