"""Refuse an output that would replace a file that is read, or one that this program did not write.

Each kind of output says how an existing file or folder is recognised as an older result of its own.
:mod:`.atomic` asks before it begins, so that every writer is checked before any work.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from napari_marrow.data.csv_table import columns
from napari_marrow.data.errors import EditedResultError, MarrowError
from napari_marrow.data.fields import Collection

if TYPE_CHECKING:
    import pandas as pd

SOFTWARE = "napari-marrow"
MARK_BYTES = 512
"""The mark of a PNG is within this beginning of the file."""


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

    def check(self, path: Path, force: bool) -> None:
        """Raise MarrowError where an existing file must stay."""
        if path.is_dir():
            raise MarrowError(f"{path} is a folder; choose the name of a file for the output.")
        if self.is_ours(path):
            return
        if not self.resembles_ours(path):
            raise MarrowError(
                f"{path} is there already and is not {self.name} written by napari-marrow; choose "
                "another name, or remove it."
            )
        if not force:
            raise EditedResultError(
                f"{path} is there already and may have been edited since; choose another name, or "
                "remove it."
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
        slashes, and whether each is as it was written: one that was edited since is replaced with
        ``force`` only. A folder with other files or folders, or with links, is never replaced.
    main_files
        Names of those that every such folder has: without one of them it may be anybody's.
    """

    name: str
    own_files: Callable[[Path], Mapping[str, bool]]
    main_files: tuple[str, ...] = ()

    def check_place(self, path: Path) -> None:
        """Raise MarrowError where a folder would lie in another of its kind, which it spoils."""
        for around in path.absolute().parents:
            if self.main_files and all((around / name).is_file() for name in self.main_files):
                raise MarrowError(
                    f"{path} would be inside {around}, which is {self.name}; choose another folder."
                )

    def check(self, path: Path, force: bool) -> None:
        """Raise MarrowError where an existing folder must stay."""
        if not path.is_dir():
            raise MarrowError(
                f"{path} is there already and is no folder; choose another name for the output."
            )
        own = self.own_files(path)
        folders = {parent.as_posix() for name in own for parent in PurePosixPath(name).parents}
        for found in sorted(path.rglob("*")):
            name = found.relative_to(path).as_posix()
            if found.is_symlink() or name not in (folders if found.is_dir() else own):
                raise MarrowError(
                    f"{path} is there already and holds other files or folders, such as {name}; "
                    "choose another name for the output."
                )
        missing = [name for name in self.main_files if own and name not in own]
        if missing:
            raise MarrowError(
                f"{path} is there already and is not {self.name} written by napari-marrow: "
                f"{missing[0]} is missing or another one; choose another name for the output."
            )
        edited = [name for name, as_written in own.items() if not as_written]
        if edited and not force:
            raise EditedResultError(
                f"{path} is there already and {edited[0]} was edited since; choose another name "
                "for the output, or remove it."
            )


NEW_FILE = FileKind("a file")
NEW_FOLDER = FolderKind("a folder", lambda path: {})


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
        Naming the output; EditedResultError where ``force`` would allow it.
    """
    for path, kind in kinds.items():
        if isinstance(kind, FolderKind):
            kind.check_place(path)
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
        kind.check(path, force)


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
        for field in collection.all_fields:
            found += (field.path, *field.mask_files, *([field.labels] if field.labels else ()))
    return found


def recognize(folder: Path, kinds: Mapping[str, FileKind]) -> dict[str, bool]:
    """Return the names of files that are of their kinds, and whether they are certainly ours."""
    states = {name: (kind, folder / name) for name, kind in kinds.items()}
    return {
        name: kind.is_ours(path)
        for name, (kind, path) in states.items()
        if path.is_file() and (kind.is_ours(path) or kind.resembles_ours(path))
    }


def csv_encoding(text: str) -> str:
    """Return the encoding of a CSV: spreadsheets need a byte order mark for more than ASCII."""
    return "utf-8" if text.isascii() else "utf-8-sig"


def write_csv(table: pd.DataFrame, path: Path, missing: str = "") -> None:
    """Write a table as CSV without its index."""
    text = table.to_csv(index=False, na_rep=missing)
    path.write_text(text, encoding=csv_encoding(text), newline="")


def table_kind(
    name: str,
    first: Sequence[str],
    numbers: str = "",
    last: Sequence[str] = (),
    without: Sequence[str] = (),
) -> FileKind:
    """Return the kind of a CSV with exactly these columns.

    A table that was edited still has the first and the last columns somewhere.

    Parameters
    ----------
    name
        Of the kind.
    first, last
        The columns that such a table begins and ends with.
    numbers
        Regular expression of all columns between these, which hold numbers: at least one.
    without
        Columns of other tables, which an edited one does not have.
    """

    def is_ours(path: Path) -> bool:
        try:
            with open(path, newline="", encoding="utf-8-sig") as file:
                rows = csv.reader(file)
                header = next(rows, [])
                end = len(header) - len(last)
                return (
                    tuple(header) == (*first, *header[len(first) : end], *last)
                    and bool(numbers) == (end > len(first))
                    and all(re.fullmatch(numbers, column) for column in header[len(first) : end])
                    and all(
                        len(row) == len(header) and all(map(_is_number, row[len(first) : end]))
                        for row in rows
                    )
                )
        except (OSError, UnicodeError, csv.Error):
            return False

    def resembles_ours(path: Path) -> bool:
        found = set(columns(path))
        return {*first, *last} <= found and not found & set(without)

    return FileKind(name, is_ours, resembles_ours)


def _is_number(text: str) -> bool:
    """Whether a text is a number, or nothing."""
    try:
        float(text or 0)
    except ValueError:
        return False
    return True


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


def is_own_png(path: Path) -> bool:
    """Whether a file is a PNG that :func:`save_png` marked, of any kind."""
    if path.suffix.lower() != ".png":
        return False
    try:
        with open(path, "rb") as file:
            return b"tEXtSoftware\0" + SOFTWARE.encode() in file.read(MARK_BYTES)
    except OSError:
        return False  # reported elsewhere


def save_png(picture: Image.Image, path: Path, kind: FileKind) -> None:
    """Write a PNG with the mark by which it is known as this program's own."""
    marks = PngInfo()
    marks.add_text("Software", SOFTWARE)
    marks.add_text("Description", kind.name)
    picture.save(path, pnginfo=marks)
