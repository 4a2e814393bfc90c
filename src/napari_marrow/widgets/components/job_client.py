"""The child process as Qt sees it: events come as a signal, on the viewer's thread."""

from __future__ import annotations

import tempfile
from pathlib import Path

from qtpy.QtCore import QObject, Signal

from napari_marrow.jobs.client import Child


class ChildLink(QObject):
    """Owns a child process and the session's folder; both go when :meth:`shutdown` is called."""

    event = Signal(object)

    def __init__(self):
        super().__init__()
        # The child's thread emits the signal; Qt delivers it on the thread this object lives on.
        self.child = Child(self.event.emit)
        self.closed = False
        self._folder = tempfile.TemporaryDirectory(prefix="napari-marrow-")

    @property
    def folder(self) -> Path:
        """A folder for what the session writes: layers for the child, unsaved bundles."""
        return Path(self._folder.name)

    def shutdown(self, *_: object) -> None:
        """End the child and remove the session's folder; may be called more than once."""
        self.closed = True
        self.child.shutdown()
        self._folder.cleanup()
