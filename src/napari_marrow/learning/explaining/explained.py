"""Why the live model answers as it does for one of the cells that are annotated."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from napari_marrow.audit.findings import join_names
from napari_marrow.data.text import counted
from napari_marrow.learning.annotating.answering import LIVE
from napari_marrow.learning.annotating.cells import CellAnswers, class_names
from napari_marrow.learning.annotating.live import fit_discriminant
from napari_marrow.learning.explaining.evidence import Evidence, linear_evidence
from napari_marrow.learning.explaining.similar import Similar, most_similar

N_SIMILAR = 6
"""Most similar annotated cells that are shown."""


@dataclass(frozen=True, eq=False)
class ExplainedCell:
    """A cell, the annotated ones that are most similar, and what speaks for the answer.

    Attributes
    ----------
    row
        Of the table of cells.
    similar
        The most similar first.
    similar_classes
        Of these.
    evidence
        None where the live model has no answer, or another model answers.
    """

    row: int
    similar: Similar
    similar_classes: tuple[str, ...]
    evidence: Evidence | None

    @property
    def similar_sentence(self) -> str:
        """Say which classes the most similar annotated cells have."""
        if not self.similar_classes:
            return "No other cell has a class yet to compare with."
        counts = Counter(self.similar_classes).most_common()
        parts = join_names([f"{count} {name}" for name, count in counts])
        cells = counted(len(self.similar_classes), "annotated cell")
        return f"The {cells} most similar in what is measured: {parts}. Click one to go there."


def explain_cell(answers: CellAnswers, row: int) -> ExplainedCell:
    """Return what explains the live model's answer for a cell.

    Parameters
    ----------
    answers
        Of all cells.
    row
        The cell.
    """
    values = answers.cells.values
    similar = most_similar(values, answers.reviewed, row, N_SIMILAR)
    classes = class_names(answers.given[similar.rows], answers.classes).tolist()
    model = fit_discriminant(values, answers.reviewed) if answers.model == LIVE else None
    evidence = None
    if model is not None:
        evidence = linear_evidence(model, values, row, [*answers.cells.features])
    return ExplainedCell(row, similar, tuple(classes), evidence)
