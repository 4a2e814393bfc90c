"""Correct nuclei by keys: D deletes the one under the pointer, J joins two, K cuts one in two.

The keys act on the active layer of nuclei, of one photograph or of a folder. The masks of a folder
are in files, which stay as they are: with the first key the layer takes corrections.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import napari
import numpy as np
from napari.layers import Labels, Layer
from napari.utils.events import Event
from numpy.typing import NDArray
from scipy import ndimage

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.cut import Point, cut_in_two
from napari_marrow.viewer.layer_info import LayerInfo, shown_slice
from napari_marrow.viewer.per_viewer import ViewerFollower, per_viewer
from napari_marrow.viewer.stack import EditableStack, LazyStack, read_slice

DELETE, JOIN, CUT = "D", "J", "K"
HOW = (
    f"Point at a nucleus: {DELETE} deletes it, {JOIN} on two nuclei joins them, {CUT} on two "
    "places of one nucleus cuts it between them. Ctrl+Z undoes."
)
NO_NUCLEUS = "No nucleus is under the pointer."


@dataclass(frozen=True)
class _Pointed:
    """A place in a layer of nuclei that a key was pressed on."""

    key: str
    layer: weakref.ref[Labels]
    row: int
    number: int
    place: Point


_Action: TypeAlias = Callable[[Labels, _Pointed], str]


def make_editable(layer: Labels) -> None:
    """Let the nuclei of a folder be corrected; the files of its masks stay as they are."""
    data = layer.data
    if isinstance(data, LazyStack) and not isinstance(data, EditableStack):
        layer.data = EditableStack.over(data)
        layer.editable = True


class NucleusKeys(ViewerFollower):
    """Binds the keys of each layer of nuclei in a viewer."""

    def __init__(self, viewer: napari.Viewer):
        super().__init__(viewer)
        self._first: _Pointed | None = None  # of J and K, which are pressed twice
        viewer.layers.events.inserted.connect(self._on_inserted)
        for layer in viewer.layers:
            self._bind(layer)

    def _on_inserted(self, event: Event) -> None:
        self._bind(event.value)

    def _bind(self, layer: Layer) -> None:
        if not isinstance(layer, Labels) or not LayerInfo.of(layer).holds_nuclei:
            return
        actions = {DELETE: self._delete, JOIN: self._join, CUT: self._cut}
        for key, action in actions.items():
            layer.bind_key(key, self._pressed(key, action), overwrite=True)

    def _pressed(self, key: str, action: _Action) -> Callable[[Labels], None]:
        def press(layer: Labels) -> None:
            viewer = self._viewer()
            if viewer is None:
                return
            try:
                at = _pointed(viewer, layer, key)
                text = NO_NUCLEUS if at is None else action(layer, at)
            except MarrowError as error:
                text = str(error)
            viewer.status = text

        return press  # not a partial, which has no name for napari to look at

    def _delete(self, layer: Labels, at: _Pointed) -> str:
        self._first = None
        _set(layer, at.row, _slice(layer, at.row) == at.number, 0)
        return f"Nucleus {at.number} is deleted; Ctrl+Z brings it back."

    def _join(self, layer: Labels, at: _Pointed) -> str:
        first = self._taken(at)
        if first is None:
            return f"Point at the nucleus that belongs to nucleus {at.number}, and press {JOIN}."
        if first.number == at.number:
            return f"Nucleus {at.number} is chosen no longer."
        labels = _slice(layer, at.row)
        _set(layer, at.row, labels == at.number, first.number)
        joined = (labels == at.number) | (labels == first.number)
        apart = ndimage.label(joined, np.ones((3, 3)))[1] > 1
        text = f"Nuclei {first.number} and {at.number} are nucleus {first.number} now"
        return f"{text}, though they don't touch." if apart else f"{text}."

    def _cut(self, layer: Labels, at: _Pointed) -> str:
        first = self._taken(at)
        if first is None:
            return f"Point at another place of nucleus {at.number}, and press {CUT}."
        if first.number != at.number or first.place == at.place:
            self._first = at
            return f"The second place must be of the same nucleus: now of nucleus {at.number}."
        labels = _slice(layer, at.row)
        part = cut_in_two(labels == at.number, first.place, at.place)
        number = _unused(layer, labels)
        _set(layer, at.row, part, number)
        return f"Nucleus {at.number} is cut; the new one has number {number}."

    def _taken(self, at: _Pointed) -> _Pointed | None:
        """Return where the same key was pressed before; None where this is the first time."""
        first, self._first = self._first, None
        if first is not None and (first.key, first.layer, first.row) == (at.key, at.layer, at.row):
            return first
        self._first = at
        return None


def _pointed(viewer: napari.Viewer, layer: Labels, key: str) -> _Pointed | None:
    """Return the nucleus under the pointer; None where there is none."""
    row = shown_slice(layer, viewer.dims.point)
    if row < 0:
        return None
    point = layer.world_to_data(viewer.cursor.position[-layer.ndim :])
    y, x = (round(float(value)) for value in point[-2:])
    labels = _slice(layer, row)
    inside = 0 <= y < labels.shape[0] and 0 <= x < labels.shape[1]
    number = int(labels[y, x]) if inside else 0
    return _Pointed(key, weakref.ref(layer), row, number, (y, x)) if number else None


def _slice(layer: Labels, row: int) -> NDArray[np.integer]:
    return read_slice(layer.data, row) if layer.ndim == 3 else np.asarray(layer.data)


def _set(layer: Labels, row: int, where: NDArray[np.bool_], number: int) -> None:
    """Give pixels of a slice a number, as one step of undo."""
    make_editable(layer)
    y, x = np.nonzero(where)
    at = (y, x) if layer.ndim == 2 else (np.full(len(y), row), y, x)
    layer.data_setitem(at, number)


def _unused(layer: Labels, labels: NDArray[np.integer]) -> int:
    """Return a number that no nucleus of a slice has or had: a table may still know it."""
    known = layer.features.get("index", [])
    number = max([int(labels.max()), *(int(k) for k in known)]) + 1
    if number > np.iinfo(labels.dtype).max:
        raise MarrowError(
            f"{layer.name} has no number left for another nucleus; convert its labels to 32 bits."
        )
    return number


attach_nucleus_keys = per_viewer(NucleusKeys)
"""Let nuclei be corrected by keys in a viewer, from now on."""
