"""The model card: what a bundle is, what it was made from, and how far it can be trusted."""

from __future__ import annotations

from pathlib import Path

from napari_marrow.learning.bundles.info import BundleInfo
from napari_marrow.learning.registry import MODELS
from napari_marrow.report.rendering import render
from napari_marrow.report.tables import describe_acquisitions, score_rows, verdict


def write_card(path: Path, info: BundleInfo, parameters: int) -> None:
    """Write the model card of a bundle as Markdown."""
    text = render(
        "card.md",
        info=info,
        rows=score_rows(info.evaluation),
        verdict=verdict(info.evaluation, info.confounding),
        acquisitions=describe_acquisitions(info.observed),
        parameters=parameters,
        options=MODELS[info.settings.model].option_names,
    )
    path.write_text(text, encoding="utf-8")
