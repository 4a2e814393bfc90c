"""Measure the cells of a field of an open photograph; for a worker."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_marrow.imaging.rings import Rings, ring_width
from napari_marrow.imaging.run_length import label_checksums
from napari_marrow.imaging.white_point import is_cut_out, white_point
from napari_marrow.learning.annotating.cells import MeasuredField
from napari_marrow.measure.settings import DEFAULT_FAMILIES, FeatureSettings
from napari_marrow.viewer.annotating.field_cells import EncodedCells, FieldCells
from napari_marrow.viewer.annotating.measuring_queue import Key
from napari_marrow.viewer.photograph.photograph import Photograph

SETTINGS = FeatureSettings(families=DEFAULT_FAMILIES, unit="cell")
"""What is measured of each cell: what models measure by default."""
CROP_SCALE = 1.6
"""Side of the picture of a cell, in that of the box around its nucleus."""
MIN_CROP_PX = 48


@dataclass(frozen=True, eq=False)
class MeasuredSlice:
    """One slice of a photograph or stack, with its cells, their measurements and their rings."""

    photograph: Photograph
    row: int
    encoded: EncodedCells
    measured: MeasuredField
    rings: Rings


@dataclass(frozen=True, eq=False)
class Unmeasured:
    """A slice that can't be measured, and why."""

    key: Key
    reason: str


def measure_slice(photograph: Photograph, row: int) -> MeasuredSlice:
    """Measure the cells of a slice: those that are seen, else those found in it.

    Raises
    ------
    MarrowError
        When the photograph can't be read.
    """
    from napari_marrow.learning.units.feature_table import measure  # in the worker: slow

    image = photograph.image(row)
    cells = FieldCells(photograph.cells(row))
    table = measure(image, cells.labels, SETTINGS).sort_values("index", ignore_index=True)
    acquisition, seen = photograph.field(row).acquisition, image[::2, ::2]
    background = None if is_cut_out(seen) else white_point(seen)
    checksums = label_checksums(cells.labels)
    own = np.array([checksums[k] for k in table["index"].tolist()], np.int64)
    return MeasuredSlice(
        photograph,
        row,
        EncodedCells.of(cells.labels),
        MeasuredField(table, cells.places, acquisition, background, own),
        Rings.of(cells.labels, ring_width(image.shape[0])),
    )


def cut_out(one: MeasuredSlice, number: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the square picture around a cell, and which pixels are its nucleus."""
    y, x = one.encoded.cells.pixels(number)
    middle = (y.min() + y.max()) // 2, (x.min() + x.max()) // 2
    extent = max(np.ptp(y), np.ptp(x)) + 1
    half = max(MIN_CROP_PX, int(CROP_SCALE * extent)) // 2
    image = one.photograph.image(one.row)
    picture = np.full((2 * half, 2 * half, 3), 255, np.uint8)
    nucleus = np.zeros((2 * half, 2 * half), bool)
    top, left = middle[0] - half, middle[1] - half
    rows = slice(max(0, top), min(image.shape[0], top + 2 * half))
    columns = slice(max(0, left), min(image.shape[1], left + 2 * half))
    inside = (
        slice(rows.start - top, rows.stop - top),
        slice(columns.start - left, columns.stop - left),
    )
    picture[inside] = image[rows, columns]
    nucleus[y - top, x - left] = True
    return picture, nucleus
