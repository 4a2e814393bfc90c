"""The fields that are still to be measured, the one that is shown first; for two threads."""

from __future__ import annotations

from threading import Lock

from napari.layers import Image

from napari_marrow.viewer.photograph.photograph import Photograph

Key = tuple[Image, int]
"""A photograph's layer, and the slice of it."""


class MeasuringQueue:
    """What a worker measures next; the viewer's thread adds to it and moves the slider."""

    def __init__(self) -> None:
        self._wanted: dict[Key, Photograph] = {}
        self._shown: Key | None = None
        self._taken: Key | None = None
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._wanted)

    def add(self, photograph: Photograph, rows: list[int]) -> None:
        """Add slices of a photograph, as it is now; the one that was taken last is left out."""
        keys = [(photograph.layer, row) for row in rows]
        with self._lock:
            self._wanted |= {key: photograph for key in keys if key != self._taken}

    def again(self, photograph: Photograph, rows: list[int], row: int) -> None:
        """Measure slices anew, whose nuclei were edited; what still waits is as it is now.

        Parameters
        ----------
        photograph
            As it is now.
        rows
            Slices that were measured before.
        row
            The slice that was edited, or -1 for all: the one that is measured now is measured again
            where it is meant.
        """
        image = photograph.layer
        with self._lock:
            waiting = [k for x, k in self._wanted if x is image]
            if self._taken is not None and self._taken[0] is image and row in (-1, self._taken[1]):
                waiting.append(self._taken[1])
                self._taken = None
            self._wanted |= {(image, k): photograph for k in {*rows, *waiting}}

    def show(self, key: Key) -> None:
        """Take what is nearest to this slice first from now on."""
        with self._lock:
            self._shown = key

    def drop(self, image: Image) -> None:
        """Measure nothing of a photograph that was closed."""
        with self._lock:
            self._wanted = {k: x for k, x in self._wanted.items() if k[0] is not image}

    def clear(self) -> None:
        """Measure nothing more."""
        with self._lock:
            self._wanted.clear()

    def take(self) -> tuple[Photograph, int] | None:
        """Return the next slice, which is then no longer in the queue; None where it is empty."""
        with self._lock:
            if not self._wanted:
                self._taken = None
                return None
            key = self._taken = min(self._wanted, key=self._distance)
            return self._wanted.pop(key), key[1]

    def _distance(self, key: Key) -> tuple[bool, int]:
        if self._shown is None:
            return False, 0
        return key[0] is not self._shown[0], abs(key[1] - self._shown[1])
