"""Buttons, labels, rows and titled boxes for dock widgets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtWidgets import (
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)


def button(text: str, action: Callable[[], object], tooltip: str = "") -> QPushButton:
    """Return a button that calls ``action`` without arguments."""
    made = QPushButton(text)
    made.setToolTip(tooltip)
    made.clicked.connect(lambda checked=False: action())
    return made


def path_button(
    text: str, ask: Callable[[], str], action: Callable[[Path], object], tooltip: str = ""
) -> QPushButton:
    """Return a button that asks for a path, and calls ``action`` with it unless cancelled."""

    def click() -> None:
        if path := ask():
            action(Path(path))

    return button(text, click, tooltip)


def text_label(text: str = "") -> QLabel:
    """Return a label that wraps its text, which can be selected and copied."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextInteractionFlags(label.textInteractionFlags().TextSelectableByMouse)
    return label


def row(*widgets: QWidget) -> QHBoxLayout:
    """Return a layout of widgets side by side."""
    layout = QHBoxLayout()
    for widget in widgets:
        layout.addWidget(widget)
    return layout


def fill_column(parent: QWidget, *children: QWidget | QLayout, margins: bool = False) -> None:
    """Put widgets and layouts into ``parent``, from top to bottom."""
    layout = QVBoxLayout(parent)
    if not margins:
        layout.setContentsMargins(0, 0, 0, 0)
    for child in children:
        if isinstance(child, QWidget):
            layout.addWidget(child)
        else:
            layout.addLayout(child)


def group(title: str, *children: QWidget | QLayout) -> QGroupBox:
    """Return a titled box of widgets and layouts, from top to bottom."""
    box = QGroupBox(title)
    fill_column(box, *children, margins=True)
    return box


def ignore_text_width(widget: QWidget) -> None:
    """Keep a long text in ``widget`` from making the dock wider than the screen allows."""
    widget.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
