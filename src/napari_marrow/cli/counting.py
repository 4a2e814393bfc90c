"""Command: count."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from napari_marrow.cli.app import AsForce, AsJson, AsListOptions, UsageError, app, no_problems
from napari_marrow.cli.console import show
from napari_marrow.learning.counting.result import CountSettings
from napari_marrow.report.colours import RESEARCH_ONLY


@app.command
def count(
    answers: Path,
    /,
    *,
    settings: Annotated[CountSettings, AsListOptions] = CountSettings(),  # noqa: B008
    bundle: Annotated[
        Path | None,
        Parameter(help="The .marrow folder that answered: its held-out errors are in the share."),
    ] = None,
    evaluation: Annotated[
        Path | None,
        Parameter(help="The evaluation.json of that bundle, in place of its held-out errors."),
    ] = None,
    groups: Annotated[
        Path | None, Parameter(help="CSV with image,source: the patient or slide of each image.")
    ] = None,
    out: Annotated[
        Path | None, Parameter(help="CSV to write: the share in all, by source and by field.")
    ] = None,
    force: AsForce = False,
    json: AsJson = False,
) -> None:
    """Count the share of a class, with its interval, against a cut-off.

    Parameters
    ----------
    answers
        The table that predict wrote, one prediction per cell.
    """
    from napari_marrow.data.atomic import atomic_file
    from napari_marrow.data.outputs import write_csv
    from napari_marrow.learning.bundles.bundle import load_bundle
    from napari_marrow.learning.counting.count import count_cells
    from napari_marrow.learning.counting.heldout import HeldOutErrors, read_evaluation
    from napari_marrow.learning.counting.tables import (
        SHARES,
        read_answers,
        read_sources,
        shares_table,
    )

    no_problems(settings)
    if bundle is not None and evaluation is not None:
        raise UsageError("Give --bundle or --evaluation, not both.")
    table = read_answers(answers)
    errors = None
    if bundle is not None:
        errors = HeldOutErrors.of_bundle(load_bundle(bundle))
    elif evaluation is not None:
        errors = read_evaluation(evaluation)
    images = list(dict.fromkeys(table["image"]))
    sources = None if groups is None else read_sources(images, groups)
    result = count_cells(table, settings, errors, sources)
    lines = list(result.sentences)
    if out is not None:
        read = [path for path in (answers, evaluation, groups, bundle) if path is not None]
        with atomic_file(out, SHARES, read, force) as part:
            write_csv(shares_table(result), part)
        lines.append(f"Shares by {'source and ' if result.sources else ''}field: {out}")
    show(result.to_dict(), json, *lines, RESEARCH_ONLY)
