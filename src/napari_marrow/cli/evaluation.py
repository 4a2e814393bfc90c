"""Commands that judge models: evaluate and compare."""

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
    app,
    no_problems,
)
from napari_marrow.cli.console import (
    Reporter,
    note_lines,
    print_comparison,
    print_controls,
    print_evaluation,
    show,
)
from napari_marrow.cli.model_options import AsGroups, ModelOptions, grouped, report_unused
from napari_marrow.data.text import counted, printable
from napari_marrow.learning.settings import CompareSettings, EvaluateSettings, FoldSettings
from napari_marrow.report.colours import RESEARCH_ONLY


@app.command
def evaluate(
    bundle: Path,
    folder: Path,
    /,
    *,
    out: Annotated[Path, Parameter(help="Folder for the result and its report.")],
    groups: AsGroups = None,
    settings: Annotated[EvaluateSettings, AsOptions] = EvaluateSettings(),  # noqa: B008
    force: AsForce = False,
    strict: AsStrict = False,
    json: AsJson = False,
) -> None:
    """Judge a trained model on photographs with classes that it has not seen.

    Photographs that it learnt from, or that were held out when it was trained, are left out, and
    those of the same source as one that it learnt from.

    Parameters
    ----------
    bundle
        The .marrow folder of a trained model.
    folder
        A folder with one folder per class, or a SN-AM download.
    """
    from napari_marrow.jobs.evaluate import run_evaluation
    from napari_marrow.jobs.evaluate_job import EvaluateJob

    no_problems(settings)
    job = EvaluateJob(bundle, grouped(folder, groups), out, settings, groups, force, strict)
    with Reporter() as report:
        run = run_evaluation(job, report)
    result = run.result
    if not json:
        print_evaluation(result)
    places = f"Report: {out / 'report.html'}"
    show(run.to_dict(), json, *result.count, *result.notes, places, RESEARCH_ONLY)


@app.command
def compare(
    folder: Path,
    /,
    *,
    out: Annotated[Path, Parameter(help="Folder for the tables.")],
    groups: AsGroups = None,
    settings: Annotated[FoldSettings, AsListOptions] = FoldSettings(),  # noqa: B008
    options: Annotated[ModelOptions, AsListOptions] = ModelOptions(),  # noqa: B008
    force: AsForce = False,
    strict: AsStrict = False,
    json: AsJson = False,
) -> None:
    """Cross-validate several models on the same folds, cut by source, in one table.

    Parameters
    ----------
    folder
        A folder with one folder per class, or a SN-AM download.
    """
    from napari_marrow.jobs.compare import CompareJob, run_comparison

    report_unused(settings.models, options)
    chosen = CompareSettings(**vars(settings), **vars(options))
    no_problems(chosen)
    job = CompareJob(grouped(folder, groups), out, chosen, groups, force, strict)
    with Reporter() as report:
        result = run_comparison(job, report)
    notes = note_lines(result.notes, result.failed)
    if not json:
        print(printable("\n".join(result.result.verdict)))  # before any number
        print_comparison(result.rows)
        print_controls(result.result.controls)
    counted_units = f"{counted(result.units, 'unit')} of {counted(result.sources, 'source')}"
    summary = f"{counted_units}, {counted(result.n_folds, 'fold')}; report in {out}."
    show(result.to_dict(), json, summary, *notes, RESEARCH_ONLY)
