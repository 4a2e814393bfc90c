"""A row of pictures of cells with their classes; a click on one picks it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import QGridLayout, QToolButton, QWidget

from napari_marrow.widgets.components.layout import plain_tooltip
from napari_marrow.widgets.components.pictures import picture_icon

N_COLUMNS, PICTURE_PX = 6, 44


class ThumbnailStrip(QWidget):
    """Pictures side by side; they are reached by Tab, and picked by click or Space."""

    picked = Signal(int)
    """The position of the picture that was clicked."""

    def __init__(self) -> None:
        super().__init__()
        self.buttons: list[QToolButton] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(2)
        self._grid.setColumnStretch(N_COLUMNS, 1)

    def show_pictures(
        self, pictures: Sequence[NDArray[np.uint8]], captions: Sequence[str], tips: Sequence[str]
    ) -> None:
        """Show other pictures, (height, width, 3) each, with a caption below and a tooltip."""
        for button in self.buttons:
            self._grid.removeWidget(button)
            button.deleteLater()
        self.buttons = []
        for k, (picture, caption, tip) in enumerate(zip(pictures, captions, tips, strict=True)):
            button = QToolButton()
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            button.setAutoRaise(True)
            button.setIconSize(QSize(PICTURE_PX, PICTURE_PX))
            button.setIcon(picture_icon(picture))
            metrics = button.fontMetrics()
            button.setText(metrics.elidedText(caption, Qt.TextElideMode.ElideRight, PICTURE_PX))
            button.setToolTip(plain_tooltip(tip))
            button.setAccessibleName(tip)
            button.clicked.connect(lambda checked=False, k=k: self.picked.emit(k))
            self._grid.addWidget(button, k // N_COLUMNS, k % N_COLUMNS)
            self.buttons.append(button)
