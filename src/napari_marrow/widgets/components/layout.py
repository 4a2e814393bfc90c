"""Buttons, labels, rows, titled boxes and folds for dock widgets."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QContextMenuEvent, QIcon, QKeyEvent, QKeySequence, QPixmap
from qtpy.QtWidgets import (
    QApplication,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLayout,
    QMenu,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

MAX_WORD_CHARACTERS = 20
"""Longer words, such as paths, can be broken: a dock is no wider for them."""
ICON_PX = 12
NEW_LINE = "\n"
BREAK = "\N{ZERO WIDTH SPACE}"
_LONG_WORD = re.compile(rf"\S{{{MAX_WORD_CHARACTERS + 1},}}")
_PIECE = re.compile(rf"([/\\_.,=-]|[^/\\_.,=-]{{{MAX_WORD_CHARACTERS}}})")
OPENED, CLOSED = "\N{BLACK DOWN-POINTING SMALL TRIANGLE}", "\N{BLACK RIGHT-POINTING SMALL TRIANGLE}"


def button(text: str, action: Callable[[], object], tooltip: str = "") -> QPushButton:
    """Return a button that calls ``action`` without arguments."""
    made = QPushButton(text)
    made.setToolTip(tooltip)
    made.clicked.connect(lambda checked=False: action())
    return made


def colour_square(colour: str) -> QIcon:
    """Return a square of a colour, ``#RRGGBB``."""
    pixels = QPixmap(ICON_PX, ICON_PX)
    pixels.fill(QColor(colour))
    return QIcon(pixels)


def path_button(
    text: str, ask: Callable[[], str], action: Callable[[Path], object], tooltip: str = ""
) -> QPushButton:
    """Return a button that asks for a path, and calls ``action`` with it unless cancelled."""

    def click() -> None:
        if path := ask():
            action(Path(path))

    return button(text, click, tooltip)


def plain_tooltip(text: str) -> str:
    """Return a text that Qt shows as it is: names may hold what it takes for its own markup.

    >>> plain_tooltip("a <b>c</b>")
    '<qt>a &lt;b&gt;c&lt;/b&gt;</qt>'
    >>> plain_tooltip("a & b")
    'a & b'
    """
    if "<" not in text and "&lt;" not in text:  # what Qt takes for markup has one of them
        return text
    return f"<qt>{escape(text).replace(NEW_LINE, '<br>')}</qt>"


class TextLabel(QLabel):
    """A label that wraps its text, also within long words; what is selected can be copied."""

    def __init__(self, text: str = ""):
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setText(text)

    def setText(self, text: str | None) -> None:
        """Show another text."""
        super().setText(breakable(text or ""))

    def text(self) -> str:
        """Return the text, as it was set."""
        return super().text().replace(BREAK, "")

    def copy(self) -> None:
        """Copy what is selected, so that a path can be used."""
        if (clipboard := QApplication.clipboard()) is not None:
            clipboard.setText(self.selectedText().replace(BREAK, ""))

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Copy by keyboard."""
        if event is not None and event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent | None) -> None:
        """Offer to copy."""
        if event is None or not self.hasSelectedText():
            return
        menu = QMenu(self)
        if (entry := menu.addAction("Copy")) is not None:
            entry.triggered.connect(lambda checked=False: self.copy())
        menu.popup(event.globalPos())


def breakable(text: str) -> str:
    """Return a text with invisible places in long words at which lines can break."""

    def divided(match: re.Match[str]) -> str:
        return _PIECE.sub(rf"\1{BREAK}", match[0])

    return _LONG_WORD.sub(divided, text)


def text_label(text: str = "") -> QLabel:
    """Return a label that wraps its text, which can be selected and copied."""
    return TextLabel(text)


def row(*widgets: QWidget) -> QHBoxLayout:
    """Return a layout of widgets side by side."""
    layout = QHBoxLayout()
    for widget in widgets:
        layout.addWidget(widget)
    return layout


class Fold(QWidget):
    """A button that shows and hides a widget; what is hidden can't be reached by keyboard.

    Parameters
    ----------
    title
        The text of the button.
    content
        The widget, which is hidden at first.
    """

    def __init__(self, title: str, content: QWidget):
        super().__init__()
        self._title, self._content = title, content
        self.button = QPushButton()
        self.button.setCheckable(True)
        self.button.setStyleSheet("text-align: left;")
        self.button.setToolTip(f"Show or hide: {title[0].lower()}{title[1:]}.")
        self.button.toggled.connect(self._show)
        fill_column(self, self.button, content)
        self._show(False)

    def _show(self, expanded: bool) -> None:
        # Signs in the text have the colour of the theme; icons have not.
        self.button.setText(f"{OPENED if expanded else CLOSED} {self._title}")
        self._content.setVisible(expanded)

    def isExpanded(self) -> bool:
        """Whether the widget is shown."""
        return self.button.isChecked()

    def expand(self) -> None:
        """Show the widget."""
        self.button.setChecked(True)

    def collapse(self) -> None:
        """Hide the widget."""
        self.button.setChecked(False)


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
