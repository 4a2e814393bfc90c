"""How the dock widgets answer wheel and keyboard, and how they show focus and selection."""

from __future__ import annotations

from napari.utils.theme import get_theme
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QPushButton,
    QScrollBar,
    QWidget,
)

EMPHASIZED = "emphasized"
"""The property of a button that is the next step."""


class _WheelFilter(QObject):
    """Leaves the wheel to what is around a widget."""

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is None or event.type() != QEvent.Type.Wheel:
            return False
        event.ignore()
        return True


def leave_wheel_to_scroll(parent: QWidget) -> None:
    """Let the wheel scroll over fields, whose values would change unseen.

    Parameters
    ----------
    parent
        A widget, with all that is in it now.
    """
    scroll = _WheelFilter(parent)
    for kind in (QComboBox, QAbstractSpinBox, QAbstractSlider):
        for widget in (parent, *parent.findChildren(kind)):
            if isinstance(widget, kind) and not isinstance(widget, QScrollBar):
                widget.installEventFilter(scroll)


def press_focused_button(widget: QWidget, event: QKeyEvent | None) -> bool:
    """Press the button in a widget that has the focus, on Return or Enter.

    Returns
    -------
    bool
        Whether there is such a button.
    """
    button = widget.focusWidget()
    is_enter = event is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
    if not is_enter or not isinstance(button, QPushButton):
        return False
    button.click()
    return True


class Emphasis:
    """Shows that a button is the next step.

    Parameters
    ----------
    button
        Of a dock widget.
    """

    def __init__(self, button: QPushButton):
        self._button = button

    def show(self) -> None:
        """Give the button a colour, and the focus where another button had it or none."""
        self._set(True)
        focused = QApplication.focusWidget()
        if self._button.isVisible() and (focused is None or isinstance(focused, QPushButton)):
            self._button.setFocus()

    def end(self) -> None:
        """Show the button as all others."""
        self._set(False)

    def _set(self, shown: bool) -> None:
        self._button.setProperty(EMPHASIZED, shown)
        if (style := self._button.style()) is not None:  # it looks at the property once
            style.unpolish(self._button)
            style.polish(self._button)


def style_sheet(theme_name: str) -> str:
    """Return the style that shows focus and selection in a theme of napari, which hides both."""
    theme = get_theme(theme_name)
    text, chosen = theme.text.as_hex(), theme.current.as_hex()
    fields = ("QPushButton", "QComboBox", "QCheckBox", "QLineEdit", "QAbstractSpinBox")
    views = ("QListView", "QTableView")
    focused = ", ".join(f"{name}:focus" for name in (*fields, *views))
    return f"""
        {", ".join(fields)} {{ border: 1px solid transparent; }}
        QPushButton:disabled, QComboBox:disabled {{ border: 1px solid {theme.primary.as_hex()}; }}
        QAbstractSpinBox {{ min-width: 8em; }}
        QPushButton[{EMPHASIZED}="true"] {{ border: 1px solid {text}; background: {chosen}; }}
        {focused} {{ border: 1px solid {text}; }}
        QListView::item:selected, QTableView::item:selected {{
            background: {chosen}; color: {text};
        }}
        QListView::indicator, QTableView::indicator {{
            border: 1px solid {text}; border-radius: 2px; width: 12px; height: 12px;
        }}
        QListView::indicator:checked, QTableView::indicator:checked {{
            image: url("theme_{theme.id}:/check.svg"); background: {chosen};
        }}
    """
