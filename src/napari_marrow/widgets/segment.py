"""The dock widget "Segment nuclei": nuclei and cytoplasm of photographs without masks."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import napari
import numpy as np
from napari.layers import Labels, Layer
from napari.utils.colormaps import DirectLabelColormap
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QCheckBox, QWidget

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.settings import SegmentSettings
from napari_marrow.report.colours import RESEARCH_ONLY
from napari_marrow.viewer.layer_info import PREVIEW, layer_id, link_to, shown_slice
from napari_marrow.viewer.make.segmented import (
    Segmented,
    segment_target,
    segmented_layers,
)
from napari_marrow.viewer.photograph.labelling import (
    NO_FIELD,
    NO_PHOTOGRAPH,
    Target,
    out_of_date,
    target_of,
)
from napari_marrow.viewer.transforms import slice_place_of
from napari_marrow.widgets.components.forms import SettingsForm
from napari_marrow.widgets.components.image_combo import PhotographBox
from napari_marrow.widgets.components.parts import (
    Bars,
    button,
    group,
    in_worker,
    row,
    scrolling,
    wrapped,
)

PREVIEW_NAME = "preview of nuclei"
WAIT_MS = 150
"""The preview is made so long after the last change, in milliseconds."""


class SegmentNuclei(QWidget):
    """Finds the nuclei of a photograph, or of all in the stack of a folder.

    Parameters
    ----------
    viewer
        Where photographs are taken from and layers go.
    """

    def __init__(self, viewer: napari.viewer.Viewer):
        super().__init__()
        # Layers of the proxy that widgets get are proxies, which are never the same object twice.
        self._viewer = getattr(viewer, "__wrapped__", viewer)
        self.setMinimumWidth(300)
        self.photograph = PhotographBox(viewer)
        self.form = SettingsForm(SegmentSettings())
        self.cytoplasm = QCheckBox("Find the cytoplasm too")
        self.preview = QCheckBox("Preview the shown field")
        self.preview.setToolTip("Outlines of the nuclei, which follow the settings and the slider.")
        self.run_button = button("Segment", self.segment, "All fields of the photograph.")
        self.cancel_button = button("Cancel", self.cancel)
        self.cancel_button.setEnabled(False)
        self.bars = Bars(self)
        self.status = wrapped()
        scrolling(
            self,
            group("Photograph", self.photograph),
            group("Nuclei", self.form, self.cytoplasm, self.preview),
            group("Run", row(self.run_button, self.cancel_button), self.bars.own, self.status),
            wrapped(RESEARCH_ONLY),
        )
        self._worker: Any = None
        self._looking = 0  # number of the preview that is wanted
        self._layer: Labels | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(WAIT_MS)
        self._timer.timeout.connect(self._look)
        self.preview.toggled.connect(self._preview_toggled)
        for field in self.form.fields.values():
            field.changed.connect(self._changed)
        self.photograph.changed.connect(self._changed)
        self._viewer.dims.events.current_step.connect(self._changed)

    # --- the photograph -----------------------------------------------------------------------

    def target(self) -> Target:
        """The photograph that is chosen.

        Raises
        ------
        MarrowError
            When no photograph is open.
        """
        if self.photograph.layer is None:
            raise MarrowError(NO_PHOTOGRAPH)
        return target_of(self.photograph.layer)

    def _asked(self) -> tuple[Target, SegmentSettings] | None:
        """What is to be segmented and how, or None after saying why not."""
        settings = self.form.settings()
        try:
            if problems := settings.problems():
                raise MarrowError(" ".join(problems))
            return self.target(), settings
        except MarrowError as error:
            self.status.setText(str(error))
            return None

    # --- segmenting all -----------------------------------------------------------------------

    def segment(self) -> None:
        """Segment every field of the photograph in a thread, and add the layers."""
        if self._worker is not None:
            return
        asked = self._asked()
        if asked is None:
            return
        target, settings = asked
        self._set_busy(True)
        self.status.setText(f"Segmenting {target.layer.name}...")
        total = len(target)
        self.bars.show(0)
        self._worker = in_worker(
            self,
            _all,
            target,
            settings,
            self.cytoplasm.isChecked(),
            step=lambda done: self.bars.show(done / total),
            done=lambda found: self._show(target, found),
            failed=self.status.setText,
            ended=self._ended,
        )

    def cancel(self) -> None:
        """Stop after the field that is being worked on; nothing is added."""
        if self._worker is not None:
            self._worker.quit()
            self.status.setText("Cancelled.")

    def _show(self, target: Target, found: list[Segmented] | None) -> None:
        if found is None:  # cancelled
            return
        if said := out_of_date(target, self._viewer.layers):
            self.status.setText(said)
            return
        self.preview.setChecked(False)
        with self.photograph.staying():
            for data, options, _ in segmented_layers(target, found, self._viewer.layers):
                self._viewer.add_labels(data, **options)
        if target.data.ndim == 4:
            from napari_marrow.viewer.behaviours.current_table import attach_features
            from napari_marrow.viewer.behaviours.lock_2d import attach_flat_fields

            attach_features(self._viewer)
            attach_flat_fields(self._viewer)
        nuclei, problems = sum(f.count for f in found), [f.problem for f in found if f.problem]
        read = len(found) - len(problems)
        counted = f"{nuclei} {'nucleus' if nuclei == 1 else 'nuclei'}"
        told = f"{target.layer.name}: {counted} in {read} field{'s' * (read != 1)}."
        self.status.setText(" ".join([told, *problems]))

    def _ended(self) -> None:
        self._worker = None
        self.bars.close()
        self._set_busy(False)

    def _set_busy(self, busy: bool) -> None:
        self.run_button.setEnabled(not busy)
        self.cancel_button.setEnabled(busy)

    # --- preview ------------------------------------------------------------------------------

    def _preview_toggled(self, wanted: bool) -> None:
        if wanted:
            self._look()
        else:
            self._looking += 1
            self._remove_preview()

    def _changed(self, *_: Any) -> None:
        if self.preview.isChecked():
            self._timer.start()

    def _look(self) -> None:
        """Segment the shown field in a thread; an answer that comes too late is dropped."""
        if not self.preview.isChecked():
            return
        asked = self._asked()
        if asked is None:
            self._remove_preview()
            return
        target, settings = asked
        shown = shown_slice(target.layer, self._viewer.dims.point)
        self._looking += 1
        if shown < 0:
            self._remove_preview()
            self.status.setText(NO_FIELD)
            return
        wanted = self._looking
        in_worker(
            self,
            _one,
            target,
            shown,
            settings,
            done=lambda labels: self._show_preview(wanted, target, labels),
            failed=self.status.setText,
        )

    def _show_preview(self, wanted: int, target: Target, labels: np.ndarray) -> None:
        if wanted != self._looking or target.layer not in self._viewer.layers:
            return
        count = int(labels.max(initial=0))
        counted = f"{count} {'nucleus' if count == 1 else 'nuclei'}"
        self.status.setText(f"{target.layer.name}: {counted} in the shown field.")
        options = slice_place_of(target.layer)
        # Linked, so that nobody takes it for nuclei or for somebody's own labels.
        options["metadata"] = link_to(layer_id(target.layer), PREVIEW)
        if self._layer is not None and self._layer in self._viewer.layers:
            if self._layer.data.shape == labels.shape:
                self._layer.data = labels
                for name, value in options.items():
                    setattr(self._layer, name, value)
                return
            self._remove_preview()
        active = self._viewer.layers.selection.active
        # one bright colour: many of napari's are dark, as nuclei are
        colours = DirectLabelColormap(color_dict={None: "yellow", 0: "transparent"})
        self._layer = Labels(labels, name=PREVIEW_NAME, colormap=colours, opacity=1, **options)
        self._layer.contour = max(1, round(max(labels.shape) / 400))
        self._viewer.add_layer(self._layer)
        self._viewer.layers.selection.active = active  # the photograph stays the chosen one

    def _remove_preview(self) -> None:
        layer, self._layer = self._layer, None
        if isinstance(layer, Layer) and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def hideEvent(self, event: Any) -> None:
        """Leave nothing of the preview behind when the widget is closed."""
        self.preview.setChecked(False)
        super().hideEvent(event)


def _all(
    target: Target, settings: SegmentSettings, cytoplasm: bool
) -> Generator[int, None, list[Segmented]]:
    found = []
    for one in segment_target(target, settings, cytoplasm):
        found.append(one)
        yield len(found)
    return found


def _one(target: Target, number: int, settings: SegmentSettings) -> np.ndarray:
    from napari_marrow.imaging.segmentation import segment_nuclei

    return segment_nuclei(target.image(number), settings)
