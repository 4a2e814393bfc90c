"""The model card: what a bundle is, what it was made from, and how far it can be trusted."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from napari_marrow.learning.bundles.info import BundleInfo
from napari_marrow.learning.registry import MODELS
from napari_marrow.report.colours import RESEARCH_ONLY
from napari_marrow.report.tables import describe_acquisitions, score_rows, verdict


def write_card(path: Path, info: BundleInfo, parameters: int) -> None:
    """Write the model card of a bundle as Markdown."""
    options = MODELS[info.settings.model].option_names
    text = render("card.md", info, parameters=parameters, options=options)
    path.write_text(text, encoding="utf-8")


def render(template: str, info: BundleInfo, **values: object) -> str:
    """Fill a template of the report with a bundle's description and more values."""
    return (
        templates()
        .get_template(template)
        .render(
            info=info,
            rows=score_rows(info.evaluation),
            verdict=verdict(info.evaluation, info.confounding),
            acquisitions=describe_acquisitions(info.observed),
            research_only=RESEARCH_ONLY,
            **values,
        )
    )


def templates() -> Environment:
    """Return the templates of the report; HTML is escaped."""
    return Environment(
        loader=PackageLoader("napari_marrow.report"),
        autoescape=lambda name: bool(name and name.endswith(".html")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
