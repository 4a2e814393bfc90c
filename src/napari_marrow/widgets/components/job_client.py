"""The child process of a widget, with a folder for the files that pass between the two."""

from __future__ import annotations

import tempfile
from pathlib import Path

from napari_marrow.jobs.client import Child


class JobClient(Child):
    """A child process and a folder of files for it; :meth:`shutdown` removes both."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory(prefix="napari-marrow-")

    @property
    def folder(self) -> Path:
        """A folder for layers that the child reads, and for bundles that are not saved yet."""
        return Path(self._folder.name)

    def shutdown(self, *_: object) -> None:
        """End the child and remove the folder; may be called more than once."""
        super().shutdown()
        self._folder.cleanup()
