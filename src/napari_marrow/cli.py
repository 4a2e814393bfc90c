"""The command line: every command is a thin call into the floors below.

Standard output carries results, standard error progress and errors. ``--json`` prints one JSON
object. Exit 0 done, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import cyclopts
from cyclopts import App, CycloptsError, Parameter, Token
from rich.console import Console
from rich.table import Table

from napari_marrow import __version__
from napari_marrow.console import Reporter, console, counted, print_comparison, show
from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.phantom import PhantomSettings
from napari_marrow.features.settings import ChiSquareSettings, FeatureSettings
from napari_marrow.imaging.settings import AugmentSettings, SegmentSettings
from napari_marrow.jobs.events import Event
from napari_marrow.learning.settings import CompareSettings, TrainingSettings
from napari_marrow.report.colours import RESEARCH_ONLY


def _converted(hint: type, tokens: Sequence[Token]) -> Any:
    """Convert an option's words as usual; but 1.5 is no whole number, and not rounded to one.

    Names come as one word with commas between them.
    """
    if hint == tuple[str, ...]:
        return tuple(name.strip() for token in tokens for name in token.value.split(","))
    if hint is int and not re.fullmatch(r"[+-]?\d+", tokens[0].value):
        raise ValueError(f"{tokens[0].value!r} is no whole number.")
    return cyclopts.convert(hint, [token.value for token in tokens])


app = App(
    default_parameter=Parameter(converter=_converted),
    name="napari-marrow",
    help="Bone-marrow microscopy: fields, masks, training and labelling. " + RESEARCH_ONLY,
    help_epilogue="Every command takes --json (one JSON object) and --debug (traceback of errors).",
    version=__version__,
    suppress_keyboard_interrupt=False,  # else it exits here with 130 and says nothing
)
# The options of a settings dataclass, with the help that its fields carry.
AsOptions = Parameter(name="*")
# Short for the command line, in full in forms and JSON.
SHORT = {"operations": "ops"}
AsListOptions = Parameter(
    name="*",
    name_transform=lambda name: SHORT.get(name, name).replace("_", "-"),
    negative_iterable="",
)
AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print one JSON object.")]


@app.command
def info(*, json: AsJson = False) -> None:
    """Show versions, the backend and the devices it really finds."""
    from napari_marrow.jobs.devices import devices
    from napari_marrow.jobs.versions import versions

    result = {"versions": versions(), **devices()}
    rows = [f"{name:16} {version}" for name, version in result["versions"].items()]
    show(result, json, *rows, f"{'backend':16} {result['backend']}", result["text"], RESEARCH_ONLY)


@app.command
def scan(folder: Path, /, *, json: AsJson = False) -> None:
    """Say what a folder holds: fields, classes, masks, sources, and what is odd.

    Names and headers tell most of it. The audit then looks at a sample of the pixels: for masks
    among the photographs, copies, and what goes with the class.

    Parameters
    ----------
    folder
        A folder of photographs, of class folders, or a SN-AM download.
    """
    from napari_marrow.data.audit import audit
    from napari_marrow.data.layouts import scan as scan_folder

    found = scan_folder(folder)
    audited = audit(found)
    masks = Counter(kind for f in found.fields for kind in f.mask_kinds)
    sources = len({f.source for f in found.fields})
    result = found.to_dict() | {
        "classes": found.counts(),
        "masks": dict(sorted(masks.items())),
        "sources": sources,
        "audit": audited.to_dict(),
    }
    table = Table("class", "fields", box=None, pad_edge=False)
    for name, count in found.counts().items():
        table.add_row(name, str(count))
    if not json:
        Console(highlight=False).print(table)
    shown = ", ".join(f"{count} {kind}" for kind, count in sorted(masks.items())) or "none"
    show(
        result,
        json,
        f"{counted(len(found.fields), 'field')} of {counted(sources, 'source')}; masks: {shown}.",
        *(f"! {warning}" for warning in (*found.warnings, *audited.sentences)),
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
    from napari_marrow.data.phantom import write_phantom

    if crossed and settings.confounded:
        raise UsageError("Stain batches are crossed or confounded; give one of the two.")
    chosen = settings
    if size is not None:
        width, height = _size(size)
        chosen = replace(settings, width=width, height=height)
    _no_problems(chosen)
    with Reporter() as report:
        root = write_phantom(out, chosen, lambda part, text: report(Event("progress", text, part)))
    result = {"folder": str(root), "fields": chosen.fields}
    show(result, json, f"{chosen.fields} simulated fields in {root}.")


@app.command
def augment(
    folder: Path,
    out: Path,
    /,
    *,
    settings: Annotated[AugmentSettings, AsListOptions] = AugmentSettings(),  # noqa: B008
    json: AsJson = False,
) -> None:
    """Make more photographs of few, with their masks, as a folder in SN-AM names.

    A copy keeps its source, so it never stands on the other side of an honest split.

    Parameters
    ----------
    folder
        A folder with a folder a class, or a SN-AM download.
    out
        The folder to make, outside the other; CLASS/STEM_OPERATION.bmp are made in it.
    """
    from napari_marrow.data.layouts import scan as scan_folder
    from napari_marrow.jobs.augment import AugmentJob, check_place, run_augmentation

    _no_problems(settings)
    check_place(out, folder)
    with Reporter() as report:
        result = run_augmentation(AugmentJob(scan_folder(folder), settings, out), report)
    told = f"{counted(result['images'], 'image')} and {counted(result['masks'], 'mask')} in {out}."
    show(result, json, told, *(f"! {warning}" for warning in result["warnings"]))
    _none_left_out(result)


@app.command
def segment(
    *paths: Path,
    out: Annotated[Path, Parameter(help="Folder for the labels.")],
    settings: Annotated[SegmentSettings, AsOptions] = SegmentSettings(),  # noqa: B008
    cytoplasm: Annotated[
        bool, Parameter(negative="", help="Find the cytoplasm too, and how much of a cell it is.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Find the nuclei of photographs: STEM_nuclei.png, 16-bit instance labels, and nuclei.csv.

    Masks that are there are not used.

    Parameters
    ----------
    paths
        Photographs, or folders of them.
    """
    from napari_marrow.data.layouts import scan as scan_folder
    from napari_marrow.jobs.segment import SegmentJob, run_segmentation

    if not paths:
        raise UsageError("Name at least one photograph or folder.")
    _no_problems(settings)
    collections = [scan_folder(path) for path in paths]
    with Reporter() as report:
        result = run_segmentation(SegmentJob(collections, out, settings, cytoplasm), report)
    told = f"{result['nuclei']} {'nucleus' if result['nuclei'] == 1 else 'nuclei'}"
    fields = counted(len(result["fields"]), "field")
    show(result, json, f"{told} in {fields}, in {out}.", RESEARCH_ONLY)
    _none_left_out(result)


@app.command
def features(
    folder: Path,
    /,
    *,
    out: Annotated[Path, Parameter(help="CSV to write; T.csv gets T.scores.csv beside it.")],
    settings: Annotated[FeatureSettings, AsListOptions] = FeatureSettings(),  # noqa: B008
    selection: Annotated[ChiSquareSettings, AsOptions] = ChiSquareSettings(),  # noqa: B008
    json: AsJson = False,
) -> None:
    """Measure fields, or the cells in them, and score the features by chi-square.

    Parameters
    ----------
    folder
        A folder with a folder a class, or a SN-AM download.
    """
    from napari_marrow.data.layouts import scan as scan_folder
    from napari_marrow.jobs.features import FeaturesJob, run_features_job

    _no_problems(settings)
    _no_problems(selection)
    with Reporter() as report:
        job = FeaturesJob(scan_folder(folder), out, settings, selection)
        result = run_features_job(job, report)
    best = ", ".join(result["selected"][:5])
    lines = [f"{result['rows']} rows of {counted(result['features'], 'feature')} in {out}."]
    if result["scores"]:
        lines.append(f"Scores in {result['scores']}; the best: {best}.")
    show(result, json, *lines, *result["notes"], RESEARCH_ONLY)


@app.command
def train(
    folder: Path,
    /,
    *,
    out: Annotated[Path, Parameter(help="The bundle to write (a .marrow folder).")],
    groups: Annotated[
        Path | None, Parameter(help="CSV with image,source: what stays on one side of the split.")
    ] = None,
    settings: Annotated[TrainingSettings, AsListOptions] = TrainingSettings(),  # noqa: B008
    json: AsJson = False,
) -> None:
    """Train a model on a folder and write its bundle.

    Parameters
    ----------
    folder
        A folder with a folder a class, or a SN-AM download.
    """
    from napari_marrow.data.fields import with_groups
    from napari_marrow.data.layouts import scan as scan_folder
    from napari_marrow.jobs.train import run_training
    from napari_marrow.jobs.train_job import TrainJob
    from napari_marrow.report.tables import verdict

    _no_problems(settings)
    collection = scan_folder(folder)
    if groups is not None:
        collection = with_groups(collection, groups)
    with Reporter() as report:
        result = run_training(TrainJob(collection, settings, out), report)
    lines = [*verdict(result["evaluation"]), *result["notes"], f"Bundle: {out}", RESEARCH_ONLY]
    show(result | {"warnings": list(collection.warnings)}, json, *lines)


@app.command
def predict(
    bundle: Path,
    /,
    *paths: Path,
    out: Annotated[Path, Parameter(help="CSV to write.")],
    overlay: Annotated[Path | None, Parameter(help="Folder for PNGs with the answers.")] = None,
    workers: Annotated[int, Parameter(help="Fields labelled at the same time.")] = 1,
    json: AsJson = False,
) -> None:
    """Label fields, or the cells in them, with a bundle.

    Parameters
    ----------
    bundle
        The .marrow folder of a trained model.
    paths
        Photographs, or folders of them.
    """
    from napari_marrow.data.layouts import scan as scan_folder
    from napari_marrow.jobs.predict import PredictJob, run_prediction
    from napari_marrow.learning.bundle import load_bundle

    if not paths or workers < 1:
        raise UsageError("Name at least one photograph or folder, and at least one worker.")
    collections = [scan_folder(path) for path in paths]
    job = PredictJob(load_bundle(bundle), collections, out, overlay, workers)
    with Reporter() as report:
        table, predictions = run_prediction(job, report)
    found = [f for c in collections for f in c.fields]
    answers = [
        {
            "image": f.name,
            "class": p.class_name,
            "probability": None if p.class_name is None else p.probability,
            "uncertain": p.uncertain,
        }
        for f, p in zip(found, predictions, strict=True)
    ]
    result = {"out": str(out), "rows": len(table), "fields": answers}
    counts = Counter(str(a["class"]) for a in answers)
    told = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    show(result, json, f"{len(answers)} fields: {told}; {len(table)} rows in {out}.", RESEARCH_ONLY)


@app.command
def compare(
    folder: Path,
    /,
    *,
    out: Annotated[Path, Parameter(help="Folder for the tables.")],
    groups: Annotated[
        Path | None, Parameter(help="CSV with image,source: what stays in one fold.")
    ] = None,
    settings: Annotated[CompareSettings, AsListOptions] = CompareSettings(),  # noqa: B008
    json: AsJson = False,
) -> None:
    """Cross-validate several models on the same folds, cut by source, in one table.

    Parameters
    ----------
    folder
        A folder with a folder a class, or a SN-AM download.
    """
    from napari_marrow.data.fields import with_groups
    from napari_marrow.data.layouts import scan as scan_folder
    from napari_marrow.jobs.compare import CompareJob, run_comparison

    _no_problems(settings)
    collection = scan_folder(folder)
    if groups is not None:
        collection = with_groups(collection, groups)
    with Reporter() as report:
        result = run_comparison(CompareJob(collection, out, settings), report)
    if not json:
        print_comparison(result["rows"])
    counted_units = f"{counted(result['units'], 'unit')} of {counted(result['sources'], 'source')}"
    told = f"{counted_units}, {result['folds']} folds; tables in {out}."
    show(result, json, told, *result["notes"], RESEARCH_ONLY)


@app.command
def demo(out: Path = Path("demo-output"), /, *, json: AsJson = False) -> None:
    """Go the whole way on the sample data: scan, train, predict, report, screenshot.

    Parameters
    ----------
    out
        Folder to make.
    """
    from napari_marrow.jobs.demo import run_demo

    with Reporter() as report:
        result = run_demo(out, report)
    lines = [*result["verdict"], *result["notes"], f"Report: {result['report']}", RESEARCH_ONLY]
    show(result, json, *lines)


class UsageError(Exception):
    """The command was called in a way that can't work."""


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if match is None:
        raise UsageError(f"--size is {text!r}; give it as WIDTHxHEIGHT, such as 2560x1920.")
    return int(match[1]), int(match[2])


def _none_left_out(result: dict[str, Any]) -> None:
    """Exit with 1 where photographs were left out: a script must not take it for all of them."""
    from napari_marrow.data.layouts.files import listed

    if names := result["left_out"]:
        count = counted(len(names), "photograph")
        raise MarrowError(
            f"{count} can't be read and {'was' if len(names) == 1 else 'were'} left out: "
            f"{listed(names)}; copy them again or remove them."
        )


def _no_problems(settings: Any) -> None:
    if problems := settings.problems():
        raise UsageError(" ".join(problems))


def main(tokens: list[str] | None = None) -> None:
    """Run the command of ``tokens`` (or of the command line) and exit."""
    sys.exit(run(sys.argv[1:] if tokens is None else tokens))


def run(tokens: list[str]) -> int:
    """Run a command and return its exit status; errors become one line."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    debug = "--debug" in tokens
    tokens = [token for token in tokens if token != "--debug"]
    if not debug:
        warnings.simplefilter("ignore")
    try:
        app(tokens, exit_on_error=False, print_error=False, result_action="return_value")
    except (CycloptsError, UsageError) as error:
        return _complain(error, debug, 2)
    except (MarrowError, Stopped) as error:
        return _complain(error, debug, 1)
    except KeyboardInterrupt as error:
        return _complain(Stopped("Stopped; nothing was written.") if not debug else error, debug, 1)
    except Exception as error:  # noqa: BLE001 - a fault of ours is one line too, and says how to see more
        kind = type(error).__name__
        text = f"unexpected {kind}: {error}; run it again with --debug and report what it shows."
        return _complain(error, debug, 1, text)
    return 0


def _complain(error: BaseException, debug: bool, status: int, text: str = "") -> int:
    if debug:
        console.print_exception() if sys.exc_info()[0] else console.print(str(error))
    message = " ".join((text or str(error)).split())
    print(f"napari-marrow: {message}", file=sys.stderr)
    return status
