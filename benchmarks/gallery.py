"""How long the viewer takes for a gallery of many cells, and how pure its groups are, as tables.

    xvfb-run -a -s "-screen 0 1366x768x24" python benchmarks/gallery.py [--cells 5000] [--real REAL]

In a real viewer on a virtual screen without a graphics card, with cells in a stack of ten fields of
2560 x 1920 pixels: how long its thread is busy at a time until all cells are shown, and from a key
to the next frame of gallery and canvas. Cells drawn at random stand for those of a photograph.

With REAL, the folder of ``transfer.py``, also the purity of the groups of similar cells of each
laboratory: the share of cells that have the most frequent class of their group, so that one key is
right for them. Beside it that of groups of the same sizes drawn at random.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import napari
import numpy as np
import psutil
import transfer
from annotating import SIZE, timed
from napari.layers import Image, Labels
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

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


def wait(until: Callable[[], bool]) -> tuple[float, float]:
    """Handle events until it is so; the time that took, and the longest one of the events."""
    start, longest = time.perf_counter(), 0.0
    while not until():
        before = time.perf_counter()
        QApplication.processEvents()
        longest = max(longest, time.perf_counter() - before)
        time.sleep(0.001)
    return time.perf_counter() - start, longest


def opened(viewer: napari.Viewer) -> tuple[Gallery, str, str]:
    """Open the gallery: how long the thread was busy at most, and when all pictures were seen."""
    start = time.perf_counter()
    widget = Gallery(viewer)
    viewer.window.add_dock_widget(widget, name="Cell gallery", area="right")
    made = time.perf_counter() - start
    gallery, grid = widget.gallery, widget.gallery.grid

    def seen() -> bool:
        rows = grid.rows_in_view()
        return bool(rows) and all(gallery.thumbnails.has(gallery.model.key_of(x)) for x in rows)

    _, longest = wait(seen)
    rest = time.perf_counter() - start
    return widget, f"{1000 * max(made, longest):.0f} ms", f"{1000 * rest:.0f} ms"


def print_times(count: int, repeats: int) -> None:
    """Print a row for each thing that a person waits for."""
    viewer, owner = napari.Viewer(), QObject()
    viewer.window.resize(1366, 740)
    with tempfile.TemporaryDirectory() as folder:
        live = measured(viewer, owner, Path(folder) / "project", count)
        answers = live.answers
        assert answers is not None
        open_project_of(viewer).set_live(live)
        opened(viewer)[0].parent().close()  # imports
        widget, busy, shown = opened(viewer)
        model, grid = widget.gallery.model, widget.gallery.grid
        print(f"{model.count} cells in {len(model.groups)} groups.\n")
        print("| what | median | worst | bar |\n|---|---|---|---|")
        print(f"| gallery opened: the viewer's thread is busy at once | {busy} | - | 100 ms |")
        print(f"| gallery opened: all pictures in view are there | {shown} | - | - |")
        rows = np.arange(len(answers.cells))
        grouped = [_seconds(lambda: arranged(answers, rows, Arrangement())) for _ in range(5)]
        print(f"| similar cells grouped, in a thread | {_ms(grouped)} | - |")
        live.give(rows[::10].tolist(), "ALL")
        live.give(rows[1::10].tolist(), "MM")
        wait(lambda: live.answers is not None and bool(live.answers.answered.all()))
        wait(_after(1.5))
        grid.setFocus()

        def key(items: list[int], k: int) -> None:
            grid.select_items(np.array(items))
            QTest.keyClick(grid, (Qt.Key.Key_1, Qt.Key.Key_2)[k % 2])

        first = [k for k in range(model.rowCount()) if model.row_of(k) is not None][:200]
        one = timed(lambda k: key([first[k % 200]], k), repeats)
        print(f"| a key gives a cell a class | {one} | 50 ms |")
        group = timed(lambda k: key([*model.items_of(k % 2)], k), repeats)
        print(f"| a key gives a group of {len(model.items_of(0))} cells a class | {group} | - |")
        undone = timed(lambda k: QTest.keyClick(grid, Qt.Key.Key_Z, CTRL), repeats)
        print(f"| undo | {undone} | - |")
        wait(_after(2))
        height = grid.viewport().height()
        scrolled = timed(lambda k: grid.scroll_again(k * height), repeats)
        print(f"| a page further, with what pictures there are | {scrolled} | - |")
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


def _seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def _ms(seconds: list[float]) -> str:
    return f"{1000 * np.median(seconds):.0f} ms | {1000 * max(seconds):.0f} ms"


def print_purity(real: Path, seeds: int) -> None:
    """Print how pure groups of about twenty similar cells are, in each laboratory and in all."""
    labs = transfer.Laboratories(transfer.collect(real), "logistic", "none")
    table = labs.learner.table[list(labs.learner._columns)].reset_index(drop=True)
    print("| laboratory | cells | groups | purity | of groups drawn at random |")
    print("|---|---|---|---|---|")
    for lab in (*transfer.LABS, "all"):
        own = np.flatnonzero((labs.lab == lab) | (lab == "all"))
        truth = np.unique(labs.truth[own], return_inverse=True)[1]
        found, drawn = [], []
        for seed in range(seeds):
            groups = _groups(table.iloc[own], labs.lab[own], seed)
            found.append(_purity(truth, groups))
            mixed = np.random.default_rng(seed).permutation(truth)
            drawn.append(_purity(mixed, groups))
        texts = [f"{np.mean(x):.2f}" for x in (found, drawn)]
        print("| " + " | ".join([lab, str(len(own)), str(len(groups)), *texts]) + " |", flush=True)


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
        print("\nPurity of the groups of similar cells of laboratories\n")
        print_purity(args.real, args.seeds)


if __name__ == "__main__":
    main()
