"""Open photographs as fields to measure, and which Labels layer shows the cells of each."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray

from napari_marrow.data.errors import Stopped
from napari_marrow.data.fields import Collection, Field
from napari_marrow.viewer.photograph.photograph import Photograph, Pixels
from napari_marrow.viewer.photograph.session import session_fields, with_labels
from napari_marrow.viewer.photograph.slice_tables import measure, nucleus_features
from napari_marrow.viewer.stack import LazyStack

if TYPE_CHECKING:
    import pandas as pd

OPEN = Path("the open layers")
"""Root of the collection of open photographs, as messages name it."""


@dataclass(frozen=True, eq=False)
class TableTarget:
    """The layer that shows the cells of one measured field, for their table.

    Attributes
    ----------
    layer
        Only touched on the viewer's thread.
    row
        The slice of a stack.
    data
        What the layer held when it was measured.
    checksum
        Of the labels that were measured; None where they can't be painted on.
    nuclei
        Of a stack, the slice's nuclei without the features; else None.
    """

    layer: Labels
    row: int
    data: Pixels
    checksum: int | None
    nuclei: pd.DataFrame | None = None

    @property
    def is_as_measured(self) -> bool:
        """Whether the layer still shows the cells that were measured; on the viewer's thread."""
        now = self.layer.data
        if self.checksum is None or now.shape != self.data.shape:
            return now is self.data
        return self.checksum == _checksum(now, self.row)


def opened_fields(
    photographs: Sequence[Photograph],
    folder: Path,
    unit: str,
    nuclei: bool,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[Collection, dict[str, TableTarget]]:
    """Describe open photographs as fields, in a worker; pixels that no file has are written.

    Parameters
    ----------
    photographs
        With their annotations.
    folder
        An empty folder.
    unit
        ``cell`` also finds the layers for the tables.
    nuclei
        Whether nuclei are needed; those of the layers are, with any edits made.

    Returns
    -------
    Collection, dict
        The fields that have a class or annotated cells, each with another name; and by that name
        the layer for its table, where one shows the cells that are measured.

    Raises
    ------
    MarrowError
        When nothing open has a class, or a field can't be read.
    """
    fields: dict[str, Field] = {}
    targets: dict[str, TableTarget] = {}
    for photograph, row, field in session_fields(
        photographs, folder, "cell" if nuclei else "field"
    ):
        if should_stop():
            raise Stopped
        numbered = (f"{field.name} ({k})" for k in count(2))
        name = next(x for x in chain([field.name], numbered) if x not in fields)
        labels = field.instances() if field.labels else None
        if nuclei and labels is None:
            parts = (photograph.part(x.data, row) for x in photograph.cell_overlays)
            labels = next((part for part in parts if part.any()), None)
            if labels is not None:
                field = with_labels(field, labels, folder / f"slice_{len(fields)}_nuclei.tif")
        # Instances that are marked cell by cell would be taken before labels.
        cells = () if field.labels else field.cells
        fields[name] = dataclasses.replace(field, name=name, cells=cells)
        if unit == "cell" and labels is not None:
            target = _table_target(photograph, row, labels)
            if target is not None:
                targets[name] = target
    return Collection(OPEN, tuple(fields.values())), targets


def _table_target(
    photograph: Photograph, row: int, labels: NDArray[np.integer]
) -> TableTarget | None:
    """The first layer whose labels are those that are measured."""
    for overlay in photograph.cell_overlays:
        data, lazy = overlay.data, isinstance(overlay.data, LazyStack)
        checksum = None if lazy else _checksum(data, row)  # first: what is painted now is noticed
        if not np.array_equal(photograph.part(data, row), labels):
            continue
        table = None
        if photograph.is_stack:
            table = measure(data, row) if isinstance(data, LazyStack) else nucleus_features(labels)
        return TableTarget(overlay.layer, row, data, checksum, table)
    return None


def _checksum(data: Pixels, row: int) -> int:
    """Of one field's labels: 10 ms for a full field, and no copy of it is kept."""
    labels = np.asarray(data if data.ndim == 2 else data[row])
    return zlib.crc32(np.ascontiguousarray(labels).data)
