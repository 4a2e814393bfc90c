"""How long the viewer makes a person wait while it labels, trains, and is interrupted.

    python benchmarks/responsiveness.py [--repeats 2] [--cases floor,label,train,interrupt]

Every repeat is a process of its own with a new napari viewer, on a virtual screen (xvfb-run) where
there is no display. The widget is opened by its name in the manifest and its buttons are clicked.

A heartbeat, a timer of 1 ms, notes when the event loop turns. A **stall** is the time between two
turns, less the 1 ms: for so long the viewer answered nothing. "99 % of turns" is the 99th
percentile of all stalls of the time measured. As a long stall is one turn like a short one, the
wait of an event that comes at a random moment is reported beside it: its 99th percentile counts
each moment, and not each turn. "Idle" is the same viewer in the 3 s before the click.

The cells are labelled with a small network that is trained first, in another process. No
TensorFlow is in the process that is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from heartbeat import Heartbeat

IDLE_S = 3.0
MOSAIC = (("ALL", 1), ("MM", 1), ("MM", 2), ("ALL", 2))
"""Simulated fields of 9, 15, 16 and 10 nuclei, that make one of 50."""
FIELD_SIZE = (1280, 960)
EPOCHS = 30
MARK = "RESULT "


class Session:
    """A new viewer with the widget, and the heartbeat."""

    def __init__(self, warm: bool):
        import napari

        import napari_marrow.widgets.train_dcnn as module

        if not warm:
            module.WARM_START_AFTER_MS = 10**8
        self.viewer = napari.Viewer()
        self.beat = Heartbeat()
        _, self.widget = self.viewer.window.add_plugin_dock_widget("napari-marrow", "Train DCNN")
        self.beat.rest(1)
        if warm:
            self.beat.wait(lambda: self.widget.client.pid is not None)
            self.beat.wait(lambda: not self.widget.warm_task.busy)

    def status_has(self, text: str) -> Callable[[], bool]:
        """Return whether the status line of the widget has a text."""
        return lambda: text in self.widget.run.status.text()

    def open_sample(self, **settings: object) -> None:
        """Open the simulated fields of both classes; set options of the form."""
        self.viewer.open_sample("napari-marrow", "both")
        for name, value in settings.items():
            self.widget.form.fields[name].value = value
        self.beat.wait(lambda: self.widget.source.table.rowCount() > 0)
        self.beat.rest(2)


def case_label(field: str, bundle: str, pause: float) -> dict[str, float]:
    """Label a field of 50 cells for the first time, so many seconds after the bundle is loaded."""
    session = Session(warm=True)
    beat, widget, viewer = session.beat, session.widget, session.viewer
    viewer.open(field, plugin="napari-marrow")
    name = f"{Path(field).stem} predicted cells"
    beat.rest(2)
    idle = beat.summary(*beat.rest(IDLE_S))
    loading = time.perf_counter()
    widget.model.load(Path(bundle))  # what the button does once its dialog has closed
    loaded = time.perf_counter()
    beat.rest(pause)
    begun = beat.click(widget.model.label_button)
    there = beat.wait(lambda: name in viewer.layers and not widget.model.task.busy)
    ended = beat.painted(there)
    found = beat.summary(begun, ended)
    count = len(viewer.layers[name].features)
    floor_begun = time.perf_counter()
    beat.turns.append(floor_begun)
    viewer.add_labels(np.zeros(viewer.layers[name].data.shape, np.int32))
    floor = beat.summary(floor_begun, beat.painted(beat.wait(lambda: True)))
    session.viewer.close()
    return {
        "seconds": ended - begun,
        "cells": count,
        **{f"label_{k}": v for k, v in found.items()},
        **{f"idle_{k}": v for k, v in idle.items()},
        "load": 1e3 * (loaded - loading),
        "floor": floor["longest"],
    }


def case_train(warm: bool) -> dict[str, float]:
    """Train twice in one viewer."""
    session = Session(warm)
    beat, widget = session.beat, session.widget
    session.open_sample(epochs=EPOCHS, patience=0)
    found = {f"idle_{k}": v for k, v in beat.summary(*beat.rest(IDLE_S)).items()}
    for number in ("first", "second"):
        before = widget.model.bundle
        begun = beat.click(widget.train_button)
        epoch = beat.wait(session.status_has("Epoch "))
        result = beat.wait(
            lambda before=before: widget.model.bundle is not before and not widget.task.busy
        )
        stalls = beat.summary(begun, beat.painted(result))
        found[f"{number}_epoch"] = epoch - begun
        found[f"{number}_result"] = result - begun
        found |= {f"{number}_{k}": v for k, v in stalls.items()}
        widget.run.say("")
        beat.rest(1)
    session.viewer.close()
    return found


def case_floor() -> dict[str, float]:
    """A text of a dock that changes four times a second, and an open progress bar of napari's."""
    import napari
    from napari.utils import progress
    from qtpy.QtCore import QTimer
    from qtpy.QtWidgets import QLabel

    viewer, beat, label = napari.Viewer(), Heartbeat(), QLabel("0")
    viewer.window.add_dock_widget(label)
    timer = QTimer()
    timer.timeout.connect(lambda: label.setText(f"{int(label.text()) + 1}"))
    beat.rest(2)
    timer.start(250)
    found = {f"text_{k}": v for k, v in beat.summary(*beat.rest(IDLE_S)).items()}
    timer.stop()
    bar = progress(total=10)
    beat.rest(1)
    found |= {f"bar_{k}": v for k, v in beat.summary(*beat.rest(IDLE_S)).items()}
    bar.close()
    viewer.close()
    return found


def case_interrupt() -> dict[str, float]:
    """Cancel a training, kill one, and cancel one while TensorFlow starts."""
    session = Session(warm=True)
    beat, widget = session.beat, session.widget
    session.open_sample(epochs=5000, patience=0)
    found = {}

    def train_until(text: str) -> None:
        widget.run.say("")
        beat.click(widget.train_button)
        beat.wait(session.status_has(text))
        beat.rest(0.5)

    def cancel(name: str, ended: Callable[[], bool]) -> None:
        begun = beat.click(widget.run.cancel_button)
        found[f"{name}_enabled"] = beat.wait(widget.train_button.isEnabled) - begun
        found[f"{name}_idle"] = beat.wait(ended) - begun

    def idle() -> bool:
        return not (widget.client.busy or widget.warm_task.busy)

    train_until("Epoch ")
    cancel("cancel", idle)
    train_until("Epoch ")
    pid = widget.client.pid
    os.kill(pid, signal.SIGKILL)
    begun = time.perf_counter()
    ready = beat.wait(
        lambda: session.status_has("was killed")() and widget.train_button.isEnabled()
    )
    beat.click(widget.train_button)
    usable = beat.wait(
        lambda: session.status_has("Starting")() and widget.client.pid not in (None, pid)
    )
    found |= {"kill_sentence": ready - begun, "kill_usable": usable - begun}
    found["kill_epoch"] = beat.wait(session.status_has("Epoch ")) - begun
    os.kill(widget.client.pid, signal.SIGKILL)
    beat.wait(widget.train_button.isEnabled)
    beat.rest(1)  # the next child starts
    beat.click(widget.train_button)
    beat.wait(session.status_has("Starting"))
    beat.rest(1)
    cancel("start", widget.train_button.isEnabled)  # the child goes on, for the next training
    session.viewer.close()
    return found


CASES = {
    "label": case_label,
    "floor": case_floor,
    "train": case_train,
    "interrupt": case_interrupt,
}


def write_field(folder: Path) -> Path:
    """Write a simulated field of 50 cells and its nucleus mask; return the photograph."""
    from PIL import Image

    from napari_marrow.simulation.phantom import PhantomSettings, draw_field

    width, height = FIELD_SIZE
    settings = PhantomSettings(width=width, height=height)
    parts = [draw_field(*which, settings) for which in MOSAIC]

    def joined(images: list[np.ndarray]) -> Image.Image:
        rows = [np.concatenate(images[k : k + 2], axis=1) for k in (0, 2)]
        return Image.fromarray(np.concatenate(rows))

    folder.mkdir()
    path = folder / "field.bmp"
    joined([x.image for x in parts]).save(path)
    masks = [np.repeat((x.nuclei > 0)[..., None] * np.uint8(255), 3, axis=2) for x in parts]
    joined(masks).save(folder / "field_nucleus_mask.bmp")
    return path


def train_bundle(folder: Path) -> Path:
    """Train a small network on cells in another process; return its bundle."""
    command = Path(sys.executable).with_name("napari-marrow")
    sample, out = Path(__file__).resolve().parent.parent / "sample_data", folder / "cells.marrow"
    arguments = ["train", sample, "--unit", "cell", "--epochs", 3, "--copies", 1, "--out", out]
    subprocess.run([*map(str, (command, *arguments))], check=True, capture_output=True)
    return out


def run_case(name: str, repeats: int, **options: object) -> list[dict[str, float]]:
    """Run a case in new processes, with nothing cached; return what each found."""
    screen = ["xvfb-run", "-a", "-s", "-screen 0 1366x768x24"]
    prefix = [] if os.environ.get("DISPLAY") else screen
    found = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as cache:
            command = [sys.executable, __file__, "--case", name, "--options", json.dumps(options)]
            environment = os.environ | {"NAPARI_MARROW_CACHE": cache, "XDG_DATA_HOME": cache}
            done = subprocess.run(
                [*prefix, *command], env=environment, capture_output=True, text=True
            )
        lines = [x for x in done.stdout.splitlines() if x.startswith(MARK)]
        if not lines:
            raise SystemExit(f"{name} failed:\n{done.stdout}\n{done.stderr}")
        found.append(json.loads(lines[-1].removeprefix(MARK)))
        print(f"{name} {options}: {found[-1]}", file=sys.stderr, flush=True)
    return found


def row(what: str, values: Iterable[float], unit: str, bar: str = "-") -> None:
    """Print a row of the table."""
    values = list(values)
    digits = 2 if unit == "s" else 1
    print(
        f"| {what} | {statistics.median(values):.{digits}f} {unit} "
        f"| {max(values):.{digits}f} {unit} | {bar} |",
        flush=True,
    )


def main() -> None:
    """Print the table; or, as a case, measure one viewer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--cases", default="floor,label,train,interrupt")
    parser.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    parser.add_argument("--options", default="{}", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.case:
        print(MARK + json.dumps(CASES[args.case](**json.loads(args.options))), flush=True)
        return
    if not os.environ.get("DISPLAY") and shutil.which("xvfb-run") is None:
        raise SystemExit("There is no display; install xvfb, which has xvfb-run.")
    cases = args.cases.split(",")
    print("| what | median | worst | bar |\n|---|---|---|---|")
    if "floor" in cases:
        report_floor(args.repeats)
    if "label" in cases:
        report_labelling(args.repeats)
    if "train" in cases:
        report_training(args.repeats)
    if "interrupt" in cases:
        report_interrupts(args.repeats)


def report_floor(repeats: int) -> None:
    """Print the rows of what napari alone takes."""
    found = run_case("floor", repeats)
    for key, what in (
        ("text", "a text in a dock changes 4 times a second"),
        ("bar", "a progress bar of napari's is open"),
    ):
        row(f"napari alone, {what}: longest stall", _of(found, f"{key}_longest"), "ms")
        row(f"napari alone, {what}: 99 % of turns", _of(found, f"{key}_turns99"), "ms")


def report_labelling(repeats: int) -> None:
    """Print the rows of the first labelling."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        field, bundle = write_field(folder / "field"), train_bundle(folder)
        both = {
            pause: run_case("label", repeats, field=str(field), bundle=str(bundle), pause=pause)
            for pause in (2.0, 0.0)
        }
    for pause, when in ((2.0, "2 s after the bundle was loaded"), (0.0, "at once")):
        found = both[pause]
        cells = f"{found[0]['cells']} cells"
        row(f"click on Label layers to labels, {cells}, {when}", _of(found, "seconds"), "s", "1 s")
        row(f"longest stall in it, {when}", _of(found, "label_longest"), "ms")
    every = [x for found in both.values() for x in found]
    row("loading the bundle, one stall", _of(every, "load"), "ms")
    row("napari alone: an empty Labels layer is added, longest stall", _of(every, "floor"), "ms")
    row("idle viewer, longest stall", _of(every, "idle_longest"), "ms")
    row("idle viewer, 99 % of turns", _of(every, "idle_turns99"), "ms")


def report_training(repeats: int) -> None:
    """Print the rows of two trainings in one viewer."""
    for warm in (False, True):
        found = run_case("train", repeats, warm=warm)
        when = "TensorFlow started before" if warm else "no warm start"
        for number in ("first", "second"):
            what = f"{number} training, {when}"
            row(f"{what}: click to first epoch", _of(found, f"{number}_epoch"), "s")
            row(
                f"{what}: longest stall to the result",
                _of(found, f"{number}_longest"),
                "ms",
                "50 ms",
            )
            row(f"{what}: 99 % of turns", _of(found, f"{number}_turns99"), "ms", "5 ms")
            row(f"{what}: 99 % of moments", _of(found, f"{number}_moments99"), "ms")
        row(f"idle before, {when}: longest stall", _of(found, "idle_longest"), "ms")
        ratios = [x["first_epoch"] / x["second_epoch"] for x in found]
        bar = "-" if warm else "5 times"
        print(
            f"| second training to first epoch, against the first, {when} "
            f"| {statistics.median(ratios):.1f} times | {min(ratios):.1f} times | {bar} |"
        )


def report_interrupts(repeats: int) -> None:
    """Print the rows of cancelling and killing."""
    found = run_case("interrupt", repeats)
    row("cancel while it trains: Train is enabled", _of(found, "cancel_enabled"), "s", "1 s")
    row("cancel while it trains: the child is idle", _of(found, "cancel_idle"), "s", "1 s")
    row("cancel while TensorFlow starts: Train is enabled", _of(found, "start_enabled"), "s", "1 s")
    row("SIGKILL: the sentence, and Train is enabled", _of(found, "kill_sentence"), "s", "3 s")
    row("SIGKILL: a click on Train has a new child", _of(found, "kill_usable"), "s", "3 s")
    row("SIGKILL: first epoch of that training", _of(found, "kill_epoch"), "s")


def _of(found: list[dict[str, float]], key: str) -> list[float]:
    return [x[key] for x in found]


if __name__ == "__main__":
    main()
