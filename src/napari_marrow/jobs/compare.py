"""The comparison job: several models cross-validated on the same folds, in one table."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypedDict

from napari_marrow.data.atomic import atomic_folder
from napari_marrow.data.fields import Collection
from napari_marrow.data.outputs import FolderKind, input_files, recognize, table_kind
from napari_marrow.jobs.events import Emit, ShouldStop, never, progress_callback, silent
from napari_marrow.learning.experiment import compare
from napari_marrow.learning.learners import Callbacks
from napari_marrow.learning.settings import CompareSettings
from napari_marrow.report.colours import RESEARCH_ONLY

TABLE, FULL, ANSWERS = "comparison.csv", "comparison.json", "predictions.csv"
_ANSWERS = table_kind(
    "a table of answers",
    ("image", "index", "y", "x", "class", "source", "fold", "predicted"),
    numbers="probability_.+",
    last=("model", "protocol"),
)


def _comparison_files(path: Path) -> dict[str, bool]:
    try:
        content = json.loads((path / FULL).read_text(encoding="utf-8"))
        ours = set(content) == set(ComparisonResult.__annotations__)
        scores = table_kind("a table of models", tuple(content["rows"][0]))
    except (OSError, ValueError, TypeError, LookupError):
        return {}
    return {FULL: True, **recognize(path, {TABLE: scores, ANSWERS: _ANSWERS})} if ours else {}


COMPARISON = FolderKind("a comparison", _comparison_files)


@dataclass(frozen=True)
class CompareJob:
    """Compare models on these fields; write the tables to a folder."""

    collection: Collection
    out: Path
    settings: CompareSettings = field(default_factory=CompareSettings)
    force: bool = False


class ComparisonResult(TypedDict):
    """What ``comparison.json`` holds; ``rows`` are those of ``comparison.csv``."""

    out: str
    rows: list[dict[str, float]]
    units: int
    sources: int
    folds: int
    notes: list[str]
    settings: dict[str, object]
    research_use_only: str


def run_comparison(
    job: CompareJob, emit: Emit = silent, should_stop: ShouldStop = never
) -> ComparisonResult:
    """Cross-validate every model and write ``comparison.csv``, ``.json`` and ``predictions.csv``.

    Raises
    ------
    MarrowError
        When the settings can't work, or there are too few sources for the folds.
    Stopped
        When ``should_stop`` returned True.
    """
    with atomic_folder(job.out, COMPARISON, input_files([job.collection]), job.force) as folder:
        hear = Callbacks(progress_callback(emit, should_stop), should_stop=should_stop)
        found = compare(job.collection, job.settings, hear)
        found.rows.to_csv(folder / TABLE, index=False)
        found.answers.to_csv(folder / ANSWERS, index=False)
        first = found.answers["protocol"] == found.answers["protocol"][0]
        result: ComparisonResult = {
            "out": str(job.out),
            "rows": json.loads(found.rows.to_json(orient="records")),  # NaN becomes null
            "units": int(first.sum()) // len(job.settings.models),
            "sources": int(found.answers["source"].nunique()),
            "folds": job.settings.folds,
            "notes": list(found.notes),
            "settings": asdict(job.settings),
            "research_use_only": RESEARCH_ONLY,
        }
        (folder / FULL).write_text(json.dumps(result, indent=2), encoding="utf-8")
    return result
