"""A table of classes: a CSV with the columns ``image,class[,source]``."""

from __future__ import annotations

import csv
import dataclasses
import io
import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from napari_marrow.data.atomic import atomic_file
from napari_marrow.data.csv_table import columns, read_rows
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.images import is_image_name
from napari_marrow.data.layouts.folders import snam_root, with_all_idb_masks
from napari_marrow.data.layouts.listing import (
    fields_of_files,
    images_in,
    list_folder,
    listed,
    sort_files,
)
from napari_marrow.data.layouts.paired_masks import find_paired_masks
from napari_marrow.data.layouts.sources import warn_of_missing_originals
from napari_marrow.data.outputs import FileKind, input_files

SAVED = "fields.csv"
"""The name that the widget gives the table it saves."""
COLUMNS = ("image", "class", "source")


def find_class_table(folder: Path) -> Path | None:
    """Find the table of a folder: the one that this plugin saves, or one beside photographs.

    Raises
    ------
    MarrowError
        When there are several beside the photographs.
    """
    for place in dict.fromkeys((folder, snam_root(folder))):
        if _names_images(place / SAVED):
            return place / SAVED
    tables = [p for p in list_folder(folder) if p.suffix.lower() == ".csv" and _names_images(p)]
    if not tables or not images_in(folder):
        return None
    if len(tables) > 1:
        names = listed([p.name for p in tables])
        raise MarrowError(
            f"{folder} holds several tables of classes ({names}); name the one to use."
        )
    return tables[0]


def _names_images(path: Path) -> bool:
    names = columns(path)
    return {"image", "class"} <= set(names) and not _holds_predictions(names)


def _holds_predictions(columns: Iterable[str]) -> bool:
    """Whether a table has the columns of a model's predictions, which are no truth."""
    return any(name.startswith("probability_") for name in columns)


def fields_of_table(table: Path) -> Collection:
    """Return the fields that a table names, with the masks found beside them.

    ``image`` is a path relative to the table's folder, with or without its suffix. An empty class
    means that it is not known; without the column ``source``, or where it is empty, the source is
    the photograph itself.

    Raises
    ------
    MarrowError
        When the table has other columns or is one of predictions, names a photograph twice or one
        that is not there.
    """
    rows = _read_rows(table)
    root = table.parent
    paths = _find_photographs(root, [row["image"] for row in rows])
    twice = [path.name for path, count in Counter(paths).items() if count > 1]
    if twice:
        raise MarrowError(f"{table} names {listed(twice)} more than once; keep one row each.")
    missing = [row["image"] for row, path in zip(rows, paths, strict=True) if not path.is_file()]
    if missing:
        raise MarrowError(f"{table} names {listed(missing)}, which is not there; check the names.")
    warnings: list[str] = []
    known = _fields_beside(root, paths, warnings)
    fields, without_source = [], []
    for row, path in zip(rows, paths, strict=True):
        if path not in known:
            raise MarrowError(f"{table} names {row['image']}, which is a mask or no image.")
        source = row.get("source") or known[path].source
        fields.append(
            dataclasses.replace(known[path], source=source, class_name=row["class"] or None)
        )
        if not row.get("source"):
            without_source.append(known[path])
    warnings += warn_of_missing_originals(root, without_source)
    left = len(known.keys() - set(paths))
    if left:
        what = "photograph here is" if left == 1 else "photographs here are"
        warnings.append(
            f"{left} {what} not named in {table.name} and left out; add what is missing, or remove "
            "the table to see all."
        )
    return Collection(root, tuple(fields), tuple(warnings), tables=(table,))


def _read_rows(table: Path) -> list[dict[str, str]]:
    rows = read_rows(table)
    if rows and _holds_predictions(rows[0]):
        raise MarrowError(f"{table} is a table of predictions; name one of true classes.")
    if not rows or not all(row.get("image") and "class" in row for row in rows):
        raise MarrowError(f"{table} needs the columns image and class, and an image in every row.")
    return rows


def _find_photographs(root: Path, names: list[str]) -> list[Path]:
    """Find the files that a table names.

    Its names may lack the suffix, be written as in Windows, or with other capitals.
    """
    by_name: dict[Path, dict[str, list[Path]]] = {}
    paths = []
    for name in names:
        spellings = (root / name, root / name.replace("\\", "/"))
        path = next((p for p in spellings if p.is_file()), None)
        if path is None:
            path = spellings[1]
            if path.parent not in by_name:
                by_name[path.parent] = _photographs_by_name(path.parent)
            same = by_name[path.parent].get(path.name.lower(), [])
            path = same[0] if len(same) == 1 else path
        paths.append(path)
    return paths


def _photographs_by_name(folder: Path) -> dict[str, list[Path]]:
    """Return the photographs of a folder by their names and their stems, in small letters."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sort_files(folder).photographs:
        for name in {path.name.lower(), path.stem.lower()}:
            found[name].append(path)
    return found


def _fields_beside(root: Path, paths: list[Path], warnings: list[str]) -> dict[Path, Field]:
    """Return what the layouts find of the photographs: their masks above all."""
    fields = [f for found in find_paired_masks(root) for f in found.fields]
    known = {f.path for f in fields}
    for folder in dict.fromkeys(p.parent for p in paths if is_image_name(p) and p not in known):
        fields += fields_of_files(root, None, sort_files(folder), warnings)
    return {f.path: f for f in with_all_idb_masks(root, fields)}


def write_table(collection: Collection, table: Path) -> None:
    """Write the fields of a collection as a table that :func:`fields_of_table` reads back.

    Raises
    ------
    MarrowError
        When a photograph is not below the table's folder, or it can't be written.
    """
    rows = []
    for f in collection.fields:
        name = _name_below(table.parent, f.path)
        if name is None:
            raise MarrowError(
                f"{table} must lie above all its photographs, and {f.path} is elsewhere; "
                f"save the table in {collection.root}."
            )
        if not name.isprintable() or name != name.strip():
            raise MarrowError(
                f"{f.path} has a name that no table can hold; rename the file or its folder."
            )
        rows.append((name, f.class_name or "", f.source))
    # the table that was saved before may be read and replaced
    read = [path for path in input_files([collection]) if path.name != SAVED]
    with (
        atomic_file(table, FIELD_TABLE, read) as part,
        open(part, "w", newline="", encoding="utf-8") as file,
    ):
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])


def _is_saved_table(path: Path) -> bool:
    """Whether a table has exactly the columns and the form that :func:`write_table` gives it."""
    try:
        text = path.read_bytes().decode("utf-8")
        header, *rows = csv.reader(io.StringIO(text, newline=""))
    except (OSError, ValueError, csv.Error):
        return False
    complete = all(len(row) == 3 and is_image_name(Path(row[0])) and row[2] for row in rows)
    again = io.StringIO(newline="")
    csv.writer(again, lineterminator="\n").writerows([header, *rows])
    return tuple(header) == COLUMNS and complete and again.getvalue() == text


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
