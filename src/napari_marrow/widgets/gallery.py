"""The dock widget "Cell gallery": cells of all fields as pictures, which get classes by keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari.qt import QtViewer
from qtpy.QtCore import QSize
from qtpy.QtWidgets import QBoxLayout, QWidget

from napari_marrow.viewer.annotating.open_project import open_project_of
from napari_marrow.widgets.components.annotating.class_buttons import ClassButtons
from napari_marrow.widgets.components.annotating.gallery import CellGallery
from napari_marrow.widgets.components.dock_widget import DockWidget
from napari_marrow.widgets.components.layout import button, fill_column, row, text_label
from napari_marrow.widgets.components.run_panel import RunPanel

if TYPE_CHECKING:
    import napari

    from napari_marrow.viewer.annotating.live_cells import LiveCells

NO_PROJECT = "No project is open. Press Annotate in the widget Annotate cells first."
KEYS = (
    "N selects the next group, Ctrl+A this one, a click on its title too. 1 to 9 give the selected "
    "cells a class, 0 takes it away, Space accepts what the model says, Ctrl+Z undoes. A click "
    "shows a cell on the canvas, Enter also lets keys act there, Backspace goes back; W explains "
    "the current one. A full corner: a class given by a person; an empty one: an accepted answer; "
    "dashed: uncertain."
)


HEIGHT_PX = 600


@dataclass(frozen=True)
class CanvasPlace:
    """What the canvas shows."""

    point: tuple[float, ...]
    centre: tuple[float, ...]
    zoom: float


class Gallery(DockWidget):
    """Shows the cells of the project that is open in the viewer, in groups.

    Parameters
    ----------
    viewer
        Where the photographs are.
    """

    def __init__(self, viewer: napari.viewer.Viewer):  # napari injects by this very string
        super().__init__(viewer, min_width_px=340)
        self._before: CanvasPlace | None = None  # where the canvas was before it went to a cell
        self.arrange_button = button(
            "Arrange again",
            self._arrange,
            "Group, order and filter the cells by their classes and answers as they are now. They "
            "stay where they are until then.",
        )
        self.run = RunPanel(self.arrange_button)
        self.gallery = CellGallery(self.run)
        self.gallery.setToolTip(KEYS)
        self.annotate_button = button(
            "Annotate cells...", self._open_annotate, "Open the widget that begins a project."
        )
        self.hint = text_label(NO_PROJECT)
        self.class_buttons = ClassButtons()
        self.class_buttons.pressed.connect(self.gallery.give_class)
        self.back_button = button(
            "Back", self.go_back, "Show on the canvas what it showed before (Backspace)."
        )
        top = row(self.class_buttons, self.back_button)
        top.setStretchFactor(self.class_buttons, 1)
        self.bar = QWidget()
        fill_column(self.bar, top, self.run)
        self.fill(self.hint, self.gallery, actions=[self.annotate_button, self.bar])
        layout = self.hint.parentWidget().layout()  # type: ignore[union-attr]
        assert isinstance(layout, QBoxLayout)
        layout.setStretchFactor(self.gallery, 1)
        self.gallery.grid.opened.connect(self.go_to)
        self.gallery.grid.returned.connect(self.go_back)
        self.gallery.changed.connect(self._show_state)
        self._project = open_project_of(self.viewer)
        self._project.changed.connect(self._show_project)
        self.gallery.grid.explained.connect(self._project.explained)
        self.closed.connect(self._leave)
        self._show_project()

    def sizeHint(self) -> QSize:
        """Return a size in which many cells are seen: other docks are then tabs beside it."""
        return super().sizeHint().expandedTo(QSize(0, HEIGHT_PX))

    @property
    def live(self) -> LiveCells | None:
        """The cells of the project that is open, if one is."""
        return self._project.live

    def _show_project(self) -> None:
        self.gallery.show_session(self.live)
        for widget in (self.hint, self.annotate_button):
            widget.setVisible(self.live is None)
        self.bar.setVisible(self.live is not None)
        self.gallery.setVisible(self.live is not None)
        self._before = None
        self._show_state()

    def _show_state(self) -> None:
        live = self.live
        self.class_buttons.set_classes(() if live is None else live.session.annotations.classes)
        self.run.set_ready(self.gallery.can_arrange)
        self.back_button.setEnabled(self._before is not None)
        if live is None:
            self.run.say("")

    def _arrange(self) -> None:
        self.gallery.arrange()

    def _leave(self) -> None:
        self._project.changed.disconnect(self._show_project)
        self.gallery.show_session(None)

    def _open_annotate(self) -> None:
        dock, _ = self.viewer.window.add_plugin_dock_widget("napari-marrow", "Annotate cells")
        dock.show()
        dock.raise_()

    def go_to(self, cell: int, with_keys: bool) -> None:
        """Show a cell on the canvas.

        Parameters
        ----------
        cell
            Its row in the table of cells.
        with_keys
            Whether keys go to the canvas from now on.
        """
        live, viewer = self.live, self.viewer
        if live is None:
            return
        before = CanvasPlace(
            viewer.dims.point, viewer.scene.camera.center, viewer.scene.camera.zoom
        )
        with live.session.reporting():
            live.go_to(cell)
            self._before = self._before or before
        self._show_state()
        if with_keys:
            for shown in self.window().findChildren(QtViewer):  # type: ignore[union-attr]
                shown.canvas.native.setFocus()

    def go_back(self) -> None:
        """Show on the canvas what it showed before it went to a cell."""
        before, viewer = self._before, self.viewer
        if before is None:
            return
        self._before = None
        if len(before.point) == viewer.dims.ndim:
            viewer.dims.set_point(range(viewer.dims.ndim), before.point)
        viewer.scene.camera.center, viewer.scene.camera.zoom = before.centre, before.zoom
        self._show_state()
