"""The features job: fields in, a table of features and one of their chi-square scores out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from napari_marrow.data.atomic import atomic_file
from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.fields import Collection
from napari_marrow.jobs.events import Emit, Event, ShouldStop, never, silent
from napari_marrow.learning.feature_table import feature_columns, measure_collection
from napari_marrow.learning.samples import drawn_notes
from napari_marrow.measure.chi2 import select_features
from napari_marrow.measure.colour import MEAN_COLOUR
from napari_marrow.measure.settings import ChiSquareSettings, FeatureSettings


@dataclass(frozen=True)
class FeaturesJob:
    """Measure these fields and score their features; write both tables."""

    collection: Collection
    out: Path
    settings: FeatureSettings = field(default_factory=FeatureSettings)
    selection: ChiSquareSettings = field(default_factory=ChiSquareSettings)


def run_features_job(
    job: FeaturesJob, emit: Emit = silent, should_stop: ShouldStop = never
) -> dict[str, Any]:
    """Write the table of features to ``out``, and the scores beside it (see :func:`scores_path`).

    Without two classes there is nothing to score against, and no table of scores.

    Returns
    -------
    dict
        ``out``, ``scores`` (path or None), ``rows``, ``features`` (how many), ``selected`` (names,
        the best first), ``notes``.

    Raises
    ------
    MarrowError
        When the settings can't work, a field can't be read, or a table can't be written.
    Stopped
        When ``should_stop`` said so.
    """
    if problems := job.settings.problems() + job.selection.problems():
        raise MarrowError(" ".join(problems))
    with atomic_file(job.out) as part:  # no permission is said now, not after the measuring
        table = measured(job.collection, job.settings, emit, should_stop)
        scores, notes = scored(table, job.selection, should_stop)
        beside = _write(table, scores, part, job.out)
    best = [] if scores is None else scores.loc[scores["selected"], "feature"].tolist()
    return {
        "out": str(job.out),
        "scores": None if beside is None else str(beside),
        "rows": len(table),
        "features": len(feature_columns(table)),
        "selected": best,
        "notes": [*drawn_notes(job.collection, job.settings), *notes],
    }


def measured(
    collection: Collection,
    settings: FeatureSettings,
    emit: Emit = silent,
    should_stop: ShouldStop = never,
) -> pd.DataFrame:
    """The table of features as it is written: what is known of each unit, then the features."""

    def progress(fraction: float, text: str) -> None:
        if should_stop():
            raise Stopped
        emit(Event("progress", text, fraction))

    table = measure_collection(collection, settings, progress)
    return table.drop(columns=list(MEAN_COLOUR))


def scored(
    table: pd.DataFrame,
    selection: ChiSquareSettings,
    should_stop: ShouldStop = never,
) -> tuple[pd.DataFrame | None, list[str]]:
    """The chi-square scores of a table of features, the best first, and what is to be said of them.

    Scores are None where there are not two classes.
    """
    known = table[table["class"].notna()]
    left_out = len(table) - len(known)
    notes = [f"{left_out} rows without a class were not scored."] if left_out else []
    if known["class"].nunique() < 2:
        return None, [*notes, "There are not two classes: nothing was scored."]

    def progress(fraction: float) -> None:
        if should_stop():
            raise Stopped

    values = known[list(feature_columns(table))]
    scores = select_features(values, known["class"], known["source"], selection, progress)
    if len(known) > known["source"].nunique():
        notes.append(
            "Units of one source are not independent: the p-values are smaller than they should be."
        )
    return scores.sort_values("rank", ignore_index=True), notes


def save_tables(table: pd.DataFrame, scores: pd.DataFrame | None, out: Path) -> Path | None:
    """Write what :func:`measured` and :func:`scored` gave, as the job writes it.

    Returns
    -------
    Path or None
        Where the scores are.

    Raises
    ------
    MarrowError
        When a table can't be written.
    """
    with atomic_file(out) as part:
        return _write(table, scores, part, out)


def _write(table: pd.DataFrame, scores: pd.DataFrame | None, part: Path, out: Path) -> Path | None:
    table.to_csv(part, index=False)
    if scores is None:
        scores_path(out).unlink(
            missing_ok=True
        )  # those of an older table would be taken for its own
        return None
    with atomic_file(scores_path(out)) as other:
        scores.to_csv(other, index=False)
    return scores_path(out)


def scores_path(out: Path) -> Path:
    """``T.scores.csv`` beside ``T.csv``."""
    return out.with_name(f"{out.stem}.scores.csv")
