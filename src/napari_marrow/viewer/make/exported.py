"""The pixels of an open photograph for an export of its cells; and predicted cells, exported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.pixel_size import pixel_size
from napari_marrow.imaging.nuclei import join_cytoplasm, known_cytoplasm
from napari_marrow.imaging.segmentation import segment_cytoplasm
from napari_marrow.report.exports.pixels import FieldPixels
from napari_marrow.viewer.photograph.photograph import Photograph


def photograph_pixels(
    photograph: Photograph, row: int, nuclei: NDArray[np.integer], find_cytoplasm: bool
) -> FieldPixels:
    """Return the pixels of a slice: cytoplasm that is seen, else of its files, else found.

    For a worker.

    Parameters
    ----------
    photograph, row
        The slice.
    nuclei
        (height, width), the cells that are exported.
    find_cytoplasm
        Segment the cytoplasm where there is no mask of it; else none is known there.

    Raises
    ------
    MarrowError
        When the photograph or a mask can't be read.
    """
    image = photograph.image(row)
    cytoplasm = _cytoplasm(photograph, row, nuclei)
    if cytoplasm is None and find_cytoplasm:
        cytoplasm = segment_cytoplasm(image, nuclei)
    return FieldPixels(image, nuclei, cytoplasm, _pixel_size(photograph, row))


def _cytoplasm(
    photograph: Photograph, row: int, nuclei: NDArray[np.integer]
) -> NDArray[np.integer] | None:
    seen = photograph.cytoplasm
    if seen is None or (seen.from_files and photograph.files):
        return known_cytoplasm(photograph.files[row], nuclei) if photograph.files else None
    part = photograph.part(seen.data, row)
    return join_cytoplasm(nuclei, part > 0) if part.any() else None


def _pixel_size(photograph: Photograph, row: int) -> tuple[float, float] | None:
    path = photograph.files[row].path if photograph.files else photograph.opened
    try:
        return None if path is None else pixel_size(Path(path))
    except MarrowError:  # of a format that only another reader knows
        return None
