"""The project that is open in a viewer, which several docks show."""

from __future__ import annotations

from qtpy.QtCore import QObject, Signal

from napari_marrow.viewer.annotating.live_cells import LiveCells
from napari_marrow.viewer.annotating.questions import Questions
from napari_marrow.viewer.annotating.reviewing import Reviewing
from napari_marrow.viewer.per_viewer import per_viewer


class OpenProject(QObject):
    """Holds the cells of the project that is open in one viewer.

    Attributes
    ----------
    live
        The cells and the annotations; None while no project is open.
    questions
        What is asked about these cells.
    reviewing
        What the annotations are worth.
    """

    changed = Signal()
    """A project was opened or closed."""
    explained = Signal(int)
    """A cell is to be explained, by its row in the table of cells."""

    def __init__(self) -> None:
        super().__init__()
        self.live: LiveCells | None = None
        self.questions: Questions | None = None
        self.reviewing: Reviewing | None = None

    def set_live(self, live: LiveCells | None) -> None:
        """Note that a project was opened, or that none is open any more."""
        if self.questions is not None and self.reviewing is not None:
            self.questions.stop()
            self.reviewing.close()
        self.live = live
        self.questions = None if live is None else Questions(live)
        self.reviewing = None if live is None else Reviewing(live)
        self.changed.emit()


open_project_of = per_viewer(lambda viewer: OpenProject())
"""Return the holder of the project of a viewer."""
