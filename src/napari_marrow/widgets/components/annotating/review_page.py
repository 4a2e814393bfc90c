"""What the pages of "Annotate cells" have in common that ask, correct, count and go back."""

from __future__ import annotations

from qtpy.QtWidgets import QWidget

from napari_marrow.viewer.annotating.live_cells import LiveCells
from napari_marrow.viewer.annotating.open_project import OpenProject
from napari_marrow.viewer.annotating.questions import Questions
from napari_marrow.viewer.annotating.reviewing import Reviewing
from napari_marrow.widgets.components.dock_widget import while_alive


class ReviewPage(QWidget):
    """A page that follows what is asked about, and what is known of, the project of a viewer.

    Parameters
    ----------
    project
        The holder of the project.
    """

    def __init__(self, project: OpenProject):
        super().__init__()
        self._project = project
        self._refreshing = while_alive(self.refresh)
        project.changed.connect(while_alive(self._follow))

    @property
    def live(self) -> LiveCells | None:
        """The cells; None while no project is open."""
        return self._project.live

    @property
    def questions(self) -> Questions | None:
        """What is asked about them."""
        return self._project.questions

    @property
    def reviewing(self) -> Reviewing | None:
        """What is known of the annotations."""
        return self._project.reviewing

    def _follow(self) -> None:
        """Show another project, or none."""
        if (questions := self.questions) is not None:
            questions.changed.connect(self._refreshing)
        if (reviewing := self.reviewing) is not None:
            reviewing.changed.connect(self._refreshing)
        self.refresh()

    def refresh(self) -> None:
        """Show what there is now."""
        raise NotImplementedError
