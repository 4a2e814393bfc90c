"""Open photographs as fields to measure, and which Labels layer shows the cells of each."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray

from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.progress import never
from napari_marrow.jobs.events import ShouldStop
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.photograph.slice_tables import measure, nucleus_features
from napari_marrow.viewer.stack import EditableStack, LazyStack, Pixels
from napari_marrow.viewer.training.learning import LearningSummary, LearntSlice
from napari_marrow.viewer.training.session import write_session

if TYPE_CHECKING:
    import pandas as pd


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
    should_stop: ShouldStop = never,
    only_annotated: bool = False,
) -> tuple[Collection, dict[str, TableTarget], LearningSummary]:
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
        Whether nuclei are needed; those that are seen are, with any edits made.
    should_stop, only_annotated
        As :func:`.learnt_slices` takes them.

    Returns
    -------
    Collection, dict, LearningSummary
        As :func:`.write_session` has it; by a field's name the layer for its table, where one
        shows the cells that are measured; and what there is to measure.

    Raises
    ------
    MarrowError
        When there is nothing to measure.
    """
    targets: dict[str, TableTarget] = {}

    def found(one: LearntSlice, made: Field) -> None:
        labels = one.annotated.cells
        if labels is None and nuclei:
            labels = one.photograph.labels(one.row)
        if unit == "cell" and labels is not None:
            target = _table_target(one.photograph, one.row, labels)
            if target is not None:
                targets[made.name] = target

    collection, summary = write_session(
        photographs, folder, unit, only_annotated, should_stop=should_stop, written=found
    )
    return collection, targets, summary


def _table_target(
    photograph: Photograph, row: int, labels: NDArray[np.integer]
) -> TableTarget | None:
    """The first layer whose labels are those that are measured."""
    for overlay in photograph.cell_overlays:
        data = overlay.data
        fixed = isinstance(data, LazyStack) and not isinstance(data, EditableStack)
        checksum = None if fixed else _checksum(data, row)  # first: what is painted now is noticed
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
