"""The dock widget "Data set": look through a folder, edit its classes and sources, save a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import napari
import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QSize
from qtpy.QtWidgets import QFileDialog, QMessageBox

from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.imports import importing
from napari_marrow.data.layouts import SAVED, natural_key, scan, write_table
from napari_marrow.data.layouts.saved_table import suggested_table
from napari_marrow.data.layouts.validate import DAMAGED, notes_of, warn_of_missing_classes
from napari_marrow.data.progress import Progress, ignore
from napari_marrow.data.text import listed
from napari_marrow.jobs.events import Emit, Event, ShouldStop, progress_callback
from napari_marrow.viewer.per_viewer import single_shot
from napari_marrow.viewer.photograph.saved_table import other_classes, take_saved
from napari_marrow.viewer.task import Task
from napari_marrow.widgets.components.class_table import NO_CLASS, ClassTable
from napari_marrow.widgets.components.close_guard import CloseGuard
from napari_marrow.widgets.components.dock_widget import DockWidget
from napari_marrow.widgets.components.folder_edit import FolderEdit, describe
from napari_marrow.widgets.components.layout import button, group, path_button, row, text_label
from napari_marrow.widgets.components.pictures import picture_icon
from napari_marrow.widgets.components.run_panel import RunPanel

USE, CLASS, SOURCE, NOTES = range(4)
COLUMNS = ("Field", "Class", "Source", "Notes")
AUDIT_AFTER_MS = 700
"""From the last edit to the audit of what is in the table then."""
ABOUT_CLASSES = ("-with-class", "too-few")
"""Ends of the kinds of findings about classes, not about some of the photographs."""
THUMBNAIL_PX = 48
"""Longer side of a thumbnail."""
MIN_TABLE_CHARACTERS = 48


@dataclass
class Found:
    """What is known of a folder so far."""

    collection: Collection
    sentences: tuple[str, ...] = ()
    notes: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class Thumbnail:
    """A small copy of the field in a row, and the fraction of them that is done."""

    row: int
    pixels: NDArray[np.uint8]
    fraction: float


class Dataset(DockWidget):
    """Shows the fields of a folder with what is odd about them; edits are saved as a table."""

    def __init__(self, viewer: napari.viewer.Viewer):  # napari injects by this very string
        super().__init__(viewer, min_width_px=480)
        self.collection: Collection | None = None
        self._rows: list[Field] = []  # as they were found
        self._folder = ""  # the one whose fields are shown
        self._unsaved = False
        self.folder_edit = FolderEdit()
        self.folder_edit.chosen.connect(self._choose)
        self.run = RunPanel()
        self.run.say("Choose a folder to see its fields.")
        self.task = Task(self, self.run)
        self._audit_task = Task(self, failed=self.run.say)
        self._audit_timer = single_shot(AUDIT_AFTER_MS, self._audit, self)
        self.findings = text_label()
        self.table = ClassTable(COLUMNS, CLASS, NOTES, [SOURCE], USE, MIN_TABLE_CHARACTERS)
        self.table.setIconSize(QSize(THUMBNAIL_PX, THUMBNAIL_PX))
        self.table.setMinimumHeight(300)
        self.table.setToolTip(
            "Click a class or source to change it, for all selected rows at once. Fields that are "
            "not checked are left out: neither opened nor used from the saved table."
        )
        self.table.edited.connect(self._edited)
        self.table.currentCellChanged.connect(lambda *_: self._show_about_field())
        self.about_field = text_label()
        self.open_button = button("Open checked fields", self.open_fields, "As a stack of layers.")
        self.save_button = path_button(
            "Save table...",
            self._ask_path,
            self.save,
            "A CSV of image, class and source, which says which fields are used. Scan it or train "
            "from it in place of the folder.",
        )
        self.fill(
            group("Folder", self.folder_edit),
            group("Fields", self.table, self.about_field),
            group("Findings", self.findings),
            actions=[row(self.open_button, self.save_button), self.run],
        )
        self._guard = CloseGuard(
            self,
            "Data set",
            lambda: "The changes in the table are not saved. Save before closing?",
            lambda: self._unsaved,
            self.save_button.click,
            self._discard,
        )
        self._show_state()

    def _discard(self) -> None:
        self._unsaved = False

    def _show_state(self) -> None:
        for made in (self.open_button, self.save_button):
            made.setEnabled(self.collection is not None)

    def _choose(self, folder: Path) -> None:
        if self._may_leave():
            self.set_folder(folder)
        else:
            self.folder_edit.line.setText(self._folder)

    def _may_leave(self) -> bool:
        """Ask the user whether changes that are not saved may be lost."""
        if not self._unsaved:
            return True
        answer = QMessageBox.question(
            self, "Data set", "The changes in the table are not saved. Discard them?"
        )
        return answer == QMessageBox.StandardButton.Yes

    def set_folder(self, folder: Path) -> None:
        """Look through a folder, or the fields of a table, in a thread."""
        self._folder = str(folder)
        self.folder_edit.line.setText(self._folder)
        self.collection = None
        self._unsaved = False
        self._audit_timer.stop()
        self._audit_task.cancel()
        self.table.setRowCount(0)
        self.findings.setText("")
        self._show_state()

        def work(emit: Emit, should_stop: ShouldStop) -> None:
            for part in look_through(folder, progress_callback(emit, should_stop)):
                if should_stop():
                    raise Stopped
                emit(Event("message", result=part))
                if isinstance(part, Thumbnail):
                    emit(Event("progress", fraction=part.fraction))

        def heard(event: Event) -> None:
            if isinstance(event.result, Found | Thumbnail):
                self._show(event.result)

        self.task.start(work, lambda _: self._say_counts(), begun="Scanning...", heard=heard)

    def _show(self, part: Found | Thumbnail) -> None:
        if isinstance(part, Found):
            self._show_found(part)
        else:
            self.table.set_icon(part.row, USE, picture_icon(part.pixels))

    def _show_found(self, found: Found) -> None:
        collection = found.collection
        if self.collection is None:
            self.collection, self._rows = collection, rows_of(collection)
            self.table.setRowCount(len(self._rows))
            used = {f.path for f in collection.fields}
            for number, shown in enumerate(self._rows):
                self._fill_row(number, shown, shown.path in used)
            self.run.say(describe(collection))
            self._show_state()
        for number, shown in enumerate(self._rows):
            note = "; ".join(found.notes.get(collection.label(shown), ()))
            self.table.set_text(number, NOTES, note)
        self._show_about_field()
        warnings = [
            *(w for w in self.collection.warnings if w != self._about_classes(self.collection)),
            self._about_classes(collection),
        ]
        self.findings.setText("\n\n".join([*filter(None, warnings), *found.sentences]))

    @staticmethod
    def _about_classes(collection: Collection) -> str:
        return warn_of_missing_classes(collection.fields)

    def _fill_row(self, number: int, shown: Field, used: bool) -> None:
        texts = (shown.name, shown.class_name or NO_CLASS, shown.source)
        for column, text in enumerate(texts):
            self.table.set_text(number, column, text, checked=used)
        self.table.setRowHeight(number, THUMBNAIL_PX + 4)

    def _show_about_field(self) -> None:
        """Say below the table what its columns have no room for: the masks and all notes."""
        number = self.table.currentRow()
        self.about_field.setVisible(number >= 0)
        if number < 0:
            self.about_field.setText("")
            return
        shown, notes = self._rows[number], self.table.text(number, NOTES)
        masks = f"masks: {', '.join(sorted(shown.mask_kinds)) or 'none'}"
        self.about_field.setText(f"{shown.name}: {'; '.join(filter(None, (masks, notes)))}.")

    def _edited(self, rows: list[int], column: int) -> None:
        self._unsaved = True
        if column == SOURCE and self.collection is not None:
            for number in rows:
                if not self.table.text(number, SOURCE):  # not known: a source of its own
                    own = Path(self.collection.label(self._rows[number])).with_suffix("")
                    self.table.set_text(number, SOURCE, own.as_posix())
        self._say_counts()
        self._audit_timer.start()

    def _say_counts(self) -> None:
        with self.task.reporting():
            self.run.say(describe(self.edited()))

    def _audit(self) -> None:
        """Look for what is odd about the fields as they are in the table now."""
        if self.task.busy:  # looks through the folder still
            self._audit_timer.start()
            return
        with self.task.reporting():
            edited = self.edited()
            self._audit_task.start(
                lambda emit, should_stop: audit_found(
                    edited, notes_of(edited), progress_callback(emit, should_stop)
                ),
                self._show_found,
            )

    def edited(self) -> Collection:
        """Return the fields that are checked, with the classes and sources of the table.

        Raises
        ------
        MarrowError
            When none is checked, or there is no folder.
        """
        if self.collection is None:
            raise MarrowError("No folder is chosen; choose one first.")
        parts: dict[bool, list[Field]] = {True: [], False: []}
        for number, shown in enumerate(self._rows):
            row = replace(
                shown,
                class_name=self.table.text(number, CLASS) or None,
                source=self.table.text(number, SOURCE) or shown.source,
            )
            parts[self.table.is_checked(number)].append(row)
        if not parts[True]:
            raise MarrowError("No field is checked; check those that are wanted.")
        return replace(self.collection, fields=tuple(parts[True]), left_out=tuple(parts[False]))

    def save(self, path: Path) -> None:
        """Save the table as a CSV that ``scan`` and ``train`` read in place of the folder."""
        path = path if path.suffix.lower() == ".csv" else path.with_name(path.name + ".csv")
        with self.task.reporting():
            edited = self.edited()
            about_others = write_table(edited, path)
            self._unsaved = False
            changed = take_saved(edited, path, self.viewer.layers)
            said = [describe(edited), f"Saved as {path}.", *about_others]
            if changed:
                said.append(
                    f"What was changed counts at once in the open layers {listed(changed)}."
                )
            if others := other_classes(edited, self.viewer.layers):
                said.append(
                    f"Another class that was given in the viewer still counts: {listed(others)}."
                )
            self.run.say(" ".join(said))

    def _ask_path(self) -> str:
        start = suggested_table(self.collection) if self.collection else SAVED
        return QFileDialog.getSaveFileName(self, "Save table", str(start), "Table (*.csv)")[0]

    def open_fields(self) -> None:
        """Open the checked fields in the viewer, with their masks, as one stack."""
        from napari.layers import Layer

        from napari_marrow.data.fields import usable
        from napari_marrow.viewer.behaviours.opening import prepare_viewer
        from napari_marrow.viewer.make.layers import collection_layers

        with self.task.reporting():
            layers = collection_layers(usable(self.edited()))
            prepare_viewer(layers, self.viewer)
            for data in layers:
                self.viewer.add_layer(Layer.create(*data))


def look_through(folder: Path, progress: Progress = ignore) -> Iterator[Found | Thumbnail]:
    """Find the fields of a folder, then their thumbnails, then the findings of the audit."""
    with importing:
        import napari_marrow.audit.audit  # noqa: F401 - takes a second

    collection = scan(folder, progress)
    rows = rows_of(collection)
    notes = notes_of(collection)
    yield Found(collection, notes={name: [*own] for name, own in notes.items()})
    for number, shown in enumerate(rows):
        try:
            yield Thumbnail(number, thumbnail(shown), (number + 1) / len(rows))
        except MarrowError:  # beyond the header, which is all that the scan reads
            own = notes.setdefault(collection.label(shown), [])
            own[:0] = [] if DAMAGED in own else [DAMAGED]
    yield audit_found(collection, notes, progress)


def rows_of(collection: Collection) -> list[Field]:
    """Return the fields in the order of the table: those that are left out in their places."""
    if not collection.left_out:
        return list(collection.fields)
    return sorted(collection.all_fields, key=lambda f: natural_key(collection.label(f)))


def audit_found(collection: Collection, notes: dict[str, list[str]], progress: Progress) -> Found:
    """Return the findings of the audit, and the notes with what they say of each field."""
    from napari_marrow.audit.audit import audit

    audited = audit(collection, progress)
    for finding in audited.findings:
        # What is true of the whole collection would only fill the column.
        for name in () if finding.kind.endswith(ABOUT_CLASSES) else finding.files:
            notes.setdefault(name, []).append(finding.kind.replace("-", " "))
    sentences = audited.sentences
    if not audited.acquisitions.association.holds:
        sentences = (*sentences, audited.acquisitions.sentence)
    return Found(collection, sentences, notes)


def thumbnail(shown: Field) -> NDArray[np.uint8]:
    """Return a copy of a field of at most :data:`THUMBNAIL_PX` a side, (height, width, 3)."""
    image = shown.open()
    step = max(1, -(-max(image.shape[:2]) // THUMBNAIL_PX))
    return np.ascontiguousarray(image[::step, ::step])
