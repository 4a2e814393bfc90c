"""The segmentation job: photographs in, instance labels of their nuclei and a table out."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_marrow.data.atomic import atomic_files
from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.fields import Collection
from napari_marrow.data.outputs import FileKind, input_files, png_kind, save_png, table_kind
from napari_marrow.imaging.nuclei import nucleus_table
from napari_marrow.imaging.segmentation import segment_cytoplasm, segment_nuclei
from napari_marrow.imaging.settings import SegmentSettings
from napari_marrow.jobs.events import Emit, Event, ShouldStop, never, silent
from napari_marrow.jobs.output_names import field_names, file_stems

TABLE = "nuclei.csv"
COLUMNS = ("image", "index", "y", "x", "area", "cytoplasm_area", "nucleus_to_cell")
_MARKED = png_kind("instance labels")
# They may have been corrected since: replaced with ``force`` only.
LABELS = FileKind(_MARKED.name, resembles_ours=_MARKED.is_ours)
NUCLEI = FileKind(
    "a table of nuclei", resembles_ours=table_kind("a table of nuclei", COLUMNS[:5]).is_ours
)


@dataclass(frozen=True)
class SegmentJob:
    """Find the nuclei of these photographs, whatever masks they have; write them to a folder."""

    collections: Sequence[Collection]
    out: Path
    settings: SegmentSettings = field(default_factory=SegmentSettings)
    cytoplasm: bool = False
    force: bool = False


def run_segmentation(
    job: SegmentJob, emit: Emit = silent, should_stop: ShouldStop = never
) -> dict[str, Any]:
    """Write ``<stem>_nuclei.png`` for each photograph, and a table of all nuclei.

    The PNGs are of 16 bits a pixel: 0 outside, 1 to n in the nuclei. With ``cytoplasm`` there is
    also ``<stem>_cytoplasm.png`` with the same numbers. The files appear when all are done. In a
    folder with the photographs they are read as masks of those that have none of that kind yet.
    A photograph that can't be read is left out, with a warning.

    Returns
    -------
    dict
        ``out`` (path), ``nuclei`` (how many), ``fields`` (for each photograph ``image``, its name
        in the table, ``nuclei`` and ``file``), ``left_out`` (names), ``warnings``.

    Raises
    ------
    MarrowError
        When the settings can't work, no photograph can be read, or a file is there already.
    Stopped
        When ``should_stop`` said so.
    """
    if problems := job.settings.problems():
        raise MarrowError(" ".join(problems))
    pairs = field_names(job.collections)
    stems = file_stems([f for _, f in pairs])
    endings = ("_nuclei.png", "_cytoplasm.png") if job.cytoplasm else ("_nuclei.png",)
    kinds = {f"{stem}{ending}": LABELS for stem in stems for ending in endings} | {TABLE: NUCLEI}
    found, rows, left_out = [], [], {}
    with atomic_files(job.out, kinds, input_files(job.collections), job.force) as folder:
        for done, ((name, f), stem) in enumerate(zip(pairs, stems, strict=True), 1):
            if should_stop():
                raise Stopped
            try:
                image = f.image()
            except MarrowError as error:
                left_out[name] = str(error)
                continue
            its_rows = _segment(image, name, folder / stem, job)
            rows += its_rows
            file = str(job.out / f"{stem}_nuclei.png")
            found.append({"image": name, "nuclei": len(its_rows), "file": file})
            emit(Event("progress", f"Segmented {f.name}", done / len(pairs)))
        if left_out and not found:
            raise MarrowError(next(iter(left_out.values())))
        for sentence in left_out.values():
            emit(Event("message", f"! {sentence}"))
        _write_table(rows, folder / TABLE, COLUMNS if job.cytoplasm else COLUMNS[:5])
    return {
        "out": str(job.out),
        "nuclei": len(rows),
        "fields": found,
        "left_out": list(left_out),
        "warnings": list(left_out.values()),
    }


def _segment(
    image: NDArray[np.uint8], name: str, stem: Path, job: SegmentJob
) -> list[dict[str, Any]]:
    """Write the labels of one photograph; give its rows of the table, one a nucleus."""
    labels = segment_nuclei(image, job.settings)
    around = segment_cytoplasm(image, labels) if job.cytoplasm else None
    _save(labels, stem.with_name(f"{stem.name}_nuclei.png"))
    if around is not None:
        _save(around, stem.with_name(f"{stem.name}_cytoplasm.png"))
    return _rows(name, labels, around)


def _save(labels: NDArray[np.uint16], path: Path) -> None:
    save_png(Image.fromarray(labels), path, LABELS)


def _rows(
    name: str, labels: NDArray[np.uint16], cytoplasm: NDArray[np.uint16] | None
) -> list[dict[str, Any]]:
    table = nucleus_table(labels, cytoplasm)
    columns = [table[column].tolist() for column in table]
    return [
        {"image": name, **dict(zip(table, values, strict=True))}
        for values in zip(*columns, strict=True)
    ]


def _write_table(rows: list[dict[str, Any]], path: Path, columns: Sequence[str]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
