"""What sessions paint, so that what a person paints meanwhile is told from it.

While the cells of a field are known, each stroke is kept when it ends, and the paint is what the
project has. When a session is closed, or nuclei are edited, the paint stays. Later, only what
differs from it is a person's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from weakref import WeakKeyDictionary

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray

from napari_marrow.imaging.run_length import RunLengthLabels
from napari_marrow.viewer.annotating.open_field import OpenField

_left: WeakKeyDictionary[Labels, dict[int, RunLengthLabels]] = WeakKeyDictionary()
"""By slice, the paint of a layer as the last session left it."""


def painted_frame(field: OpenField) -> NDArray[np.integer]:
    """Return what is painted over a field, (height, width)."""
    layer = field.layer
    data = layer.data if layer.ndim == 2 else layer.data[field.row]
    height, width = field.encoded.labels.shape
    return np.asarray(data)[:height, :width]


def paint_cells(field: OpenField, labels: Mapping[int, int]) -> None:
    """Paint cells of a field all over, each by its number with a label; 0 is none."""
    parts = [(*field.cells.pixels(number), label) for number, label in labels.items()]
    parts = [part for part in parts if part[0].size]
    if not parts:
        return
    y, x = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
    values = np.concatenate([np.full(len(part[0]), part[2]) for part in parts])
    at = (y, x) if field.layer.ndim == 2 else (np.full(len(y), field.row), y, x)
    field.layer.data_setitem(at, values.astype(field.layer.data.dtype))


def leave(field: OpenField, labels: Mapping[int, int]) -> None:
    """Note how the cells of a field are painted as a project has them, each by its number."""
    cells = field.encoded.labels
    table = np.zeros(int(cells.values.max(initial=0)) + 1, np.int64)
    for number, label in labels.items():
        table[number] = label
    _left.setdefault(field.layer, {})[field.row] = replace(cells, values=table[cells.values])


def painted_meanwhile(field: OpenField) -> dict[int, int]:
    """Return the cells that were painted on since the field was left, and with which label.

    Of a layer that was never left, such as one that was saved and opened again, that is all paint.
    """
    painted = painted_frame(field)
    before = _left.get(field.layer, {}).get(field.row)
    if before is not None and before.shape == painted.shape:
        painted = np.where(painted == before.decode(), 0, painted)
    if not painted.any():
        return {}
    found = field.cells.painted_since(painted, {})
    return {number: label for number, label in found.items() if label}
