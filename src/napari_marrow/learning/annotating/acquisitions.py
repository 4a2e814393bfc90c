"""Which fields are of one acquisition, and whether features may be standardised by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from napari_marrow.learning.adaptation.acquisitions import group_units
from napari_marrow.learning.annotating.cells import CellAnswers, MeasuredField
from napari_marrow.learning.annotating.codes import UNKNOWN

GOES_WITH_CLASS = (
    "So far class and acquisition go together in what was given, so that the model may learn the "
    "camera or the stain: give cells of each class in each acquisition."
)


def guess_acquisitions(fields: Sequence[MeasuredField]) -> list[str]:
    """Return the acquisition of each field: the names that a table gives, else guessed.

    Without names they are clusters of the background colour, see :func:`.cluster_backgrounds`;
    fields whose background is not seen are one.
    """
    from napari_marrow.audit.confounding import cluster_backgrounds  # scikit-learn

    names = [x.acquisition for x in fields]
    if any(names):
        return names
    seen = [k for k, x in enumerate(fields) if x.background is not None]
    if not seen:
        return names
    clusters = cluster_backgrounds(np.array([fields[k].background for k in seen]))
    for k, cluster in zip(seen, clusters, strict=True):
        names[k] = f"background {cluster + 1}"
    return names if len(set(names)) > 1 else [""] * len(fields)


def together_where_confounded(unanswered: CellAnswers) -> tuple[CellAnswers, str]:
    """Take all cells as of one acquisition where that and the class go together in what was given.

    Standardised by acquisition, the difference of the classes would go.

    Returns
    -------
    CellAnswers, str
        And a sentence about it; "" where they don't go together.
    """
    cells, known = unanswered.cells, unanswered.reviewed != UNKNOWN
    acquisitions, given = cells.acquisitions[known], unanswered.given[known]
    if len(np.unique(given)) < 2 or len(np.unique(cells.acquisitions)) < 2:
        return unanswered, ""
    if not group_units(acquisitions, given.astype(str)).removes_class:
        return unanswered, ""
    return replace(unanswered, cells=cells.together), GOES_WITH_CLASS
