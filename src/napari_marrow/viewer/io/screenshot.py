"""Write a screenshot of a viewer: ``python -m napari_marrow.viewer.io.screenshot IN BUNDLE OUT``.

``napari-marrow demo`` runs this in a process of its own, on a virtual display where there is none.
"""

from __future__ import annotations

import sys
from pathlib import Path

import napari
from PIL import Image
from qtpy.QtWidgets import QApplication

from napari_marrow.data.atomic import atomic_file
from napari_marrow.data.outputs import save_png
from napari_marrow.learning.bundles.bundle import load_bundle
from napari_marrow.report.page import SCREENSHOT_PNG
from napari_marrow.viewer.behaviours.caption import attach_caption
from napari_marrow.viewer.make.predictions import predict_photographs, show_predictions
from napari_marrow.viewer.photograph.photograph import Photograph


def screenshot(photograph: Path, bundle_path: Path, out: Path) -> None:
    """Open a photograph with its masks, label it with a bundle, and write the window as a PNG.

    Raises
    ------
    MarrowError
        When the PNG would replace anything but an older screenshot.
    """
    with atomic_file(out, SCREENSHOT_PNG, [photograph, bundle_path]) as part:
        viewer = napari.Viewer(show=False)
        attach_caption(viewer)
        viewer.open(photograph, plugin="napari-marrow")
        bundle = load_bundle(bundle_path)
        for labelled in predict_photographs(bundle, Photograph.all_of(viewer.layers)):
            show_predictions(viewer, labelled, bundle.info.classes)
        viewer.show()
        viewer.window.resize(1366, 768)
        QApplication.processEvents()  # the canvas learns its size before the view is fitted to it
        viewer.reset_view()
        pixels = viewer.screenshot(canvas_only=False, flash=False)
        save_png(Image.fromarray(pixels), part, SCREENSHOT_PNG)
        viewer.close()


if __name__ == "__main__":
    screenshot(*(Path(argument) for argument in sys.argv[1:4]))
