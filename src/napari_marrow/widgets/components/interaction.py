"""How the dock widgets answer wheel and keyboard, and how they show focus and selection."""

from __future__ import annotations

from napari.utils.theme import get_theme
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QPushButton,
    QScrollBar,
    QWidget,
)


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
