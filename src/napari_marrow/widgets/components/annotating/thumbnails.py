"""Pictures of cells, cut out of their photographs in a thread when they are to be shown."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal
from qtpy.QtGui import QImage

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.resize import resize
from napari_marrow.jobs.events import Emit, Event, ShouldStop
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.task import Task
from napari_marrow.widgets.components.annotating.cell_model import CellKey

MAX_BYTES = 64 * 2**20
"""Of the pictures that are kept; those shown longest ago are dropped first."""
BYTES_PER_PIXEL = 4
PICTURES_AT_ONCE = 12
"""Pictures of one photograph that are handed over together, so that the first are seen early."""
OUTSIDE = 128
"""Level of what lies beyond the edge of the photograph."""
SIDE_DIAMETERS = 1.7
"""Side of a picture, in diameters of a nucleus."""
LARGE_QUANTILE = 0.95
"""At the same scale, pictures are made for a nucleus that so many are smaller than."""
MIN_SIDE_PX = 8


@dataclass(frozen=True, eq=False)
class CutOut:
    """A square of a photograph, to be cut.

    Attributes
    ----------
    key
        The cell.
    photograph, slice
        Where it is.
    y, x
        The pixel in the middle.
    side
        In pixels of the photograph.
    """

    key: CellKey
    photograph: Photograph
    slice: int
    y: int
    x: int
    side: int


def picture_sides(
    diameters: NDArray[np.float64], pixel_sizes: NDArray[np.float64], *, same_scale: bool
) -> NDArray[np.intp]:
    """Return the side of the picture of each cell, (n,), in pixels of its photograph.

    Parameters
    ----------
    diameters
        (n,) of the nuclei, in pixels.
    pixel_sizes
        (n,) size of a pixel of the photograph of each, on the canvas.
    same_scale
        Whether all pictures show as much of the canvas, so that sizes can be compared; else each
        shows as much as its nucleus is large.

    >>> picture_sides(np.array([10.0, 30.0]), np.array([1.0, 0.5]), same_scale=False).tolist()
    [17, 51]
    """
    own = diameters * pixel_sizes
    if same_scale and len(own):
        own = np.full(len(own), np.quantile(own, LARGE_QUANTILE))
    return np.maximum(MIN_SIDE_PX, np.rint(SIDE_DIAMETERS * own / pixel_sizes)).astype(np.intp)


def square(image: NDArray[np.uint8], y: int, x: int, side: int) -> NDArray[np.uint8]:
    """Return the square about a pixel, (side, side, 3); grey beyond the edge of the image.

    >>> square(np.zeros((2, 2, 3), np.uint8), 0, 1, 3)[..., 0].tolist()
    [[128, 128, 128], [0, 0, 128], [0, 0, 128]]
    """
    found = np.full((side, side, 3), OUTSIDE, np.uint8)
    top, left = y - side // 2, x - side // 2
    inside = image[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)]
    row, column = max(-top, 0), max(-left, 0)
    found[row : row + inside.shape[0], column : column + inside.shape[1]] = inside
    return found


class Thumbnails(QObject):
    """Pictures of cells that are kept up to a bound, and cut when they are wanted.

    Parameters
    ----------
    owner
        Ends the work in the thread when it is deleted.
    """

    arrived = Signal()
    """More pictures are there."""

    def __init__(self, owner: QObject):
        super().__init__(owner)
        self.side_px = 1
        self._kept: OrderedDict[CellKey, QImage | None] = OrderedDict()
        self._task = Task(owner, failed=lambda text: None)
        self._wanted: frozenset[CellKey] = frozenset()

    def set_side(self, side_px: int) -> None:
        """Cut pictures of another size from now on."""
        if side_px != self.side_px:
            self.side_px = side_px
            self.clear()

    def clear(self) -> None:
        """Forget all pictures."""
        self._task.cancel()
        self._wanted = frozenset()
        self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def capacity(self) -> int:
        """Number of pictures that are kept."""
        return max(1, MAX_BYTES // (BYTES_PER_PIXEL * self.side_px**2))

    def get(self, key: CellKey) -> QImage | None:
        """Return the picture of a cell; None where it is not there (yet)."""
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key]

    def has(self, key: CellKey) -> bool:
        """Return whether a cell was cut; also where its photograph could not be read."""
        return key in self._kept

    def want(self, cut_outs: Sequence[CutOut]) -> None:
        """Cut these in the thread, in place of what was wanted before; some may be there."""
        missing = [x for x in cut_outs if x.key not in self._kept]
        keys = frozenset(x.key for x in missing)
        if not missing or (self._task.busy and keys <= self._wanted):
            return
        self._wanted, side = keys, self.side_px

        def work(emit: Emit, should_stop: ShouldStop) -> None:
            cut_each(missing, side, lambda found: emit(Event("message", result=found)), should_stop)

        def keep(event: Event) -> None:
            if event.kind == "message" and side == self.side_px:
                assert isinstance(event.result, dict)
                self._keep(event.result)

        self._task.start(work, lambda _: None, heard=keep)

    def _keep(self, found: dict[CellKey, QImage | None]) -> None:
        self._kept.update(found)
        while len(self._kept) > self.capacity:
            self._kept.popitem(last=False)
        self.arrived.emit()


def cut_each(
    cut_outs: Sequence[CutOut],
    side_px: int,
    show: Callable[[dict[CellKey, QImage | None]], None],
    should_stop: ShouldStop,
) -> None:
    """Cut pictures, a few at once, photograph by photograph; for a worker.

    Parameters
    ----------
    cut_outs
        What to cut, the first seen first.
    side_px
        Of the pictures.
    show
        Called with some; None where a photograph can't be read.
    should_stop
        Asked before each.
    """
    by_field: dict[tuple[int, int], list[CutOut]] = {}
    for one in cut_outs:
        by_field.setdefault((id(one.photograph.layer), one.slice), []).append(one)
    for own in by_field.values():
        if should_stop():
            return
        try:
            image = own[0].photograph.image(own[0].slice)
        except MarrowError:  # the widget that measures the cells says why
            show({one.key: None for one in own})
            continue
        for first in range(0, len(own), PICTURES_AT_ONCE):
            if should_stop():
                return
            part = own[first : first + PICTURES_AT_ONCE]
            show({one.key: _picture(image, one, side_px) for one in part})


def _picture(image: NDArray[np.uint8], one: CutOut, side_px: int) -> QImage:
    pixels = resize(square(image, one.y, one.x, one.side), (side_px, side_px)).tobytes()
    shared = QImage(pixels, side_px, side_px, 3 * side_px, QImage.Format.Format_RGB888)
    return shared.convertToFormat(QImage.Format.Format_RGB32)  # a copy, in what is painted fastest
