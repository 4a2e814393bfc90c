"""Do what the tutorial says in a real viewer, with the mouse and keys, and take its pictures.

    xvfb-run -a -s "-screen 0 1366x768x24" python tools/make_tutorial.py [FOLDER] [--out DIR]

Without a folder it is the sample data. The known class of each field is what the person in front
of the viewer says of its cells. Each step is checked; where one fails the script ends with an
error.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import napari
import numpy as np
from napari.qt import QtViewer
from PIL import Image
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QWidget

from napari_marrow.data.samples import sample_folder
from napari_marrow.widgets.annotate import Annotate

QUALITY = 80


class Person:
    """What a person does in front of a viewer, and what is written down of it."""

    def __init__(self, viewer: napari.Viewer, out: Path):
        self.viewer, self.out = viewer, out
        (shown,) = [x for x in QApplication.allWidgets() if isinstance(x, QtViewer)]
        self.canvas = shown.canvas.native
        self.n_actions, self.begun = 0, time.perf_counter()

    def rest(self, seconds: float) -> None:
        """Let the viewer live for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            QApplication.processEvents()
            time.sleep(0.005)

    def wait(self, until: Callable[[], bool], seconds: float = 120) -> None:
        """Let the viewer live until something is so."""
        end = time.monotonic() + seconds
        while not until():
            if time.monotonic() > end:
                raise TimeoutError("A step did not end in time.")
            QApplication.processEvents()
            time.sleep(0.005)

    def take(self, name: str) -> None:
        """Write the whole window as a small picture."""
        self.rest(0.7)
        pixels = self.viewer.screenshot(canvas_only=False, flash=False)
        image = Image.fromarray(pixels).convert("RGB")
        image.save(self.out / f"tutorial_{name}.webp", quality=QUALITY)
        print(f"{time.perf_counter() - self.begun:6.1f} s  {name}", flush=True)

    def click(self, widget: QWidget) -> None:
        """Click on a widget."""
        self.n_actions += 1
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton)
        self.rest(0.1)

    def press(self, key: Qt.Key, widget: QWidget | None = None) -> None:
        """Press a key while a widget has the focus; the canvas by default."""
        self.n_actions += 1
        QTest.keyClick(widget or self.canvas, key)
        self.rest(0.05)

    def point_at(self, layer: napari.layers.Layer, place: tuple[int, ...]) -> bool:
        """Move the mouse over a pixel of a layer; False where that is not in view."""
        world = np.array(layer.data_to_world(place))[-2:]
        centre = np.array(self.viewer.scene.camera.center)[-2:]
        height, width = self.canvas.height(), self.canvas.width()
        y, x = (world - centre) * self.viewer.scene.camera.zoom + np.array([height, width]) / 2
        if not (0 <= y < height and 0 <= x < width):
            return False
        QTest.mouseMove(self.canvas, QPoint(1, 1))  # Qt tells of a move only where it is one
        QTest.mouseMove(self.canvas, QPoint(round(x), round(y)))
        self.rest(0.1)
        return True


def annotate_on_canvas(person: Person, widget: Annotate, count: int) -> int:
    """Give cells of several fields the class of their field, by pointing and a key."""
    live, viewer = widget.live, person.viewer
    assert live is not None
    session, image = live.session, widget.photograph.layer
    classes, done = widget.chosen().classes, 0
    names = [x.name for x in session.annotations.classes]
    rows = [k for name in names for k in [i for i, x in enumerate(classes) if x == name][:2]]
    for row in rows:
        viewer.dims.set_point(0, row)
        person.wait(lambda: session.shown(image) is not None)
        field = session.shown(image)
        key = Qt.Key(int(Qt.Key.Key_1) + names.index(classes[row]))
        for number in field.cells.numbers[: -(-count // len(rows))]:
            before = session.annotations.number
            if person.point_at(field.layer, (field.row, *field.cells.place(number))):
                person.press(key)
                done += session.annotations.number > before
    return done


def run(person: Person, folder: Path, model: str) -> None:
    """Go through the tutorial."""
    viewer = person.viewer
    viewer.open(folder, plugin="napari-marrow")
    _, widget = viewer.window.add_plugin_dock_widget("napari-marrow", "Annotate cells")
    person.take("opened")
    person.click(widget.begin_button)
    person.wait(lambda: widget.live is not None and widget.live.answers is not None)
    live = widget.live
    session = live.session
    begun = time.perf_counter()
    done = annotate_on_canvas(person, widget, 20)
    assert done >= 15, done
    person.wait(lambda: live.answers.model != "" and not live.busy, 600)
    print(
        f"{done} of {len(live.answers.cells)} cells on the canvas in "
        f"{time.perf_counter() - begun:.1f} s"
    )
    viewer.dims.set_point(0, 0)
    person.wait(lambda: session.shown(widget.photograph.layer) is not None)
    widget.pages.select("Model")
    person.take("rings")

    _, gallery = viewer.window.add_plugin_dock_widget("napari-marrow", "Cell gallery")
    gallery.parent().raise_()
    person.wait(lambda: gallery.gallery.model.rowCount() > 0)
    person.rest(3)
    grid = gallery.gallery.grid
    grid.setFocus()
    before = sum(session.annotations.counts.values())
    person.press(Qt.Key.Key_N, grid)  # the next group
    person.rest(0.5)
    person.take("gallery")
    person.press(Qt.Key.Key_Space, grid)
    assert sum(session.annotations.counts.values()) > before
    print(f"{sum(session.annotations.counts.values()) - before} cells by one key in the gallery")
    widget.parent().raise_()

    widget.pages.select("Ask")
    person.click(widget.review.ask.next_button)
    person.rest(1.5)
    person.take("asked")
    person.press(Qt.Key.Key_Space)
    person.click(widget.review.ask.stop_button)

    person.wait(lambda: not live.busy, 600)
    widget.pages.select("Model")
    widget.model_page.models.setCurrentText(model)
    person.click(widget.model_page.train_button)
    person.wait(lambda: live.answers.model.startswith(model), 900)
    person.take("trained")

    answers = live.answers
    truth = dict(zip(answers.cells.fields, widget.chosen().classes, strict=False))
    known = np.array([truth.get(name) or "" for name in answers.cells.field_names])
    said = np.array([*answers.classes, ""])[answers.answers]
    print(f"{np.mean(said == known):.2f} of the answers have the class of their field")
    wrong = np.flatnonzero((said != known) & (said != "") & (answers.given < 0))
    if len(wrong):
        row = int(wrong[0])
        live.go_to(row)
        person.wait(lambda: session.shown(widget.photograph.layer) is not None)
        person.point_at(
            live.field_of(row).layer, (live.field_of(row).row, *answers.cells.places[row])
        )
        names = [x.name for x in session.annotations.classes]
        person.press(Qt.Key(int(Qt.Key.Key_1) + names.index(str(known[row]))))
    before = sum(session.annotations.counts.values())
    widget.pages.select("Correct")
    person.click(widget.review.correct.accept_button)
    print(f"{sum(session.annotations.counts.values()) - before} answers accepted")
    person.take("accepted")
    if sum(session.annotations.counts.values()) > before:  # else the last step is another
        person.click(widget.undo_button)
        assert sum(session.annotations.counts.values()) == before

    person.wait(lambda: not live.busy, 600)
    widget.pages.select("Explain")
    row = int(np.flatnonzero(live.answers.given < 0)[0])
    live.go_to(row)
    person.wait(lambda: session.shown(widget.photograph.layer) is not None)
    field = live.field_of(row)
    assert person.point_at(field.layer, (field.row, *live.answers.cells.places[row]))
    person.press(Qt.Key.Key_W)
    person.wait(lambda: bool(widget.explain_page.neighbours.text()), 120)
    person.rest(3)
    person.take("explained")

    widget.pages.select("Count")
    person.rest(1)
    person.take("counted")
    widget.pages.select("Export")
    with tempfile.TemporaryDirectory() as where:
        out = Path(where) / "cells"
        widget.exchange_page.export(out)
        person.wait(lambda: not widget.exchange_page.exported.task.busy, 600)
        written = sorted(str(x.relative_to(out)) for x in out.rglob("*") if x.is_file())
        print(f"{len(written)} files: {', '.join(written[:6])}, ...")
        assert any(x.endswith(".geojson") for x in written)
        person.take("exported")
    print(
        f"{person.n_actions} actions, {sum(session.annotations.counts.values())} cells with a class"
    )


def main() -> None:
    """Go through the tutorial in a window of 1366x768."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=sample_folder())
    docs = Path(__file__).resolve().parents[1] / "docs" / "images"
    parser.add_argument("--out", type=Path, default=docs)
    parser.add_argument("--model", default="hybrid")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1366, 740)
    run(Person(viewer, args.out), args.folder, args.model)
    viewer.close()


if __name__ == "__main__":
    main()
