"""What lies over a photograph, as augmentation takes it."""

from napari.components import ViewerModel

from napari_marrow.viewer.layer_info import Kind, LayerInfo, layer_id
from napari_marrow.viewer.photograph.photograph import Photograph


def test_labels_of_another_photograph_stay_with_it(draw):
    viewer = ViewerModel()
    image, mask = draw()
    first = viewer.add_image(image, rgb=True, name="a")
    other = viewer.add_image(image, rgb=True, name="b")
    for word in ("nuclei", "cytoplasm", "cells"):
        viewer.add_labels(mask.astype(int), name=f"b {word}")
    info = LayerInfo(kind=Kind.LABELS, photograph=layer_id(other))
    viewer.add_labels(mask.astype(int), name="linked", metadata=info.metadata())
    viewer.add_labels(mask.astype(int), name="mine")
    assert set(Photograph.of(first, viewer.layers).own_labels) == {"mine"}
    assert set(Photograph.of(other, viewer.layers).overlays) == {"nuclei", "cytoplasm"}
    assert set(Photograph.of(other, viewer.layers).own_labels) == {"b cells", "mine"}
