"""What each page of "Annotate cells" has in common: it shows the project that is open."""

from __future__ import annotations

from qtpy.QtWidgets import QWidget

from napari_marrow.viewer.annotating.live_cells import LiveCells


class ProjectPage(QWidget):
    """A page of the widget "Annotate cells".

    Attributes
    ----------
    live
        The cells of the open project; None while none is open.
    """

    def __init__(self) -> None:
        super().__init__()
        self.live: LiveCells | None = None

    def show_session(self, live: LiveCells | None) -> None:
        """Show another project, or none."""
        if self.live is not None:
            self.live.changed.disconnect(self.refresh)
        self.live = live
        if live is not None:
            live.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the cells as they are now."""
        raise NotImplementedError
