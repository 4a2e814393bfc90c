"""The dock widget "Augment": choose operations, preview one, make layers or a folder of them."""

from __future__ import annotations

import dataclasses
import tempfile
from functools import partial
from pathlib import Path

import napari
from napari.layers import Image
from qtpy.QtWidgets import QFileDialog

from napari_marrow.data.failures import Failures, left_out_sentences
from napari_marrow.imaging.settings import OPERATIONS, RANDOM, AugmentSettings
from napari_marrow.jobs.augment import (
    AugmentJob,
    AugmentResult,
    check_place,
    describe_plan,
    run_augmentation,
)
from napari_marrow.jobs.events import Emit, ShouldStop
from napari_marrow.viewer.behaviours.caption import attach_caption
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
from napari_marrow.viewer.task import Task
from napari_marrow.widgets.components.check_list import CheckList
from napari_marrow.widgets.components.forms import SettingsForm
from napari_marrow.widgets.components.layer_preview import LayerPreview
from napari_marrow.widgets.components.layout import button, group, path_button, text_label
from napari_marrow.widgets.components.photograph_widget import PhotographWidget
from napari_marrow.widgets.components.run_panel import RunPanel


class Augment(PhotographWidget):
    """Makes more photographs of those in a layer, with their masks."""

    def __init__(self, viewer: napari.viewer.Viewer):  # napari injects by this very string
        super().__init__(viewer, min_width_px=340)
        self.photograph.changed.connect(self._photograph_changed)
        self.operations = CheckList(OPERATIONS, AugmentSettings().operations)
        self.operations.edited.connect(self._changed)
        self.description, self.counted = text_label(), text_label()
        self.form = SettingsForm(AugmentSettings(), without=("operations",))
        self.form.changed.connect(self._changed)
        self.layers_button = button(
            "Make layers", self.make_layers, "A stack of the photographs, and of their masks."
        )
        self.folder_button = path_button(
            "Write folder...",
            lambda: QFileDialog.getExistingDirectory(self, "A new or empty folder to write into"),
            self.write_folder,
            "BMP files with their masks, named as in SN-AM.",
        )
        self.run = RunPanel(self.layers_button, self.folder_button)
        self.task = Task(self, self.run)
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
            group("Settings", self.form),
            actions=[self.counted, self.run],
        )
        self._changed()

    def settings(self) -> AugmentSettings:
        """Return the settings as the widget shows them now."""
        return dataclasses.replace(self.form.settings(), operations=self.operations.checked)

    def _photograph_changed(self) -> None:
        if self.photograph.layer is None and not self.task.busy:
            self.run.say("")  # what was reported of one that is gone
        self._changed()

    def _changed(self) -> None:
        """Count again what will be made, and make the preview again."""
        operation = self.operations.current
        copies = " Differs from copy to copy." if operation in RANDOM else ""
        self.description.setText(f"<b>{operation}</b>: {OPERATIONS[operation]}.{copies}")
        settings, layer = self.settings(), self.photograph.layer
        problems = settings.problems()
        if layer is None:
            problems = [NO_PHOTOGRAPH]
        elif not problems:
            self.counted.setText(describe_plan(len(Photograph.of(layer, [])), settings))
        if problems:
            self.counted.setText(" ".join(problems))
        self.run.set_ready(not problems)
        if layer is None:
            self.preview.clear()
        else:
            self.preview.refresh()

    def _ask_preview(self) -> None:
        """Make the preview of the shown field in a thread."""
        photograph, number = self.shown()
        settings, operation = self.settings(), self.operations.current
        self.preview.start(
            lambda emit, should_stop: preview(photograph, number, settings, operation),
            lambda made: self._show_preview(made, photograph.layer),
        )

    def _show_preview(self, made: Preview, layer: Image) -> None:
        options = made.options(layer)
        self.preview.show_layer(Image, made.picture, options, name="Augment preview", rgb=True)

    def make_layers(self) -> None:
        """Make a stack of all products, and of their masks, in a thread."""
        with self.task.reporting():
            photograph = self.chosen()
            self.start(
                self.task,
                photograph,
                partial(augment_photograph, photograph, self.settings()),
                lambda made: self._add_layers(photograph, made),
                "Making layers...",
            )

    def _add_layers(self, photograph: Photograph, made: AugmentedStacks) -> str:
        self.preview.setChecked(False)  # it would hide them
        layers = [self.viewer.add_layer(x) for x in augmented_layers(photograph, made)]
        self.viewer.dims.set_current_step(0, 0)
        attach_caption(self.viewer)
        text = f"Made {len(made.products)} pictures: layer {layers[0].name}."
        return " ".join([text, *left_out_sentences(made.failed)])

    def write_folder(self, out: Path) -> None:
        """Write all products into a new or empty folder, in a thread."""
        with self.task.reporting():
            photograph = self.chosen()
            if photograph.root is not None:
                check_place(out, photograph.root)

            def report(result: AugmentResult) -> None:
                counts = f"Wrote {result.images} pictures and {result.masks} masks to {result.out}."
                notes = [*left_out_sentences(result.failed), *result.warnings]
                self.run.say(" ".join([counts, *notes, *left_out(photograph)]))

            work = partial(_write, photograph, self.settings(), out)
            self.task.start(work, report, begun="Writing...")


def _write(
    photograph: Photograph,
    settings: AugmentSettings,
    out: Path,
    emit: Emit,
    should_stop: ShouldStop,
) -> AugmentResult:
    """Write a folder of all products; what no file holds is written to a temporary folder first."""
    with tempfile.TemporaryDirectory(prefix="napari-marrow-") as folder:
        failures = Failures()
        collection = written_fields(photograph, Path(folder), failures)
        result = run_augmentation(AugmentJob(collection, settings, out), emit, should_stop)
    return dataclasses.replace(result, failed=(*failures.found, *result.failed))
