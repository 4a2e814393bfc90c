"""Rows of a CSV that a person made."""

from __future__ import annotations

import csv
from pathlib import Path

from napari_marrow.data.errors import MarrowError


def read_rows(table: Path) -> list[dict[str, str]]:
    """The rows by column, without the space around their texts; a missing one is empty.

    Raises
    ------
    MarrowError
        When the table is not there or is no UTF-8 CSV.
    """
    try:
        with open(table, newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        raise MarrowError(f"{table} is not there; check the name.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MarrowError(f"{table} can't be read as CSV; save it as UTF-8 CSV.") from error
    return [{k.strip(): (v or "").strip() for k, v in row.items() if k} for row in rows]
