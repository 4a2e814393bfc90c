"""Commands: features, train, predict, export and demo."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

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
from napari_marrow.cli.console import Reporter, note_lines, show
from napari_marrow.cli.model_options import AsGroups, ModelOptions, grouped, report_unused
from napari_marrow.data.text import counted
from napari_marrow.learning.settings import (
    CommonSettings,
    PredictSettings,
    TrainingSettings,
)
from napari_marrow.measure.settings import ChiSquareSettings, FeatureSettings
from napari_marrow.report.colours import RESEARCH_ONLY


@app.command
def features(
    folder: Path,
    /,
    *,
    out: Annotated[Path, Parameter(help="CSV to write; T.csv gets T.scores.csv beside it.")],
    settings: Annotated[FeatureSettings, AsListOptions] = FeatureSettings(),  # noqa: B008
    selection: Annotated[ChiSquareSettings, AsOptions] = ChiSquareSettings(),  # noqa: B008
    force: AsForce = False,
    strict: AsStrict = False,
    json: AsJson = False,
) -> None:
    """Measure fields, or the cells in them, and score the features by chi-square.

    Parameters
    ----------
    folder
        A folder with one folder per class, or a SN-AM download.
    """
    from napari_marrow.data.layouts import scan as scan_folder
    from napari_marrow.jobs.features import FeaturesJob, run_features_job

    no_problems(settings)
    no_problems(selection)
    with Reporter() as report:
        job = FeaturesJob(scan_folder(folder), out, settings, selection, force, strict)
        result = run_features_job(job, report)
    lines = [f"{counted(result.rows, 'row')} of {counted(result.features, 'feature')} in {out}."]
    if result.scores:
        best = ", ".join(result.selected[:5])
        lines.append(f"Scores in {result.scores}; the best: {best}.")
    lines += [*note_lines(result.notes, result.failed)]
    show(result.to_dict(), json, *lines, RESEARCH_ONLY)


@app.command
def train(
    folder: Path,
    /,
    *,
    out: Annotated[Path, Parameter(help="The bundle to write (a .marrow folder).")],
    groups: AsGroups = None,
    settings: Annotated[CommonSettings, AsListOptions] = CommonSettings(),  # noqa: B008
    options: Annotated[ModelOptions, AsListOptions] = ModelOptions(),  # noqa: B008
    force: AsForce = False,
    strict: AsStrict = False,
    json: AsJson = False,
) -> None:
    """Train a model on a folder and write its bundle.

    Parameters
    ----------
    folder
        A folder with one folder per class, or a SN-AM download.
    """
    from napari_marrow.jobs.train import TrainJob, run_training

    report_unused([settings.model], options)
    chosen = TrainingSettings(**vars(settings), **vars(options))
    no_problems(chosen)
    collection = grouped(folder, groups)
    with Reporter() as report:
        result = run_training(TrainJob(collection, chosen, out, force, strict), report)
    lines = [*result.verdict, *note_lines(result.notes, result.failed)]
    lines += [f"Bundle: {out}", RESEARCH_ONLY]
    show(result.to_dict() | {"warnings": list(collection.warnings)}, json, *lines)


@app.command
def predict(
    bundle: Path,
    /,
    *paths: Path,
    out: Annotated[Path, Parameter(help="CSV to write.")],
    overlay: Annotated[Path | None, Parameter(help="Folder for PNGs of the predictions.")] = None,
    geojson: Annotated[
        Path | None, Parameter(help="Folder for the cells with their outlines, for QuPath.")
    ] = None,
    settings: Annotated[PredictSettings, AsOptions] = PredictSettings(),  # noqa: B008
    workers: Annotated[int, Parameter(help="Number of fields classified at the same time.")] = 1,
    force: AsForce = False,
    strict: AsStrict = False,
    json: AsJson = False,
) -> None:
    """Classify fields, or the cells in them, with a bundle.

    Parameters
    ----------
    bundle
        The .marrow folder of a trained model.
    paths
        Photographs, or folders of them.
    """
    from napari_marrow.data.layouts import scan_all
    from napari_marrow.jobs.predict import PredictJob, run_prediction
    from napari_marrow.learning.bundles.bundle import load_bundle

    if not paths or workers < 1:
        raise UsageError("Name at least one photograph or folder, and at least one worker.")
    no_problems(settings)
    collections = scan_all(paths)
    model = load_bundle(bundle).with_engine(settings.engine)
    job = PredictJob(
        model, collections, out, overlay, workers, force, strict, settings.adapt, geojson
    )
    with Reporter() as report:
        result = run_prediction(job, report)
    counts = Counter(p.class_name or "without a nucleus" for p in result.predictions)
    summary = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    if uncertain := sum(p.uncertain for p in result.predictions):
        summary += f" ({uncertain} uncertain)"
    fields = f"{counted(len(result.predictions), 'field')}: {summary}; "
    fields += f"{counted(len(result.table), 'row')} in {out}."
    lines = note_lines(result.notes, result.failed)
    lines.insert(1 if result.confounding else 0, fields)  # what the data can't show comes first
    show(result.to_dict(), json, *lines, RESEARCH_ONLY)


@app.command
def export(
    bundle: Path,
    out: Path,
    /,
    *,
    to: Annotated[
        Literal["onnx", "keras", "bioimage"],
        Parameter(help="onnx, keras, or a package of the BioImage Model Zoo."),
    ] = "onnx",
    json: AsJson = False,
) -> None:
    """Write a trained model in a format of other programs.

    It holds the model alone: not the shift test, the temperature, and what doubts an answer.

    Parameters
    ----------
    bundle
        The .marrow folder of a trained model.
    out
        File to write.
    """
    from napari_marrow.jobs.export import ExportJob, run_export
    from napari_marrow.learning.bundles.bundle import load_bundle

    written = run_export(ExportJob(load_bundle(bundle), out, to))
    text = f"{written}: the model alone, which marks no answer as uncertain."
    show({"out": str(written), "to": to}, json, text, RESEARCH_ONLY)


@app.command
def demo(
    out: Path = Path("demo-output"), /, *, force: AsForce = False, json: AsJson = False
) -> None:
    """Run the whole workflow on the sample data: scan, train, predict, report, screenshot.

    Parameters
    ----------
    out
        Folder to make.
    """
    from napari_marrow.jobs.demo import run_demo
    from napari_marrow.report.tables import verdict

    with Reporter() as report:
        result = run_demo(out, report, force=force)
    info = result.info
    lines = [*verdict(info.evaluation, info.confounding), *result.notes, f"Report: {result.report}"]
    show(result.to_dict(), json, *lines, RESEARCH_ONLY)
