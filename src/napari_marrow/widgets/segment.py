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
from napari_marrow.imaging.settings import SegmentSettings
from napari_marrow.jobs.events import Emit, ShouldStop
from napari_marrow.report.colours import RESEARCH_ONLY
from napari_marrow.viewer.layer_info import Kind, link_to, shown_slice
from napari_marrow.viewer.make.segmented import Segmented, segment_photograph, segmented_layers
from napari_marrow.viewer.photograph.photograph import NO_FIELD, NO_PHOTOGRAPH, Photograph
from napari_marrow.viewer.transforms import slice_place_of
from napari_marrow.widgets.components.dock_widget import DockWidget
from napari_marrow.widgets.components.forms import SettingsForm
from napari_marrow.widgets.components.image_combo import ImageCombo
from napari_marrow.widgets.components.layer_preview import LayerPreview
from napari_marrow.widgets.components.layout import button, group, text_label
from napari_marrow.widgets.components.task import RunPanel, Task

PREVIEW_NAME = "preview of nuclei"


class SegmentNuclei(DockWidget):
    """Finds the nuclei of a photograph, or of all in the stack of a folder.

    Parameters
    ----------
    viewer
        Where photographs are taken from and layers go.
    """

    def __init__(self, viewer: napari.viewer.Viewer):
        super().__init__(viewer, min_width_px=300)
        self.photograph = ImageCombo(self.viewer)
        self.form = SettingsForm(SegmentSettings())
        self.cytoplasm = QCheckBox("Find the cytoplasm too")
        self.run_button = button("Segment", self.segment, "All fields of the photograph.")
        self.run = RunPanel(self.run_button)
        self.task = Task(self, self.run)
        self.task.changed.connect(lambda: self.run_button.setEnabled(not self.task.busy))
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
            group("Run", self.run),
            text_label(RESEARCH_ONLY),
        )

    def chosen(self) -> Photograph:
        """Return the photograph that is chosen.

        Raises
        ------
        MarrowError
            When no photograph is open.
        """
        if self.photograph.layer is None:
            raise MarrowError(NO_PHOTOGRAPH)
        return Photograph.of(self.photograph.layer, self.viewer.layers)

    def segment(self) -> None:
        """Segment every field of the photograph in a thread, and add the layers."""
        if self.task.busy:
            return
        try:
            photograph, settings = self.chosen(), self.form.checked_settings()
        except MarrowError as error:
            self.run.say(str(error))
            return
        self.task.start(
            partial(segment_photograph, photograph, settings, self.cytoplasm.isChecked()),
            lambda found: self._add_layers(photograph, found),
            begun=f"Segmenting {photograph.name}...",
        )

    def _add_layers(self, photograph: Photograph, found: list[Segmented]) -> None:
        if problem := photograph.out_of_date(self.viewer.layers):
            self.run.say(problem)
            return
        self.preview.setChecked(False)
        with self.photograph.pinned():
            for layer in segmented_layers(photograph, found, self.viewer.layers):
                self.viewer.add_layer(layer)
        if photograph.is_stack:
            from napari_marrow.viewer.behaviours.opening import attach_behaviours

            attach_behaviours(self.viewer)
        problems = [f.problem for f in found if f.problem]
        n_read = len(found) - len(problems)
        counted = f"{_nuclei(sum(f.count for f in found))} in {n_read} field{'s' * (n_read != 1)}."
        self.run.say(" ".join([f"{photograph.name}: {counted}", *problems]))

    def _ask_preview(self) -> None:
        """Segment the shown field in a thread."""
        try:
            photograph, settings = self.chosen(), self.form.checked_settings()
            shown = shown_slice(photograph.layer, self.viewer.dims.point)
            if shown < 0:
                raise MarrowError(NO_FIELD)
        except MarrowError as error:
            self.preview.clear()
            self.run.say(str(error))
            return
        self.preview.start(
            partial(_segment_one, photograph, shown, settings),
            lambda labels: self._show_preview(photograph, labels),
        )

    def _show_preview(self, photograph: Photograph, labels: NDArray[np.uint16]) -> None:
        self.run.say(f"{photograph.name}: {_nuclei(labels.max(initial=0))} in the shown field.")
        options = {
            **slice_place_of(photograph.layer),
            # Linked, so that it is not taken for nuclei or for the user's own labels.
            "metadata": link_to(photograph.layer, Kind.PREVIEW),
            "contour": max(1, round(max(labels.shape) / 400)),
        }
        # One bright colour: many of napari's are dark, as nuclei are.
        colours = DirectLabelColormap(color_dict={None: "yellow", 0: "transparent"})
        self.preview.show_layer(
            Labels, labels, options, name=PREVIEW_NAME, colormap=colours, opacity=1
        )


def _nuclei(count: int) -> str:
    return f"{count} {'nucleus' if count == 1 else 'nuclei'}"


def _segment_one(
    photograph: Photograph, row: int, settings: SegmentSettings, emit: Emit, should_stop: ShouldStop
) -> NDArray[np.uint16]:
    from napari_marrow.imaging.segmentation import segment_nuclei

    return segment_nuclei(photograph.image(row), settings)
