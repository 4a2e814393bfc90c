"""Write the report of an evaluation or a comparison: one page, its figures and its tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_marrow.data.outputs import recognize
from napari_marrow.learning.scores.findings import DoubtfulLabel, UnitAnswer
from napari_marrow.learning.scores.results import EvaluationResult
from napari_marrow.learning.scores.verdict import leading_model
from napari_marrow.report.colours import classes_only
from napari_marrow.report.evaluation import shown_tables
from napari_marrow.report.evaluation.csv_tables import CSV_KINDS, write_tables
from napari_marrow.report.evaluation.drawing import FIGURE_PNG, write_drawings
from napari_marrow.report.evaluation.figures import drawings_of
from napari_marrow.report.evaluation.leading import classes_asked, is_published, unit_name
from napari_marrow.report.evaluation.pictures import MAX_UNITS, Pictures, jpeg
from napari_marrow.report.evaluation.questions import (
    answered_questions,
    leads_text,
    left_out_text,
    marked,
    scope_text,
    sources_text,
)
from napari_marrow.report.page import PAGE, data_address, write_text
from napari_marrow.report.rendering import render

REPORT, FIGURES, TABLES = "report.html", "figures", "tables"


@dataclass(frozen=True)
class UnitPicture:
    """A unit as a picture, or without one where ``data`` is "", and its words."""

    data: str
    caption: str
    text: str


def write_report(folder: Path, result: EvaluationResult, pictures: Pictures | None = None) -> None:
    """Write ``report.html``, which holds all its pictures, ``figures/`` and ``tables/``.

    Parts for which the result has no values are left out.

    Parameters
    ----------
    folder
        Where to; it is made.
    result
        What was found.
    pictures
        Of mistakes and doubtful labels, from :func:`.unit_pictures`; a unit without one is
        described in words.
    """
    figures = write_drawings(folder / FIGURES, drawings_of(result))
    write_tables(folder / TABLES, result)
    kind = "Evaluation" if result.kind == "evaluate" else "Comparison"
    text = render(
        "evaluation.html",
        title=f"{kind} on {result.data.name}",
        settings={name: value or "none" for name, value in result.settings.items()},
        result=result,
        lead=leading_model(result.models, result.best),
        leads=leads_text(result),
        published=is_published(result),
        scope=scope_text(result),
        sources=sources_text(result),
        left_out=left_out_text(result.data),
        classes_only=classes_only(classes_asked(result)),
        questions=answered_questions(result),
        figures=figures,
        tables=shown_tables,
        mistakes=_mistakes(result, pictures or {}),
        doubtful=_doubtful(result.doubtful[:MAX_UNITS], pictures or {}),
    )
    write_text(folder / REPORT, text)


def report_files(folder: Path) -> dict[str, bool]:
    """Return the files of a report in a folder, as :class:`.FolderKind` needs them."""
    kinds = {REPORT: PAGE}
    kinds |= {f"{FIGURES}/{path.name}": FIGURE_PNG for path in folder.glob(f"{FIGURES}/*.png")}
    kinds |= {f"{TABLES}/{name}": kind for name, kind in CSV_KINDS.items()}
    return recognize(folder, kinds)


def _mistakes(result: EvaluationResult, pictures: Pictures) -> list[UnitPicture]:
    units = result.mistakes[:MAX_UNITS]
    several = len({unit.model for unit in units}) > 1
    found = []
    for unit in units:
        by = f" by {unit.model}" if several and unit.model else ""
        text = f"{unit.truth}, called {unit.answer}{by} with probability {unit.probability:.2f}"
        found.append(_picture(unit, text + marked(unit.reason, result), pictures))
    return found


def _doubtful(units: Sequence[DoubtfulLabel], pictures: Pictures) -> list[UnitPicture]:
    found = []
    for unit in units:
        text = (
            f"given as {unit.given}; {unit.votes} of {unit.models} models answer "
            f"{unit.suggested}, probability of {unit.given} {unit.probability:.2f}"
        )
        found.append(_picture(unit, text, pictures))
    return found


def _picture(unit: UnitAnswer | DoubtfulLabel, text: str, pictures: Pictures) -> UnitPicture:
    name = unit_name(unit.image, unit.index)
    pixels = pictures.get((unit.image, unit.index))
    data = "" if pixels is None else data_address(jpeg(pixels), "jpeg")
    return UnitPicture(data, f"{name}: {text}.", f"Photograph of {name}")
