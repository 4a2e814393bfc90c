"""The dock widget "Stain": photographs in the colours of one reference, and their stains apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QFileDialog, QLabel, QWidget

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.normalise import StainSettings
from napari_marrow.viewer.layer_info import (
    layer_id,
    origin_fields,
    shown_slice,
)
from napari_marrow.viewer.photograph.labelling import (
    NO_FIELD,
    NO_PHOTOGRAPH,
    Target,
    out_of_date,
    target_of,
)
from napari_marrow.widgets.components.forms import SettingsForm
from napari_marrow.widgets.components.image_combo import PhotographBox
from napari_marrow.widgets.components.parts import button, group, in_worker, row, scrolling, wrapped

if TYPE_CHECKING:
    import napari

NEEDS_REFERENCE = ("reinhard", "macenko")
PHOTOGRAPHS = "Photographs (*.bmp *.tif *.tiff *.png *.jpg *.jpeg)"


class Stain(QWidget):
    """Normalises the colours of a photograph or a folder's stack, and splits its two stains."""

    def __init__(self, viewer: napari.viewer.Viewer):  # napari injects by this very string
        super().__init__()
        # Without the proxy, which gives another object each time that it is asked for a layer.
        self._viewer = getattr(viewer, "__wrapped__", viewer)
        self._asked: dict[tuple[str, str], int] = {}  # how often, by photograph and kind of work
        self._reference: tuple[str, Target, int] | None = None  # its name, and where it is shown
        self.photograph = PhotographBox(viewer)
        self.none_open = wrapped(NO_PHOTOGRAPH)
        self._build_normalise()
        self._build_split()
        scrolling(
            self,
            group("Photograph", self.photograph, self.none_open),
            group(
                "Normalise",
                self.form,
                row(self.choose_button, self.take_button),
                self.normalise_button,
                self.normalise_status,
            ),
            group("Stains", self.about_split, self.split_button, self.split_status),
        )
        self.setMinimumWidth(320)
        self.photograph.changed.connect(self.refresh)
        self.refresh()
        self._show_form()

    def _build_normalise(self) -> None:
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
        self.normalise_status = wrapped()
        for widget in self.form.fields.values():
            widget.changed.connect(self._show_form)

    def _build_split(self) -> None:
        self.about_split = wrapped(
            "The purple of nuclei, and the counterstain, as a layer each. Their colours are "
            "estimated from the field that is shown: the counterstain is that of red cells, or "
            "where there are few the blue of cytoplasm."
        )
        self.split_button = button(
            "Split stains",
            self.split,
            "Makes two layers and hides the photograph; hide one to see the other alone.",
        )
        self.split_status = wrapped()

    def refresh(self) -> None:
        """Offer what can be done with the photographs that are open."""
        is_open = self.photograph.layer is not None
        self.none_open.setVisible(not is_open)
        for made in (self.normalise_button, self.split_button):
            made.setEnabled(is_open)
        self._enable()

    def _show_form(self, _: Any = None) -> None:
        """Offer what the method takes, and say what can't work."""
        self._enable()
        settings = self.form.settings()
        # What is only not filled in yet is said when the button is pressed.
        said = settings.problems() if settings.references == "per-class" else [""]
        self.normalise_status.setText(said[0])

    def _enable(self) -> None:
        """Offer a reference where the method takes one."""
        needed = self.form.settings().method in NEEDS_REFERENCE
        reference = self.form.fields["reference"]
        reference.enabled = needed
        reference.native.setPlaceholderText("a photograph's file" if needed else "none needed")
        self.choose_button.setEnabled(needed)
        self.take_button.setEnabled(needed and self.photograph.layer is not None)

    def _shown(self) -> tuple[Target, int]:
        """The chosen photograph and which of its fields is shown.

        Raises
        ------
        MarrowError
            When there is none.
        """
        layer = self.photograph.layer
        if layer is None:
            raise MarrowError(NO_PHOTOGRAPH)
        number = shown_slice(layer, self._viewer.dims.point)
        if number < 0:
            raise MarrowError(NO_FIELD)
        return target_of(layer), number

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
            target, number = self._shown()
        except MarrowError as error:
            self.normalise_status.setText(str(error))
            return
        known = target.fields or origin_fields(target.layer)
        name = known[number].name if known else target.layer.name
        self._reference = name, target, number
        self.form.fields["reference"].value = name

    def normalise(self) -> None:
        """Make a layer of the chosen photograph in the colours that the form asks for."""
        from napari_marrow.viewer.make.stains import recoloured_layer, show_made

        settings = self.form.settings()
        problems = settings.problems()
        if settings.method == "none":
            problems.append("none leaves the photograph as it is; choose another method.")
        if problems:
            self.normalise_status.setText(problems[0])
            return
        taken = self._reference
        if taken is not None and taken[0] != settings.reference:  # another was typed over it
            taken = None

        def show(target: Target, data: Any) -> str:
            layer = recoloured_layer(target.layer, data, settings.method)
            show_made(self._viewer, target.layer, [layer], (settings.method,))
            said = f"{layer.name} is a new layer."
            if settings.method in NEEDS_REFERENCE:  # the two extreme colours may be of other things
                said += " Look whether nuclei and red cells kept their kinds of colour."
            return said

        self._work(self.normalise_status, "normalise", _recoloured, (settings, taken), show)

    def split(self) -> None:
        """Make a layer of each of the two stains of the chosen photograph."""
        from napari_marrow.viewer.make.stains import STAINS, show_made, stain_layers

        def show(target: Target, found: Any) -> str:
            show_made(self._viewer, target.layer, stain_layers(target.layer, found), STAINS)
            return "The two stains are new layers; hide one to see the other alone."

        self._work(self.split_status, "split", _split, (), show)

    def _work(
        self,
        status: QLabel,
        kind: str,
        work: Callable[..., Any],
        arguments: tuple[Any, ...],
        show: Callable[[Target, Any], str],
    ) -> None:
        """Run ``work`` on the shown field in a thread, then ``show`` what it gave, if still wanted.

        What was asked for once more meanwhile is dropped, and what was made from a photograph that
        is no longer there.
        """
        try:
            target, number = self._shown()
        except MarrowError as error:
            status.setText(str(error))
            return
        key = layer_id(target.layer), kind
        count = self._asked[key] = self._asked.get(key, 0) + 1

        def done(made: Any) -> None:
            if self._asked[key] != count:
                return
            said = out_of_date(target, self._viewer.layers)
            if not said:
                with self.photograph.staying():
                    said = show(target, made)
            status.setText(said)

        def failed(text: str) -> None:
            if self._asked[key] == count:
                status.setText(text)

        status.setText("Working...")
        in_worker(self, work, target, number, *arguments, done=done, failed=failed)


def _recoloured(
    target: Target, number: int, settings: StainSettings, taken: tuple[str, Target, int] | None
) -> Any:
    from napari_marrow.viewer.make.stains import recoloured

    reference = None if taken is None else taken[1].image(taken[2])
    return recoloured(target, number, settings, reference)


def _split(target: Target, number: int) -> Any:
    from napari_marrow.viewer.make.stains import split

    return split(target, number)
