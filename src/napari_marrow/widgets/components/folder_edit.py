"""A line for the path of a folder or a table, with buttons that open a dialog for each."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QLineEdit, QWidget

from napari_marrow.data.fields import Collection
from napari_marrow.widgets.components.layout import fill_column, path_button, row


class FolderEdit(QWidget):
    """Lets the user type or choose the path of a folder, or of a table of one."""

    chosen = Signal(Path)
    """Another path was typed or chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.line = QLineEdit()
        self.line.setPlaceholderText("folder, or a table image,class,source")
        self.line.setToolTip("Path of a folder of photographs, or of a table image,class,source.")
        self.line.editingFinished.connect(self._edited)
        self.folder_button = path_button(
            "Folder...",
            lambda: QFileDialog.getExistingDirectory(self, "Folder", self.line.text()),
            self.chosen.emit,
            "A folder with a folder for each class, or a SN-AM download.",
        )
        table_button = path_button(
            "Table...",
            lambda: QFileDialog.getOpenFileName(self, "Table", self.line.text(), "Table (*.csv)")[
                0
            ],
            self.chosen.emit,
            "A CSV that the widget Data set saved.",
        )
        fill_column(self, self.line, row(self.folder_button, table_button))

    @property
    def path(self) -> Path | None:
        """The path, or None where there is none."""
        text = self.line.text().strip()
        return Path(text).expanduser() if text else None

    def _edited(self) -> None:
        if self.line.isModified() and self.path is not None:
            self.line.setModified(False)  # a dialog that takes the focus must not repeat this
            self.chosen.emit(self.path)


def describe(collection: Collection) -> str:
    """Return how many fields, sources and fields of each class there are, in one sentence."""
    counts = ", ".join(f"{n} {name}" for name, n in collection.counts().items())
    fields, sources = len(collection.fields), len({f.source for f in collection.fields})
    return (
        f"{fields} field{'s' * (fields != 1)} of {sources} source{'s' * (sources != 1)}: "
        f"{counts or 'no classes'}."
    )
