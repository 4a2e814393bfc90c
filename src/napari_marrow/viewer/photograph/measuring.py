"""Open photographs as fields to measure, and which Labels layer shows the cells of each."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray

from napari_marrow.data.errors import Stopped
from napari_marrow.data.fields import Collection, Field
from napari_marrow.viewer.make.layers import nucleus_features
from napari_marrow.viewer.photograph.annotations import cells_layer, is_painted
from napari_marrow.viewer.photograph.labelling import nuclei_layer
from napari_marrow.viewer.photograph.session import Annotated, gather, session_fields
from napari_marrow.viewer.photograph.slice_tables import measure
from napari_marrow.viewer.stack import LazyStack, read_slice

if TYPE_CHECKING:
    import pandas as pd

OPEN = Path("the open layers")
"""What the collection of open photographs is called where a folder would be named."""


@dataclass(frozen=True)
class Opened:
    """A photograph with its annotations, and the Labels layers that may show its cells.

    Attributes
    ----------
    annotated
        The photograph.
    labels
        Each layer with its data; the layer is only touched on the viewer's thread.
    """

    annotated: Annotated
    labels: tuple[tuple[Labels, Any], ...]


@dataclass(frozen=True)
class Place:
    """Where the table of one field's cells goes.

    Attributes
    ----------
    layer
        Its labels are those that were measured.
    row
        The slice of a stack.
    data
        What the layer held when it was measured.
    checksum
        Of the labels that were measured; None where they can't be painted on.
    nuclei
        Of a stack, what is known of the slice's nuclei without the features; else None.
    """

    layer: Labels
    row: int
    data: Any
    checksum: int | None
    nuclei: pd.DataFrame | None = None

    @property
    def is_as_measured(self) -> bool:
        """Whether the layer still shows the cells that were measured; on the viewer's thread."""
        now = self.layer.data
        if self.checksum is None or now.shape != self.data.shape:
            return now is self.data
        return self.checksum == _checksum(now, self.row)


def gather_opened(layers: Any) -> list[Opened]:
    """All open photographs with what measuring needs; on the viewer's thread, and quick.

    Raises
    ------
    MarrowError
        When no photograph is open.
    """
    found = []
    for annotated in gather(layers):
        image = annotated.target.layer
        said, nuclei = cells_layer(image, layers), nuclei_layer(image, layers)
        own = [nuclei, None if said is None or is_painted(said) else said]
        known = {id(x): (x, x.data) for x in own if x is not None}
        found.append(Opened(annotated, tuple(known.values())))
    return found


def opened_fields(
    found: list[Opened],
    folder: Path,
    unit: str,
    nuclei: bool,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[Collection, dict[str, Place]]:
    """Describe the open photographs as fields, in a worker; pixels that no file has are written.

    Parameters
    ----------
    found
        From :func:`gather_opened`.
    folder
        An empty folder.
    unit
        ``cell`` also finds the places of the tables.
    nuclei
        Whether nuclei are needed; those of the layers are, with any edits made.

    Returns
    -------
    Collection, dict
        The fields that have a class or annotated cells, each with another name; and by that name
        the place of its cells' table, where a layer shows the cells that are measured.

    Raises
    ------
    MarrowError
        When nothing open has a class, or a field can't be read.
    """
    fields: list[Field] = []
    places: dict[str, Place] = {}
    each = session_fields([x.annotated for x in found], folder, "cell" if nuclei else "field")
    for number, row, field in each:
        if should_stop():
            raise Stopped
        one, name = found[number], _unused(field.name, {f.name for f in fields})
        labels = field.instances() if field.labels else None
        if nuclei and labels is None:
            field, labels = _with_slice(field, one, row, folder / f"{number}_{row}_nuclei.tif")
        # Instances that are told cell by cell would be taken before labels.
        cells = () if field.labels else field.cells
        fields.append(dataclasses.replace(field, name=name, cells=cells))
        if unit == "cell" and labels is not None:
            place = next((p for p in _places(one, row, labels)), None)
            if place is not None:
                places[name] = place
    return Collection(OPEN, tuple(fields)), places


def _unused(name: str, taken: set[str]) -> str:
    """The name, or the first of ``name (2)``, ``name (3)`` ... that is not taken."""
    made, number = name, 1
    while made in taken:
        number += 1
        made = f"{name} ({number})"
    return made


def _with_slice(
    field: Field, one: Opened, row: int, path: Path
) -> tuple[Field, NDArray[np.integer] | None]:
    """A field with the nuclei of a stack's slice, where there are some, in a file."""
    import tifffile

    for _, data in one.labels:
        labels = _slice(data, row, field.size())
        if labels.any():
            tifffile.imwrite(path, labels.astype(np.uint16 if labels.max() < 65536 else np.uint32))
            return dataclasses.replace(field, labels=path), labels
    return field, None


def _slice(data: Any, row: int, size: tuple[int, int]) -> NDArray[np.integer]:
    """One field's labels, without the frame that a smaller field has in a stack."""
    if data.ndim == 2:
        return np.asarray(data)
    labels = read_slice(data, row)
    return labels[: size[0], : size[1]]


def _places(one: Opened, row: int, labels: NDArray[np.integer]) -> list[Place]:
    """The layers whose labels are those that are measured."""
    found = []
    for layer, data in one.labels:
        lazy = isinstance(data, LazyStack)
        checksum = None if lazy else _checksum(data, row)  # first: what is painted now is noticed
        if not np.array_equal(_slice(data, row, labels.shape), labels):
            continue
        known = None
        if data.ndim == 3:
            known = measure(data, row) if lazy else nucleus_features(labels)
        found.append(Place(layer, row, data, checksum, known))
    return found


def _checksum(data: Any, row: int) -> int:
    """Of one field's labels: 10 ms for a full field, and no copy of it is kept."""
    labels = np.asarray(data if data.ndim == 2 else data[row])
    return zlib.crc32(np.ascontiguousarray(labels).data)
