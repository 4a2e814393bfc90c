"""Segment photographs: instance labels of nuclei and cytoplasm, in memory or into a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from napari_marrow.data.atomic import atomic_files
from napari_marrow.data.errors import Stopped
from napari_marrow.data.failures import Failure, Failures
from napari_marrow.data.fields import Collection, warnings_of
from napari_marrow.data.outputs import (
    FileKind,
    input_files,
    png_kind,
    save_png,
    table_kind,
    write_csv,
)
from napari_marrow.data.progress import never
from napari_marrow.imaging.nuclei import nucleus_table
from napari_marrow.imaging.segmentation import segment_cytoplasm, segment_nuclei
from napari_marrow.imaging.settings import SegmentSettings
from napari_marrow.jobs.events import Emit, Event, ShouldStop, silent
from napari_marrow.jobs.output_names import field_names, file_stems

TABLE = "nuclei.csv"
_LABELS = png_kind("instance labels")
_TABLE = table_kind("a table of nuclei", ("image", "index", "y", "x", "area"))
# They may have been corrected since: replaced with ``force`` only.
LABELS = FileKind(_LABELS.name, resembles_ours=_LABELS.is_ours)
NUCLEI = FileKind(_TABLE.name, resembles_ours=_TABLE.resembles_ours)


@dataclass(frozen=True)
class Segmentation:
    """The nuclei of one photograph.

    Attributes
    ----------
    nuclei
        Instance labels, (height, width): 0 outside, 1 to n in the nuclei.
    cytoplasm
        The same numbers in the cytoplasm of each nucleus, or None.
    """

    nuclei: NDArray[np.uint16]
    cytoplasm: NDArray[np.uint16] | None = None

    @property
    def count(self) -> int:
        """Number of nuclei."""
        return int(self.nuclei.max(initial=0))


def segment_each(
    images: Sequence[tuple[str, Callable[[], NDArray[np.uint8]]]],
    settings: SegmentSettings,
    cytoplasm: bool = False,
    should_stop: ShouldStop = never,
    failures: Failures | None = None,
) -> Iterator[Segmentation | None]:
    """Segment photographs one after the other.

    Parameters
    ----------
    images
        Their names in tables, and functions that read them, (height, width, 3), uint8.
    settings
        Of the nuclei.
    cytoplasm
        Segment the cytoplasm too.
    should_stop
        Asked before each photograph.
    failures
        Takes the photographs that can't be read; without it, the first ends the work.

    Yields
    ------
    Segmentation or None
        None where a photograph was left out.

    Raises
    ------
    MarrowError
        When no photograph can be read, or one can't and there is no ``failures``.
    Stopped
        When ``should_stop`` returned True.
    """
    failures = Failures(strict=True) if failures is None else failures
    for name, read in images:
        if should_stop():
            raise Stopped
        found = None
        with failures.leaving_out(name):
            image = read()
            nuclei = segment_nuclei(image, settings)
            found = Segmentation(nuclei, segment_cytoplasm(image, nuclei) if cytoplasm else None)
        yield found
    failures.check_some_left(len(images))


@dataclass(frozen=True)
class SegmentJob:
    """Find the nuclei of these photographs, whatever masks they have; write them to a folder."""

    collections: Sequence[Collection]
    out: Path
    settings: SegmentSettings = field(default_factory=SegmentSettings)
    cytoplasm: bool = False
    force: bool = False
    strict: bool = False


@dataclass(frozen=True)
class SegmentResult:
    """What a segmentation job wrote.

    Attributes
    ----------
    out
        The folder.
    counts
        Number of nuclei by the photograph's name in the table.
    files
        The labels, in the same order.
    failed
        The photographs that can't be read and were left out.
    warnings
        What reading the folders found: photographs that a table leaves out, say.
    """

    out: Path
    counts: dict[str, int]
    files: list[Path]
    failed: tuple[Failure, ...]
    warnings: tuple[str, ...] = ()

    @property
    def nuclei(self) -> int:
        """Number of nuclei in all photographs."""
        return sum(self.counts.values())

    def to_dict(self) -> dict[str, object]:
        """Return the result as JSON."""
        fields = zip(self.counts.items(), self.files, strict=True)
        return {
            "out": str(self.out),
            "nuclei": self.nuclei,
            "fields": [{"image": i, "nuclei": n, "file": str(file)} for (i, n), file in fields],
            "failed": [failure.to_dict() for failure in self.failed],
            "warnings": list(self.warnings),
        }


def run_segmentation(
    job: SegmentJob, emit: Emit = silent, should_stop: ShouldStop = never
) -> SegmentResult:
    """Write ``<stem>_nuclei.png`` for each photograph, and a table of all nuclei.

    The PNGs have 16 bits a pixel. With ``cytoplasm`` there is also ``<stem>_cytoplasm.png``. The
    files appear when all are done. In a folder with the photographs they are read as masks of those
    that have none of that kind yet. A photograph that can't be read is left out, with a reason.

    Raises
    ------
    MarrowError
        When the settings can't work, no photograph can be read, or a file can't be replaced.
    Stopped
        When ``should_stop`` returned True.
    """
    job.settings.check()
    pairs = field_names(job.collections)
    stems = file_stems([f.path for _, f in pairs])
    endings = ("_nuclei.png", "_cytoplasm.png") if job.cytoplasm else ("_nuclei.png",)
    kinds = {f"{stem}{ending}": LABELS for stem in stems for ending in endings} | {TABLE: NUCLEI}
    counts, files, tables = dict[str, int](), list[Path](), list[pd.DataFrame]()
    failures = Failures(job.strict)
    images = [(name, f.image) for name, f in pairs]
    with atomic_files(job.out, kinds, input_files(job.collections), job.force) as folder:
        each = segment_each(images, job.settings, job.cytoplasm, should_stop, failures)
        for (name, f), stem, found in zip(pairs, stems, each, strict=True):
            if found is None:
                continue
            save_png(Image.fromarray(found.nuclei), folder / f"{stem}_nuclei.png", LABELS)
            if found.cytoplasm is not None:
                path = folder / f"{stem}_cytoplasm.png"
                save_png(Image.fromarray(found.cytoplasm), path, LABELS)
            tables.append(
                pd.DataFrame({"image": name, **nucleus_table(found.nuclei, found.cytoplasm)})
            )
            counts[name] = found.count
            files.append(job.out / f"{stem}_nuclei.png")
            done = len(tables) + len(failures.found)
            emit(Event("progress", f"Segmented {f.name}", done / len(pairs)))
        table = pd.concat(tables, ignore_index=True)
        write_csv(table, folder / TABLE, missing="nan")
    warnings = warnings_of(job.collections)
    return SegmentResult(job.out, counts, files, tuple(failures.found), warnings)
