"""Keys of a layer of annotations: cells are shown one after the other, and get a class."""

from __future__ import annotations

import napari
import numpy as np
from napari.layers import Image, Labels

from napari_marrow.imaging.run_length import labels_in
from napari_marrow.viewer.layer_info import shown_slice
from napari_marrow.viewer.photograph.annotations import label_classes
from napari_marrow.viewer.photograph.photograph import Photograph


def bind_annotation_keys(viewer: napari.Viewer, image: Image, layer: Labels) -> None:
    """Let N show the next nucleus, and A give the class of the selected label to what is shown.

    Parameters
    ----------
    viewer
        Where the layers are. The middle of its canvas is what is shown.
    image
        The photograph or stack.
    layer
        Of annotations over it, to paint in.
    """

    def middle() -> tuple[int, ...]:
        point = [*viewer.dims.point[:-2], *viewer.scene.camera.center[-2:]]
        return tuple(round(x) for x in layer.world_to_data(point[-layer.ndim :]))

    def show_next(_: Labels) -> None:
        row = shown_slice(image, viewer.dims.point)
        cells = Photograph.of(image, viewer.layers).labels_at_hand(row) if row >= 0 else None
        numbers = [] if cells is None else labels_in(cells)
        if cells is None or not numbers:
            viewer.status = "No nuclei are shown here; segment them first."
            return
        y, x = middle()[-2:]
        inside = 0 <= y < cells.shape[0] and 0 <= x < cells.shape[1]
        current = cells[y, x] if inside else 0
        number = next((k for k in numbers if k > current), numbers[0])
        pixels = np.argwhere(cells == number)
        centre = pixels[np.square(pixels - pixels.mean(axis=0)).sum(axis=1).argmin()]
        viewer.scene.camera.center = layer.data_to_world((*middle()[:-2], *centre))[-2:]
        place = f"{numbers.index(number) + 1} of {len(numbers)}"
        viewer.status = f"Nucleus {place} is in the middle of the canvas; A gives it a class."

    def give_class(_: Labels) -> None:
        with layer.block_history():  # its event is then emitted once it is painted
            layer.paint(middle(), layer.selected_label)
        name = label_classes(layer).get(layer.selected_label, "no class")
        viewer.status = f"Painted {name} in the middle of the canvas."

    layer.bind_key("N", show_next, overwrite=True)
    layer.bind_key("A", give_class, overwrite=True)
