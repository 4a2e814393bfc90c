"""Show the name, class and prediction of the shown field on the canvas."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence

import napari
from napari.layers import Image, Layer
from napari.settings import get_plugin_settings

from napari_marrow.data.text import counted
from napari_marrow.viewer.layer_info import (
    Kind,
    LayerInfo,
    layer_fields,
    layer_products,
    shown_slice,
)
from napari_marrow.viewer.per_viewer import ViewerFollower, per_viewer
from napari_marrow.viewer.photograph.annotations import by_id, field_class

NO_FIELDS = (Kind.MAP, Kind.MEAN, Kind.GRAD_CAM, Kind.OCCLUSION)
"""Pictures of many fields, or of a part of one."""
_LAYER_EVENTS = ("visible", "name", "metadata", "data", "translate", "scale")


class Caption(ViewerFollower):
    """Writes the caption of the topmost visible field of a viewer when anything changes."""

    def __init__(self, viewer: napari.Viewer):
        super().__init__(viewer)
        self._written = ""  # another text is the user's own
        self._counts: tuple[weakref.ref[Image], int, str] | None = None
        viewer.dims.events.current_step.connect(self.update)
        viewer.layers.events.inserted.connect(self._follow)
        viewer.layers.events.removed.connect(self.update)
        viewer.layers.events.reordered.connect(self.update)
        viewer.layers.events.inserted.connect(self._follow_predictions)
        self._follow()

    def _images(self) -> list[Image]:
        return [layer for layer in self.layers if isinstance(layer, Image)]

    def _follow(self) -> None:
        for layer in self._images():
            for name in _LAYER_EVENTS:
                layer.events[name].connect(self.update)  # once only: napari ignores the rest
        self.update()

    def _follow_predictions(self) -> None:
        for layer in self.layers:
            if LayerInfo.of(layer).kind is Kind.PREDICTED:
                for name in ("features", "visible"):
                    layer.events[name].connect(self.update)
        self.update()

    def text(self) -> str:
        """Return the caption of the topmost visible image that shows a field, or an empty text."""
        viewer = self._viewer()
        if viewer is None:
            return ""
        shown = [layer for layer in reversed(self._images()) if layer.visible]
        photographs = by_id(self.layers)
        texts = (
            _text_of(x, viewer.dims.point, photographs, self.layers, self._counts_of(x))
            for x in shown
        )
        return next(filter(None, texts), "")

    def show_counts(self, image: Image | None, row: int = 0, text: str = "") -> None:
        """Show how many cells of each class a field has while it is shown; None ends it.

        Parameters
        ----------
        image, row
            The photograph or stack, and the slice.
        text
            One or two short lines.
        """
        self._counts = None if image is None else (weakref.ref(image), row, text)
        self.update()

    def _counts_of(self, layer: Image) -> str:
        """Return what is known of the cells of a layer's shown field; "" of others."""
        viewer = self._viewer()
        if viewer is None or self._counts is None:
            return ""
        image, row, text = self._counts
        is_own = image() is layer and shown_slice(layer, viewer.dims.point) == row
        return text if is_own else ""

    def update(self) -> None:
        """Write the caption, unless the user's settings or another text on the canvas forbid it."""
        viewer = self._viewer()
        if viewer is None:
            return
        overlay = viewer.canvas.overlays.text
        text = self.text() if get_plugin_settings("napari-marrow").viewing.caption else ""
        if overlay.visible and overlay.text not in ("", self._written):
            return
        if text:
            overlay.position, overlay.font_size = "top_left", 12
        if overlay.text != text:
            overlay.text = text
        overlay.visible = bool(text)
        self._written = text


attach_caption = per_viewer(Caption)
"""Keep the caption of a viewer up to date from now on."""


def _text_of(
    layer: Image,
    point: tuple[float, ...],
    photographs: Mapping[str, Image],
    layers: Sequence[Layer],
    counts: str = "",
) -> str:
    """Return the caption of an image where the viewer is at ``point``; empty for other images."""
    info, row = LayerInfo.of(layer), shown_slice(layer, point)
    made_of = () if info.photograph is None else info.fields
    shown = layer_products(layer) or layer_fields(layer) or made_of
    class_name = None if row < 0 else field_class(layer, row, photographs)
    if info.kind in NO_FIELDS:
        return ""
    is_known = class_name is not None or row < max(len(shown), len(info.predictions))
    if row < 0 or not (is_known or counts):
        return ""
    name = shown[row].name if row < len(shown) else layer.name
    answer = info.predictions[row].text if row < len(info.predictions) else ""
    if answer and info.model is not None and info.model.is_earlier:
        answer = f"{answer}\nby {info.model.name}, an earlier model"
    if answer and info.predictions[row].share and not counts:
        answer = "\n".join([answer, *_cells_text(layer, row, info.predictions[row].share, layers)])
    return caption_text(name, class_name, answer, counts)


def _cells_text(layer: Image, row: int, share: str, layers: Sequence[Layer]) -> list[str]:
    """Return the cells of a field by class, with their colours, and the share of its class."""
    from napari_marrow.viewer.make.shown_counts import field_counts, shown_predictions

    cells = shown_predictions(layer, layers)
    if cells is None:
        return []
    counts = field_counts(cells, row)
    corrected = [f"before {counted(counts.corrected, 'correction')}"] if counts.corrected else []
    return [counts.text, share, *corrected]


def caption_text(name: str, class_name: str | None, prediction: str, counts: str = "") -> str:
    r"""Return the name of a field, its class, the prediction, and the counts of its cells.

    >>> caption_text("ALL_1", "ALL", "MM (61%)")
    'ALL_1   class ALL\npredicted MM (61%)\nresearch use only'
    >>> caption_text("ALL_1", None, "", "ALL 12, MM 3")
    'ALL_1\nALL 12, MM 3\nresearch use only'
    """
    first = name if class_name is None else f"{name}   class {class_name}"
    if not prediction and not counts:
        return first
    # Beside a dock widget on a small screen a longer line would be cut off.
    predicted = f"predicted {prediction}" if prediction else ""
    return "\n".join(filter(None, (first, predicted, counts, "research use only")))
