"""The comparison job: several models cross-validated on the same folds, in one table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import pandas as pd

from napari_marrow.audit.verdict import Confounding
from napari_marrow.data.atomic import atomic_folder
from napari_marrow.data.failures import Failure
from napari_marrow.data.outputs import FolderKind, input_files, recognize, table_kind, write_csv
from napari_marrow.data.progress import never
from napari_marrow.jobs.compare_job import CompareJob
from napari_marrow.jobs.events import Emit, ShouldStop, progress_callback, silent
from napari_marrow.learning.comparison.compare import compare
from napari_marrow.learning.learners import Callbacks
from napari_marrow.learning.network_training.unfinished import kept_until_written
from napari_marrow.learning.scores.results import ModelResult
from napari_marrow.learning.settings import CompareSettings
from napari_marrow.report.colours import RESEARCH_ONLY

TABLE, FULL, ANSWERS = "comparison.csv", "comparison.json", "predictions.csv"
ACQUISITIONS = "acquisitions.csv"
_ANSWERS = table_kind(
    "a table of answers",
    ("image", "index", "y", "x", "class", "source", "fold", "predicted"),
    numbers="repeat|probability_.+",
    last=("model", "protocol"),
)


def _comparison_files(path: Path) -> dict[str, bool]:
    try:
        content = json.loads((path / FULL).read_text(encoding="utf-8"))
        newer = {"failed", "acquisitions", "confounding"}  # which version 0.1 did not write
        ours = set(content) | newer == {f.name for f in fields(ComparisonResult)} | newer
        kinds = {TABLE: table_kind("a table of models", tuple(content["rows"][0]))}
        if content.get("acquisitions"):
            own = table_kind("a table of acquisitions", tuple(content["acquisitions"][0]))
            kinds[ACQUISITIONS] = own
    except (OSError, ValueError, TypeError, LookupError):
        return {}
    return {FULL: True, **recognize(path, {**kinds, ANSWERS: _ANSWERS})} if ours else {}


COMPARISON = FolderKind("a comparison", _comparison_files, (FULL, TABLE, ANSWERS))


@dataclass(frozen=True)
class ComparisonResult:
    """What a comparison job wrote.

    Attributes
    ----------
    out
        The folder.
    rows
        Those of ``comparison.csv``.
    units, sources, folds
        Number of units and of sources in one protocol, and of folds in the first.
    notes
        Sentences for the user.
    settings
        Of the comparison.
    failed
        The fields that can't be used and were left out.
    confounding
        What goes with the class; the first of the notes says so.
    """

    out: Path
    rows: tuple[ModelResult, ...]
    units: int
    sources: int
    folds: int
    notes: list[str]
    settings: CompareSettings
    failed: tuple[Failure, ...] = ()
    confounding: Confounding | None = None
    research_use_only: str = RESEARCH_ONLY

    @property
    def table(self) -> pd.DataFrame:
        """What ``comparison.csv`` holds; no value where a model lacks a metric of another."""
        return pd.DataFrame([row.to_row() for row in self.rows])

    @property
    def acquisitions(self) -> pd.DataFrame:
        """What ``acquisitions.csv`` holds: a row a model and acquisition that was left out."""
        return pd.DataFrame(
            {"model": row.model, "protocol": row.protocol, "fold": k, **one.to_dict()}
            for row in self.rows
            for k, one in enumerate(row.acquisitions, 1)
        )

    def to_dict(self) -> dict[str, object]:
        """Return the result as JSON, as ``comparison.json`` holds it."""
        rows = _records(self.table, [row.evaluation.few_sources for row in self.rows])
        left_out = [one.evaluation.few_sources for row in self.rows for one in row.acquisitions]
        own = _records(self.acquisitions, left_out)
        confounding = None if self.confounding is None else self.confounding.to_dict()
        changed = {"rows": rows, "acquisitions": own, "confounding": confounding}
        return asdict(self) | {"out": str(self.out)} | changed


def _records(table: pd.DataFrame, few: Sequence[Mapping[str, int]]) -> list[dict[str, object]]:
    """Return the rows of a table, with None for NaN and the numbers of sources as they are."""
    rows = json.loads(table.to_json(orient="records"))
    return [row | {"few_sources": dict(own)} for row, own in zip(rows, few, strict=True)]


def run_comparison(
    job: CompareJob, emit: Emit = silent, should_stop: ShouldStop = never
) -> ComparisonResult:
    """Cross-validate every model and write ``comparison.csv``, ``.json`` and ``predictions.csv``.

    Where acquisitions are left out, ``acquisitions.csv`` has the scores of each.

    Raises
    ------
    MarrowError
        When the settings can't work, or there are too few sources for the folds.
    Stopped
        When ``should_stop`` returned True.
    """
    inputs = input_files([job.collection])
    with kept_until_written(), atomic_folder(job.out, COMPARISON, inputs, job.force) as folder:
        hear = Callbacks(progress_callback(emit, should_stop), should_stop=should_stop)
        found = compare(job.collection, job.settings, hear, strict=job.strict)
        write_csv(found.answers, folder / ANSWERS)
        first = found.answers["protocol"] == found.answers["protocol"][0]
        result = ComparisonResult(
            out=job.out,
            rows=found.models,
            units=found.models[0].evaluation.units,
            sources=int(found.answers["source"].nunique()),
            folds=int(found.answers.loc[first, "fold"].max()),
            notes=list(found.notes),
            settings=job.settings,
            failed=found.failed,
            confounding=found.confounding,
        )
        write_csv(result.table, folder / TABLE)
        if len(result.acquisitions):
            write_csv(result.acquisitions, folder / ACQUISITIONS)
        (folder / FULL).write_text(json.dumps(result.to_dict(), indent=2), encoding="utf-8")
    return result
