"""Open simulated fields with exact masks, which the package contains: File > Open Sample."""

from __future__ import annotations

from napari_marrow.data.samples import sample_folder
from napari_marrow.viewer.io.readers import read
from napari_marrow.viewer.make.layers import LayerData


def all_field() -> list[LayerData]:
    """Return the layers of one simulated field of acute lymphoblastic leukaemia."""
    return read(str(sample_folder() / "ALL/ALL_1.jpg"))


def mm_field() -> list[LayerData]:
    """Return the layers of one simulated field of multiple myeloma."""
    return read(str(sample_folder() / "MM/MM_1.jpg"))


def both_classes() -> list[LayerData]:
    """Return all simulated fields as one stack."""
    return read(str(sample_folder()))
