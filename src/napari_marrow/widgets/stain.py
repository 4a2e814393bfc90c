"""The dock widget "Stain": match colours to a reference, and separate the two stains."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from qtpy.QtWidgets import QFileDialog

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.normalise import StainSettings
from napari_marrow.viewer.layer_info import STAINS, Kind, shown_slice
from napari_marrow.viewer.photograph.photograph import NO_FIELD, NO_PHOTOGRAPH, Photograph, Pixels
from napari_marrow.widgets.components.dock_widget import DockWidget
from napari_marrow.widgets.components.forms import SettingsForm
from napari_marrow.widgets.components.image_combo import ImageCombo
from napari_marrow.widgets.components.layout import button, group, row, text_label
from napari_marrow.widgets.components.task import RunPanel, Task

if TYPE_CHECKING:
    import napari

T = TypeVar("T")
NEEDS_REFERENCE = ("reinhard", "macenko")
PHOTOGRAPHS = "Photographs (*.bmp *.tif *.tiff *.png *.jpg *.jpeg)"


class Stain(DockWidget):
    """Normalises the colours of a photograph or a folder's stack, and separates its two stains."""

    def __init__(self, viewer: napari.viewer.Viewer):  # napari injects by this very string
        super().__init__(viewer, min_width_px=320)
        self._reference: tuple[str, Photograph, int] | None = None  # name, photograph and its field
        self.photograph = ImageCombo(self.viewer)
        self.none_open = text_label(NO_PHOTOGRAPH)
        self.form = SettingsForm(StainSettings("white-balance"))
        self.choose_button = button("Choose file...", self._choose, "A photograph as reference.")
        self.take_button = button(
            "Take shown field",
            self.take_shown,
            "The field that is shown now becomes the reference, also when another one is shown.",
        )
        self.normalise_button = button(
            "Normalise",
            self.normalise,
            "Makes a new layer; of a stack each field is recoloured when it is looked at.",
        )
        self.normalising = RunPanel(self.normalise_button)
        self.normalise_task = Task(self, self.normalising)
        self.separate_button = button(
            "Separate stains",
            self.separate,
            "Makes two layers and hides the photograph; hide one to see the other alone.",
        )
        self.separating = RunPanel(self.separate_button)
        self.separate_task = Task(self, self.separating)
        about = text_label(
            "The purple of nuclei, and the counterstain, as a layer each. Their colours are "
            "estimated from the field that is shown: the counterstain is that of red cells, or "
            "where there are few the blue of cytoplasm."
        )
        references = row(self.choose_button, self.take_button)
        self.fill(
            group("Photograph", self.photograph, self.none_open),
            group("Normalise", self.form, references, self.normalising),
            group("Stains", about, self.separating),
        )
        for signal in (self.photograph.changed, self.normalise_task.changed):
            signal.connect(self.refresh)
        self.separate_task.changed.connect(self.refresh)
        self.form.changed.connect(self._form_changed)
        self._form_changed()

    def refresh(self) -> None:
        """Enable what can be done with the photographs that are open."""
        is_open = self.photograph.layer is not None
        self.none_open.setVisible(not is_open)
        self.normalise_button.setEnabled(is_open and not self.normalise_task.busy)
        self.separate_button.setEnabled(is_open and not self.separate_task.busy)
        needed = self.form.settings().method in NEEDS_REFERENCE
        reference = self.form.fields["reference"]
        reference.enabled = needed
        reference.native.setPlaceholderText("a photograph's file" if needed else "none needed")
        self.choose_button.setEnabled(needed)
        self.take_button.setEnabled(needed and is_open)

    def _form_changed(self) -> None:
        self.refresh()
        settings = self.form.settings()
        # What is only not filled in yet is reported when the button is pressed.
        problems = settings.problems() if settings.references == "per-class" else [""]
        self.normalising.say(problems[0])

    def _shown(self) -> tuple[Photograph, int]:
        """Return the chosen photograph and which of its fields is shown.

        Raises
        ------
        MarrowError
            When none is open, or the slider shows none of its fields.
        """
        layer = self.photograph.layer
        if layer is None:
            raise MarrowError(NO_PHOTOGRAPH)
        number = shown_slice(layer, self.viewer.dims.point)
        if number < 0:
            raise MarrowError(NO_FIELD)
        return Photograph.of(layer, self.viewer.layers), number

    def _choose(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Reference", "", PHOTOGRAPHS)
        if path:
            self.set_reference(Path(path))

    def set_reference(self, path: Path) -> None:
        """Take the colours of a file."""
        self._reference = None
        self.form.fields["reference"].value = str(path)

    def take_shown(self) -> None:
        """Take the colours of the field that is shown now."""
        try:
            photograph, number = self._shown()
        except MarrowError as error:
            self.normalising.say(str(error))
            return
        known = photograph.files or photograph.origin
        name = known[number].name if known else photograph.name
        self._reference = name, photograph, number
        self.form.fields["reference"].value = name

    def normalise(self) -> None:
        """Make a layer of the chosen photograph in the colours that the form asks for."""
        from napari_marrow.viewer.make.stains import recoloured, recoloured_layer, show_made

        settings = self.form.settings()
        problems = settings.problems()
        if settings.method == "none":
            problems.append("none leaves the photograph as it is; choose another method.")
        if problems:
            self.normalising.say(problems[0])
            return
        reference = self._reference
        if reference is not None and reference[0] != settings.reference:  # another was typed
            reference = None

        def work(photograph: Photograph, number: int) -> Pixels:
            pixels = None if reference is None else reference[1].image(reference[2])
            return recoloured(photograph, number, settings, pixels)

        def show(photograph: Photograph, data: Pixels) -> str:
            layer = recoloured_layer(photograph, data, settings.method)
            show_made(self.viewer, photograph.layer, [layer], (Kind(settings.method),))
            said = f"{layer.name} is a new layer."
            if settings.method in NEEDS_REFERENCE:  # the two extreme colours may be of other things
                said += " Look whether nuclei and red cells kept their kinds of colour."
            return said

        self._start(self.normalise_task, self.normalising, work, show)

    def separate(self) -> None:
        """Make a layer of each of the two stains of the chosen photograph."""
        from napari_marrow.viewer.make.stains import SeparatedStain, show_made, split, stain_layers

        def show(photograph: Photograph, stains: tuple[SeparatedStain, SeparatedStain]) -> str:
            show_made(self.viewer, photograph.layer, stain_layers(photograph, stains), STAINS)
            return "The two stains are new layers; hide one to see the other alone."

        self._start(self.separate_task, self.separating, split, show)

    def _start(
        self,
        task: Task,
        panel: RunPanel,
        work: Callable[[Photograph, int], T],
        show: Callable[[Photograph, T], str],
    ) -> None:
        """Run ``work`` on the shown field in a thread, then ``show`` what it returned."""
        if task.busy:
            return
        try:
            photograph, number = self._shown()
        except MarrowError as error:
            panel.say(str(error))
            return

        def done(made: T) -> None:
            text = photograph.out_of_date(self.viewer.layers)
            if not text:
                with self.photograph.pinned():
                    text = show(photograph, made)
            panel.say(text)

        task.start(lambda emit, should_stop: work(photograph, number), done, begun="Working...")
