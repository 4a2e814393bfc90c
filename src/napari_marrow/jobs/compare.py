"""The comparison job: several models cross-validated on the same folds, in one table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd

from napari_marrow.data.atomic import atomic_folder
from napari_marrow.data.failures import Failure
from napari_marrow.data.outputs import FolderKind, input_files, recognize, table_kind, write_csv
from napari_marrow.data.progress import never
from napari_marrow.jobs.command_text import repeat_command
from napari_marrow.jobs.compare_job import CompareJob
from napari_marrow.jobs.events import Emit, ShouldStop, progress_callback, silent
from napari_marrow.learning.comparison.compare import compare
from napari_marrow.learning.learners import Callbacks
from napari_marrow.learning.network_training.unfinished import kept_until_written
from napari_marrow.learning.scores.results import EvaluationResult, ModelResult, to_json
from napari_marrow.report.colours import RESEARCH_ONLY
from napari_marrow.report.evaluation.card import card_of_comparison
from napari_marrow.report.evaluation.pictures import unit_pictures
from napari_marrow.report.evaluation.write import report_files, write_report

TABLE, FULL, ANSWERS = "comparison.csv", "comparison.json", "predictions.csv"
ACQUISITIONS = "acquisitions.csv"
COMPARED_FRACTION = 0.97
"""Fraction of the time after which all is found and the report is written."""
_ANSWERS = table_kind(
    "a table of answers",
    ("image", "index", "y", "x", "class", "source", "fold", "predicted"),
    numbers="repeat|probability_.+",
    last=("model", "protocol"),
)


_KEYS = {"rows", "units", "sources", "notes", "settings", "research_use_only"}
"""What every version wrote to ``comparison.json``."""


def _comparison_files(path: Path) -> dict[str, bool]:
    try:
        content = json.loads((path / FULL).read_text(encoding="utf-8"))
        ours = set(content) >= _KEYS
        kinds = {TABLE: table_kind("a table of models", tuple(content["rows"][0]))}
        if content.get("acquisitions"):
            own = table_kind("a table of acquisitions", tuple(content["acquisitions"][0]))
            kinds[ACQUISITIONS] = own
    except (OSError, ValueError, TypeError, LookupError):
        return {}
    if not ours:
        return {}
    return {FULL: True, **recognize(path, {**kinds, ANSWERS: _ANSWERS}), **report_files(path)}


COMPARISON = FolderKind("a comparison", _comparison_files, (FULL, TABLE, ANSWERS))


@dataclass(frozen=True)
class ComparisonResult:
    """What a comparison job wrote.

    Attributes
    ----------
    out
        The folder.
    result
        All that was found, as the report shows it.
    units, sources, n_folds
        Number of units and of sources in one protocol, and of folds in the first.
    failed
        The fields that can't be used and were left out.
    """

    out: Path
    result: EvaluationResult
    units: int
    sources: int
    n_folds: int
    failed: tuple[Failure, ...] = ()
    research_use_only: str = RESEARCH_ONLY

    @property
    def rows(self) -> tuple[ModelResult, ...]:
        """Those of ``comparison.csv``."""
        return self.result.models

    @property
    def notes(self) -> list[str]:
        """Sentences for the user."""
        return list(self.result.notes)

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
        """Return the result as JSON, as ``comparison.json`` holds it; :func:`.of_json` reads it."""
        rows = _records(self.table, [row.evaluation.few_sources for row in self.rows])
        left_out = [one.evaluation.few_sources for row in self.rows for one in row.acquisitions]
        own = _records(self.acquisitions, left_out)
        confounding = self.result.confounding
        told = None if confounding is None else confounding.to_dict()
        changed = {"rows": rows, "acquisitions": own, "confounding": told, "out": str(self.out)}
        counts = {name: getattr(self, name) for name in ("units", "sources", "n_folds")}
        failed = [asdict(failure) for failure in self.failed]
        more = counts | {"failed": failed, "research_use_only": self.research_use_only}
        return json.loads(to_json(self.result)) | changed | more


def _records(table: pd.DataFrame, few: Sequence[Mapping[str, int]]) -> list[dict[str, object]]:
    """Return the rows of a table, with None for NaN and the numbers of sources as they are."""
    rows = json.loads(table.to_json(orient="records"))
    return [row | {"few_sources": dict(own)} for row, own in zip(rows, few, strict=True)]


def run_comparison(
    job: CompareJob, emit: Emit = silent, should_stop: ShouldStop = never
) -> ComparisonResult:
    """Cross-validate every model and write tables, ``comparison.json`` and ``report.html``.

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
        part = hear.part(0, COMPARED_FRACTION)
        found = compare(job.collection, job.settings, part, strict=job.strict)
        card = card_of_comparison(job.settings, found.result)
        root = job.collection.root
        command = repeat_command("compare", [root], job.out, job.settings, job.groups)
        evaluated = replace(found.result, card=card, command=command)
        write_csv(found.answers, folder / ANSWERS)
        first = found.answers["protocol"] == found.answers["protocol"][0]
        result = ComparisonResult(
            out=job.out,
            result=evaluated,
            units=evaluated.models[0].evaluation.units,
            sources=int(found.answers["source"].nunique()),
            n_folds=int(found.answers.loc[first, "fold"].max()),
            failed=found.failed,
        )
        write_csv(result.table, folder / TABLE)
        if len(result.acquisitions):
            write_csv(result.acquisitions, folder / ACQUISITIONS)
        (folder / FULL).write_text(json.dumps(result.to_dict(), indent=2), encoding="utf-8")
        part = hear.part(COMPARED_FRACTION, 1)
        pictures = unit_pictures(job.collection, evaluated, part.progress)
        write_report(folder, evaluated, pictures)
    return result
