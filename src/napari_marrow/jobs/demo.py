"""Run the whole workflow on the sample data, without a display, and write a report."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from napari_marrow.data.atomic import atomic_folder
from napari_marrow.data.fields import Collection
from napari_marrow.data.layouts import scan
from napari_marrow.data.outputs import FolderKind, input_files, recognize
from napari_marrow.data.progress import never
from napari_marrow.data.samples import sample_folder
from napari_marrow.jobs.events import Emit, Event, ShouldStop, silent
from napari_marrow.jobs.output_names import PREDICTIONS
from napari_marrow.jobs.predict import PredictJob, PredictResult, run_prediction
from napari_marrow.jobs.train import TrainJob, run_training
from napari_marrow.learning.bundle_files import BUNDLE_JSON
from napari_marrow.learning.bundles.bundle import BUNDLE, Bundle, load_bundle
from napari_marrow.learning.bundles.info import INVALID, BundleInfo
from napari_marrow.learning.bundles.sealed import bundle_files, sha256
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.report.overlay import OVERLAY
from napari_marrow.report.page import PAGE, SCREENSHOT_PNG, Answer, Picture, write_page
from napari_marrow.report.tables import verdict

SETTINGS = TrainingSettings(unit="cell", epochs=20, seed=1)
REPORT, SAMPLE_BUNDLE = "report.html", "sample.marrow"
PREDICTED, SCREENSHOT = "predictions.csv", "screenshot.png"
_FIGURES = {
    "history": "Loss by epoch.",
    "confusion": "Held-out units: truth against answer.",
    "roc": "ROC of the held-out units.",
    "precision_recall": "Precision and recall of the held-out units.",
}


def _demo_files(path: Path) -> dict[str, bool]:
    bundle = path / SAMPLE_BUNDLE
    model = bundle_files(bundle) if _is_of_sample(bundle / BUNDLE_JSON) else {}
    own = {f"{SAMPLE_BUNDLE}/{name}": same for name, same in model.items()}
    kinds = {REPORT: PAGE, PREDICTED: PREDICTIONS, SCREENSHOT: SCREENSHOT_PNG}
    overlays = {f"overlays/{p.name}": OVERLAY for p in path.glob("overlays/*.png")}
    return own | recognize(path, kinds | overlays)


def _is_of_sample(description: Path) -> bool:
    """Whether a ``bundle.json`` is of a model that a demonstration trained on the sample data."""
    try:
        info = BundleInfo.from_dict(json.loads(description.read_text(encoding="utf-8")))
    except (OSError, *INVALID):
        return False
    sample = {sha256(field.path) for field in scan(sample_folder()).fields}
    return info.settings == SETTINGS and set(info.fingerprints.values()) == sample


_MAIN_FILES = (*(f"{SAMPLE_BUNDLE}/{name}" for name in BUNDLE.main_files), REPORT, PREDICTED)
DEMO = FolderKind("a demonstration", _demo_files, _MAIN_FILES)


@dataclass(frozen=True)
class DemoResult:
    """What a demonstration made.

    Attributes
    ----------
    report, bundle
        Paths.
    screenshot
        Path, or None where there is no napari or no way to a display.
    info
        The description of the bundle.
    notes
        Sentences for the user.
    """

    report: Path
    bundle: Path
    screenshot: Path | None
    info: BundleInfo
    notes: list[str]

    def to_dict(self) -> dict[str, object]:
        """Return the result as JSON."""
        evaluation = self.info.evaluation
        return {
            "report": str(self.report),
            "bundle": str(self.bundle),
            "screenshot": None if self.screenshot is None else str(self.screenshot),
            "evaluation": None if evaluation is None else evaluation.to_dict(),
            "verdict": verdict(evaluation, self.info.confounding),
            "notes": self.notes,
        }


def run_demo(
    out: Path, emit: Emit = silent, should_stop: ShouldStop = never, *, force: bool = False
) -> DemoResult:
    """Scan, train, predict, take a screenshot and write the report, all into ``out``.

    Parameters
    ----------
    out
        Folder to make; an older demonstration is replaced.
    force
        Replace one whose files no longer have the form in which they were written, too.
    """
    collection = scan(sample_folder())
    with atomic_folder(out, DEMO, input_files([collection]), force) as folder:
        emit(Event("message", f"{len(collection.fields)} sample fields: {collection.counts()}"))
        job = TrainJob(collection, SETTINGS, folder / SAMPLE_BUNDLE)
        run_training(job, _part(emit, 0.0, 0.8), should_stop)
        bundle = load_bundle(job.out)
        predicting = PredictJob(bundle, [collection], folder / PREDICTED, folder / "overlays")
        predicted = run_prediction(predicting, _part(emit, 0.8, 0.9), should_stop)
        emit(Event("progress", "Taking a screenshot of napari", 0.92))
        screenshot, notes = _screenshot(bundle, collection, folder / SCREENSHOT)
        notes += [predicted.shift] if predicted.shift else []
        _report(folder, bundle, collection, predicted, screenshot, notes)
    return DemoResult(
        report=out / REPORT,
        bundle=out / SAMPLE_BUNDLE,
        screenshot=None if screenshot is None else out / screenshot.name,
        info=bundle.info,
        notes=[*bundle.info.notes, *notes],
    )


def _part(emit: Emit, low: float, high: float) -> Emit:
    """Return an ``emit`` that maps progress to the range from ``low`` to ``high``."""

    def squeezed(event: Event) -> None:
        if event.fraction is not None:
            event = replace(event, fraction=low + (high - low) * event.fraction)
        emit(event)

    return squeezed


def _screenshot(
    bundle: Bundle, collection: Collection, path: Path
) -> tuple[Path | None, list[str]]:
    """Take a screenshot of a viewer in its own process, on a virtual display if there is none."""
    held = set(bundle.info.split["heldout"])
    shown = next((f for f in collection.fields if f.source in held), collection.fields[0])
    module = "napari_marrow.viewer.io.screenshot"
    command = [sys.executable, "-m", module, str(shown.path), str(bundle.path), str(path)]
    if not os.environ.get("DISPLAY") and sys.platform.startswith("linux"):
        xvfb = shutil.which("xvfb-run")
        if xvfb is None:
            return None, ["No screenshot: there is no display; install xvfb and xauth."]
        command = [xvfb, "-a", "-s", "-screen 0 1366x768x24", *command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if not path.is_file():  # xvfb-run also fails where its display ends before it is ended
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return None, [f"No screenshot: the viewer could not start ({last})."]
    return path, []


def _report(
    folder: Path,
    bundle: Bundle,
    collection: Collection,
    predicted: PredictResult,
    screenshot: Path | None,
    notes: list[str],
) -> None:
    sides = {source: side for side, names in bundle.info.split.items() for source in names}
    answers = [
        Answer(f.name, f.class_name, p.class_name, p.probability, p.reason, sides.get(f.source, ""))
        for f, p in zip(collection.fields, predicted.predictions, strict=True)
    ]
    answers = sorted(answers, key=lambda a: (a.side, a.name))
    heldout = [f for f in collection.fields if sides.get(f.source) == "heldout"]
    caption = "napari with masks and predicted cells"
    shown = None if screenshot is None else Picture(screenshot, caption)
    write_page(
        folder / REPORT,
        "napari-marrow on its sample data",
        collection,
        bundle.info,
        figures=[
            Picture(path, text)
            for name, text in _FIGURES.items()
            if (path := bundle.path / "figures" / f"{name}.png").is_file()
        ],
        overlays=[
            Picture(folder / "overlays" / f"{f.name}.png", f"{f.name}, held out") for f in heldout
        ],
        answers=answers,
        screenshot=shown,
        notes=["The sample fields are simulated: these scores say nothing of patients.", *notes],
    )
