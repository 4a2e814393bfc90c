"""A read-only array of many fields whose slices are read when they are indexed.

napari takes any object with a shape, a dtype and indexing as a layer's data, so a folder of any
size opens at once. The last few slices are kept, and the next one is read in a thread while the
user pages. Of labels that take long to make, ``stack[row]`` gives a draft until a worker has made
them: that is what napari draws. Whoever computes with a slice calls :meth:`LazyStack.read`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property, partial
from threading import Lock
from types import EllipsisType
from typing import TypeAlias
from weakref import WeakSet

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from napari_marrow.data.errors import MarrowError

Reader = Callable[[], NDArray]
Warn = Callable[[MarrowError], None]
Index = int | np.integer | slice | EllipsisType | Sequence[int] | NDArray[np.integer | np.bool_]
MAX_KEPT_SLICES = 4
"""Slices in memory: the one that is shown, its neighbours, and the one shown before."""
_prefetching = ThreadPoolExecutor(1, thread_name_prefix="marrow-prefetch")


class LazyStack:
    """A read-only array of shape (fields, height, width) or (fields, height, width, channels).

    Parameters
    ----------
    readers
        One function a field that returns its slice. A smaller slice is put into the upper left
        corner of a frame of zeros.
    shape
        Of one slice.
    dtype
        Of the values.
    drafts
        One function a field that returns quickly what is drawn until :meth:`prepare` has made the
        slice; empty where the readers are quick.
    warn
        Called with the error of a slice that can't be read; the slice is then drawn empty. Without
        it the error is raised by indexing, too.

    Attributes
    ----------
    shown
        The row that was indexed last.
    preparers
        Who has the rows prepared in a worker. Without any no drafts are drawn: they would stay.
    names
        Of the fields, for tables.
    cytoplasm
        Of a stack of nuclei: the stack of cytoplasm with the numbers of the nuclei.
    """

    def __init__(
        self,
        readers: Sequence[Reader],
        shape: tuple[int, ...],
        dtype: DTypeLike,
        *,
        drafts: Sequence[Reader] = (),
        warn: Warn | None = None,
    ):
        self.shape = (len(readers), *(int(length) for length in shape))
        self.dtype = np.dtype(dtype)
        self.shown = 0
        self.preparers: WeakSet[object] = WeakSet()
        self.names: Sequence[str] = ()
        self.cytoplasm: LazyStack | None = None
        self._readers, self._drafts, self._warn = readers, drafts, warn
        self._unprepared = set(range(len(drafts)))
        self._kept: OrderedDict[int, NDArray] = OrderedDict()
        self._lock = Lock()

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape))

    @property
    def unprepared(self) -> frozenset[int]:
        """The rows whose slices are not made yet: a worker's drafts are drawn."""
        return frozenset(self._unprepared)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Index | tuple[Index, ...]) -> NDArray:
        first, *rest = key or (...,) if isinstance(key, tuple) else (key,)
        basic = all(isinstance(x, int | np.integer | slice | EllipsisType) for x in rest)
        if isinstance(first, int | np.integer) and basic:
            return self._drawn(range(len(self))[first])[tuple(rest)]
        if first is Ellipsis and basic and len(rest) < self.ndim:
            first, rest = slice(None), [..., *rest]
        if isinstance(first, slice):
            shown = range(len(self))[first]
            frames = np.empty((len(shown), *self.shape[1:]), self.dtype)
            for frame, row in zip(frames, shown, strict=True):
                frame[...] = self._read_or_empty(row)
            return frames[(slice(None), *rest)]
        rows, *places = self._places(key)
        found = np.empty(rows.shape, self.dtype)
        for row in np.unique(rows).tolist():
            inside = rows == row
            found[inside] = self._read_or_empty(row)[tuple(x[inside] for x in places)]
        return found

    def _places(self, key: Index | tuple[Index, ...]) -> list[NDArray[np.integer]]:
        """Return where the items of a key lie on each axis, in the shape that numpy gives them."""
        axes = np.ogrid[tuple(map(slice, self.shape))]
        return [np.asarray(np.broadcast_to(axis, self.shape)[key]) for axis in axes]

    def read(self, row: int) -> NDArray:
        """Return a slice, never a draft, from memory if it is kept there.

        Raises
        ------
        MarrowError
            When it can't be read. It is then read again when next asked for.
        """
        with self._lock:
            if row not in self._kept:
                self._keep(row, self._readers[row]())
            self._kept.move_to_end(row)
            self._unprepared.discard(row)
            return self._kept[row]

    def prepare(self, row: int) -> None:
        """Call the reader of a row, which caches what it makes; no draft is drawn from then on.

        An error is not raised here but where the slice is drawn or read.
        """
        try:
            with suppress(MarrowError):
                self._readers[row]()
        finally:
            self._unprepared.discard(row)

    def put(self, row: int, array: NDArray) -> None:
        """Keep a slice that is known already."""
        with self._lock:
            self._keep(row, array)

    def _drawn(self, row: int) -> NDArray:
        before, self.shown = self.shown, row
        if len(self.preparers) and row in self._unprepared:
            return self._read_or_empty(row, lambda row: self._framed(self._drafts[row]()))
        array = self._read_or_empty(row)
        following = 2 * row - before
        if abs(row - before) == 1 and 0 <= following < len(self):
            _prefetching.submit(self.read, following)  # an error is raised where it is drawn
        return array

    def _read_or_empty(self, row: int, read: Callable[[int], NDArray] | None = None) -> NDArray:
        try:
            return (read or self.read)(row)
        except MarrowError as error:
            if self._warn is None:
                raise
            self._warn(error)
            return np.zeros(self.shape[1:], self.dtype)

    def _keep(self, row: int, array: NDArray) -> None:
        self._kept[row] = self._framed(array)
        while len(self._kept) > MAX_KEPT_SLICES:
            self._kept.popitem(last=False)

    def _framed(self, array: NDArray) -> NDArray:
        if array.shape == self.shape[1:] and array.dtype == self.dtype:
            frame = array.view()
        else:
            frame = np.zeros(self.shape[1:], self.dtype)
            frame[: array.shape[0], : array.shape[1]] = array
        frame.flags.writeable = False  # napari paints on what it was given
        return frame

    def __setitem__(self, key: Index | tuple[Index, ...], value: ArrayLike) -> None:
        raise MarrowError(
            "The layers of a folder can't be painted on; open the field by itself to edit it."
        )

    def __deepcopy__(self, memo: object) -> LazyStack:
        return self  # it can't be changed, and napari copies layers deeply

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray:
        return self[:].astype(self.dtype if dtype is None else dtype, copy=False)


class EditableStack(LazyStack):
    """A stack of labels that can be painted on; the slices that were stay in memory.

    Parameters
    ----------
    readers, shape, dtype, drafts, warn
        As :class:`LazyStack` takes them.

    Attributes
    ----------
    of_files
        Whether slices that nobody painted on show masks that are in files.
    """

    def __init__(
        self,
        readers: Sequence[Reader],
        shape: tuple[int, ...],
        dtype: DTypeLike,
        *,
        drafts: Sequence[Reader] = (),
        warn: Warn | None = None,
    ):
        super().__init__(readers, shape, dtype, drafts=drafts, warn=warn)
        self.of_files = False
        self._painted: dict[int, NDArray] = {}

    @classmethod
    def over(cls, stack: LazyStack) -> EditableStack:
        """Return the masks of files as a stack that can be painted on; the files stay."""
        made = cls(
            stack._readers, stack.shape[1:], stack.dtype, drafts=stack._drafts, warn=stack._warn
        )
        made.of_files, made.shown = True, stack.shown
        made.names, made.cytoplasm = stack.names, stack.cytoplasm
        made._unprepared, made._kept = set(stack._unprepared), OrderedDict(stack._kept)
        for preparer in stack.preparers:
            made.preparers.add(preparer)
        return made

    @classmethod
    def of(cls, labels: NDArray, painted: Iterable[int], names: Sequence[str]) -> EditableStack:
        """Return labels as a stack, of which these rows were painted on, with the fields' names."""
        readers = [partial(np.asarray, part) for part in labels]
        stack = cls(readers, labels.shape[1:], labels.dtype)
        stack._painted = {row: stack._framed(labels[row]) for row in painted}
        stack.names = names
        return stack

    @property
    def painted_rows(self) -> frozenset[int]:
        """The rows that were painted on."""
        return frozenset(self._painted)

    @property
    def largest_label(self) -> int:
        """Of all slices; ``max`` would be called by numpy, with arguments."""
        return max([self._largest_read, *(int(x.max()) for x in self._painted.values())])

    @cached_property
    def _largest_read(self) -> int:
        return max(int(read().max(initial=0)) for read in self._readers)

    def read(self, row: int) -> NDArray:
        """Return a slice as it was painted, else as it is read."""
        return self._painted[row] if row in self._painted else super().read(row)

    def __getitem__(self, key: Index | tuple[Index, ...]) -> NDArray:
        return super().__getitem__(key).copy()  # napari paints on it, and then sets the item

    def __setitem__(self, key: Index | tuple[Index, ...], value: ArrayLike) -> None:
        rows, *places = self._places(key)
        values = np.empty(rows.shape, self.dtype)
        values[...] = value
        for row in np.unique(rows).tolist():
            inside = rows == row
            painted = self.read(row).copy()  # another: a worker may be reading it
            painted[tuple(x[inside] for x in places)] = values[inside]
            painted.flags.writeable = False
            self._painted[row] = painted

    def astype(self, dtype: DTypeLike) -> EditableStack:
        """Return a copy with another type of numbers."""
        readers, shape = self._readers, self.shape[1:]
        copied = EditableStack(readers, shape, dtype, drafts=self._drafts, warn=self._warn)
        copied._unprepared, copied.of_files = set(self._unprepared), self.of_files
        copied._painted = {row: copied._framed(x) for row, x in self._painted.items()}
        copied.names, copied.cytoplasm = self.names, self.cytoplasm
        return copied

    def __deepcopy__(self, memo: object) -> EditableStack:
        return self.astype(self.dtype)


Pixels: TypeAlias = NDArray | LazyStack


def read_slice(data: Pixels, row: int) -> NDArray:
    """Return one slice of a stack, lazy or in memory; never a draft.

    Raises
    ------
    MarrowError
        When a lazy stack can't read it.
    """
    return data.read(row) if isinstance(data, LazyStack) else np.asarray(data[row])
