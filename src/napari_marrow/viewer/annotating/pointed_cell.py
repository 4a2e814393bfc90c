"""The cell under the pointer, in any layer of a photograph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import napari
import numpy as np
from napari.layers import Image, Labels
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.viewer.annotating.field_cells import FieldCells
from napari_marrow.viewer.annotating.open_field import field_name
from napari_marrow.viewer.layer_info import shown_slice
from napari_marrow.viewer.photograph.links import photograph_layer
from napari_marrow.viewer.photograph.photograph import Photograph


@dataclass(frozen=True, eq=False)
class PointedCell:
    """A cell of a photograph.

    Attributes
    ----------
    photograph
        With its nuclei.
    row
        The slice.
    number
        Of the cell.
    """

    photograph: Photograph
    row: int
    number: int

    @property
    def field(self) -> str:
        """The name of its field in a project."""
        return field_name(self.photograph, self.row)

    def picture(self) -> tuple[NDArray[np.uint8], NDArray[np.integer]]:
        """Return the photograph and all its nuclei; for a worker.

        Raises
        ------
        MarrowError
            When they can't be read.
        """
        return self.photograph.image(self.row), self.photograph.cells(self.row)


def cell_under_pointer(viewer: napari.Viewer, layer: Labels | Image) -> Callable[[], PointedCell]:
    """Return a function that finds the cell under the pointer now; for a worker.

    Parameters
    ----------
    viewer
        Whose pointer.
    layer
        A photograph, or one of its layers.

    Raises
    ------
    MarrowError
        When the layer is of no photograph; the function raises it where there is no cell.
    """
    image = photograph_layer(layer, list(viewer.layers))
    if image is None:
        raise MarrowError(f"{layer.name} belongs to no photograph; select a layer of one.")
    photograph = Photograph.of(image, list(viewer.layers))
    row = shown_slice(image, viewer.dims.point)
    point = viewer.cursor.position[-image.ndim :]
    y, x = (round(float(value)) for value in image.world_to_data(point)[-2:])
    return partial(_find, photograph, row, y, x)


def _find(photograph: Photograph, row: int, y: int, x: int) -> PointedCell:
    number = FieldCells(photograph.cells(row)).number_at(y, x) if row >= 0 else 0
    if not number:
        raise MarrowError("No cell is under the pointer; point at a cell and press W.")
    return PointedCell(photograph, row, number)
