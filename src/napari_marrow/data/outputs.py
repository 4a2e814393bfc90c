"""Refuse an output that would replace a file that is read, or one that this program did not write.

Each kind of output says how an existing file or folder is recognised as an older result of its own.
:mod:`.atomic` asks before it begins, so that every writer is checked before any work.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from napari_marrow.data.csv_table import columns
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection

SOFTWARE = "napari-marrow"


def _never(path: Path) -> bool:
    return False


@dataclass(frozen=True)
class FileKind:
    """A kind of file that this program writes.

    Attributes
    ----------
    name
        What it is called in messages, with its article.
    is_ours
        Whether an existing file is certainly an older one: it is replaced.
    resembles_ours
        Whether it is one that was edited since, say: it is replaced with ``force`` only.
    """

    name: str
    is_ours: Callable[[Path], bool] = _never
    resembles_ours: Callable[[Path], bool] = _never

    def problem(self, path: Path, force: bool) -> str:
        """Return why an existing file must stay, or an empty text."""
        if path.is_dir():
            return "is a folder; choose the name of a file for the output"
        if self.is_ours(path) or (force and self.resembles_ours(path)):
            return ""
        if self.resembles_ours(path):
            return f"is there already; choose another name, or replace {self.name} with --force"
        return (
            f"is there already and is not {self.name} written by napari-marrow; choose another "
            "name, or remove it"
        )


@dataclass(frozen=True)
class FolderKind:
    """A kind of folder that this program writes as a whole.

    Attributes
    ----------
    name
        What it is called in messages, with its article.
    own_files
        Gives the files in an existing folder that this program wrote, relative to it and with
        slashes; none where it is not such a folder. A folder with others is not replaced.
    top_level
        With ``force``, files that were added below these names are no obstacle.
    """

    name: str
    own_files: Callable[[Path], Set[str]]
    top_level: Container[str] = ()

    def problem(self, path: Path, force: bool) -> str:
        """Return why an existing folder must stay, or an empty text."""
        if not path.is_dir():
            return "is there already and is no folder; choose another name for the output"
        own = self.own_files(path)
        added = [p.relative_to(path) for p in sorted(path.rglob("*")) if not p.is_dir()]
        added = [p for p in added if p.as_posix() not in own]
        if force and own:
            added = [p for p in added if p.parts[0] not in self.top_level]
        if not added:
            return ""
        return (
            f"is there already and holds other files, such as {added[0].as_posix()}; choose "
            "another name for the output"
        )


NEW_FILE = FileKind("a file")
NEW_FOLDER = FolderKind("a folder", lambda path: frozenset())


def check_outputs(
    kinds: Mapping[Path, FileKind | FolderKind],
    inputs: Iterable[Path] = (),
    force: bool = False,
) -> None:
    """Refuse outputs that would replace something that has to stay.

    Parameters
    ----------
    kinds
        What is going to be written, by its path.
    inputs
        Files that are read; of a folder, all files in it. Links and other spellings are the same.
    force
        Replace what resembles an older output of the kind; never an input.

    Raises
    ------
    MarrowError
        Naming the output.
    """
    there = {path: kind for path, kind in kinds.items() if _exists(path)}
    if not there:
        return
    read = {_identity(path): path for path in _files(inputs)}
    for path, kind in there.items():
        replaced = read.get(_identity(path)) if path.exists() else None
        if path.is_dir() and isinstance(kind, FolderKind):
            top = path.resolve()
            replaced = next((p for p in read.values() if p.resolve().is_relative_to(top)), None)
        if replaced is not None:
            raise MarrowError(
                f"{path} would replace {replaced}, which is read; choose another name for the "
                "output."
            )
        if problem := kind.problem(path, force):
            raise MarrowError(f"{path} {problem}.")


def _exists(path: Path) -> bool:
    """Whether there is something at a path, be it a link to nothing."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True  # a name that the system refuses raises OSError


def _files(inputs: Iterable[Path]) -> Iterator[Path]:
    for path in inputs:
        yield from (p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


def _identity(path: Path) -> tuple[int, int] | Path:
    """Return what is the same for all links to a file and all spellings of its path."""
    try:
        status = path.stat()
    except OSError:  # an input that is gone can't be replaced
        return path
    return status.st_dev, status.st_ino


def input_files(collections: Iterable[Collection], *others: Path | None) -> list[Path]:
    """Return the files of collections (photographs, masks, labels, tables), and others."""
    found = [path for path in others if path is not None]
    for collection in collections:
        found += collection.tables
        for field in collection.fields:
            found += (field.path, *field.mask_files, *([field.labels] if field.labels else ()))
    return found


def table_kind(
    name: str, first: Sequence[str], without: Sequence[str] = (), last: str | None = None
) -> FileKind:
    """Return the kind of a CSV with certain columns.

    Parameters
    ----------
    name
        Of the kind.
    first
        The columns that such a table begins with; a table that was edited still has them somewhere.
    without
        Columns of other tables that begin likewise.
    last
        The last column, where that is known.
    """

    def is_ours(path: Path) -> bool:
        try:
            with open(path, newline="", encoding="utf-8") as file:
                header = next(csv.reader(file), [])
        except (OSError, UnicodeError, csv.Error):
            return False
        complete = header[: len(first)] == list(first) and not set(without) & set(header)
        return complete and last in (None, header[-1])

    def resembles_ours(path: Path) -> bool:
        found = set(columns(path))
        needed = {*first, *([last] if last else ())}
        return needed <= found and not found & set(without)

    return FileKind(name, is_ours, resembles_ours)


def png_kind(name: str) -> FileKind:
    """Return the kind of a PNG that :func:`save_png` marked with this name."""

    def is_ours(path: Path) -> bool:
        try:
            with Image.open(path) as picture:
                marks = picture.info if picture.format == "PNG" else {}
        except (OSError, ValueError, SyntaxError):
            return False
        return (marks.get("Software"), marks.get("Description")) == (SOFTWARE, name)

    return FileKind(name, is_ours)


def save_png(picture: Image.Image, path: Path, kind: FileKind) -> None:
    """Write a PNG with the mark by which it is known as this program's own."""
    marks = PngInfo()
    marks.add_text("Software", SOFTWARE)
    marks.add_text("Description", kind.name)
    picture.save(path, pnginfo=marks)
