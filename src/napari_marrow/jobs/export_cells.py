"""Write the cells of photographs, with their classes, into a folder for other programs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from napari_marrow.data.atomic import atomic_folder
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.failures import Failure, Failures
from napari_marrow.data.outputs import FolderKind, save_png, write_csv
from napari_marrow.data.progress import never
from napari_marrow.jobs.augment import file_name
from napari_marrow.jobs.events import Emit, ShouldStop, progress_callback, silent
from napari_marrow.jobs.export_cells_job import ExportCellsJob
from napari_marrow.jobs.output_names import file_stems
from napari_marrow.learning.bundles.sealed import sha256
from napari_marrow.report.colours import RESEARCH_ONLY
from napari_marrow.report.exports.geojson import feature_collection, write_geojson
from napari_marrow.report.exports.label_image import write_labels
from napari_marrow.report.exports.picture import draw_cells
from napari_marrow.report.exports.pixels import FieldPixels
from napari_marrow.report.exports.tables import cell_table, shares_table
from napari_marrow.report.overlay import OVERLAY

DESCRIPTION, CELLS, SHARES = "export.json", "cells.csv", "shares.csv"
NO_CELLS = "There is no cell to export; annotate or label a photograph first."


def _export_files(path: Path) -> dict[str, bool]:
    """Return the files that ``export.json`` lists, and whether each is as it was written."""
    try:
        content = json.loads((path / DESCRIPTION).read_text(encoding="utf-8"))
        listed = {str(name): digest for name, digest in content["files"].items()}
        is_ours = content["kind"] == "cells"
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return {}
    found = {name: digest for name, digest in listed.items() if (path / name).is_file()}
    states = {name: sha256(path / name) == digest for name, digest in found.items()}
    return {DESCRIPTION: True, **states} if is_ours else {}


EXPORT = FolderKind("an export of cells", _export_files, (DESCRIPTION,))


@dataclass(frozen=True)
class ExportResult:
    """What was written.

    Attributes
    ----------
    out
        The folder.
    cells, fields
        Their number.
    files
        Below the folder.
    failed
        The fields that were left out.
    """

    out: Path
    cells: int
    fields: int
    files: tuple[str, ...]
    failed: tuple[Failure, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return the result as JSON."""
        return asdict(self) | {"out": str(self.out), "files": list(self.files)}


def run_cell_export(
    job: ExportCellsJob, emit: Emit = silent, should_stop: ShouldStop = never
) -> ExportResult:
    """Write the cells; the folder appears when all is written.

    Raises
    ------
    MarrowError
        When there is no cell or nothing to write, no field can be read, or something else is in
        the folder.
    Stopped
        When ``should_stop`` returned True.
    """
    job.settings.check()
    if not len(job.answers.cells):
        raise MarrowError(NO_CELLS)
    progress, failures = progress_callback(emit, should_stop), Failures()
    names = job.answers.cells.fields
    stems = file_stems([Path(name).with_name(file_name(Path(name).name)) for name in names])
    tables: dict[str, pd.DataFrame] = {}
    with atomic_folder(job.out, EXPORT, force=job.force) as folder:
        for number, (name, stem) in enumerate(zip(names, stems, strict=True)):
            progress(number / len(names), f"Writing {name}")
            with failures.leaving_out(name):
                pixels = job.read[name]()
                tables[name] = cell_table(job.answers, name, pixels)
                _write_field(job, tables[name], pixels, folder, stem)
        failures.check_some_left(len(names))
        if job.settings.table:
            write_csv(pd.concat([*tables.values()], ignore_index=True), folder / CELLS)
            shares = shares_table(job.answers, [*tables], job.errors)
            write_csv(shares, folder / SHARES)
        files = sorted(x.relative_to(folder).as_posix() for x in folder.rglob("*") if x.is_file())
        failed = tuple(failures.found)
        result = ExportResult(job.out, sum(map(len, tables.values())), len(tables), (), failed)
        _describe(job, result, folder, files)
        progress(1.0, "Writing export.json")
    return ExportResult(job.out, result.cells, result.fields, tuple(files), failed)


def _write_field(
    job: ExportCellsJob, table: pd.DataFrame, pixels: FieldPixels, folder: Path, stem: str
) -> None:
    if job.settings.geojson:
        path = _in_folder(folder, "geojson", f"{stem}.geojson")
        write_geojson(path, feature_collection(table, job.answers, pixels, job.colours))
    if job.settings.labels:
        size = pixels.pixel_size_um
        write_labels(_in_folder(folder, "labels", f"{stem}_nuclei.tif"), pixels.nuclei, size)
        if pixels.cytoplasm is not None:
            path = _in_folder(folder, "labels", f"{stem}_cytoplasm.tif")
            write_labels(path, pixels.cytoplasm, size)
    if job.settings.overlay:
        path = _in_folder(folder, "overlays", f"{stem}.png")
        save_png(draw_cells(table, pixels, job.colours), path, OVERLAY)


def _in_folder(folder: Path, name: str, file: str) -> Path:
    (folder / name).mkdir(exist_ok=True)
    return folder / name / file


def _describe(job: ExportCellsJob, result: ExportResult, folder: Path, files: list[str]) -> None:
    """Write what the folder holds, by which it is recognised later."""
    content = {
        "kind": "cells",
        "note": RESEARCH_ONLY,
        "model": job.answers.model,
        "classes": {name: job.colours[name] for name in job.answers.classes},
        "fields": result.fields,
        "cells": result.cells,
        "failed": [x.to_dict() for x in result.failed],
        "files": {name: sha256(folder / name) for name in files},
    }
    (folder / DESCRIPTION).write_text(json.dumps(content, indent=2), encoding="utf-8")
