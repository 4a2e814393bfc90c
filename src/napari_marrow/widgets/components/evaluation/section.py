"""Parts of pages: paragraphs, and headings without the margins of a box, as docks are narrow."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QWidget

from napari_marrow.widgets.components.layout import fill_column, text_label


def paragraph(text: str = "", bold: bool = False) -> QLabel:
    """Return a label that wraps its text, which begins at its upper edge."""
    made = text_label(text)
    made.setAlignment(Qt.AlignmentFlag.AlignTop)
    if bold:
        made.setStyleSheet("font-weight: bold;")
    return made


class Section(QWidget):
    """Widgets from top to bottom below a heading."""

    def __init__(self, title: str, *children: QWidget):
        super().__init__()
        self._title = paragraph(title, bold=True)
        fill_column(self, self._title, *children)

    def set_title(self, title: str) -> None:
        """Show another heading."""
        self._title.setText(title)
