"""Many fields as one array whose slices are read when they are looked at.

napari takes any object with a shape, a dtype and indexing as a layer's data. This one costs nothing
to make for a folder of any size. While one slice is looked at, its neighbours are read in a thread,
so that the slider finds them ready; a few slices are kept, and of labels all, packed. (dask.array
reads lazily too, but only when napari asks, and took 0.33 s a step where this takes 0.07 to 0.1: 20
fields of 2560x1920, 2 cores.)
"""

from __future__ import annotations

import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from types import FrameType
from typing import Any
from weakref import WeakMethod, ref

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.viewer.run_length import Packed

Reader = Callable[[], NDArray]
Warn = Callable[[MarrowError], None]
KEPT = 4
"""Slices a stack remembers: the one that is shown, its neighbours, and the one left last."""
PACKED_BYTES = 200_000_000
"""Packed labels of one stack take so much memory at the most."""
# One thread for all stacks: two would compete with the drawing for the processor.
_thread = ThreadPoolExecutor(1, thread_name_prefix="marrow-read-ahead")
# And one for what somebody waits for.
_fetching = ThreadPoolExecutor(1, thread_name_prefix="marrow-fetch")
QUIET_S = 0.2
"""Reading slow slices ahead begins so long after the last look: the picture is drawn first."""
NAPARI_SLICES = "napari.layers._scalar_field._slice"
"""The module of napari that asks for what is drawn. Nothing tells it apart but its name."""


def _is_drawn(caller: FrameType | None) -> bool:
    return caller is not None and caller.f_globals.get("__name__") == NAPARI_SLICES


def _locked(array: NDArray) -> NDArray:
    """A view that can't be written to: napari paints on what it was given before it asks."""
    if isinstance(array, np.ndarray):  # and not one value of it
        array = array.view()
        array.flags.writeable = False
    return array


class LazyStack:
    """A read-only array of shape (fields, height, width) or (fields, height, width, 3).

    Parameters
    ----------
    readers
        One function a field, which returns its slice. A smaller slice lies in the upper left corner
        of the frame, on zeros.
    shape
        Of one slice.
    dtype
        Of the values.
    slow
        Whether it may take longer to make a slice than to draw it. Then the processor is left to
        drawing before slices are read ahead.
    labels
        Whether the slices are labels, of which many fields fit into memory.
    warn
        Told of a slice that can't be made, which is then empty: an error would come out of napari's
        slider and leave a layer half added. Without it the error is raised to whoever looks.
    """

    _looked = 0.0  # when any of the stacks was looked at last

    def __init__(
        self,
        readers: Sequence[Reader],
        shape: tuple[int, ...],
        dtype: DTypeLike,
        *,
        slow: bool = False,
        labels: bool = False,
        warn: Warn | None = None,
    ):
        self._readers = list(readers)
        self.slow, self._labels, self._warn = slow, labels, warn
        self._frame = tuple(int(length) for length in shape)
        self.dtype = np.dtype(dtype)
        self._kept: OrderedDict[int, Future[NDArray]] = OrderedDict()
        self._packed: dict[int, Packed] = {}
        self._room = PACKED_BYTES if labels else 0
        self._tried: set[int] = set()  # read once at least, with or without success
        self._lock = Lock()
        self.slowest = 0.0
        """The longest that a slice took to make, in seconds."""
        self.put_off: WeakMethod[Callable[[LazyStack, int], bool]] | None = None
        """Asked before a slice is made for the screen: whether an empty one will do for now."""
        self.flat = False
        """Whether what napari draws along the axis of fields is empty: see :mod:`.flat_fields`."""
        self.names: Sequence[str] = ()
        """What the slices are called."""
        self.cytoplasm: ref[LazyStack] | None = None
        """Of a stack of nuclei: that of the cytoplasm with their numbers, while it is open."""
        self._row: int | None = None  # looked at last
        self._backwards = False  # the way that the user pages
        self._wanted: int | None = None  # asked for last, by anybody

    @property
    def shape(self) -> tuple[int, ...]:
        """Fields, height, width and, for photographs, 3."""
        return (len(self._readers), *self._frame)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape))

    def __len__(self) -> int:
        return len(self._readers)

    def __getitem__(self, key: Any) -> NDArray:
        key = key if isinstance(key, tuple) else (key,)
        if any(k is Ellipsis for k in key):
            place = [k is Ellipsis for k in key].index(True)
            missing = self.ndim - (len(key) - 1)
            key = (*key[:place], *[slice(None)] * missing, *key[place + 1 :])
        first, rest = (key[0], key[1:]) if key else (slice(None), ())
        if isinstance(first, int | np.integer):
            row = range(len(self))[first]
            if self.put_off and _is_drawn(sys._getframe().f_back):
                return _locked(self._drawn(row)[rest])
            return _locked(self._shown(row)[rest])
        whole = isinstance(first, slice) and first == slice(None)  # arrays compare by value
        if self.flat and whole and _is_drawn(sys._getframe().f_back):
            return np.zeros((1, *self._frame), self.dtype)[(slice(None), *rest)]
        rows = np.arange(len(self))[first]
        if len(rows) == 1:  # one field by itself: no copy
            return _locked(self._shown(int(rows[0]))[np.newaxis][(slice(None), *rest)])
        chosen = [self.read(int(row)) for row in rows]
        frames = np.stack(chosen) if chosen else np.empty((0, *self._frame), self.dtype)
        return frames[(slice(None), *rest)]

    def _shown(self, row: int) -> NDArray:
        """A slice that is looked at; beside the one before it, somebody is paging."""
        array = self.read(row)
        if self._note_look(row):
            self.read_neighbours()
        return array

    def _note_look(self, row: int) -> bool:
        """Remember what is looked at; whether it is the next field, or the one before."""
        before, self._row = self._row, row
        LazyStack._looked = time.monotonic()
        if before is None or before == row:
            return False
        self._backwards = row < before
        return abs(row - before) == 1

    def _drawn(self, row: int) -> NDArray:
        """A slice for the screen alone: as it is if it is ready, else perhaps an empty one."""
        put_off = self.put_off() if self.put_off else None
        if put_off is None or self.is_ready(row) or not put_off(self, row):
            return self._shown(row)
        self._note_look(row)
        return np.zeros(self._frame, self.dtype)

    def read_neighbours(self) -> None:
        """Read the slices beside the one that was looked at last, in a thread.

        Paging does so by itself. Before it the processor is left to drawing the first picture.
        """
        ahead = -1 if self._backwards else 1
        for near in () if self._row is None else (self._row + ahead, self._row - ahead):
            if 0 <= near < len(self):
                self._read_ahead(near)

    def read(self, row: int) -> NDArray:
        """A slice; of a stack that warns an empty one where it can't be made."""
        try:
            return self.made(row)
        except MarrowError as error:
            if self._warn is None:
                raise
            self._warn(error)
            return np.zeros(self._frame, self.dtype)

    def made(self, row: int) -> NDArray:
        """A slice, from memory if it is kept there, else from its reader.

        What the reader raises is raised here; the slice is then read again when next asked for. So
        slices that are made of others know that those failed.
        """
        packed = self._packed.get(row)
        if packed is not None:
            return packed.labels()
        with self._lock:
            future = self._kept.get(row)
            mine = future is None or future.cancel()  # queued, not begun: sooner done here
            if future is None or mine:
                future = self._keep(row, Future())
                future.set_running_or_notify_cancel()
            self._kept.move_to_end(row)
        try:
            self._wanted = row
            if mine:
                future.set_result(self._load(row))
            return future.result()
        except BaseException as error:
            with self._lock:
                if self._kept.get(row) is future:
                    del self._kept[row]
            if mine:
                future.set_exception(error)
            raise

    def fetch(self, row: int) -> None:
        """Read a slice now, in a thread, whatever is being read ahead."""
        self._wanted = row
        with self._lock:
            future = self._kept.get(row)
            if row not in self._packed and (future is None or future.cancel()):
                self._keep(row, _fetching.submit(self._load, row))

    def is_ready(self, row: int) -> bool:
        """Whether looking at a slice keeps nobody waiting: it is in memory, or has just failed."""
        with self._lock:
            future = self._kept.get(row)
            return row in self._packed or (future is not None and future.done())

    def put(self, row: int, array: NDArray) -> None:
        """Keep a slice that is known already, so that looking at it need not read it."""
        done: Future[NDArray] = Future()
        done.set_result(self._framed(array))
        with self._lock:
            self._keep(row, done)

    def read_all_ahead(self) -> bool:
        """Read the next slice of labels that was never read, in a thread.

        Those beside the one that was looked at last come first. One is read a call, so that whoever
        calls may stop. Of those that fail nothing is said before they are looked at.

        Returns
        -------
        bool
            Whether some are still to be read, or being read.
        """
        shown = self._row or 0
        unread = [row for row in range(len(self)) if row not in self._tried]
        if not unread or not self._room:
            return False
        self._read_ahead(min(unread, key=lambda row: abs(row - shown)))
        return True

    def _read_ahead(self, row: int) -> None:
        with self._lock:
            if row not in self._kept and row not in self._packed:  # unpacked in no time
                self._keep(row, _thread.submit(self._load_in_peace, row))

    def _keep(self, row: int, future: Future[NDArray]) -> Future[NDArray]:
        self._kept[row] = future
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)[1].cancel()
        return future

    def _load_in_peace(self, row: int) -> NDArray:
        # Somebody who wants this slice now is not kept waiting for the quiet.
        while self.slow and self._wanted != row and LazyStack._looked + QUIET_S > time.monotonic():
            time.sleep(0.004)
        return self._load(row)

    def _load(self, row: int) -> NDArray:
        begun = time.monotonic()
        try:
            array = self._framed(self._readers[row]())
        finally:
            self._tried.add(row)
        self.slowest = max(self.slowest, time.monotonic() - begun)
        if self._labels:
            self._pack(row, array)
        return array

    def _pack(self, row: int, labels: NDArray) -> None:
        packed = Packed.of(labels)
        if packed.nbytes >= labels.nbytes:  # noise
            return
        with self._lock:
            if packed.nbytes > self._room:
                self._room = 0
            elif row not in self._packed:
                self._packed[row] = packed
                self._room -= packed.nbytes
                self._kept.pop(row, None)  # who waits for it has it; others unpack theirs

    def _framed(self, array: NDArray) -> NDArray:
        if array.shape == self._frame and array.dtype == self.dtype:
            return array
        frame = np.zeros(self._frame, self.dtype)
        frame[: array.shape[0], : array.shape[1]] = array
        return frame

    def __setitem__(self, key: Any, value: Any) -> None:
        raise MarrowError(
            "The layers of a folder can't be painted on; open the field by itself to edit it."
        )

    def __deepcopy__(self, memo: Any) -> LazyStack:
        # napari copies layers deeply; readers are functions, and photographs are read again.
        copied = LazyStack(
            self._readers,
            self._frame,
            self.dtype,
            slow=self.slow,
            labels=self._labels,
            warn=self._warn,
        )
        copied._packed, copied._room = dict(self._packed), self._room
        copied._tried = set(copied._packed)
        copied.names, copied.cytoplasm = self.names, self.cytoplasm
        return copied

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray:
        whole = self[:]
        return whole if dtype is None else whole.astype(dtype)

    def astype(self, dtype: DTypeLike, copy: bool = True) -> NDArray:
        """All slices, read, as another type."""
        return np.asarray(self).astype(dtype)
