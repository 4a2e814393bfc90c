"""The report of a run as one HTML file, its pictures inside it, to be opened or mailed."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_marrow.data.atomic import atomic_file
from napari_marrow.data.fields import Collection
from napari_marrow.learning.bundle import BundleInfo
from napari_marrow.report.card import templates
from napari_marrow.report.colours import RESEARCH_ONLY, class_colours
from napari_marrow.report.tables import score_rows, verdict


@dataclass(frozen=True)
class Picture:
    """A PNG of the report and what it shows."""

    path: Path
    caption: str

    @property
    def data(self) -> str:
        """The file as a ``data:`` address."""
        return "data:image/png;base64," + base64.b64encode(self.path.read_bytes()).decode()


def write_page(
    path: Path,
    title: str,
    collection: Collection,
    info: BundleInfo,
    figures: Sequence[Picture],
    overlays: Sequence[Picture],
    answers: Sequence[dict[str, Any]],
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
        A row a field: ``name``, ``truth``, ``answer``, ``probability``, ``side``.
    screenshot
        The viewer with it all, where one was made.
    notes
        More sentences, such as why something is missing.
    """
    text = (
        templates()
        .get_template("page.html")
        .render(
            title=title,
            collection=collection,
            info=info,
            rows=score_rows(info.evaluation) if info.evaluation else [],
            verdict=verdict(info.evaluation),
            figures=figures,
            overlays=overlays,
            answers=answers,
            screenshot=screenshot,
            notes=notes,
            colours=class_colours(info.classes),
            research_only=RESEARCH_ONLY,
        )
    )
    with atomic_file(path) as part:
        part.write_text(text, encoding="utf-8")
