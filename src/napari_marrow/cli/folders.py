"""Commands: info, scan and phantom."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.table import Table

from napari_marrow.cli.app import AsJson, AsOptions, AsStrict, UsageError, app, no_problems
from napari_marrow.cli.console import Reporter, failure_lines, print_table, show
from napari_marrow.data.progress import never
from napari_marrow.data.text import counted
from napari_marrow.jobs.events import Event, progress_callback
from napari_marrow.report.colours import RESEARCH_ONLY
from napari_marrow.simulation.phantom import PhantomSettings


@app.command
def info(*, json: AsJson = False) -> None:
    """Show versions, the backend and the devices that it finds, and the engines of prediction."""
    from napari_marrow.jobs.devices import devices
    from napari_marrow.learning.bundles.versions import versions
    from napari_marrow.learning.onnx.choice import explain_auto
    from napari_marrow.learning.onnx.engines import installed_engines, missing_engines

    installed, found = versions(), devices()
    engines, missing = installed_engines(), missing_engines()
    rows = [f"{name:16} {version}" for name, version in installed.items()]
    rows += [f"{'backend':16} {found.backend}"]
    rows += [f"{'device':16} {name}" for name in found.devices]
    rows += [f"{'memory':16} {text}" for text in found.memory]
    rows += [f"{'engine':16} {name}: {text}" for name, text in engines.items()]
    rows += [explain_auto(), found.text, *missing, RESEARCH_ONLY]
    values = {"engines": engines, "engines_missing": missing, "engine_auto": explain_auto()}
    show({"versions": installed, **asdict(found), **values}, json, *rows)


@app.command
def scan(folder: Path, /, *, strict: AsStrict = False, json: AsJson = False) -> None:
    """List the contents of a folder: fields, classes, masks, sources, and warnings.

    Most of it is read from names and headers. The audit then reads a sample of the pixels to find
    masks among the photographs, copies, and properties that differ between the classes.

    Parameters
    ----------
    folder
        A folder of photographs, of class folders, or a SN-AM download.
    """
    from napari_marrow.audit.audit import audit
    from napari_marrow.data.layouts import scan as scan_folder

    with Reporter() as report:
        progress = progress_callback(report, never)
        audited = audit(scan_folder(folder, progress), progress, strict)
        found = audited.collection  # copies are one source
        progress(1.0, f"Scanned {counted(len(found.fields), 'field')}")
    masks = Counter(kind for f in found.fields for kind in f.mask_kinds)
    sources = len({f.source for f in found.fields})
    without = sum(f.class_name is None for f in found.fields)
    result = found.to_dict() | {
        "classes": found.counts(),
        "without_class": without,
        "masks": dict(sorted(masks.items())),
        "sources": sources,
        "audit": audited.to_dict(),
        "failed": [failure.to_dict() for failure in audited.failed],
    }
    table = Table("class", "fields", box=None, pad_edge=False)
    for name, count in found.counts().items():
        table.add_row(name, str(count))
    if without:
        table.add_row("(none)", str(without))
    if not json:
        print_table(table)
    reasons = {failure.reason for failure in audited.failed}
    warnings = [x for x in (*found.warnings, *audited.sentences) if x not in reasons]
    shown = ", ".join(f"{count} {kind}" for kind, count in sorted(masks.items())) or "none"
    show(
        result,
        json,
        f"{counted(len(found.fields), 'field')} of {counted(sources, 'source')}; masks: {shown}.",
        *(f"! {warning}" for warning in warnings),
        *failure_lines(audited.failed),
        *([] if audited.acquisitions.association.holds else [audited.acquisitions.sentence]),
    )


@app.command
def phantom(
    out: Path,
    /,
    *,
    size: Annotated[str | None, Parameter(help="WIDTHxHEIGHT, instead of the two apart.")] = None,
    settings: Annotated[PhantomSettings, AsOptions] = PhantomSettings(),  # noqa: B008
    crossed: Annotated[
        bool,
        Parameter(negative="", help="Let every stain batch occur in both classes (the default)."),
    ] = False,
    json: AsJson = False,
) -> None:
    """Write a simulated SN-AM folder, with exact masks.

    Parameters
    ----------
    out
        Folder to make; "PKG - SN-AM" is made in it.
    """
    from napari_marrow.simulation.phantom import write_phantom

    if crossed and settings.confounded:
        raise UsageError("Stain batches are crossed or confounded; give one of the two.")
    chosen = settings
    if size is not None:
        width, height = _size(size)
        chosen = replace(settings, width=width, height=height)
    no_problems(chosen)
    with Reporter() as report:
        root = write_phantom(out, chosen, lambda part, text: report(Event("progress", text, part)))
    result = {"folder": str(root), "fields": chosen.fields}
    show(result, json, f"{chosen.fields} simulated fields in {root}.")


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if match is None:
        raise UsageError(f"--size is {text!r}; give it as WIDTHxHEIGHT, such as 2560x1920.")
    return int(match[1]), int(match[2])
