"""Where fields are taken from: a folder, or the open layers with a table of their classes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSignalBlocker, Qt, QTimer
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFileDialog,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QStackedWidget,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection
from napari_marrow.data.layouts import scan
from napari_marrow.viewer.layer_info import layer_fields
from napari_marrow.viewer.photograph.annotations import (
    DEFAULT_CLASSES,
    cells_layer,
    field_class,
    new_cells_layer,
    set_field_class,
)
from napari_marrow.viewer.photograph.labelling import is_photograph
from napari_marrow.widgets.components.class_delegate import NO_CLASS, ClassDelegate
from napari_marrow.widgets.components.parts import button, in_worker, row, wrapped

if TYPE_CHECKING:
    import napari

LAYERS, FOLDER = 0, 1
NOTHING_YET = "A folder with a folder a class, a SN-AM download, or a table of the widget Data set."


class SourcePanel(QWidget):
    """Lets the user choose a folder, or give classes to the open layers and to cells in them."""

    def __init__(self, viewer: napari.viewer.Viewer):
        super().__init__()
        self._viewer = viewer
        self._scans = 0  # answers of earlier scans are dropped
        self.where = QComboBox()
        self.where.addItems(["The open layers", "A folder"])
        self._pages = QStackedWidget()
        self._pages.addWidget(self._layers_page())
        self._pages.addWidget(self._folder_page())
        self.where.currentIndexChanged.connect(self._pages.setCurrentIndex)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.where)
        layout.addWidget(self._pages)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.refresh)
        for event in ("inserted", "removed", "reordered"):
            getattr(viewer.layers.events, event).connect(self._refresh_soon)
        viewer.layers.events.inserted.connect(self._watch)
        for layer in viewer.layers:
            self._watch_layer(layer)
        self.refresh()

    def _layers_page(self) -> QWidget:
        page = QWidget()
        self.table = QTableWidget(0, 3)
        self.table.setHorizontalHeaderLabels(["Field", "Class", "Cells"])
        across, down = self.table.horizontalHeader(), self.table.verticalHeader()
        assert across is not None
        assert down is not None
        across.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        down.hide()
        self.table.setFixedHeight(130)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.AllEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setItemDelegateForColumn(1, ClassDelegate(self.table, 1))
        self.table.setToolTip(
            "Click a class to change it, for all selected rows at once. A field without a class is "
            "left out, unless cells in it are annotated."
        )
        self.table.itemChanged.connect(self._class_edited)
        self.annotate = QPushButton("Annotate cells")
        self.annotate.setToolTip(
            "Add a Labels layer over the selected photograph: paint label 1 on cells of the first "
            "class (ALL) and 2 on cells of the second (MM); a stroke on the nucleus is enough."
        )
        self.annotate.clicked.connect(self.add_cells_layer)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)
        layout.addWidget(self.annotate)
        return page

    def _folder_page(self) -> QWidget:
        page = QWidget()
        self.path = QLineEdit()
        self.path.setPlaceholderText("folder, or a table image,class,source")
        self.path.editingFinished.connect(self._path_edited)
        folder = button("Folder...", self._choose)
        table = button("Table...", self._choose_table, "A CSV that the widget Data set saved.")
        self.found = wrapped(NOTHING_YET)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.path)
        layout.addLayout(row(folder, table))
        layout.addWidget(self.found)
        layout.addStretch()
        return page

    @property
    def from_folder(self) -> bool:
        """Whether the folder is to be taken, and not the layers."""
        return self.where.currentIndex() == FOLDER

    def set_folder(self, folder: Path) -> None:
        """Take a folder, or a table of one."""
        self.where.setCurrentIndex(FOLDER)
        self.path.setText(str(folder))
        self._path_edited()

    def _choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder", self.path.text())
        if folder:
            self.set_folder(Path(folder))

    def _choose_table(self) -> None:
        table, _ = QFileDialog.getOpenFileName(self, "Table", self.path.text(), "Table (*.csv)")
        if table:
            self.set_folder(Path(table))

    def folder(self) -> Path:
        """The folder or table that is chosen.

        Raises
        ------
        MarrowError
            When there is none.
        """
        text = self.path.text().strip()
        if not text:
            raise MarrowError("No folder is chosen; choose one, or take the open layers.")
        return Path(text).expanduser()

    def _path_edited(self) -> None:
        """Look what a folder holds, in a thread, and say it."""
        if not self.path.text().strip():
            return
        self._scans += 1
        number = self._scans

        def say(text: str) -> None:
            if number == self._scans:
                self.found.setText(text)

        self.found.setText("Looking...")
        done = lambda collection: say(_summary(collection))  # noqa: E731
        in_worker(self, scan, self.folder(), done=done, failed=say)

    def _watch(self, event: Any) -> None:
        self._watch_layer(event.value)

    def _watch_layer(self, layer: Any) -> None:
        for name in ("name", "features", "metadata", "data"):
            if name in layer.events.emitters:
                getattr(layer.events, name).connect(self._refresh_soon)

    def _refresh_soon(self, event: Any = None) -> None:
        # Several events come together when a folder is opened; one look at the end is enough.
        self._soon.start(0)

    def rows(self) -> list[tuple[Any, int]]:
        """The photographs that are open: (layer, slice) a row of the table."""
        return [
            (layer, row)
            for layer in self._viewer.layers
            if is_photograph(layer)
            for row in range(layer.data.shape[0] if layer.data.ndim == 4 else 1)
        ]

    def refresh(self) -> None:
        """Show the open photographs, their classes, and whether cells in them are annotated."""
        rows = self.rows()
        annotated = {
            layer: cells_layer(layer, self._viewer.layers) is not None
            for layer in dict.fromkeys(layer for layer, _ in rows)
        }
        with QSignalBlocker(self.table):
            self.table.setRowCount(len(rows))
            for number, (layer, row) in enumerate(rows):
                self._fill(number, layer, row, annotated[layer])
        self.annotate.setEnabled(bool(rows))

    def _fill(self, number: int, layer: Any, row: int, annotated: bool) -> None:
        fields = layer_fields(layer)
        name = layer.name
        if layer.data.ndim == 4:
            name = fields[row].name if row < len(fields) else f"{layer.name} {row}"
        texts = (name, field_class(layer, row) or NO_CLASS, "yes" if annotated else "")
        for column, text in enumerate(texts):
            item = QTableWidgetItem(text)
            if column != 1:
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
            self.table.setItem(number, column, item)

    def _class_edited(self, item: QTableWidgetItem) -> None:
        if item.column() != 1:
            return
        chosen = {index.row() for index in self.table.selectedIndexes()}
        name = item.text().strip()
        name = "" if name == NO_CLASS else name
        rows = self.rows()
        for number in chosen | {item.row()}:
            layer, row = rows[number]
            set_field_class(layer, row, name)

    def add_cells_layer(self) -> None:
        """Add the Labels layer to paint classes into, over the photograph selected in the table."""
        rows = self.rows()
        number = max(self.table.currentRow(), 0)
        if number >= len(rows):
            return
        image = rows[number][0]
        known = {name for layer, row in rows if (name := field_class(layer, row))}
        classes = tuple(sorted(known if len(known) > 1 else known | set(DEFAULT_CLASSES)))
        layer = self._viewer.add_layer(new_cells_layer(image, classes))
        self._viewer.layers.selection.active = layer
        layer.mode = "paint"


def _summary(collection: Collection) -> str:
    counts = ", ".join(f"{n} {name}" for name, n in collection.counts().items())
    first = f"{len(collection.fields)} fields: {counts or 'no classes'}."
    return "\n".join([first, *collection.warnings])
