"""Rows of a CSV that a person saved, with any common separator and encoding."""

from __future__ import annotations

import codecs
import csv
import io
import re
from pathlib import Path

from napari_marrow.data.errors import MarrowError

_SEPARATORS = ",;\t"
MAX_HEADER_BYTES = 64 * 1024


def read_rows(table: Path) -> list[dict[str, str]]:
    """Read the rows by column, without the space around their texts; a missing one is empty.

    Columns may be separated by commas, semicolons or tabs; their names are in small letters.

    Raises
    ------
    MarrowError
        When the table is not there or is no CSV in UTF-8, UTF-16 or Windows-1252.
    """
    try:
        text = _decode(table.read_bytes(), errors="strict")
        rows = list(csv.reader(io.StringIO(text), delimiter=_separator(text)))
    except FileNotFoundError:
        raise MarrowError(f"{table} is not there; check the name.") from None
    except (OSError, UnicodeError, csv.Error) as error:
        raise MarrowError(f"{table} can't be read as CSV; save it as UTF-8 CSV.") from error
    names = [name.strip().lower() for name in rows[0]] if rows else []
    filled = [row for row in rows[1:] if any(text.strip() for text in row)]
    return [
        {name: row[k].strip() if k < len(row) else "" for k, name in enumerate(names) if name}
        for row in filled
    ]


def columns(table: Path) -> tuple[str, ...]:
    """Read the names of a table's columns, in small letters; none where the file is no table."""
    try:
        with open(table, "rb") as file:
            text = _decode(file.read(MAX_HEADER_BYTES), errors="replace")
        header = next(csv.reader(io.StringIO(text), delimiter=_separator(text)), [])
    except (OSError, csv.Error):
        return ()  # some other program's file
    return tuple(name.strip().lower() for name in header)


def _decode(content: bytes, errors: str) -> str:
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig", errors)
    except UnicodeDecodeError:
        text = content.decode("cp1252")  # Excel's "CSV" where Windows speaks a western language
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(r'^"?sep=(.)"?\n', "", text)  # Excel's note of the separator


def _separator(text: str) -> str:
    """Return what the first line has most of: programs of some countries write semicolons."""
    header = text.partition("\n")[0]
    return max(_SEPARATORS, key=header.count)
