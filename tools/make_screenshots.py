"""Make the pictures of the README again: ``python tools/make_screenshots.py``.

Needs a display of 1440x1160 or more; without one:
``xvfb-run -a -s "-screen 0 1440x1160x24" python tools/make_screenshots.py``.
"""

import time
from collections.abc import Callable
from pathlib import Path

import napari
from PIL import Image
from qtpy.QtWidgets import QApplication, QScrollArea

from napari_marrow.data.samples import sample_folder

OUT = Path(__file__).resolve().parents[1] / "docs" / "images"


def wait(until: Callable[[], bool], seconds: float) -> None:
    """Let the viewer live until something is so, or for so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not until():
        QApplication.processEvents()
        time.sleep(0.005)


def take(viewer: napari.Viewer, name: str) -> None:
    """Write the whole window as a PNG of 256 colours, which is small."""
    wait(lambda: False, 0.5)
    pixels = viewer.screenshot(canvas_only=False, flash=False)
    image = Image.fromarray(pixels).convert("RGB").quantize(dither=Image.Dither.NONE)
    image.save(OUT / f"{name}.png", optimize=True)


def main() -> None:
    """Open the sample data, train on its cells, label it, and take a picture at each step."""
    OUT.mkdir(exist_ok=True)
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1440, 1160)
    viewer.open_sample("napari-marrow", "both")
    _, widget = viewer.window.add_plugin_dock_widget("napari-marrow", "Train DCNN")
    wait(lambda: "GPU" in widget.devices.text(), 90)
    viewer.reset_view()
    for name, value in {"unit": "cell", "epochs": 15, "seed": 1}.items():
        widget.form.fields[name].value = value
    widget.train()
    wait(lambda: widget.model.bundle is not None, 900)
    area = widget.findChildren(QScrollArea)[0]
    wait(lambda: False, 0.5)  # the list of runs takes its place
    content = area.widget()
    area.verticalScrollBar().setValue(widget.form.mapTo(content, widget.form.rect().topLeft()).y())
    take(viewer, "train")
    widget.model.label_layers()
    wait(lambda: "labelled" in widget.run.status.text(), 900)
    viewer.layers["sample_data nuclei"].visible = False
    viewer.layers["sample_data cytoplasm"].visible = False
    viewer.dims.set_current_step(0, 9)
    area.verticalScrollBar().setValue(area.verticalScrollBar().maximum())
    take(viewer, "viewer")
    viewer.close()
    show_evaluation()


def show_evaluation() -> None:
    """Compare the classical models on cells of the sample data, and look at the worst mistake."""
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1440, 900)
    _, widget = viewer.window.add_plugin_dock_widget("napari-marrow", "Evaluate")
    widget.source.set_folder(sample_folder())
    widget.form.fields["unit"].value = "cell"
    widget.evaluate()
    wait(lambda: widget.evaluated is not None, 900)
    widget.view.pages.select("Mistakes")
    widget.view.mistakes.table.setCurrentCell(0, 0)
    widget.view.mistakes.table.picked.emit(0)
    wait(lambda: "is shown" in widget.run.status.text(), 60)
    wait(lambda: False, 5)  # the nuclei of the slice are made
    widget.view.mistakes.table.picked.emit(0)  # with a ring of their size
    take(viewer, "evaluate")
    viewer.close()


if __name__ == "__main__":
    main()
