"""Nuclei that were painted in several places, and count as one."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from napari_marrow.imaging.relabel import small_numbers
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.stack import EditableStack


def nuclei_in_pieces(photograph: Photograph, row: int) -> dict[int, int]:
    """Return by nucleus of a slice that is not connected the number of its pieces; for a worker.

    Only labels that can be painted on are looked at.

    Raises
    ------
    MarrowError
        When the size of the slice can't be read.
    """
    found: dict[int, int] = {}
    for overlay in photograph.cell_overlays:
        data = overlay.data
        unpainted = isinstance(data, EditableStack) and row not in data.painted_rows
        if overlay.shows_file(row) or unpainted:
            continue
        labels, numbers = small_numbers(photograph.part(data, row))
        for label, box in enumerate(ndimage.find_objects(labels), 1):
            if box is not None:
                pieces = ndimage.label(labels[box] == label, np.ones((3, 3)))[1]
                found |= {int(numbers[label]): pieces} if pieces > 1 else {}
    return found
