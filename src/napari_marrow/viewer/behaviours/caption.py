"""Show the name, class and prediction of the shown field on the canvas."""

from __future__ import annotations

import napari
from napari.layers import Image
from napari.settings import get_plugin_settings

from napari_marrow.viewer.layer_info import (
    LayerInfo,
    layer_fields,
    layer_products,
    origin_fields,
    shown_slice,
)
from napari_marrow.viewer.per_viewer import ViewerFollower, per_viewer

_LAYER_EVENTS = ("visible", "metadata", "data", "translate", "scale")


class Caption(ViewerFollower):
    """Writes the caption of the topmost visible field of a viewer when anything changes."""

    def __init__(self, viewer: napari.Viewer):
        super().__init__(viewer)
        self._written = ""  # another text is the user's own
        viewer.dims.events.current_step.connect(self.update)
        viewer.layers.events.inserted.connect(self._follow)
        viewer.layers.events.removed.connect(self.update)
        viewer.layers.events.reordered.connect(self.update)
        self._follow()

    def _images(self) -> list[Image]:
        return [layer for layer in self.layers if isinstance(layer, Image)]

    def _follow(self) -> None:
        for layer in self._images():
            for name in _LAYER_EVENTS:
                layer.events[name].connect(self.update)  # once only: napari ignores the rest
        self.update()

    def text(self) -> str:
        """Return the caption of the topmost visible image that shows a field, or an empty text."""
        viewer = self._viewer()
        if viewer is None:
            return ""
        shown = [layer for layer in reversed(self._images()) if layer.visible]
        texts = (_text_of(layer, viewer.dims.point) for layer in shown)
        return next(filter(None, texts), "")

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


def _text_of(layer: Image, point: tuple[float, ...]) -> str:
    """Return the caption of an image where the viewer is at ``point``; empty for other images."""
    fields, products = layer_fields(layer) or origin_fields(layer), layer_products(layer)
    predictions, row = LayerInfo.of(layer).predictions, shown_slice(layer, point)
    if not 0 <= row < max(len(fields), len(products), len(predictions)):
        return ""
    name, true_class = layer.name, None
    if shown := products or fields:
        name, true_class = shown[row].name, shown[row].class_name
    return caption_text(name, true_class, predictions[row].text if predictions else "")


def caption_text(name: str, true_class: str | None, prediction: str) -> str:
    r"""Return the name of a field, its class, and the prediction.

    >>> caption_text("ALL_1", "ALL", "MM (61%)")
    'ALL_1   class ALL\npredicted MM (61%)\nresearch use only'
    """
    first = name if true_class is None else f"{name}   class {true_class}"
    if not prediction:
        return first
    # Beside a dock widget on a small screen a longer line would be cut off.
    return f"{first}\npredicted {prediction}\nresearch use only"
