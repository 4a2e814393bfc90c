"""The table of fields that this program saves in a folder: writing it, finding it, reading it."""

from __future__ import annotations

import csv
import io
import itertools
import os
from collections.abc import Container, Iterable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TypeAlias

from napari_marrow.data.atomic import atomic_file
from napari_marrow.data.errors import LeftOutError, MarrowError
from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.images import is_image_name
from napari_marrow.data.layouts.class_table import fields_of_table
from napari_marrow.data.layouts.folders import snam_root
from napari_marrow.data.layouts.listing import (
    name_below,
    natural_key,
    passed_over,
    with_passed_over,
)
from napari_marrow.data.layouts.named_files import find_photographs
from napari_marrow.data.layouts.names import source_of_name
from napari_marrow.data.layouts.table_above import MAX_LEVELS_ABOVE
from napari_marrow.data.layouts.table_files import SAVED, folders_inside, is_saved_table
from napari_marrow.data.layouts.together import own_source, scope_of
from napari_marrow.data.outputs import FileKind, csv_encoding
from napari_marrow.data.text import counted, listed, printable

COLUMNS = ("image", "class", "source")
MORE_COLUMNS = ("acquisition", "use")
"""Written where one is known, and where a photograph is not used: each may be there or not."""
USED, NOT_USED = "yes", "no"
Row: TypeAlias = tuple[str, str, str, str, str]
"""The image, its class, source and acquisition, and whether it is used."""


def read_saved_table(folder: Path) -> Collection | None:
    """Read the table of a folder that this plugin saved there, if there is one."""
    for place in dict.fromkeys((folder, snam_root(folder))):
        if is_saved_table(place / SAVED):
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
        if not is_saved_table(above / SAVED):
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


def with_saved_tables_below(found: Collection, folder: Path) -> Collection:
    """Let the saved tables in folders below ``folder`` count, each for all in its folder.

    A source that is only the photograph's own name in such a table stays what it is without it, as
    another folder may have that name, too.
    """
    faults: dict[Path, str] = {}
    parts: dict[Path, Collection] = {}
    known = {f.path: f for f in found.all_fields}
    folders = {path.parent for path in known}
    if found.tables:  # these may not name the photographs of all folders
        folders.update(folders_inside(folder))
    for table in (t for t in _tables_between(folder, folders) if t not in found.tables):
        place = table.parent
        try:
            parts[place] = fields_of_table(table, folder)
        except LeftOutError as error:
            inside = tuple(f for f in known.values() if f.path.is_relative_to(place))
            parts[place] = Collection(place, (), (str(error),), (table,), inside)
        except MarrowError as error:
            faults[table] = passed_over(table, error)

    @cache
    def nearest(above: Path) -> Path | None:
        return next((p for p in (above, *above.parents) if p in parts), None)

    fields = [f for f in found.fields if nearest(f.path.parent) is None]
    left_out = [f for f in found.left_out if nearest(f.path.parent) is None]
    for place, part in parts.items():
        own = {
            own_source(place, f): known[f.path].source if f.path in known else own_source(folder, f)
            for f in part.all_fields
        }
        for kept, new in ((fields, part.fields), (left_out, part.left_out)):
            for f in (f for f in new if nearest(f.path.parent) == place):
                whole = known.get(f.path, f)  # with masks in other folders
                source = own.get(f.source, f.source)
                acquisition = f.acquisition or whole.acquisition
                kept.append(
                    replace(whole, class_name=f.class_name, source=source, acquisition=acquisition)
                )
    order = {path: k for k, path in enumerate(known)}
    fields.sort(key=lambda f: order.get(f.path, len(order)))
    found = replace(
        found,
        fields=tuple(fields),
        left_out=tuple(left_out),
        warnings=(*found.warnings, *(w for part in parts.values() for w in part.warnings)),
        tables=(*found.tables, *(t for part in parts.values() for t in part.tables)),
    )
    return with_passed_over(found, faults)


def write_table(collection: Collection, table: Path) -> list[str]:
    """Write the fields of a collection as a table that :func:`fields_of_table` reads back.

    Rows of a table that was saved there before stay, where their photographs are not in the
    collection: in another folder, say, or not there for the moment. Saved tables in folders below,
    which would count before this one, get the rows of their photographs, too. The columns
    ``acquisition`` and ``use`` are there only if one is known, and if fields are left out.

    Parameters
    ----------
    collection, table
        The fields, and the CSV.

    Returns
    -------
    list of str
        Sentences about the rows that stay, and about the tables below.

    Raises
    ------
    MarrowError
        When a photograph is not below the table's folder, or it can't be written.
    """
    said = _write(collection, table)
    folders = {f.path.parent for f in collection.all_fields}
    for nearer in _tables_between(table.parent, folders) if table.name == SAVED else ():
        name = name_below(table.parent, nearer)
        if not FIELD_TABLE.is_ours(nearer):
            said.append(
                f"{name} still counts for its folder; move it away to use this table there."
            )
            continue
        fields, left_out = (
            tuple(f for f in part if f.path.is_relative_to(nearer.parent))
            for part in (collection.fields, collection.left_out)
        )
        _write(replace(collection, fields=fields, left_out=left_out), nearer)
        said.append(f"{name}, which counts for its folder, is changed, too.")
    return said


def _tables_between(above: Path, folders: Iterable[Path]) -> list[Path]:
    """List the saved tables in these folders and above them, below another, from top to bottom."""
    places = {place for folder in folders for place in (folder, *folder.parents)}
    below = [p for p in sorted(places) if _name_below(above, p) not in (None, ".")]
    return [p / SAVED for p in below if is_saved_table(p / SAVED)]


def _write(collection: Collection, table: Path) -> list[str]:
    """Write one table; return a sentence about the rows that stay."""
    new: dict[Path, Row] = {}
    names = {f.path: _name_in_table(f, table, collection) for f in collection.all_fields}
    scope = scope_of(collection)
    own = {own_source(scope, f): source_of_name(Path(names[f.path])) for f in collection.all_fields}
    for fields, use in ((collection.fields, USED), (collection.left_out, NOT_USED)):
        for f in fields:
            source = own.get(f.source, f.source)
            class_name = f.class_name or ""
            new[f.path.resolve()] = (names[f.path], class_name, source, f.acquisition, use)
    kept = _rows_besides(table, new)
    rows = [*new.values()]
    if kept:
        rows = sorted([*kept, *rows], key=lambda row: natural_key(row[0]))
    wanted = (True, True, True, any(row[3] for row in rows), any(r[4] == NOT_USED for r in rows))
    header, *shown = (
        [*itertools.compress(row, wanted)] for row in ((*COLUMNS, *MORE_COLUMNS), *rows)
    )
    text = _as_text(header, shown)
    with atomic_file(table, FIELD_TABLE) as part:
        part.write_text(text, encoding=csv_encoding(text), newline="")
    if not kept:
        return []
    what = counted(len(kept), "row of a photograph that is", "rows of photographs that are")
    return [f"{what} not shown here stay in {table.name}."]


def _rows_besides(table: Path, shown: Container[Path]) -> list[Row]:
    """Return the rows of a saved table about other photographs, or about none that is there."""
    older = _saved_rows(table) or []
    found = find_photographs(table.parent, [name for name, *_ in older])
    return [
        row
        for row, paths in zip(older, found, strict=True)
        if not any(path.resolve() in shown for path in paths)
    ]


def _name_in_table(field: Field, table: Path, collection: Collection) -> str:
    name = _name_below(table.parent, field.path)
    if name is None:
        raise MarrowError(
            f"{table} must lie above all its photographs, and {field.path} is elsewhere; "
            f"save the table in {collection.root}."
        )
    name = printable(name)
    if not name.isprintable() or name != name.strip():
        raise MarrowError(
            f"{field.path} has a name that no table can hold; rename the file or its folder."
        )
    return name


def suggested_table(collection: Collection) -> Path:
    """Return where the table of a collection belongs: in the one that was read, if we wrote it."""
    for table in reversed(collection.tables):
        above = _name_below(table.parent, collection.root) is not None
        if above and FIELD_TABLE.is_ours(table):
            return table
    return collection.root / SAVED


def _as_text(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table as CSV; quotes around the columns' names alone are how it is known as ours."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(header)
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _saved_rows(path: Path) -> list[Row] | None:
    """Return the rows of a table with exactly the columns and the form of :func:`write_table`."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        header, *rows = csv.reader(io.StringIO(text, newline=""))
    except (OSError, ValueError, csv.Error):
        return None
    more = [name for name in MORE_COLUMNS if name in header]
    if header != [*COLUMNS, *more] or _as_text(header, rows) != text:
        return None
    found: list[Row] = []
    for row in rows:
        if len(row) != len(header):
            return None
        values = dict(zip(header, row, strict=True))
        image, class_name, source = (values[name] for name in COLUMNS)
        use = values.get("use", USED)
        if not (is_image_name(Path(image)) and source and use in (USED, NOT_USED)):
            return None
        found.append((image, class_name, source, values.get("acquisition", ""), use))
    return found


FIELD_TABLE = FileKind("a table of fields", lambda path: _saved_rows(path) is not None)


def _name_below(folder: Path, path: Path) -> str | None:
    """Return the path relative to the folder, as it is called or, where links lead there, as is."""
    for top, inner in (
        (Path(os.path.abspath(folder)), Path(os.path.abspath(path))),
        (folder.resolve(), path.resolve()),
    ):
        if inner.is_relative_to(top):
            return inner.relative_to(top).as_posix()
    return None
