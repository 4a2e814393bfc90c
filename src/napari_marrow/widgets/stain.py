"""The dock widget "Stain": match colours to a reference, and separate the two stains."""

from __future__ import annotations

from pathlib import Path

import napari
from qtpy.QtWidgets import QFileDialog, QLineEdit

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.normalise import StainSettings
from napari_marrow.jobs.events import Emit, ShouldStop
from napari_marrow.viewer.layer_info import STAINS, Kind
from napari_marrow.viewer.photograph.photograph import NO_PHOTOGRAPH, Photograph
from napari_marrow.viewer.stack import Pixels
from napari_marrow.viewer.task import Task
from napari_marrow.widgets.components.forms import SettingsForm
from napari_marrow.widgets.components.layout import button, group, path_button, row, text_label
from napari_marrow.widgets.components.photograph_widget import PhotographWidget
from napari_marrow.widgets.components.run_panel import RunPanel

NEEDS_REFERENCE = ("reinhard", "macenko")
PHOTOGRAPHS = "Photographs (*.bmp *.tif *.tiff *.png *.jpg *.jpeg *.jpe *.jfif)"


class Stain(PhotographWidget):
    """Normalises the colours of a photograph or a folder's stack, and separates its two stains."""

    def __init__(self, viewer: napari.viewer.Viewer):  # napari injects by this very string
        super().__init__(viewer, min_width_px=320)
        self._reference: tuple[str, Photograph, int] | None = None  # name, photograph and its field
        self.none_open = text_label(NO_PHOTOGRAPH)
        self.form = SettingsForm(StainSettings("white-balance"))
        self.choose_button = path_button(
            "Choose file...",
            lambda: QFileDialog.getOpenFileName(self, "Reference", "", PHOTOGRAPHS)[0],
            self.set_reference,
            "A photograph as reference.",
        )
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
            group("Normalise", self.form, references),
            group("Stains", about),
            actions=[self.normalising, self.separating],
        )
        self.photograph.changed.connect(self.refresh)
        self.form.changed.connect(self._form_changed)
        self._form_changed()

    def refresh(self) -> None:
        """Enable what can be done with the photographs that are open."""
        is_open = self.photograph.layer is not None
        self.none_open.setVisible(not is_open)
        self.normalising.set_ready(is_open)
        self.separating.set_ready(is_open)
        needed = self.form.settings().method in NEEDS_REFERENCE
        reference = self.form.fields["reference"]
        assert isinstance(reference.native, QLineEdit)
        reference.native.setEnabled(needed)
        reference.native.setPlaceholderText("a photograph's file" if needed else "none needed")
        self.choose_button.setEnabled(needed)
        self.take_button.setEnabled(needed and is_open)

    def _form_changed(self) -> None:
        self.refresh()
        self.normalising.say("")  # what is not filled in is reported when the button is pressed

    def set_reference(self, path: Path) -> None:
        """Take the colours of a file."""
        self._reference = None
        self.form.fields["reference"].value = str(path)

    def take_shown(self) -> None:
        """Take the colours of the field that is shown now."""
        with self.normalise_task.reporting():
            photograph, number = self.shown()
            known = photograph.files or photograph.origin
            name = known[number].name if known else photograph.name
            self._reference = name, photograph, number
            self.form.fields["reference"].value = name

    def normalise(self) -> None:
        """Make a layer of the chosen photograph in the colours that the form asks for."""
        from napari_marrow.viewer.make.stains import (
            first_readable,
            recoloured,
            recoloured_layer,
            show_made,
        )

        with self.normalise_task.reporting():
            settings = self.form.settings()
            problems = settings.problems()
            if settings.method == "none":
                problems.append("none leaves the photograph as it is; choose another method.")
            if problems:
                raise MarrowError(problems[0])
            photograph, number = self.shown()
            reference = self._reference
            if reference is not None and reference[0] != settings.reference:  # another was typed
                reference = None

            def work(emit: Emit, should_stop: ShouldStop) -> tuple[Pixels, list[str]]:
                pixels = None if reference is None else reference[1].image(reference[2])
                row, problems = first_readable(photograph, number)
                return recoloured(photograph, row, settings, pixels), problems

            def show(made: tuple[Pixels, list[str]]) -> str:
                data, problems = made
                layer = recoloured_layer(photograph, data, settings.method)
                show_made(self.viewer, photograph.layer, [layer], (Kind(settings.method),))
                sentences = [f"{layer.name} is a new layer."]
                if settings.method in NEEDS_REFERENCE:  # the extreme colours may be of other things
                    sentences.append("Check that nuclei and red cells kept their kinds of colour.")
                tick = self._about_tick(photograph, layer.name)
                return " ".join(filter(None, [*sentences, tick, *problems]))

            self.start(self.normalise_task, photograph, work, show)

    def _about_tick(self, photograph: Photograph, *made: str) -> str:
        """Say that a photograph which is hidden now is not used, and what can be ticked."""
        if Photograph.of(photograph.layer, self.viewer.layers).chosen:
            return ""
        either = " or ".join(["it", *made])
        return (
            f"{photograph.name} is hidden and not ticked now: tick {either} in the table of Train "
            "DCNN or Chi-square features to use it there."
        )

    def separate(self) -> None:
        """Make a layer of each of the two stains of the chosen photograph."""
        from napari_marrow.viewer.make.stains import (
            SeparatedStain,
            first_readable,
            show_made,
            split,
            stain_layers,
        )

        with self.separate_task.reporting():
            photograph, number = self.shown()

            def work(
                emit: Emit, should_stop: ShouldStop
            ) -> tuple[tuple[SeparatedStain, SeparatedStain], list[str]]:
                row, problems = first_readable(photograph, number)
                if problems:
                    problems.append(f"The stains are those of {photograph.field(row).name}.")
                return split(photograph, row), problems

            def show(made: tuple[tuple[SeparatedStain, SeparatedStain], list[str]]) -> str:
                stains, problems = made
                show_made(self.viewer, photograph.layer, stain_layers(photograph, stains), STAINS)
                text = "The two stains are new layers; hide one to see the other alone."
                return " ".join(filter(None, [text, self._about_tick(photograph), *problems]))

            self.start(self.separate_task, photograph, work, show)
