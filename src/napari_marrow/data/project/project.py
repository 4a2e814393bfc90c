"""An open project: its folder, which one program at a time may change, and what is in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from napari_marrow.data.atomic import atomic_folder
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.project.annotations import (
    Action,
    Annotations,
    Change,
    ClassColour,
    Entry,
)
from napari_marrow.data.project.journal import append, drop_unfinished, read_journal

HEADER, JOURNAL, LOCK, MODELS = "project.json", "journal.jsonl", ".lock", "models"
SCHEMA = 1
"""Version of the files of a project."""


def is_project(folder: Path) -> bool:
    """Return whether a folder is a project, of any version."""
    return (folder / HEADER).is_file() and (folder / JOURNAL).is_file()


class Project:
    """A project that this program has open, with all annotations; another can't open it meanwhile.

    Parameters
    ----------
    folder
        That :meth:`create` made.

    Attributes
    ----------
    folder
        Where it is.
    entries
        All that was done, in order.
    annotations
        What cells have now.

    Raises
    ------
    MarrowError
        When the folder is no project or one of a newer version, is open elsewhere, or its journal
        is damaged.
    """

    def __init__(self, folder: Path):
        self.folder = folder = Path(folder).resolve()
        _check_header(folder)
        self._lock = FileLock(folder / LOCK)
        self._done, self._taken_back = list[int](), list[int]()  # what undo and redo go by
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise MarrowError(
                f"{folder} is open in another window or program; close it there first."
            ) from error
        except OSError as error:
            raise MarrowError(
                f"{folder} can't be written: {error.strerror}; give yourself permission or copy it."
            ) from error
        try:
            self.entries = read_journal(folder / JOURNAL)
            for entry in self.entries[1:]:  # the first names the classes
                self._note(entry)
            drop_unfinished(folder / JOURNAL)
        except IndexError as error:
            self.close()
            raise MarrowError(
                f"{folder / JOURNAL} takes back more than was done; put a copy of it in its place."
            ) from error
        except BaseException:  # Ctrl-C too: the folder is let go, and it is raised again
            self.close()
            raise
        self.annotations = Annotations().after(self.entries)

    @classmethod
    def create(cls, folder: Path, classes: Sequence[ClassColour]) -> Project:
        """Make a new project with these classes, and open it.

        Raises
        ------
        MarrowError
            When something is there already, or the folder can't be made.
        """
        with atomic_folder(folder) as part:
            (part / MODELS).mkdir()
            (part / JOURNAL).touch()
            (part / HEADER).write_text(json.dumps({"schema": SCHEMA}), encoding="utf-8")
        project = cls(folder)
        project.record("classes", classes=classes)
        return project

    def close(self) -> None:
        """Let others open it; nothing can be recorded any more."""
        self._lock.release()

    @property
    def models(self) -> Path:
        """The folder of the models that were made from it."""
        return self.folder / MODELS

    def record(
        self,
        action: Action,
        changes: Iterable[Change] = (),
        *,
        classes: Sequence[ClassColour] | None = None,
        of: int | None = None,
    ) -> Annotations:
        """Write down what was done, and return what cells have after it.

        Nothing may be shown before this returns: what was shown must be found again.

        Raises
        ------
        MarrowError
            When it can't be written; then nothing has changed.
        """
        if not self._lock.is_locked:
            raise MarrowError(f"{self.folder} was closed; open it again.")
        when = datetime.now(UTC).isoformat(timespec="milliseconds")
        named = None if classes is None else tuple(classes)
        entry = Entry(self.annotations.number + 1, when, action, tuple(changes), named, of)
        append(self.folder / JOURNAL, entry)
        if self.entries:
            self._note(entry)
        self.entries.append(entry)
        self.annotations = self.annotations.after([entry])
        return self.annotations

    def at(self, number: int) -> Annotations:
        """Return the annotations as they were after an entry; 0 is before the first.

        Raises
        ------
        MarrowError
            When there is no such entry.
        """
        if not 0 <= number <= len(self.entries):
            raise MarrowError(
                f"{self.folder} has no entry {number}; choose one from 0 to {len(self.entries)}."
            )
        return Annotations().after(self.entries[:number])

    def restore(self, number: int) -> Annotations:
        """Bring back the annotations as they were after an entry; what came later stays known."""
        then = self.at(number)
        classes = then.classes if then.classes != self.annotations.classes else None
        return self.record("restore", self.annotations.changes_to(then), classes=classes, of=number)

    @property
    def undoable(self) -> int | None:
        """The number of the entry that :meth:`undo` takes back; None where there is none."""
        return self._done[-1] if self._done else None

    @property
    def redoable(self) -> int | None:
        """The number of the entry that :meth:`redo` does again; None where there is none."""
        return self._taken_back[-1] if self._taken_back else None

    def undo(self) -> Annotations:
        """Take back the last thing done that was not taken back, also of an earlier session."""
        number = self.undoable
        if number is None:
            return self.annotations
        entry = self.entries[number - 1]
        changes = [change.reversed for change in reversed(entry.changes)]
        classes = None if entry.classes is None else self.at(number - 1).classes
        return self.record("undo", changes, classes=classes, of=number)

    def redo(self) -> Annotations:
        """Do again what was taken back last, where nothing else was done since."""
        number = self.redoable
        if number is None:
            return self.annotations
        entry = self.entries[number - 1]
        return self.record("redo", entry.changes, classes=entry.classes, of=number)

    def _note(self, entry: Entry) -> None:
        """Note what can be taken back, and what can be done again, after an entry."""
        if entry.action == "undo":
            self._taken_back.append(self._done.pop())
        elif entry.action == "redo":
            self._done.append(self._taken_back.pop())
        else:
            self._done.append(entry.number)
            self._taken_back.clear()


def _check_header(folder: Path) -> None:
    if not is_project(folder):
        raise MarrowError(f"{folder} is no project; choose a folder that holds {HEADER}.")
    try:
        schema = json.loads((folder / HEADER).read_bytes())["schema"]
        is_newer = schema > SCHEMA
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise MarrowError(
            f"{folder / HEADER} is damaged; put a copy of the file in its place."
        ) from error
    if is_newer:
        raise MarrowError(
            f"{folder} is of a newer version of napari-marrow; update napari-marrow to open it."
        )
