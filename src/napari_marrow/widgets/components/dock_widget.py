"""The base class of the dock widgets."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from pathlib import Path

import napari
from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QMimeData, QObject, QPoint, QSize, Qt, Signal
from qtpy.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent, QShowEvent
from qtpy.QtWidgets import QDockWidget, QLayout, QMainWindow, QScrollArea, QWidget

from napari_marrow.viewer.per_viewer import single_shot, unwrapped
from napari_marrow.viewer.task import Task
from napari_marrow.widgets.components.interaction import (
    leave_wheel_to_scroll,
    press_focused_button,
    style_sheet,
)
from napari_marrow.widgets.components.layout import fill_column

LAID_OUT_MS = 2000
"""After so long what was shown just now has its place, in milliseconds."""


class DockWidget(QWidget):
    """A widget that scrolls on a small screen and reports that its dock was closed.

    Parameters
    ----------
    viewer
        The viewer, or the proxy of it that plugins get.
    min_width_px
        Smallest width at which wrapped text reads well, in pixels; other text may need more.
    """

    closed = Signal()
    """The dock was closed: napari takes the widget out of it and keeps the widget alive."""
    out_of_view = Signal()
    """The dock was hidden, or covered by another tab, of which a widget gets no hide event."""

    def __init__(self, viewer: napari.Viewer, min_width_px: int):
        super().__init__()
        # A proxy returns a new object each time that it is asked for a layer.
        self.viewer: napari.Viewer = unwrapped(viewer)
        self._min_width_px = min_width_px
        self._docked = self._placed = self._behind_tab = False
        self._covered = False  # by another tab, or hidden
        self._shown_timer = single_shot(0, self._shown, self)
        self._call_up_timer = single_shot(0, self._call_up, self)
        self._scroll_to: QWidget | None = None
        self._scrolled_timer = single_shot(LAID_OUT_MS, self._scrolled, self)
        self.setAcceptDrops(True)
        self.viewer.events.theme.connect(while_alive(self._follow_theme))
        self._follow_theme()

    def _follow_theme(self) -> None:
        self.setStyleSheet(style_sheet(self.viewer.theme))

    def fill(self, *children: QWidget, actions: Sequence[QWidget | QLayout]) -> None:
        """Put widgets below each other into an area that scrolls.

        Parameters
        ----------
        children
            From top to bottom.
        actions
            What starts and ends work, and reports it: below the area, always in view.
        """
        inside = QWidget()
        fill_column(inside, *children, margins=True)
        inside.layout().addStretch()  # type: ignore[union-attr]
        area = _UprightScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inside)
        self._area, self._inside = area, inside
        if (scroll_bar := area.verticalScrollBar()) is not None:
            scroll_bar.rangeChanged.connect(self._scroll)
        bar = QWidget()
        fill_column(bar, *actions, margins=True)
        fill_column(self, area, bar)
        leave_wheel_to_scroll(self)

    def scroll_to(self, part: QWidget) -> None:
        """Bring a part of what scrolls to the upper edge, as far up as it can go."""
        self._scroll_to = part
        self._scroll()
        self._scrolled_timer.start()  # until then what grows makes room for it

    def _scroll(self) -> None:
        bar = self._area.verticalScrollBar()
        if self._scroll_to is not None and bar is not None:
            bar.setValue(self._scroll_to.mapTo(self._inside, QPoint()).y())

    def _scrolled(self) -> None:
        self._scroll_to = None

    def minimumSizeHint(self) -> QSize:
        """Return the size at which no text or button is cut off, whatever the font."""
        hint = super().minimumSizeHint().expandedTo(QSize(self._min_width_px, 0))
        layout = self.layout()
        if layout is None:
            return hint
        # Text that wraps into more lines would otherwise squeeze the buttons below their height.
        return hint.expandedTo(QSize(0, layout.minimumHeightForWidth(hint.width())))

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Let Return press a button, as it does in dialogs."""
        if not press_focused_button(self, event):
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Take folders and files."""
        if event is not None and _paths(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Open what was dropped with this plugin: napari itself asks which one reads a folder."""
        if event is not None and (paths := _paths(event.mimeData())):
            event.acceptProposedAction()
            self.open_dropped(paths)

    def open_dropped(self, paths: Sequence[Path]) -> None:
        """Open photographs, or folders of them."""
        for path in paths:
            self.viewer.open(str(path), plugin="napari-marrow")

    def showEvent(self, event: QShowEvent | None) -> None:
        """Take a place beside other docks of this plugin, and the focus."""
        super().showEvent(event)
        if event is not None and not event.spontaneous():
            self._shown_timer.start()  # later: the command palette gives the focus back first

    def _shown(self) -> None:
        """Take the focus: the next Tab goes to the first field, other keys still to the viewer."""
        dock, window = self.parent(), self.window()
        if isinstance(dock, QDockWidget) and isinstance(window, QMainWindow):
            if not self._placed:  # once: a person may want it elsewhere
                self._placed = True
                _tabify_where_crowded(dock, window)
            if window.tabifiedDockWidgets(dock):
                dock.raise_()
        self.setFocus()

    @property
    def is_seen(self) -> bool:
        """Whether the widget is shown, and its dock not covered by another tab."""
        return self.isVisible() and not self._covered

    def _dock_seen(self, seen: bool) -> None:
        """Follow whether the dock is seen: also its tab may be covered or uncovered."""
        self._covered = not seen
        dock = self.parent()
        if not isinstance(dock, QDockWidget):
            return
        if self._behind_tab and dock.isHidden():
            # napari's menu hides a dock that is not hidden, also one that nobody sees.
            self._call_up_timer.start()
        self._behind_tab = not (seen or dock.isFloating()) and dock.isVisible()
        if not seen:
            self.out_of_view.emit()

    def _call_up(self) -> None:
        """Show the dock, on top; nothing to do where it was only taken out of the tabs."""
        if isinstance(dock := self.parent(), QDockWidget):
            dock.show()

    def event(self, event: QEvent | None) -> bool:
        """Notice the change of parent, which is all that Qt reports of a closed dock."""
        if event is not None and event.type() == QEvent.Type.ParentChange:
            was_docked, self._docked = self._docked, self.parent() is not None
            self._placed = self._placed and self._docked
            if isinstance(dock := self.parent(), QDockWidget):
                dock.visibilityChanged.connect(self._dock_seen)
            if was_docked and not self._docked:
                self.closed.emit()
                for task in self.findChildren(Task):
                    task.cancel()
        return super().event(event)


def _paths(data: QMimeData | None) -> list[Path]:
    """Return the folders and files on this computer that are dragged."""
    urls = [] if data is None else data.urls()
    return [Path(x.toLocalFile()) for x in urls if x.isLocalFile()]


def _tabify_where_crowded(dock: QDockWidget, window: QMainWindow) -> None:
    """Put a dock over the others of this plugin where all below each other would not fit."""
    others = [
        x
        for x in window.findChildren(QDockWidget)
        if x is not dock and x.isVisible() and isinstance(x.widget(), DockWidget)
    ]
    area, centre = window.dockWidgetArea(dock), window.centralWidget()
    others = [x for x in others if not x.isFloating() and window.dockWidgetArea(x) == area]
    wanted = sum(x.sizeHint().height() for x in (dock, *others))
    if others and centre is not None and wanted > centre.height():
        window.tabifyDockWidget(others[-1], dock)


class _UprightScrollArea(QScrollArea):
    """Scrolls up and down only: it is as wide as what it holds."""

    def minimumSizeHint(self) -> QSize:
        """Return the width of what it holds, beside the scroll bar."""
        inside, bar = self.widget(), self.verticalScrollBar()
        assert inside is not None
        assert bar is not None
        width = inside.minimumSizeHint().width() + bar.sizeHint().width() + 2 * self.frameWidth()
        return QSize(width, super().minimumSizeHint().height())

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Follow what it holds: its font, or what is shown of it, may have changed."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)


def while_alive(method: Callable[[], object]) -> Callable[..., None]:
    """Return a listener that calls a method of a widget as long as Qt has not deleted it.

    The viewer and its layers outlive the widgets that listen to them.
    """
    reference = weakref.WeakMethod(method)

    def listen(*_: object) -> None:
        listener = reference()
        if listener is not None and isalive(getattr(listener, "__self__", None)):
            listener()

    return listen
