"""The caption on the canvas: which field is shown, its class, and what was predicted for it."""

from __future__ import annotations

import weakref

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
from napari_marrow.viewer.per_viewer import per_viewer


class Caption:
    """Writes the caption of the topmost visible field of a viewer when anything changes."""

    def __init__(self, viewer: napari.Viewer):
        self._viewer = weakref.ref(viewer)
        self._written = ""  # what we last wrote; another text is the user's own
        viewer.dims.events.current_step.connect(self.update)
        viewer.layers.events.inserted.connect(self._watch)
        viewer.layers.events.removed.connect(self.update)
        viewer.layers.events.reordered.connect(self.update)
        for layer in viewer.layers:
            self._connect(layer)
        self.update()

    def _watch(self, event) -> None:
        self._connect(event.value)
        self.update()

    def _connect(self, layer) -> None:
        layer.events.visible.connect(self.update)
        for name in ("metadata", "data", "translate", "scale"):
            if name in layer.events.emitters:
                getattr(layer.events, name).connect(self.update)

    def text(self) -> str:
        """The caption of the topmost visible image that shows a field, or an empty text."""
        viewer = self._viewer()
        if viewer is None:
            return ""
        for layer in reversed(viewer.layers):
            if not (isinstance(layer, Image) and layer.visible):
                continue
            fields = layer_fields(layer) or origin_fields(layer)
            products = layer_products(layer)
            predictions = LayerInfo.of(layer).predictions
            row = shown_slice(layer, viewer.dims.point)
            if 0 <= row < max(len(fields), len(products), len(predictions)):
                name = fields[row].name if fields else layer.name
                truth = fields[row].class_name if fields else None
                if products:
                    name, truth = products[row].name, products[row].class_name
                answer = predictions[row].text if predictions else None
                return caption_text(name, truth, answer)
        return ""

    def update(self, event=None) -> None:
        """Write the caption, where the user's settings want one."""
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
"""Keep the viewer's text overlay up to date from now on."""


def caption_text(name: str, truth: str | None, answer: str | None) -> str:
    r"""The field, the class it is filed under, and the predicted one.

    >>> caption_text("ALL_1", "ALL", "MM (61%)")
    'ALL_1   class ALL\npredicted MM (61%)\nresearch use only'
    """
    first = name if truth is None else f"{name}   class {truth}"
    if answer is None:
        return first
    # Lines of their own: beside a dock widget on a small screen a long one would be cut off.
    return f"{first}\npredicted {answer}\nresearch use only"
