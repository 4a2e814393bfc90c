"""The child process of a dock widget, with a folder for what is passed to it and back."""

from __future__ import annotations

import atexit
import tempfile
from pathlib import Path

from napari_marrow.jobs.client import Child
from napari_marrow.widgets.components.dock_widget import DockWidget


class JobProcess:
    """A child process and a temporary folder, which both end with a dock widget.

    Attributes
    ----------
    client
        Runs jobs in the child process.
    folder
        Is removed when the dock is closed.

    Parameters
    ----------
    owner
        The widget. A script may end before Qt has deleted it, or with its viewer open.
    """

    def __init__(self, owner: DockWidget):
        self.client = Child()
        self._temporary = tempfile.TemporaryDirectory(prefix="napari-marrow-")
        self.folder = Path(self._temporary.name)
        owner.closed.connect(self.end)
        owner.destroyed.connect(self.end)
        atexit.register(self.end)

    def end(self, *_: object) -> None:
        """End the child, whatever it does, and remove the folder. May be called more than once."""
        atexit.unregister(self.end)
        self.client.shutdown()
        self._temporary.cleanup()
