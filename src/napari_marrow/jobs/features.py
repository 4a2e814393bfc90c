"""Measure fields and score their features by chi-square, into two tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pandas as pd

from napari_marrow.data.atomic import atomic_file
from napari_marrow.data.errors import Stopped
from napari_marrow.data.failures import Failure, Failures
from napari_marrow.data.fields import Collection
from napari_marrow.data.outputs import check_outputs, input_files, table_kind, write_csv
from napari_marrow.data.progress import never
from napari_marrow.data.text import counted
from napari_marrow.jobs.events import Emit, ShouldStop, progress_callback, silent
from napari_marrow.learning.units.feature_table import feature_columns, measure_collection
from napari_marrow.learning.units.samples import drawn_notes
from napari_marrow.measure.chi2 import select_features
from napari_marrow.measure.colour import MEAN_COLOUR
from napari_marrow.measure.settings import ChiSquareSettings, FeatureSettings

FEATURES_TABLE = table_kind(
    "a table of features",
    ("image", "index", "y", "x", "class", "source"),
    numbers="(histogram|fourier|pixel|glcm|lbp|chromatin|nucleus|nuclei|lobes|cell|cytoplasm)_.+",
    without=("predicted",),
)
SCORES = table_kind(
    "a table of scores",
    ("feature", "chi2", "p_value", "selected", "rank", "p_adjusted", "stability"),
    without=("importance",),
)


@dataclass(frozen=True)
class FeaturesJob:
    """Measure these fields and score their features; write both tables."""

    collection: Collection
    out: Path
    settings: FeatureSettings = field(default_factory=FeatureSettings)
    selection: ChiSquareSettings = field(default_factory=ChiSquareSettings)
    force: bool = False
    strict: bool = False


@dataclass(frozen=True)
class FeaturesResult:
    """What a features job wrote.

    Attributes
    ----------
    out, scores
        The two tables; the second is None where there were not two classes.
    rows, features
        Number of rows and of features.
    selected
        Names of the selected features, the best first.
    notes
        Sentences for the reader of the scores.
    failed
        The fields that can't be used and were left out.
    """

    out: Path
    scores: Path | None
    rows: int
    features: int
    selected: list[str]
    notes: list[str]
    failed: tuple[Failure, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return the result as JSON."""
        scores = None if self.scores is None else str(self.scores)
        return asdict(self) | {"out": str(self.out), "scores": scores}


def run_features_job(
    job: FeaturesJob, emit: Emit = silent, should_stop: ShouldStop = never
) -> FeaturesResult:
    """Write the table of features to ``out``, and the scores beside it (see :func:`scores_path`).

    Without two classes there is nothing to score against, and no table of scores.

    Raises
    ------
    MarrowError
        When the settings can't work, no field can be used, or a table can't be written.
    Stopped
        When ``should_stop`` returned True.
    """
    job.settings.check()
    job.selection.check()
    read = input_files([job.collection])
    # what can't be written is refused before the work
    with atomic_file(job.out, FEATURES_TABLE, read, job.force) as part:
        check_outputs({scores_path(job.out): SCORES}, read, job.force)
        failures = Failures(job.strict)
        table = measure_features(job.collection, job.settings, emit, should_stop, failures)
        scores, notes = score_features(table, job.selection, should_stop)
        notes += removed_scores(scores, job.out)
        beside = _write(table, scores, part, job.out, job.force)
    best = [] if scores is None else scores.loc[scores["selected"], "feature"].tolist()
    drawn = drawn_notes(job.collection, job.settings)
    notes = [*job.collection.warnings, *failures.note(), *drawn, *notes]
    counts, failed = (len(table), len(feature_columns(table))), tuple(failures.found)
    return FeaturesResult(job.out, beside, *counts, best, notes, failed)


def measure_features(
    collection: Collection,
    settings: FeatureSettings,
    emit: Emit = silent,
    should_stop: ShouldStop = never,
    failures: Failures | None = None,
) -> pd.DataFrame:
    """Return the table of features: columns that describe each unit, then the features."""
    hear = progress_callback(emit, should_stop)
    table = measure_collection(collection, settings, hear, failures)
    return table.drop(columns=list(MEAN_COLOUR))


def score_features(
    table: pd.DataFrame,
    selection: ChiSquareSettings,
    should_stop: ShouldStop = never,
) -> tuple[pd.DataFrame | None, list[str]]:
    """Return the chi-square scores of a table of features, the best first, and notes on them.

    Scores are None where there are not two classes.
    """
    known = table[table["class"].notna()]
    left_out = len(table) - len(known)
    notes = [f"{counted(left_out, 'row')} without a class not scored."] if left_out else []
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


def save_tables(
    table: pd.DataFrame, scores: pd.DataFrame | None, out: Path, inputs: Iterable[Path] = ()
) -> Path | None:
    """Write what :func:`measure_features` and :func:`score_features` gave, as the job writes it.

    Neither table replaces one of ``inputs``.

    Returns
    -------
    Path or None
        Where the scores are.

    Raises
    ------
    MarrowError
        When a table can't be written.
    """
    inputs = tuple(inputs)
    with atomic_file(out, FEATURES_TABLE, inputs) as part:
        check_outputs({scores_path(out): SCORES}, inputs)
        return _write(table, scores, part, out)


def _write(
    table: pd.DataFrame, scores: pd.DataFrame | None, part: Path, out: Path, force: bool = False
) -> Path | None:
    write_csv(table, part)
    if scores is None:
        # those of an older table would be taken for its own
        scores_path(out).unlink(missing_ok=True)
        return None
    with atomic_file(scores_path(out), SCORES, (), force) as other:
        write_csv(scores, other)
    return scores_path(out)


def removed_scores(scores: pd.DataFrame | None, out: Path) -> list[str]:
    """Return a sentence where a table without scores is written beside those of an older one."""
    older = scores_path(out)
    is_removed = scores is None and older.exists()
    return [f"The older {older} was removed: its scores are of another table."] * is_removed


def scores_path(out: Path) -> Path:
    """Return ``T.scores.csv`` for ``T.csv``."""
    return out.with_name(f"{out.stem}.scores.csv")
