"""The journal of a project: one line of JSON for each thing done, only ever added to.

A line is written, and handed to the disk, before anything of it is shown. A program that is killed
can leave at most the beginning of one line, which nobody has seen and which is dropped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.project.annotations import Entry

if TYPE_CHECKING:
    from pydantic import TypeAdapter


def read_journal(path: Path) -> list[Entry]:
    """Return all entries; the beginning of a last line that was never completed is left out.

    Raises
    ------
    MarrowError
        When the file can't be read, or a line is none of a journal or out of order.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MarrowError(f"{path} can't be read: {error.strerror}.") from error
    return list(_entries(path, content))


def _entries(path: Path, content: bytes) -> Iterator[Entry]:
    lines = content.split(b"\n")[:-1]  # what follows the last end of a line was not completed
    for number, line in enumerate(lines, 1):
        try:
            entry = _form().validate_json(line, strict=True)
        except ValueError as error:
            raise MarrowError(
                f"{path}: line {number} is damaged; put a copy of the file in its place, or remove "
                "the lines from there on."
            ) from error
        if entry.number != number:
            raise MarrowError(
                f"{path}: line {number} is entry {entry.number}, as lines were removed or added; "
                "put a copy of the file in its place, or remove the lines from there on."
            )
        yield entry


def append(path: Path, entry: Entry) -> None:
    """Add an entry, and wait until the disk has it.

    Raises
    ------
    MarrowError
        When it can't be written; then nothing of it stays.
    """
    line = _form().dump_json(entry, exclude_defaults=True) + b"\n"
    try:
        with path.open("ab", buffering=0) as file:
            start = file.tell()
            try:
                _write_all(file.fileno(), line)
                os.fsync(file.fileno())
            except OSError:
                file.truncate(start)
                raise
    except OSError as error:
        raise MarrowError(
            f"{path} can't be written: {error.strerror}; free some space or check the disk. What "
            "was annotated before is kept."
        ) from error


def _write_all(handle: int, content: bytes) -> None:
    while content:
        content = content[os.write(handle, content) :]


def drop_unfinished(path: Path) -> None:
    """Cut off the beginning of a last line that was never completed, before more is added."""
    with path.open("r+b") as file:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            file.truncate(whole)


@cache
def _form() -> TypeAdapter[Entry]:
    from pydantic import TypeAdapter

    return TypeAdapter(Entry)
