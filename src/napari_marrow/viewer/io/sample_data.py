"""File > Open Sample: simulated fields with exact masks, shipped with the package."""

from __future__ import annotations

from napari_marrow.data.layouts import scan
from napari_marrow.data.samples import sample_folder
from napari_marrow.viewer.behaviours.opening import prepare_viewer
from napari_marrow.viewer.make.layers import LayerData, collection_layers


def all_field() -> list[LayerData]:
    """One simulated field of acute lymphoblastic leukaemia."""
    return _layers("ALL/ALL_1.jpg")


def mm_field() -> list[LayerData]:
    """One simulated field of multiple myeloma."""
    return _layers("MM/MM_1.jpg")


def both_classes() -> list[LayerData]:
    """All simulated fields as one stack."""
    return _layers("")


def _layers(path: str) -> list[LayerData]:
    collection = scan(sample_folder() / path)
    layers = collection_layers(collection)
    prepare_viewer(layers)
    return layers
