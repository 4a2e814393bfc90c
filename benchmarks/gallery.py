"""How long the viewer takes for a gallery of many cells, and how pure its groups are, as tables.

    xvfb-run -a -s "-screen 0 1366x768x24" python benchmarks/gallery.py [--cells 5000] [--real REAL]

In a real viewer on a virtual screen without a graphics card, with cells in a stack of ten fields of
2560 x 1920 pixels: how long its thread is busy at a time until all cells are shown, and from a key
to the next frame of gallery and canvas. Beside the time that passes is that for which the viewer's
thread itself works, which other programs do not lengthen. Cells drawn at random stand for those of
a photograph.

With REAL, the folder of ``transfer.py`` and ``clicks.py``, also the purity of groups of similar
cells: the share of cells that have the most frequent class of their group, so that one key is right
for them. Beside it that of groups of the same sizes drawn at random.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import clicks
import napari
import numpy as np
import pandas as pd
import psutil
import transfer
from annotating import SIZE
from napari.layers import Image, Labels
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QDockWidget, QLabel, QWidget

from napari_marrow.data.project.annotations import Annotations, ClassColour
from napari_marrow.data.project.project import Project
from napari_marrow.learning.annotating.arranging import Arrangement, arranged
from napari_marrow.learning.annotating.cells import CellAnswers, MeasuredCells, MeasuredField
from napari_marrow.viewer.annotating.live_cells import LiveCells
from napari_marrow.viewer.annotating.open_project import open_project_of
from napari_marrow.viewer.annotating.session import AnnotationSession
from napari_marrow.viewer.layer_info import Kind, linked_info
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.transforms import place_of
from napari_marrow.widgets.gallery import Gallery

N_FIELDS = 10
CTRL = Qt.KeyboardModifier.ControlModifier
CLASSES = (ClassColour("ALL", "#E69F00"), ClassColour("MM", "#009E73"))


def field_of(count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """Draw about so many nuclei of two colours and sizes; image and labels."""
    rng = np.random.default_rng(seed)
    side = int(np.sqrt(SIZE[0] * SIZE[1] / count))
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    number = (y // side) * (SIZE[1] // side + 1) + x // side + 1
    kinds = rng.integers(0, 2, number.max() + 1)
    radius = rng.uniform(0.25, 0.35, kinds.shape) + 0.1 * kinds
    inside = np.hypot(y % side - side / 2, x % side - side / 2) < side * radius[number]
    colours = np.array([(90, 50, 130), (130, 60, 110)])[kinds] + rng.integers(
        -15, 15, (len(kinds), 3)
    )
    image = np.where(inside[..., None], colours[number], 225) + rng.integers(-8, 9, (*SIZE, 1))
    return image.clip(0, 255).astype(np.uint8), np.where(inside, number, 0).astype(np.uint16)


def measured(viewer: napari.Viewer, owner: QObject, folder: Path, count: int) -> LiveCells:
    """Open a stack with so many cells, and measure all of them."""
    fields = [field_of(count // N_FIELDS, seed) for seed in range(N_FIELDS)]
    image = viewer.add_layer(Image(np.stack([x for x, _ in fields]), name="fields", rgb=True))
    info = linked_info(image, Kind.NUCLEI).metadata()
    labels = np.stack([x for _, x in fields])
    viewer.add_layer(Labels(labels, name="fields nuclei", metadata=info, **place_of(image)))
    viewer.dims.set_point(0, 0)
    session = AnnotationSession(owner, viewer, Project.create(folder, CLASSES), print)
    live = LiveCells(owner, session)
    photograph = Photograph.of(image, list(viewer.layers))
    session.open_field(photograph, lambda: live.follow(photograph))
    total = sum(len(np.unique(x)) - 1 for x in labels)
    wait(lambda: live.answers is not None and len(live.answers.cells) == total)
    return live


@dataclass
class Times:
    """Seconds of each repeat: those that passed, and those for which this thread worked."""

    passed: list[float] = field(default_factory=list)
    worked: list[float] = field(default_factory=list)

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note what the block takes."""
        before = time.perf_counter(), time.thread_time()
        yield
        self.passed.append(time.perf_counter() - before[0])
        self.worked.append(time.thread_time() - before[1])

    def row(self, what: str, bar: str = "-") -> str:
        """Return a row of a table: medians, and the longest that passed."""
        passed, worked = np.median(self.passed), np.median(self.worked)
        texts = [f"{1000 * x:.0f} ms" for x in (passed, max(self.passed), worked)]
        return f"| {what} | {' | '.join(texts)} | {bar} |"


def timed(action: Callable[[int], object], repeats: int, rest: float = 0) -> Times:
    """Return how long an action takes until it is drawn, with a rest before each."""
    found = Times()
    for k in range(repeats):
        wait(_after(rest))
        with found.noted():
            action(k)
            QApplication.processEvents()
    return found


def wait(until: Callable[[], bool]) -> Times:
    """Handle events until it is so; what each time of handling them took."""
    found = Times()
    while not until():
        with found.noted():
            QApplication.processEvents()
        time.sleep(0.001)
    return found


def opened(viewer: napari.Viewer) -> tuple[Gallery, Times, float]:
    """Open the gallery: the longest that its thread was busy, and when all pictures were seen."""
    start = time.perf_counter()
    widget = Gallery(viewer)
    busy = timed(lambda k: add_dock(viewer, widget), 1)
    gallery, grid = widget.gallery, widget.gallery.grid

    def seen() -> bool:
        rows = grid.rows_in_view()
        return bool(rows) and all(gallery.thumbnails.has(gallery.model.key_of(x)) for x in rows)

    rest = wait(seen)
    most = Times([max(busy.passed + rest.passed)], [max(busy.worked + rest.worked)])
    return widget, most, time.perf_counter() - start


def add_dock(viewer: napari.Viewer, widget: QWidget) -> QDockWidget:
    """Put a widget to the right of the canvas."""
    return viewer.window.add_dock_widget(widget, name="dock", area="right")


def print_times(count: int, repeats: int) -> None:
    """Print a row for each thing that a person waits for."""
    viewer, owner = napari.Viewer(), QObject()
    viewer.window.resize(1366, 740)
    with tempfile.TemporaryDirectory() as folder:
        live = measured(viewer, owner, Path(folder) / "project", count)
        answers = live.answers
        assert answers is not None
        viewer.window.remove_dock_widget(add_dock(viewer, QLabel("empty")))  # the first is slower
        empty = timed(lambda k: add_dock(viewer, QLabel("empty")), 1)
        open_project_of(viewer).set_live(live)
        viewer.window.remove_dock_widget(opened(viewer)[0].parent())  # imports
        widget, busy, shown = opened(viewer)
        model, grid = widget.gallery.model, widget.gallery.grid
        print(f"{model.count} cells in {len(model.groups)} groups.\n")
        print("| what | median | worst | the viewer's thread works | bar |")
        print("|---|---|---|---|---|")
        print(busy.row("gallery opened: longest that the viewer is busy", "100 ms"))
        print(empty.row("napari alone adds an empty dock"))
        print(f"| gallery opened: pictures in view are there | {1000 * shown:.0f} ms | - | - | - |")
        rows, grouped = np.arange(len(answers.cells)), Times()
        for _ in range(5):
            with grouped.noted():
                arranged(answers, rows, Arrangement())
        print(grouped.row("similar cells grouped, in a thread"))
        live.give(rows[::10].tolist(), "ALL")
        live.give(rows[1::10].tolist(), "MM")
        wait(lambda: live.answers is not None and bool(live.answers.answered.all()))
        grid.setFocus()

        def keyed(items: Sequence[Sequence[int]]) -> Times:
            found = Times()
            for k in range(repeats):
                grid.select_items(np.array(items[k % len(items)]))
                other = (Qt.Key.Key_2, Qt.Key.Key_1)[k // len(items) % 2]  # than they had
                one = timed(lambda _, other=other: QTest.keyClick(grid, other), 1, rest=1.5)
                found.passed += one.passed
                found.worked += one.worked
            return found

        first = [[k] for k in range(model.rowCount()) if model.row_of(k) is not None][:200]
        print(keyed(first).row("a key gives a cell a class", "50 ms"))
        groups = [model.items_of(k) for k in range(2)]
        print(keyed(groups).row(f"a key gives a group of {len(groups[0])} cells a class"))
        undo = timed(lambda k: QTest.keyClick(grid, Qt.Key.Key_Z, CTRL), repeats, rest=1.5)
        print(undo.row("undo of it"))
        print(
            timed(lambda k: widget.run.status.update(), repeats).row("napari alone paints a label")
        )
        wait(_after(2))
        height = grid.viewport().height()
        paged = timed(lambda k: grid.scroll_again(k * height), repeats, rest=0.3)
        print(paged.row("a page further"))
        _print_memory(widget)
        live.close()
        live.session.close()
    viewer.close()


def _print_memory(widget: Gallery) -> None:
    """Scroll through all cells twice, and print what was kept of their pictures."""
    grid, thumbnails = widget.gallery.grid, widget.gallery.thumbnails
    process, used = psutil.Process(), []
    for _ in range(2):
        for place in range(0, grid.verticalScrollBar().maximum(), grid.viewport().height()):
            grid.scroll_again(place)
            wait(_after(0.15))
        used.append(process.memory_info().rss / 2**20)
    kept = 4 * thumbnails.side_px**2 * len(thumbnails) / 2**20
    print(
        f"\nScrolled through all cells: {len(thumbnails)} pictures are kept, {kept:.0f} MiB; the "
        f"second time took {used[1] - used[0]:.0f} MiB more."
    )


def _after(seconds: float) -> Callable[[], bool]:
    end = time.perf_counter() + seconds
    return lambda: time.perf_counter() > end


def print_purity(real: Path, seeds: int) -> None:
    """Print how pure groups of about twenty similar cells are, in each set."""
    labs = transfer.Laboratories(transfer.collect(real), "logistic", "none")
    table = labs.learner.table[list(labs.learner._columns)].reset_index(drop=True)
    values, _, plasma = clicks.cells_of(real / "segpc")
    sets = {"segpc, plasma cells": (pd.DataFrame(values).add_prefix("x"), plasma.astype(str))}
    for lab in (*transfer.LABS, "all four"):
        own = (labs.lab == lab) | (lab == "all four")
        sets[lab] = table[own], labs.truth[own]
    print("| set | cells | groups | purity | of groups drawn at random |")
    print("|---|---|---|---|---|")
    for name, (own, classes) in sets.items():
        truth = np.unique(classes, return_inverse=True)[1]
        places = labs.lab if name == "all four" else np.full(len(own), name)
        found, drawn = [], []
        for seed in range(seeds):
            groups = _groups(own, places, seed)
            found.append(_purity(truth, groups))
            drawn.append(_purity(np.random.default_rng(seed).permutation(truth), groups))
        texts = [f"{np.mean(x):.2f}" for x in (found, drawn)]
        print("| " + " | ".join([name, str(len(own)), str(len(groups)), *texts]) + " |", flush=True)


def _groups(table, labs: NDArray[np.str_], seed: int) -> list[NDArray[np.intp]]:
    """Return the groups of similar cells, as positions."""
    order = np.argsort(labs, kind="stable")
    fields = {}
    for lab in np.unique(labs):
        part = table.iloc[order[labs[order] == lab]].reset_index(drop=True)
        place = {"index": np.arange(1, len(part) + 1), "y": 0.0, "x": 0.0}
        named = part.assign(**place)[[*place, *part.columns]]
        fields[str(lab)] = MeasuredField(named, np.zeros((len(part), 2), np.intp), str(lab))
    answers = CellAnswers.unanswered(MeasuredCells.of(fields), Annotations(CLASSES), {})
    groups = arranged(answers, np.arange(len(order)), Arrangement(), seed)
    return [order[x.rows] for x in groups]


def _purity(truth: NDArray[np.intp], groups: list[NDArray[np.intp]]) -> float:
    return sum(np.bincount(truth[own]).max() for own in groups) / len(truth)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--real", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    args = parser.parse_args()
    print_times(args.cells, args.repeats)
    if args.real is not None:
        print("\nPurity of the groups of similar cells\n")
        print_purity(args.real, args.seeds)


if __name__ == "__main__":
    main()
