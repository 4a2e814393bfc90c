"""The table of fields that this program saves in a folder: writing it, finding it, reading it."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from napari_marrow.data.atomic import atomic_file
from napari_marrow.data.errors import LeftOutError, MarrowError
from napari_marrow.data.fields import Collection
from napari_marrow.data.images import is_image_name
from napari_marrow.data.layouts.class_table import fields_of_table
from napari_marrow.data.layouts.folders import snam_root
from napari_marrow.data.layouts.listing import passed_over
from napari_marrow.data.layouts.table_above import MAX_LEVELS_ABOVE
from napari_marrow.data.layouts.table_files import is_field_table
from napari_marrow.data.outputs import FileKind, csv_encoding, input_files
from napari_marrow.data.text import listed, printable

SAVED = "fields.csv"
"""The name that the widget gives the table it saves."""
COLUMNS = ("image", "class", "source")
USE_COLUMN = "use"
"""Written where a photograph is not used; a table of version 0.1 has no such column."""
USED, NOT_USED = "yes", "no"


def read_saved_table(folder: Path) -> Collection | None:
    """Read the table of a folder that this plugin saved there, if there is one."""
    for place in dict.fromkeys((folder, snam_root(folder))):
        if is_field_table(place / SAVED):
            return fields_of_table(place / SAVED)
    return None


def read_table_above(place: Path, own: bool = False) -> tuple[Collection | None, dict[Path, str]]:
    """Return what a saved table above a folder says of the photographs in it.

    Parameters
    ----------
    place
        The folder.
    own
        Look in the folder itself, too.

    Returns
    -------
    Collection or None
        The fields by the nearest of :data:`MAX_LEVELS_ABOVE` tables which names any of them.
    dict of Path to str
        Nearer tables that can't be used, and why.

    Raises
    ------
    LeftOutError
        When a table leaves out all its photographs.
    """
    faults: dict[Path, str] = {}
    for above in [place, *place.parents][not own : MAX_LEVELS_ABOVE + 1]:
        if not is_field_table(above / SAVED):
            continue
        try:
            whole = fields_of_table(above / SAVED)
        except LeftOutError:
            raise
        except MarrowError as error:
            faults[above / SAVED] = passed_over(above / SAVED, error)
            continue
        parts = [
            tuple(f for f in part if f.path.is_relative_to(place))
            for part in (whole.fields, whole.left_out)
        ]
        if any(parts):
            names = listed([f.path.name for f in parts[1]])
            left = (f"{above / SAVED} leaves out {names}.",) if names else ()
            return Collection(place, parts[0], left, whole.tables, parts[1]), faults
    return None, faults


def write_table(collection: Collection, table: Path, inputs: Iterable[Path] = ()) -> None:
    """Write the fields of a collection as a table that :func:`fields_of_table` reads back.

    The column ``use`` is there only if fields are left out.

    Parameters
    ----------
    collection, table
        The fields, and the CSV.
    inputs
        Files that are read, beside those of the collection. The table that was saved before for
        this collection is read, too, and may be replaced.

    Raises
    ------
    MarrowError
        When a photograph is not below the table's folder, or it can't be written.
    """
    rows = []
    header = (*COLUMNS, *([USE_COLUMN] if collection.left_out else ()))
    uses = [*((f, USED) for f in collection.fields), *((f, NOT_USED) for f in collection.left_out)]
    for f, use in uses:
        name = _name_below(table.parent, f.path)
        if name is None:
            raise MarrowError(
                f"{table} must lie above all its photographs, and {f.path} is elsewhere; "
                f"save the table in {collection.root}."
            )
        name = printable(name)
        if not name.isprintable() or name != name.strip():
            raise MarrowError(
                f"{f.path} has a name that no table can hold; rename the file or its folder."
            )
        rows.append((name, f.class_name or "", f.source, use)[: len(header)])
    own = {path.resolve() for path in (*collection.tables, collection.root / SAVED)}
    known = (*input_files([collection]), *inputs)
    read = [path for path in known if path.name != SAVED or path.resolve() not in own]
    text = _as_text(header, rows)
    with atomic_file(table, FIELD_TABLE, read) as part:
        part.write_text(text, encoding=csv_encoding(text), newline="")


def _as_text(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table as CSV; quotes around the columns' names alone are how it is known as ours."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(header)
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _is_saved_table(path: Path) -> bool:
    """Whether a table has exactly the columns and the form that :func:`write_table` gives it."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        header, *rows = csv.reader(io.StringIO(text, newline=""))
    except (OSError, ValueError, csv.Error):
        return False
    has_use = tuple(header) == (*COLUMNS, USE_COLUMN)
    complete = all(
        len(row) == len(header)
        and is_image_name(Path(row[0]))
        and row[2]
        and (not has_use or row[3] in (USED, NOT_USED))
        for row in rows
    )
    return (has_use or tuple(header) == COLUMNS) and complete and _as_text(header, rows) == text


FIELD_TABLE = FileKind("a table of fields", _is_saved_table)


def _name_below(folder: Path, path: Path) -> str | None:
    """Return the path relative to the folder, as it is called or, where links lead there, as is."""
    for top, inner in (
        (Path(os.path.abspath(folder)), Path(os.path.abspath(path))),
        (folder.resolve(), path.resolve()),
    ):
        if inner.is_relative_to(top):
            return inner.relative_to(top).as_posix()
    return None
