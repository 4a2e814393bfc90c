"""Pages behind tabs that wrap into as many rows as a dock needs; Qt's own tabs scroll instead."""

from __future__ import annotations

from qtpy.QtWidgets import QButtonGroup, QPushButton, QWidget
from superqt import QFlowLayout

from napari_marrow.widgets.components.layout import fill_column

GAP_PX = 2


class Pages(QWidget):
    """Shows one of several pages; arrow keys go from tab to tab.

    A page that has nothing to show is hidden together with its tab.
    """

    def __init__(self) -> None:
        super().__init__()
        self._tabs: dict[str, QPushButton] = {}
        self._pages: dict[str, QWidget] = {}
        self._group = QButtonGroup(self)  # exclusive
        bar = QWidget()
        self._row = QFlowLayout(bar)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setHorizontalSpacing(GAP_PX)
        self._row.setVerticalSpacing(GAP_PX)
        fill_column(self, bar)
        self._group.buttonToggled.connect(lambda tab, on: self._pages[tab.text()].setVisible(on))

    def add(self, title: str, page: QWidget, tooltip: str) -> None:
        """Add a page; the first one is shown."""
        tab = self._tabs[title] = QPushButton(title)
        tab.setCheckable(True)
        tab.setToolTip(tooltip)
        self._pages[title] = page
        page.hide()
        self._group.addButton(tab)
        self._row.addWidget(tab)
        self.layout().addWidget(page)  # type: ignore[union-attr]
        if len(self._tabs) == 1:
            self.select(title)

    def select(self, title: str) -> None:
        """Show a page."""
        self._tabs[title].setChecked(True)

    @property
    def current(self) -> str:
        """The title of the page that is shown."""
        checked = self._group.checkedButton()
        return "" if checked is None else checked.text()

    def set_filled(self, title: str, filled: bool) -> None:
        """Offer a page, or hide it where it has nothing to show; the first page always has."""
        self._tabs[title].setVisible(filled)
        if not filled and self.current == title:
            self.select(next(iter(self._tabs)))

    @property
    def offered(self) -> list[str]:
        """The titles of the pages that can be chosen."""
        return [title for title, tab in self._tabs.items() if not tab.isHidden()]
