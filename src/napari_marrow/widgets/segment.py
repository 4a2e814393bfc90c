"""The dock widget "Segment nuclei": nuclei and cytoplasm of photographs without masks."""

from __future__ import annotations

from functools import partial

import napari
import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray
from qtpy.QtWidgets import QCheckBox

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.segmentation import segment_nuclei
from napari_marrow.imaging.settings import SegmentSettings
from napari_marrow.report.colours import RESEARCH_ONLY
from napari_marrow.viewer.behaviours.nucleus_keys import HOW, make_editable
from napari_marrow.viewer.layer_info import Kind, linked_info
from napari_marrow.viewer.make.segmented import Segmented, segment_photograph, segmented_layers
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.task import Task
from napari_marrow.viewer.transforms import slice_place_of
from napari_marrow.widgets.components.forms import SettingsForm
from napari_marrow.widgets.components.layer_preview import LayerPreview
from napari_marrow.widgets.components.layout import button, group, text_label
from napari_marrow.widgets.components.photograph_widget import PhotographWidget
from napari_marrow.widgets.components.run_panel import RunPanel

PREVIEW_NAME = "preview of nuclei"


class SegmentNuclei(PhotographWidget):
    """Finds the nuclei of a photograph, or of all in the stack of a folder.

    Parameters
    ----------
    viewer
        Where photographs are taken from and layers go.
    """

    def __init__(self, viewer: napari.viewer.Viewer):
        super().__init__(viewer, min_width_px=300)
        self.form = SettingsForm(SegmentSettings())
        self.cytoplasm = QCheckBox("Find the cytoplasm too")
        self.run_button = button("Segment", self.segment, "All fields of the photograph.")
        self.correct_button = button(
            "Correct by keys",
            self.correct,
            "Selects the layer of nuclei, of masks too, so that the keys act on it.",
        )
        self.run = RunPanel(self.run_button)
        self.task = Task(self, self.run)
        self.preview = LayerPreview(
            self,
            "Preview the shown field",
            "Outlines of the nuclei, which follow the settings and the slider.",
            self._ask_preview,
            self.run.say,
        )
        self.form.changed.connect(self.preview.refresh)
        self.photograph.changed.connect(self.preview.refresh)
        self.fill(
            group("Photograph", self.photograph),
            group("Nuclei", self.form, self.cytoplasm, self.preview),
            group("Correct nuclei", self.correct_button, text_label(HOW)),
            text_label(RESEARCH_ONLY),
            actions=[self.run],
        )

    def segment(self) -> None:
        """Segment every field of the photograph in a thread, and add the layers."""
        with self.task.reporting():
            photograph, settings = self.chosen(), self.form.checked_settings()
            self.start(
                self.task,
                photograph,
                partial(segment_photograph, photograph, settings, self.cytoplasm.isChecked()),
                lambda found: self._add_layers(photograph, found),
                f"Segmenting {photograph.name}...",
            )

    def correct(self) -> None:
        """Make the nuclei of the photograph the active layer, which takes corrections by keys."""
        from napari_marrow.viewer.behaviours.opening import attach_behaviours

        with self.task.reporting():
            photograph = self.chosen()
            if photograph.nuclei is None:
                raise MarrowError(
                    f"{photograph.name} has no layer of nuclei to correct; press Segment first."
                )
            attach_behaviours(self.viewer)
            layer = photograph.nuclei.layer
            make_editable(layer)
            layer.visible = True
            self.viewer.layers.selection.active = layer
            self.run.say(f"Keys act on {layer.name} now.")

    def _add_layers(self, photograph: Photograph, found: list[Segmented]) -> str:
        from napari_marrow.viewer.behaviours.opening import attach_behaviours

        self.preview.setChecked(False)
        attach_behaviours(self.viewer)
        names = {x: x.name for x in self.viewer.layers}
        for layer in segmented_layers(photograph, found, self.viewer.layers):
            self.viewer.add_layer(layer)
        earlier = " and ".join(x.name for x, name in names.items() if x.name != name)
        problems = [f.problem for f in found if f.problem]
        n_read = len(found) - len(problems)
        counted = f"{_nuclei(sum(f.count for f in found))} in {n_read} field{'s' * (n_read != 1)}."
        kept = "What was segmented before, and painted on it, is kept hidden as"
        said = [
            f"{photograph.name}: {counted}",
            *([f"{kept} {earlier} and no longer counts."] if earlier else []),
            *problems,
        ]
        return " ".join(said)

    def _ask_preview(self) -> None:
        """Segment the shown field in a thread."""
        (photograph, number), settings = self.shown(), self.form.checked_settings()
        self.preview.start(
            lambda emit, should_stop: segment_nuclei(photograph.image(number), settings),
            lambda labels: self._show_preview(photograph, labels),
        )

    def _show_preview(self, photograph: Photograph, labels: NDArray[np.uint16]) -> None:
        self.run.say(f"{photograph.name}: {_nuclei(labels.max(initial=0))} in the shown field.")
        options = {
            **slice_place_of(photograph.layer),
            # Linked, so that it is not taken for nuclei or for the user's own labels.
            "metadata": linked_info(photograph.layer, Kind.PREVIEW).metadata(),
            "contour": max(1, round(max(labels.shape) / 400)),
        }
        # One bright colour: many of napari's are dark, as nuclei are.
        colours = DirectLabelColormap(color_dict={None: "yellow", 0: "transparent"})
        self.preview.show_layer(
            Labels, labels, options, name=PREVIEW_NAME, colormap=colours, opacity=1
        )


def _nuclei(count: int) -> str:
    return f"{count} {'nucleus' if count == 1 else 'nuclei'}"
