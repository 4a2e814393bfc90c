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

    def forget(self) -> None:
        """Let the slice that was taken last be added again, as its nuclei were edited."""
        with self._lock:
            self._taken = None

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
