"""How long the viewer takes for annotations in a field of many cells, as a table.

    xvfb-run -a -s "-screen 0 1366x768x24" python benchmarks/annotating.py [--cells 5000]

In a real viewer on a virtual screen without a graphics card: from a key to the next frame that the
canvas has drawn, and from a key that gives 500 cells a class; and until the live model was fitted
to what has a class and the rings of all cells are drawn in the colours of its answers. A tenth of
the cells has a class before. Beside it napari alone paints one cell of the same layer, and colours
as many labels one by one.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import napari
import numpy as np
from napari.layers import Image, Labels
from napari.utils.colormaps import DirectLabelColormap
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QApplication

from napari_marrow.data.project.annotations import ClassColour
from napari_marrow.data.project.project import Project
from napari_marrow.viewer.annotating.live_cells import LiveCells
from napari_marrow.viewer.annotating.open_field import OpenField
from napari_marrow.viewer.annotating.session import AnnotationSession
from napari_marrow.viewer.layer_info import Kind, linked_info
from napari_marrow.viewer.photograph.photograph import Photograph

SIZE = 1920, 2560
"""Height and width of the field, in pixels."""


def field_of(
    viewer: napari.Viewer, project: Project, owner: QObject, count: int
) -> tuple[AnnotationSession, OpenField]:
    """Open a field with so many cells, and begin to annotate it."""
    side = int(np.sqrt(SIZE[0] * SIZE[1] / count))
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    rows, columns = y // side, x // side
    inside = ((y % side) < 0.7 * side) & ((x % side) < 0.7 * side)
    labels = np.where(inside, rows * (SIZE[1] // side + 1) + columns + 1, 0).astype(np.int32)
    rng = np.random.default_rng(0)
    pixels = np.full((*SIZE, 3), 220, np.uint8)
    pixels[inside] = rng.integers(60, 140, (int(inside.sum()), 3))
    image = viewer.add_layer(Image(pixels, name="field", rgb=True))
    info = linked_info(image, Kind.NUCLEI).metadata()
    viewer.add_layer(Labels(labels, name="field nuclei", metadata=info))
    session = AnnotationSession(owner, viewer, project, print)
    session.open_field(Photograph.of(image, list(viewer.layers)))
    while (field := session.shown(image)) is None:
        QApplication.processEvents()
    return session, field


def timed(action: Callable[[int], object], repeats: int) -> str:
    """Return median and worst of the time until an action is done and drawn, in milliseconds."""
    found = []
    for k in range(repeats):
        for _ in range(5):
            QApplication.processEvents()
        start = time.perf_counter()
        action(k)
        QApplication.processEvents()
        found.append(1000 * (time.perf_counter() - start))
    return f"{np.median(found):.0f} ms | {max(found):.0f} ms"


def wait_for(until: Callable[[], bool], limit_s: float) -> None:
    """Let the viewer run until something holds."""
    end = time.perf_counter() + limit_s
    while not until():
        QApplication.processEvents()
        assert time.perf_counter() < end, "It did not end in time."


def main() -> None:
    """Print a row for each thing that a person waits for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=30)
    args = parser.parse_args()
    viewer, owner = napari.Viewer(), QObject()
    classes = [ClassColour("ALL", "#E69F00"), ClassColour("MM", "#009E73")]
    with tempfile.TemporaryDirectory() as folder:
        project = Project.create(Path(folder) / "project", classes)
        session, field = field_of(viewer, project, owner, args.cells)
        numbers = field.cells.numbers
        session.give(field, numbers[::10], "ALL")
        print(f"{len(numbers)} cells.\n\n| what | median | worst | bar |\n|---|---|---|---|")
        one = timed(lambda k: session.give(field, [numbers[10 * k + 1]], "MM"), args.repeats)
        print(f"| a key gives a cell a class | {one} | 50 ms |")
        print(f"| undo of it | {timed(lambda k: session.undo(), args.repeats)} | - |")
        many = timed(lambda k: session.give(field, numbers[k::10][:500], ("ALL", "MM")[k % 2]), 10)
        print(f"| 500 cells get a class | {many} | - |")

        live = LiveCells(owner, session)
        live.follow(Photograph.of(field.image, list(viewer.layers)))
        start = time.perf_counter()
        wait_for(lambda: live.answers is not None and live.answers.model != "", 600)
        print(f"| all cells are measured, once | {time.perf_counter() - start:.1f} s | - | - |")
        time.sleep(1)
        wait_for(lambda: not live.busy, 60)
        print(
            f"| rings of all cells change colour | {timed(lambda k: live.recolour(), 30)} | 50 ms |"
        )

        def learn(k: int) -> None:
            before = live.answers.probabilities  # what is given changes at once, these by a fit
            session.give(field, [numbers[10 * k + 2]], "MM")  # it was ALL
            wait_for(lambda: bool((live.answers.probabilities != before).any()), 60)

        print(f"| the model is fitted and all rings drawn | {timed(learn, 20)} | 300 ms |")

        def colour(k: int) -> None:
            names = ("#E69F00", "#009E73")
            mapping = {number: names[(number + k) % 2] for number in numbers}
            viewer.layers["field nuclei"].colormap = DirectLabelColormap(
                color_dict={None: "transparent", 0: "transparent", **mapping}
            )

        live.close()
        print(f"| napari alone colours the same labels | {timed(colour, 5)} | - |")

        def paint(k: int) -> None:
            field.layer.data_setitem(field.cells.pixels(numbers[10 * k + 5]), k % 2 + 1)

        session.close()
        print(f"| napari alone paints one cell | {timed(paint, args.repeats)} | - |")
    viewer.close()


if __name__ == "__main__":
    main()
