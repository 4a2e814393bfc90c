"""What was painted beside a photograph that is smaller than others of its stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_marrow.imaging.run_length import labels_in
from napari_marrow.viewer.photograph.annotations import strokes_in
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.stack import read_slice


@dataclass(frozen=True)
class Outside:
    """Marks that lie in the frame of a larger photograph, and with no pixel in their own.

    Attributes
    ----------
    classes
        Class of each stroke, and of each cell that was annotated by number.
    n_nuclei
        Number of other nuclei.
    """

    classes: tuple[str, ...] = ()
    n_nuclei: int = 0


def painted_outside(photograph: Photograph, row: int) -> Outside:
    """Return the marks outside a slice; for a worker.

    Raises
    ------
    MarrowError
        When its size can't be read.
    """
    height, width = photograph.size(row)
    if not photograph.is_stack or (height, width) == photograph.data.shape[1:3]:
        return Outside()
    nuclei, classes, known = photograph.nuclei, list[str](), set[int]()
    for annotation in photograph.annotations:
        names: Mapping[int, str | None] = annotation.classes[row]
        labels = read_slice(annotation.data, row)
        if annotation.painted:
            labels, each = strokes_in(labels, annotation.classes[row])
            names = dict(enumerate(each, 1))
        found = [k for k in _beside(labels, height, width) if names.get(k)]
        classes += [str(names[k]) for k in found]
        if nuclei is not None and annotation.layer is nuclei.layer:
            known.update(found)
    if nuclei is None or nuclei.shows_file(row):
        return Outside(tuple(classes))
    count = len(_beside(read_slice(nuclei.data, row), height, width) - known)
    return Outside(tuple(classes), count)


def _beside(labels: NDArray[np.integer], height: int, width: int) -> set[int]:
    """Return the labels without a pixel in the upper left corner."""
    return {*labels_in(labels)} - {*labels_in(labels[:height, :width])}
