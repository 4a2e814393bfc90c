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
from napari_marrow.report.colours import class_colours, classes_only
from napari_marrow.report.rendering import Table, render
from napari_marrow.report.tables import score_rows, verdict

_MARK = f'<meta name="generator" content="{SOFTWARE}">'


def _is_page(path: Path) -> bool:
    try:
        return _MARK in path.read_text(encoding="utf-8")
    except (OSError, UnicodeError):
        return False


PAGE = FileKind("a report", _is_page)
SCORE_COLUMNS = ("metric", "estimate (95 % interval)", "chance")
SCREENSHOT_PNG = png_kind("a screenshot")


@dataclass(frozen=True)
class Picture:
    """A PNG of the report and its caption.

    ``alt`` is what it shows, for those who can't see it; "" where the caption says all.
    """

    path: Path
    caption: str
    alt: str = ""

    @property
    def text(self) -> str:
        """What stands in place of the picture."""
        return self.alt or self.caption

    @property
    def data(self) -> str:
        """The file as a ``data:`` address."""
        return data_address(self.path.read_bytes(), "png")


def data_address(content: bytes, kind: str) -> str:
    """Return a picture of a kind (``png`` or ``jpeg``) as an address that holds it."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


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
    rows, sentences = score_rows(info.evaluation), verdict(info.evaluation, info.confounding)
    text = render(
        "page.html",
        info=info,
        title=title,
        verdict=sentences[0],
        sentences=[*sentences[1:], *info.notes, *notes],
        scores=Table("Scores on the held-out units", SCORE_COLUMNS, rows) if rows else None,
        classes_only=classes_only(info.classes),
        collection=collection,
        figures=figures,
        overlays=overlays,
        answers=answers,
        screenshot=screenshot,
        colours=class_colours(info.classes),
    )
    write_text(path, text)


def write_text(path: Path, text: str) -> None:
    """Write a page, which replaces an older one of this program only."""
    with atomic_file(path, PAGE) as part:
        part.write_text(text, encoding="utf-8")
