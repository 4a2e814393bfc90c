"""Small parts that the dock widgets share: boxes, buttons, both progress bars, and workers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from napari.qt.threading import create_worker
from napari.utils import progress
from qtpy.compat import isalive
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import (
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_marrow.data.errors import MarrowError

log = logging.getLogger("napari_marrow")


def button(text: str, action: Callable[[], None], help: str = "") -> QPushButton:
    """A button that calls ``action`` without arguments."""
    made = QPushButton(text)
    made.setToolTip(help)
    made.clicked.connect(lambda checked=False: action())
    return made


def wrapped(text: str = "") -> QLabel:
    """A label that breaks its lines, and from which text can be copied."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextInteractionFlags(label.textInteractionFlags().TextSelectableByMouse)
    return label


def row(*widgets: QWidget) -> QHBoxLayout:
    """Widgets beside each other."""
    layout = QHBoxLayout()
    for widget in widgets:
        layout.addWidget(widget)
    return layout


def group(title: str, *parts: QWidget | QLayout) -> QGroupBox:
    """Widgets and layouts below each other in a titled box."""
    box = QGroupBox(title)
    layout = QVBoxLayout(box)
    for part in parts:
        if isinstance(part, QWidget):
            layout.addWidget(part)
        else:
            layout.addLayout(part)
    return box


def scrolling(widget: QWidget, *parts: QWidget) -> None:
    """Fill ``widget`` with parts that scroll when the screen is small."""
    inside = QWidget()
    layout = QVBoxLayout(inside)
    for part in parts:
        layout.addWidget(part)
    layout.addStretch()
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setWidget(inside)
    outside = QVBoxLayout(widget)
    outside.setContentsMargins(0, 0, 0, 0)
    outside.addWidget(area)


class Bars(QObject):
    """Two progress bars that say the same: the widget's own and one in napari's activity dock."""

    STEPS = 1000

    def __init__(self, parent: QWidget):
        super().__init__(parent)
        self.own = QProgressBar()
        self.own.setRange(0, self.STEPS)
        self.own.hide()
        self._docked: progress | None = None
        self._closed = 0  # times

    def show(self, fraction: float) -> None:
        """Show how much is done, 0 to 1."""
        if self._docked is None:
            closed = self._closed
            made = progress(total=self.STEPS, desc="Marrow")  # handles events meanwhile
            if self._closed != closed or self._docked is not None:
                made.close()
                return
            self._docked = made
        step = round(self.STEPS * fraction)
        self.own.show()
        self.own.setValue(step)
        self._docked.update(step - self._docked.n)

    def close(self) -> None:
        """The work has ended."""
        self._closed += 1
        self.own.hide()
        if self._docked is not None:
            self._docked.close()
            self._docked = None


class Told(QObject):
    """Takes what a thread reports to the viewer's thread."""

    progress = Signal(float, str)
    """The part that is done, 0 to 1, and what is being done."""


def in_worker(
    owner: QWidget,
    work: Callable[..., Any],
    *arguments: Any,
    done: Callable[[Any], None],
    failed: Callable[[str], None],
    step: Callable[[Any], None] | None = None,
    ended: Callable[[], None] | None = None,
) -> Any:
    """Run ``work`` in a thread of napari's; the rest is called on the viewer's thread.

    Parameters
    ----------
    owner
        Nothing is called any more once this widget is gone, and a generator is then stopped. napari
        takes a widget out of its dock when that is closed, and does not delete it.
    work, arguments
        What to run; a generator may report with what it yields.
    done, failed, step, ended
        Called with the result, the sentence of an error, what was yielded; and at the end.
    """
    docked = owner.parent() is not None

    def while_alive(listener: Callable[..., None]) -> Callable[..., None]:
        def call(*values: Any) -> None:
            if isalive(owner) and (owner.parent() is not None or not docked):
                listener(*values)
            else:
                worker.quit()

        return call

    # Connected here and not afterwards: without a listener napari raises errors once more.
    listeners = {
        "returned": while_alive(done),
        "errored": while_alive(lambda error: failed(sentence(error))),
    }
    if step is not None:
        listeners["yielded"] = while_alive(step)
    if ended is not None:
        listeners["finished"] = while_alive(ended)
    worker = create_worker(work, *arguments, _connect=listeners, _start_thread=False)
    worker.start()
    return worker


def sentence(error: BaseException) -> str:
    """What to tell the user of an error in a worker; a fault of ours is logged whole."""
    if isinstance(error, MarrowError):
        return str(error)
    log.error("A worker failed", exc_info=error)
    return f"Unexpected {type(error).__name__}: {error}; the log has more."
