"""Commands: augment and segment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from napari_marrow.cli.app import (
    AsForce,
    AsJson,
    AsListOptions,
    AsOptions,
    AsStrict,
    UsageError,
    app,
    no_problems,
)
from napari_marrow.cli.console import Reporter, failure_lines, note_lines, show
from napari_marrow.data.text import counted
from napari_marrow.imaging.settings import AugmentSettings, SegmentSettings
from napari_marrow.report.colours import RESEARCH_ONLY


@app.command
def augment(
    folder: Path,
    out: Path,
    /,
    *,
    settings: Annotated[AugmentSettings, AsListOptions] = AugmentSettings(),  # noqa: B008
    strict: AsStrict = False,
    json: AsJson = False,
) -> None:
    """Augment photographs with their masks into a new folder with SN-AM names.

    A copy keeps its source, so it never stands on the other side of an honest split.

    Parameters
    ----------
    folder
        A folder with one folder per class, or a SN-AM download.
    out
        The folder to make, outside the other; CLASS/STEM_OPERATION.bmp are made in it.
    """
    from napari_marrow.data.layouts import scan as scan_folder
    from napari_marrow.jobs.augment import AugmentJob, check_place, run_augmentation

    no_problems(settings)
    check_place(out, folder)
    with Reporter() as report:
        result = run_augmentation(AugmentJob(scan_folder(folder), settings, out, strict), report)
    summary = f"{counted(result.images, 'image')} and {counted(result.masks, 'mask')} in {out}."
    show(result.to_dict(), json, summary, *failure_lines(result.failed))


@app.command
def segment(
    *paths: Path,
    out: Annotated[Path, Parameter(help="Folder for the labels.")],
    settings: Annotated[SegmentSettings, AsOptions] = SegmentSettings(),  # noqa: B008
    cytoplasm: Annotated[
        bool,
        Parameter(
            negative="", help="Segment the cytoplasm too, and measure its share of the cell."
        ),
    ] = False,
    force: AsForce = False,
    strict: AsStrict = False,
    json: AsJson = False,
) -> None:
    """Segment the nuclei of photographs into STEM_nuclei.png (16-bit labels) and nuclei.csv.

    Existing masks are not used.

    Parameters
    ----------
    paths
        Photographs, or folders of them.
    """
    from napari_marrow.data.layouts import scan_all
    from napari_marrow.jobs.segment import SegmentJob, run_segmentation

    if not paths:
        raise UsageError("Name at least one photograph or folder.")
    no_problems(settings)
    collections = scan_all(paths)
    with Reporter() as report:
        job = SegmentJob(collections, out, settings, cytoplasm, force, strict)
        result = run_segmentation(job, report)
    nuclei = counted(result.nuclei, "nucleus", "nuclei")
    fields = counted(len(result.counts), "field")
    summary = f"{nuclei} in {fields}, in {out}."
    lines = [summary, *note_lines(result.warnings, result.failed)]
    show(result.to_dict(), json, *lines, RESEARCH_ONLY)
