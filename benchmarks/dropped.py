"""How long it takes from a dropped folder to the first cells in the colours of their classes.

    xvfb-run -a -s "-screen 0 1366x768x24" python benchmarks/dropped.py FOLDER

In a real viewer: the folder is opened, Annotate is pressed, two cells of two classes each get
their class, in the first field of the class each, and the model's rings are drawn. The time that
a person thinks is not counted. Beside it, when all fields have their rings.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import napari
from qtpy.QtWidgets import QApplication


def wait_for(until: Callable[[], bool], limit_s: float = 600) -> None:
    """Let the viewer run until something holds."""
    end = time.perf_counter() + limit_s
    while not until():
        QApplication.processEvents()
        assert time.perf_counter() < end, "It did not end in time."


def main() -> None:
    """Print a row for each step, with the seconds since the folder was dropped."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    viewer = napari.Viewer()
    for _ in range(20):
        QApplication.processEvents()
    start = time.perf_counter()
    steps: list[tuple[str, float]] = []

    def note(text: str) -> None:
        QApplication.processEvents()
        steps.append((text, time.perf_counter() - start))

    viewer.open(args.folder, plugin="napari-marrow")
    note("the folder is open")
    _, widget = viewer.window.add_plugin_dock_widget("napari-marrow", "Annotate cells")
    with tempfile.TemporaryDirectory() as folder:
        widget.open_project(Path(folder) / "project")
        image = widget.photograph.layer
        wait_for(lambda: widget.session.shown(image) is not None)
        note("keys give cells a class")
        photograph = widget.chosen()
        names = [x.name for x in widget.session.annotations.classes]
        rows = [photograph.classes.index(name) for name in names if name in photograph.classes]
        for row in rows:
            viewer.dims.set_point(0, row)
            wait_for(lambda: widget.session.shown(image) is not None)
            field = widget.session.shown(image)
            for number in field.cells.numbers[:2]:
                widget.session.give(field, [number], photograph.classes[row])
                QApplication.processEvents()
        note("four cells have a class")
        live = widget.live
        wait_for(lambda: live.answers is not None and live.answers.model != "")
        note("the first cells have the colour that the model says")
        wait_for(lambda: not live.busy)
        note(f"all {len(live.answers.cells)} cells of {len(photograph)} fields have")
        print("| what | seconds since the folder was dropped |\n|---|---|")
        for text, seconds in steps:
            print(f"| {text} | {seconds:.1f} |")
        widget.close_project()
    viewer.close()


if __name__ == "__main__":
    main()
