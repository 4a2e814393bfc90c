"""The dock widget "Augment": choose operations, preview one, make layers or a folder of them."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event as Flag
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Layer
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QWidget,
)

from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.imaging.augment import OPERATIONS, RANDOM, AugmentSettings
from napari_marrow.jobs.augment import AugmentJob, announced, check_place, run_augmentation
from napari_marrow.jobs.events import Event
from napari_marrow.viewer.behaviours.caption import attach_caption
from napari_marrow.viewer.behaviours.deferred_slices import attach_late_slices
from napari_marrow.viewer.layer_info import full_data, shown_slice
from napari_marrow.viewer.make.augmented import (
    TELL_S,
    Preview,
    preview,
    product_layers,
    written_fields,
)
from napari_marrow.viewer.make.layers import LayerData
from napari_marrow.viewer.photograph.gathering import Source, gathered, left_out
from napari_marrow.viewer.photograph.labelling import NO_PHOTOGRAPH, out_of_date
from napari_marrow.widgets.components.check_list import TickList
from napari_marrow.widgets.components.docked import DockedWidget
from napari_marrow.widgets.components.forms import SettingsForm
from napari_marrow.widgets.components.image_combo import PhotographBox
from napari_marrow.widgets.components.parts import (
    Bars,
    Told,
    button,
    group,
    in_worker,
    row,
    scrolling,
    wrapped,
)

if TYPE_CHECKING:
    import napari

SOON_MS = 40
"""A preview is made so long after the last change: a slider sends many."""


class Augment(DockedWidget):
    """Makes more photographs of those in a layer, with their masks."""

    def __init__(self, viewer: napari.viewer.Viewer):  # napari injects by this very string
        super().__init__()
        # Layers of the proxy that widgets get are proxies, which are never the same object twice.
        self._viewer = getattr(viewer, "__wrapped__", viewer)
        self._listening = False
        self._work: Any = None  # what runs, or None
        self._stop: Callable[[], None] = lambda: None
        self._preview: Image | None = None
        self._previewing = self._again = False
        self._build()
        self._soon = _timer(self, self._make_preview)
        self._listen(True)
        self._changed()

    def _build(self) -> None:
        self.photograph = PhotographBox(self._viewer)
        self.photograph.changed.connect(self._other_photograph)
        self.operations = TickList(OPERATIONS, AugmentSettings().operations)
        self.operations.edited.connect(self._changed)
        self.preview_box = QCheckBox("Preview over the shown field")
        self.preview_box.setToolTip("Shows the operation that is picked in the list, thinned.")
        self.preview_box.toggled.connect(self._changed)
        self.about = wrapped()
        self.form = SettingsForm(AugmentSettings(), without=("operations",))
        for field in self.form.fields.values():
            field.changed.connect(self._changed)
        self.counted, self.status, self.bars = wrapped(), wrapped(), Bars(self)
        self.layers_button = button(
            "Make layers", self.make_layers, "A stack of the photographs, and of their masks."
        )
        self.folder_button = button(
            "Write folder...", self._choose_folder, "BMP files with their masks, named as in SN-AM."
        )
        self.cancel_button = button("Cancel", self.cancel, "Felt within a second.")
        buttons = row(self.layers_button, self.folder_button, self.cancel_button)
        scrolling(
            self,
            group("Photograph", self.photograph),
            group("Operations", self.operations, self.preview_box, self.about),
            group("Make", self.counted, buttons, self.bars.own, self.status),
            group("Settings", self.form),
        )
        self.setMinimumWidth(340)

    def docked(self) -> None:
        """Hear of the viewer again."""
        self._listen(True)

    def hideEvent(self, event: Any) -> None:
        """Leave nothing of the preview behind when the dock is hidden."""
        self.preview_box.setChecked(False)
        super().hideEvent(event)

    def shutdown(self) -> None:
        """End what runs and take the preview away; may be called more than once."""
        self._listen(False)
        self.cancel()
        self.preview_box.setChecked(False)
        self._remove_preview()

    def _listen(self, on: bool) -> None:
        """Hear of the viewer's layers and of its slider, or no more."""
        if on == self._listening:
            return
        self._listening = on
        removed, moved = self._viewer.layers.events.removed, self._viewer.dims.events.current_step
        (removed.connect if on else removed.disconnect)(self._removed)
        (moved.connect if on else moved.disconnect)(self._changed)

    def _removed(self, event: Any = None) -> None:
        """Notice when the preview was taken away by hand."""
        if self._preview is not None and self._preview not in self._viewer.layers:
            self._preview = None
            self.preview_box.setChecked(False)

    @property
    def layer(self) -> Image | None:
        """The photograph that is chosen, or None."""
        return self.photograph.layer

    def settings(self) -> AugmentSettings:
        """The settings as the widget shows them now."""
        return dataclasses.replace(self.form.settings(), operations=self.operations.ticked)

    def _other_photograph(self) -> None:
        if self.layer is None and self._work is None:
            self.status.setText("")  # what was said of one that is gone
        self._changed()

    def _changed(self, *_: Any) -> None:
        """Say anew what there will be, and make the preview anew."""
        picked = self.operations.picked
        copies = " Differs from copy to copy." if picked in RANDOM else ""
        self.about.setText(f"<b>{picked}</b>: {OPERATIONS[picked]}.{copies}")
        settings, layer = self.settings(), self.layer
        problems = settings.problems()
        if layer is None:
            self.counted.setText(NO_PHOTOGRAPH)
        elif problems:
            self.counted.setText(" ".join(problems))
        else:
            data = full_data(layer)
            self.counted.setText(announced(len(data) if data.ndim == 4 else 1, settings))
        ready = layer is not None and not problems and self._work is None
        self.layers_button.setEnabled(ready)
        self.folder_button.setEnabled(ready)
        self.cancel_button.setEnabled(self._work is not None)
        if self.preview_box.isChecked() and layer is not None:
            self._soon.start()
        else:
            self._remove_preview()

    def _gathered(self) -> Source:
        if self.layer is None:
            raise MarrowError(NO_PHOTOGRAPH)
        return gathered(self.layer, self._viewer.layers)

    def _make_preview(self) -> None:
        """Have the preview made in a thread; one at a time, the last wish wins."""
        layer = self.layer
        if layer is None or not self.preview_box.isChecked():
            return
        if self._previewing:
            self._again = True
            return
        shown = shown_slice(layer, self._viewer.dims.point)
        if shown < 0:
            self._remove_preview()
            return
        self._previewing, self._again = True, False
        settings, picked = self.settings(), self.operations.picked
        in_worker(
            self,
            preview,
            self._gathered(),
            shown,
            settings,
            picked,
            done=lambda made: self._show_preview(made, layer),
            failed=self.status.setText,
            ended=self._preview_ended,
        )

    def _preview_ended(self) -> None:
        self._previewing = False
        if self._again:
            self._make_preview()

    def _show_preview(self, made: Preview, layer: Image) -> None:
        if self._again or not self.preview_box.isChecked() or layer is not self.layer:
            return  # stale
        if self._preview is None:
            chosen = set(self._viewer.layers.selection)
            self._preview = made.layer(layer)
            self._viewer.add_layer(self._preview)
            self._viewer.layers.selection = chosen  # the user goes on with the layer at hand
            return
        self._preview.data = made.picture
        for name, value in made.options(layer).items():
            setattr(self._preview, name, value)

    def _remove_preview(self) -> None:
        shown, self._preview = self._preview, None
        if shown is not None and shown in self._viewer.layers:
            self._viewer.layers.remove(shown)

    def make_layers(self) -> None:
        """Make a stack of all products, and of their masks; the viewer stays free."""
        if self._work is not None:
            return
        try:
            source = self._gathered()
        except MarrowError as error:
            self.status.setText(str(error))
            return
        worker = in_worker(
            self,
            product_layers,
            source,
            self.settings(),
            done=lambda made: self._add_layers(made, source),
            failed=self._failed(lambda: worker),
            step=lambda fraction: self.bars.show(fraction) if self._work is worker else None,
            ended=lambda: self._ended(worker),
        )
        self._begin(worker, worker.quit, "Making layers...")

    def _add_layers(self, made: list[LayerData] | None, source: Source) -> None:
        if made is None or self._work is None:  # stopped
            return
        if said := out_of_date(source.target, self._viewer.layers):
            self.status.setText(said)
            return
        self.preview_box.setChecked(False)  # it would hide them
        with self.photograph.staying():
            for data in made:
                self._viewer.add_layer(Layer.create(*data))
        self._viewer.dims.set_current_step(0, 0)
        attach_caption(self._viewer)
        attach_late_slices(self._viewer)
        number = len(made[0][0])
        self.status.setText(f"Made {number} pictures: layer {made[0][1]['name']}.")

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "A new or empty folder to write into")
        if chosen:
            self.write_folder(Path(chosen))

    def write_folder(self, out: Path) -> None:
        """Write all products into a new or empty folder; the viewer stays free."""
        if self._work is not None:
            return
        try:
            source = self._gathered()
            if source.root is not None:
                check_place(out, source.root)
        except MarrowError as error:
            self.status.setText(str(error))
            return
        flag, told = Flag(), Told()
        worker = in_worker(
            self,
            _write,
            source,
            self.settings(),
            out,
            told,
            flag.is_set,
            done=lambda result: self._written(result, source),
            failed=self._failed(lambda: worker),
            ended=lambda: self._ended(worker),
        )
        told.progress.connect(self._step)
        self._begin(worker, flag.set, "Writing...")

    def _step(self, fraction: float, text: str) -> None:
        if self._work is not None:
            self.bars.show(fraction)

    def _written(self, result: dict[str, Any] | None, source: Source) -> None:
        if result is None or self._work is None:  # stopped
            return
        made = f"Wrote {result['images']} pictures and {result['masks']} masks to {result['out']}."
        self.status.setText(" ".join([made, *result["warnings"], *left_out(source)]))

    def cancel(self) -> None:
        """Stop what runs; nothing is added or written then."""
        if self._work is None:
            return
        self._stop()
        self._work = None
        self.bars.close()
        self.status.setText("Stopped; nothing was made.")
        self._changed()

    def _begin(self, worker: Any, stop: Callable[[], None], text: str) -> None:
        self._work, self._stop = worker, stop
        self.status.setText(text)
        self._changed()
        self.bars.show(0)  # last: it lets the viewer handle events

    def _failed(self, whose: Callable[[], Any]) -> Callable[[str], None]:
        """Says what went wrong, unless the work was given up before."""
        return lambda text: self.status.setText(text) if self._work is whose() else None

    def _ended(self, worker: Any) -> None:
        if self._work is worker:
            self._work = None
            self.bars.close()
            self._changed()


def _timer(owner: QWidget, action: Callable[[], None]) -> QTimer:
    timer = QTimer(owner)
    timer.setSingleShot(True)
    timer.setInterval(SOON_MS)
    timer.timeout.connect(action)
    return timer


def _write(
    source: Source,
    settings: AugmentSettings,
    out: Path,
    told: Told,
    should_stop: Callable[[], bool],
) -> dict[str, Any] | None:
    """Run the job in a worker; None when it was stopped."""
    told_at = 0.0

    def emit(event: Event) -> None:
        nonlocal told_at
        if event.fraction is not None and time.monotonic() > told_at + TELL_S:
            told.progress.emit(event.fraction, event.text)
            told_at = time.monotonic()

    with tempfile.TemporaryDirectory(prefix="napari-marrow-") as folder:
        collection = written_fields(source, Path(folder))
        try:
            return run_augmentation(AugmentJob(collection, settings, out), emit, should_stop)
        except Stopped:
            return None
