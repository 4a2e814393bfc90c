"""Kill a viewer at random moments while cells are annotated in it, and see what is kept.

    xvfb-run -a -s "-screen 0 1366x768x24" python benchmarks/killed.py [--times 50]

A child process opens the sample data in a real viewer and gives one cell after the other a class,
or takes the last thing back, through the widget "Annotate cells". It writes a line for each once
the canvas has drawn it. It is killed (SIGKILL) up to two seconds after the first, and the next one
goes on with the same project.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from napari_marrow.data.project.project import Project

MAX_S = 2.0
"""Longest time from the first annotation to the kill."""


def annotate(folder: Path, seed: int) -> None:
    """Annotate until killed, in the child process."""
    import napari
    from qtpy.QtWidgets import QApplication

    viewer, rng = napari.Viewer(), np.random.default_rng(seed)
    viewer.open_sample("napari-marrow", "both")
    _, widget = viewer.window.add_plugin_dock_widget("napari-marrow", "Annotate cells")
    widget.open_project(folder)
    layer = widget.photograph.layer
    while (field := widget.session.shown(layer)) is None:
        QApplication.processEvents()
    session, numbers = widget.session, field.cells.numbers
    while True:
        if rng.random() < 0.2:
            session.undo()
        else:
            session.give(field, [int(rng.choice(numbers))], str(rng.choice(["ALL", "MM"])))
        QApplication.processEvents()
        known = {
            str(k): session.annotations.cells[v[0]].class_name
            for k, v in session.given(field).items()
        }
        print(json.dumps([session.annotations.number, known]), flush=True)


def kept(folder: Path, lines: list[str]) -> bool:
    """Return whether the project has what was shown last, at the moment that it was."""
    number, known = json.loads(lines[-1])
    project = Project(folder)
    try:
        then = project.at(number)
        return project.annotations.number >= number and sorted(known.values()) == sorted(
            x.class_name for x in then.cells.values()
        )
    finally:
        project.close()


def main() -> None:
    """Print how often all was kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--child", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.child is not None:
        annotate(args.child, args.seed)
    rng, whole, shown = np.random.default_rng(0), 0, 0
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "project"
        for k in range(args.times):
            command = [sys.executable, __file__, "--child", str(folder), "--seed", str(k)]
            with subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=os.environ,
            ) as child:
                first = child.stdout.readline()
                time.sleep(rng.uniform(0, MAX_S))
                child.kill()
                rest = child.stdout.readlines()
            lines = [x for x in [first, *rest] if x.endswith("\n")]
            shown += len(lines)
            whole += kept(folder, lines)
        project = Project(folder)
        print(
            f"Killed {args.times} times, after {shown} changes that were shown; all were kept "
            f"{whole} times."
        )
        print(f"The journal has {len(project.entries)} entries.")
        project.close()


if __name__ == "__main__":
    main()
