"""The dock widget "Data set": look through a folder, mend its classes and sources, save a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QSignalBlocker, QSize, Qt
from qtpy.QtGui import QIcon, QImage, QPixmap
from qtpy.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHeaderView,
    QLineEdit,
    QMessageBox,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.imports import importing
from napari_marrow.data.layouts import SAVED, scan, write_table
from napari_marrow.data.layouts.validate import DAMAGED, notes_of
from napari_marrow.data.masks import MaskKind
from napari_marrow.widgets.components.class_delegate import NO_CLASS, ClassDelegate, TextDelegate
from napari_marrow.widgets.components.parts import button, group, in_worker, row, scrolling, wrapped

if TYPE_CHECKING:
    import napari

USE, CLASS, SOURCE, MASKS, NOTES = range(5)
OF_ALL = ("-with-class", "too-few")
"""Kinds of findings about classes, not about some of the photographs."""
COLUMNS = ("Field", "Class", "Source", "Masks", "Notes")
WIDTHS = (124, 46, 76, 60)  # of all but the last column, which takes the rest; at least
WIDEST = (160, 84, 76, 60)
MASK_WORDS: dict[MaskKind, str] = {
    "nucleus": "nucleus",
    "cytoplasm": "cytopl.",
    "background": "backgr.",
    "cell": "cell",
}
THUMBNAIL = 48
"""Longer side of a thumbnail in pixels."""


@dataclass
class _Found:
    """What the worker knows of a folder so far."""

    collection: Collection
    sentences: tuple[str, ...] = ("Looking at the pixels...",)
    notes: dict[str, list[str]] = field(default_factory=dict)


class Dataset(QWidget):
    """Shows the fields of a folder with what is odd about them; edits are saved as a table."""

    def __init__(self, viewer: napari.viewer.Viewer):  # napari injects by this very string
        super().__init__()
        self._viewer = viewer
        self._scans = 0  # answers of earlier scans are dropped
        self.collection: Collection | None = None
        self._folder = ""  # the one whose fields are shown
        self._unsaved = False
        self.path = QLineEdit()
        self.path.setPlaceholderText("folder, or a table image,class,source")
        self.path.editingFinished.connect(self._path_edited)
        self.status = wrapped("Choose a folder to see its fields.")
        self.told = wrapped()
        self._build_table()
        self.open_button = button("Open shown fields", self.open_fields, "As one stack of layers.")
        self.save_button = button(
            "Save table...",
            self._choose_save,
            "A CSV of image, class and source of the fields that are ticked. Scan it or train from "
            "it in place of the folder.",
        )
        choose = button("Choose...", self._choose)
        scrolling(
            self,
            group("Folder", row(self.path, choose), self.status),
            group("Fields", self.table, row(self.open_button, self.save_button)),
            group("What was found", self.told),
        )
        self.setMinimumWidth(466)  # else names and notes are cut off
        self._show_state()

    def _build_table(self) -> None:
        self.table = QTableWidget(0, len(COLUMNS))
        self.table.setHorizontalHeaderLabels(list(COLUMNS))
        self.table.setIconSize(QSize(THUMBNAIL, THUMBNAIL))
        self.table.setMinimumHeight(300)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.AllEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        editors = {CLASS: ClassDelegate(self.table, CLASS), SOURCE: TextDelegate(self.table)}
        for column, editor in editors.items():
            self.table.setItemDelegateForColumn(column, editor)
            editor.repeated.connect(self._repeated)
        self.table.setToolTip(
            "Click a class or source to change it, for all selected rows at once. Fields that are "
            "not ticked are hidden: neither opened nor saved in the table."
        )
        across, down = self.table.horizontalHeader(), self.table.verticalHeader()
        assert across is not None
        assert down is not None
        for column, width in enumerate(WIDTHS):
            self.table.setColumnWidth(column, width)
        across.setSectionResizeMode(NOTES, QHeaderView.ResizeMode.Stretch)
        down.hide()
        self.table.itemChanged.connect(self._edited)

    def _show_state(self) -> None:
        for made in (self.open_button, self.save_button):
            made.setEnabled(self.collection is not None)

    def _choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of photographs", self.path.text())
        if folder and self._may_leave():
            self.set_folder(Path(folder))

    def _path_edited(self) -> None:
        text = self.path.text().strip()
        if not text or not self.path.isModified():
            return
        self.path.setModified(False)  # the question takes the focus away: not to be asked twice
        if self._may_leave():
            self.set_folder(Path(text).expanduser())
        else:
            self.path.setText(self._folder)

    def _may_leave(self) -> bool:
        """Whether changes that were not saved may be lost; the user is asked."""
        if not self._unsaved:
            return True
        answer = QMessageBox.question(
            self, "Data set", "The changes in the table are not saved. Go on without them?"
        )
        return answer == QMessageBox.StandardButton.Yes

    def set_folder(self, folder: Path) -> None:
        """Look through a folder, or the fields of a table; the viewer stays free."""
        self._folder = str(folder)
        self.path.setText(self._folder)
        self._scans += 1
        number = self._scans
        self.collection = None
        self._unsaved = False
        self.table.setRowCount(0)
        self.told.setText("")
        self.status.setText("Looking...")
        self._show_state()
        in_worker(
            self,
            _look_through,
            folder,
            done=lambda _: None,
            failed=lambda text: self.status.setText(text) if number == self._scans else None,
            step=lambda part: self._show(part) if number == self._scans else None,
        )

    def _show(self, part: _Found | tuple[int, NDArray[np.uint8]]) -> None:
        with QSignalBlocker(self.table):
            if isinstance(part, _Found):
                self._show_found(part)
            else:
                number, thumbnail = part
                item = self.table.item(number, USE)
                if item is not None:
                    item.setIcon(_icon(thumbnail))

    def _show_found(self, found: _Found) -> None:
        collection = found.collection
        if self.collection is None:
            self.collection = collection
            self.table.setRowCount(len(collection.fields))
            for number, shown in enumerate(collection.fields):
                self._fill(number, shown)
            self.status.setText(_counted(collection))
            self._fit_columns()
            self._show_state()
        for number, shown in enumerate(collection.fields):
            note = "; ".join(found.notes.get(collection.label(shown), ()))
            item = QTableWidgetItem(note)
            item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
            item.setToolTip(note)
            self.table.setItem(number, NOTES, item)
        self.told.setText("\n\n".join([*collection.warnings, *found.sentences]))

    def _fit_columns(self) -> None:
        """Make room for long names and classes, as far as there is any."""
        self.table.resizeColumnsToContents()
        for column, (least, most) in enumerate(zip(WIDTHS, WIDEST, strict=True)):
            width = self.table.columnWidth(column)
            self.table.setColumnWidth(column, min(max(width, least), most))

    def _fill(self, number: int, shown: Field) -> None:
        masks = "\n".join(MASK_WORDS[kind] for kind in sorted(shown.mask_kinds)) or "none"
        for column, text in enumerate((shown.name, shown.class_name or NO_CLASS, shown.source)):
            self.table.setItem(number, column, QTableWidgetItem(text))
        self.table.setItem(number, MASKS, QTableWidgetItem(masks))
        for column in (USE, MASKS):
            item = self.table.item(number, column)
            assert item is not None
            item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
        use = self.table.item(number, USE)
        assert use is not None
        use.setFlags(use.flags() | Qt.ItemFlag.ItemIsUserCheckable)
        use.setCheckState(Qt.CheckState.Checked)
        self.table.setRowHeight(number, THUMBNAIL + 4)

    def _edited(self, item: QTableWidgetItem) -> None:
        """Give what was typed to all selected rows."""
        if item.column() not in (USE, CLASS, SOURCE):
            return
        self._unsaved = True
        rows = {index.row() for index in self.table.selectedIndexes()}
        if item.row() not in rows:
            return
        with QSignalBlocker(self.table):
            for number in rows:
                other = self.table.item(number, item.column())
                if other is not None and item.column() == USE:
                    other.setCheckState(item.checkState())
                elif other is not None:
                    other.setText(item.text())

    def _repeated(self, number: int, column: int) -> None:
        item = self.table.item(number, column)
        if item is not None:
            self._edited(item)

    def edited(self) -> Collection:
        """The fields that are ticked, with the classes and sources of the table.

        Raises
        ------
        MarrowError
            When none is ticked, or there is no folder.
        """
        if self.collection is None:
            raise MarrowError("No folder is chosen; choose one first.")
        fields = []
        for number, shown in enumerate(self.collection.fields):
            use, name, source = (self.table.item(number, c) for c in (USE, CLASS, SOURCE))
            if use is None or name is None or source is None:
                continue
            if use.checkState() != Qt.CheckState.Checked:
                continue
            text = name.text().strip()
            class_name = None if text in ("", NO_CLASS) else text
            whence = source.text().strip() or shown.source
            changed = replace(shown, class_name=class_name, source=whence)
            fields.append(changed)
        if not fields:
            raise MarrowError("No field is ticked; tick those that are wanted.")
        return replace(self.collection, fields=tuple(fields))

    def save(self, path: Path) -> None:
        """Save the table as a CSV that ``scan`` and ``train`` read in place of the folder."""
        path = path if path.suffix.lower() == ".csv" else path.with_name(path.name + ".csv")
        try:
            edited = self.edited()
            write_table(edited, path)
        except MarrowError as error:
            self.status.setText(str(error))
            return
        self._unsaved = False
        self.status.setText(f"{_counted(edited)} Saved as {path}.")

    def _choose_save(self) -> None:
        start = self.collection.root / SAVED if self.collection else SAVED
        path, _ = QFileDialog.getSaveFileName(self, "Save table", str(start), "Table (*.csv)")
        if path:
            self.save(Path(path))

    def open_fields(self) -> None:
        """Open the ticked fields in the viewer, with their masks, as one stack."""
        from napari.layers import Layer

        from napari_marrow.data.fields import usable
        from napari_marrow.viewer.behaviours.opening import prepare_viewers
        from napari_marrow.viewer.make.layers import collection_layers

        try:
            layers = collection_layers(usable(self.edited()))
        except MarrowError as error:
            self.status.setText(str(error))
            return
        prepare_viewers(layers)
        for data in layers:
            self._viewer.add_layer(Layer.create(*data))


def _counted(collection: Collection) -> str:
    """How many fields, sources and fields of each class there are, in one sentence."""
    counts = ", ".join(f"{n} {name}" for name, n in collection.counts().items())
    fields, sources = len(collection.fields), len({f.source for f in collection.fields})
    return (
        f"{fields} field{'s' * (fields != 1)} of {sources} source{'s' * (sources != 1)}: "
        f"{counts or 'no classes'}."
    )


def _look_through(folder: Path) -> Iterator[_Found | tuple[int, NDArray[np.uint8]]]:
    """Find the fields, then their thumbnails, then what the audit says of them; for a worker."""
    with importing:
        from napari_marrow.audit.audit import audit

    collection = scan(folder)
    notes = notes_of(collection)
    yield _Found(collection, notes={name: [*own] for name, own in notes.items()})
    for number, shown in enumerate(collection.fields):
        try:
            yield number, thumbnail(shown)
        except MarrowError:  # beyond the header, which is all that the scan reads
            own = notes.setdefault(collection.label(shown), [])
            own[:0] = [] if DAMAGED in own else [DAMAGED]
    audited = audit(collection)
    for finding in audited.findings:
        # What is true of the whole collection would only fill the column.
        for name in () if finding.kind.endswith(OF_ALL) else finding.files:
            notes.setdefault(name, []).append(finding.kind.replace("-", " "))
    sentences = audited.sentences
    if not audited.acquisitions.association.holds:
        sentences = (*sentences, audited.acquisitions.sentence)
    yield _Found(collection, sentences, notes)


def thumbnail(shown: Field) -> NDArray[np.uint8]:
    """A small copy of a field, at most :data:`THUMBNAIL` pixels wide and high, (h, w, 3)."""
    image = shown.open()
    step = max(1, -(-max(image.shape[:2]) // THUMBNAIL))
    return np.ascontiguousarray(image[::step, ::step])


def _icon(image: NDArray[np.uint8]) -> QIcon:
    height, width = image.shape[:2]
    pixels = image.tobytes()  # kept until the pixmap has copied it
    picture = QImage(pixels, width, height, 3 * width, QImage.Format.Format_RGB888)
    return QIcon(QPixmap.fromImage(picture))
