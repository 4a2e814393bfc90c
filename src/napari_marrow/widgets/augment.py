"""The dock widget "Augment": choose operations, preview one, make layers or a folder of them."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari.layers import Image
from qtpy.QtWidgets import QFileDialog

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.augment import OPERATIONS, RANDOM, AugmentSettings
from napari_marrow.jobs.augment import AugmentJob, check_place, describe_plan, run_augmentation
from napari_marrow.jobs.events import Emit, ShouldStop
from napari_marrow.viewer.behaviours.caption import attach_caption
from napari_marrow.viewer.layer_info import (
    full_data,
    shown_slice,
)
from napari_marrow.viewer.make.augmented import (
    AugmentedStacks,
    Preview,
    augment_photograph,
    augmented_layers,
    left_out,
    preview,
    written_fields,
)
from napari_marrow.viewer.photograph.photograph import NO_PHOTOGRAPH, Photograph
from napari_marrow.widgets.components.check_list import CheckList
from napari_marrow.widgets.components.dock_widget import DockWidget
from napari_marrow.widgets.components.forms import SettingsForm
from napari_marrow.widgets.components.image_combo import ImageCombo
from napari_marrow.widgets.components.layer_preview import LayerPreview
from napari_marrow.widgets.components.layout import button, group, text_label
from napari_marrow.widgets.components.task import RunPanel, Task

if TYPE_CHECKING:
    import napari


class Augment(DockWidget):
    """Makes more photographs of those in a layer, with their masks."""

    def __init__(self, viewer: napari.viewer.Viewer):  # napari injects by this very string
        super().__init__(viewer, min_width_px=340)
        self.photograph = ImageCombo(self.viewer)
        self.photograph.changed.connect(self._photograph_changed)
        self.operations = CheckList(OPERATIONS, AugmentSettings().operations)
        self.operations.edited.connect(self._changed)
        self.description, self.counted = text_label(), text_label()
        self.form = SettingsForm(AugmentSettings(), without=("operations",))
        self.form.changed.connect(self._changed)
        self.layers_button = button(
            "Make layers", self.make_layers, "A stack of the photographs, and of their masks."
        )
        self.folder_button = button(
            "Write folder...", self._choose_folder, "BMP files with their masks, named as in SN-AM."
        )
        self.run = RunPanel(self.layers_button, self.folder_button)
        self.task = Task(self, self.run)
        self.task.changed.connect(self._show_state)
        self.preview = LayerPreview(
            self,
            "Preview over the shown field",
            "Shows the operation that is selected in the list, at reduced resolution.",
            self._ask_preview,
            self.run.say,
        )
        self.fill(
            group("Photograph", self.photograph),
            group("Operations", self.operations, self.preview, self.description),
            group("Make", self.counted, self.run),
            group("Settings", self.form),
        )
        self._changed()

    @property
    def layer(self) -> Image | None:
        """The photograph that is chosen, or None."""
        return self.photograph.layer

    def settings(self) -> AugmentSettings:
        """Return the settings as the widget shows them now."""
        return dataclasses.replace(self.form.settings(), operations=self.operations.checked)

    def _photograph_changed(self) -> None:
        if self.layer is None and not self.task.busy:
            self.run.say("")  # what was reported of one that is gone
        self._changed()

    def _changed(self) -> None:
        """Count again what will be made, and make the preview again."""
        self._show_state()
        if self.layer is None:
            self.preview.clear()
        else:
            self.preview.refresh()

    def _show_state(self) -> None:
        operation = self.operations.current
        copies = " Differs from copy to copy." if operation in RANDOM else ""
        self.description.setText(f"<b>{operation}</b>: {OPERATIONS[operation]}.{copies}")
        settings, layer = self.settings(), self.layer
        problems = settings.problems() if layer else [NO_PHOTOGRAPH]
        if problems or layer is None:
            self.counted.setText(" ".join(problems))
        else:
            data = full_data(layer)
            self.counted.setText(describe_plan(len(data) if data.ndim == 4 else 1, settings))
        for start in (self.layers_button, self.folder_button):
            start.setEnabled(not problems and not self.task.busy)

    def _chosen(self) -> Photograph:
        if self.layer is None:
            raise MarrowError(NO_PHOTOGRAPH)
        return Photograph.of(self.layer, self.viewer.layers)

    def _ask_preview(self) -> None:
        """Make the preview of the shown field in a thread."""
        layer = self.layer
        shown = -1 if layer is None else shown_slice(layer, self.viewer.dims.point)
        if layer is None or shown < 0:
            self.preview.clear()
            return
        photograph, settings = self._chosen(), self.settings()
        operation = self.operations.current
        self.preview.start(
            lambda emit, should_stop: preview(photograph, shown, settings, operation),
            lambda made: self._show_preview(made, layer),
        )

    def _show_preview(self, made: Preview, layer: Image) -> None:
        options = made.options(layer)
        self.preview.show_layer(Image, made.picture, options, name="Augment preview", rgb=True)

    def make_layers(self) -> None:
        """Make a stack of all products, and of their masks, in a thread."""
        if self.task.busy:
            return
        try:
            photograph = self._chosen()
        except MarrowError as error:
            self.run.say(str(error))
            return
        self.task.start(
            partial(augment_photograph, photograph, self.settings()),
            lambda made: self._add_layers(made, photograph),
            begun="Making layers...",
        )

    def _add_layers(self, made: AugmentedStacks, photograph: Photograph) -> None:
        if problem := photograph.out_of_date(self.viewer.layers):
            self.run.say(problem)
            return
        self.preview.setChecked(False)  # it would hide them
        with self.photograph.pinned():
            layers = [self.viewer.add_layer(x) for x in augmented_layers(photograph, made)]
        self.viewer.dims.set_current_step(0, 0)
        attach_caption(self.viewer)
        self.run.say(f"Made {len(made.products)} pictures: layer {layers[0].name}.")

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "A new or empty folder to write into")
        if chosen:
            self.write_folder(Path(chosen))

    def write_folder(self, out: Path) -> None:
        """Write all products into a new or empty folder, in a thread."""
        if self.task.busy:
            return
        try:
            photograph = self._chosen()
            if photograph.root is not None:
                check_place(out, photograph.root)
        except MarrowError as error:
            self.run.say(str(error))
            return

        def report(result: dict) -> None:
            counts = f"Wrote {result['images']} pictures and {result['masks']} masks to"
            sentences = [f"{counts} {result['out']}.", *result["warnings"], *left_out(photograph)]
            self.run.say(" ".join(sentences))

        self.task.start(_writer(photograph, self.settings(), out), report, begun="Writing...")


def _writer(
    photograph: Photograph, settings: AugmentSettings, out: Path
) -> Callable[[Emit, ShouldStop], dict]:
    """Return a job that writes a folder of all products; what no file holds is written first."""

    def write(emit: Emit, should_stop: ShouldStop) -> dict:
        with tempfile.TemporaryDirectory(prefix="napari-marrow-") as folder:
            collection = written_fields(photograph, Path(folder))
            job = AugmentJob(collection, settings, out)
            return run_augmentation(job, emit, should_stop).to_dict()

    return write
