"""The model card: what a bundle is, what it was made from, and how far it can be trusted."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from napari_marrow.learning.bundle import BundleInfo
from napari_marrow.report.colours import RESEARCH_ONLY
from napari_marrow.report.tables import score_rows, verdict


def write_card(path: Path, info: BundleInfo, parameters: int) -> None:
    """Write the model card of a bundle as Markdown."""
    text = (
        templates()
        .get_template("card.md")
        .render(
            info=info,
            parameters=parameters,
            rows=score_rows(info.evaluation) if info.evaluation else [],
            verdict=verdict(info.evaluation),
            research_only=RESEARCH_ONLY,
        )
    )
    path.write_text(text, encoding="utf-8")


def templates() -> Environment:
    """The templates of the report; HTML is escaped."""
    return Environment(
        loader=PackageLoader("napari_marrow.report"),
        autoescape=lambda name: bool(name and name.endswith(".html")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
