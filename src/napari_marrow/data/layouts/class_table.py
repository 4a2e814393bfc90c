"""A table says the class of every photograph: a CSV with the columns ``image,class[,source]``."""

from __future__ import annotations

import csv
import dataclasses
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
from napari_marrow.data.layouts.listing import entries, images_in, listed, pair, sort_out
from napari_marrow.data.layouts.paired_masks import sets_with_masks_apart
from napari_marrow.data.layouts.sources import told_of_bases
from napari_marrow.data.outputs import input_files, table_kind

SAVED = "fields.csv"
"""The name that the widget gives the table it saves."""
COLUMNS = ("image", "class", "source")
FIELD_TABLE = table_kind("a table of fields", COLUMNS, last="source")


def with_saved_table(folder: Path) -> Collection | None:
    """A folder of any layout with the table that this plugin saves, :data:`SAVED`."""
    places = dict.fromkeys((folder, snam_root(folder)))
    table = next((p / SAVED for p in places if _names_images(p / SAVED)), None)
    return None if table is None else fields_of_table(table)


def flat_with_table(root: Path) -> Collection | None:
    """A folder that holds photographs itself and one CSV that names them."""
    tables = [p for p in entries(root) if p.suffix.lower() == ".csv" and _names_images(p)]
    if not tables or not images_in(root):
        return None
    if len(tables) > 1:
        names = listed([p.name for p in tables])
        raise MarrowError(f"{root} holds several tables of classes ({names}); name the one to use.")
    return fields_of_table(tables[0])


def _names_images(path: Path) -> bool:
    found = columns(path)
    return {"image", "class"} <= set(found) and not _is_answers(found)


def _is_answers(columns: Iterable[str]) -> bool:
    """Whether a table says what a model answered: that is no truth to learn from."""
    return any(name.startswith("probability_") for name in columns)


def fields_of_table(table: Path) -> Collection:
    """The fields that a table names, with the masks found beside them.

    ``image`` is a path relative to the table's folder, with or without its ending. An empty class
    means that nobody has said; without the column ``source``, or where it is empty, the source is
    the photograph itself.

    Raises
    ------
    MarrowError
        When the table has other columns or is one of predictions, names a photograph twice or one
        that is not there.
    """
    rows = _rows(table)
    root = table.parent
    paths = _paths(root, [row["image"] for row in rows])
    twice = [path.name for path, count in Counter(paths).items() if count > 1]
    if twice:
        raise MarrowError(f"{table} names {listed(twice)} more than once; keep one row each.")
    missing = [row["image"] for row, path in zip(rows, paths, strict=True) if not path.is_file()]
    if missing:
        raise MarrowError(f"{table} names {listed(missing)}, which is not there; check the names.")
    warnings: list[str] = []
    known = _fields_beside(root, paths, warnings)
    fields = []
    for row, path in zip(rows, paths, strict=True):
        if path not in known:
            raise MarrowError(f"{table} names {row['image']}, which is a mask or no image.")
        source = row.get("source") or known[path].source
        class_name = row["class"] or None
        fields.append(dataclasses.replace(known[path], source=source, class_name=class_name))
    unsaid = [known[p] for row, p in zip(rows, paths, strict=True) if not row.get("source")]
    warnings += told_of_bases(root, unsaid)
    left = sum(path not in set(paths) for path in known)
    if left:
        what = "photograph here is" if left == 1 else "photographs here are"
        warnings.append(
            f"{left} {what} not named in {table.name} and left out; add what is missing, or remove "
            "the table to see all."
        )
    return Collection(root, tuple(fields), tuple(warnings), tables=(table,))


def _paths(root: Path, names: list[str]) -> list[Path]:
    """The files that a table means.

    Its names may lack the ending, be written as in Windows, or with other capitals.
    """
    photographs: dict[Path, dict[str, list[Path]]] = {}
    found = []
    for name in names:
        path = next(
            (root / n for n in (name, name.replace("\\", "/")) if (root / n).is_file()), None
        )
        if path is None:
            path = root / name.replace("\\", "/")
            if path.parent not in photographs:
                photographs[path.parent] = _by_name(path.parent)
            same = photographs[path.parent].get(path.name.lower(), [])
            path = same[0] if len(same) == 1 else path
        found.append(path)
    return found


def _by_name(folder: Path) -> dict[str, list[Path]]:
    """The photographs of a folder by their names and their stems, in small letters."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sort_out(folder).photographs:
        for name in {path.name.lower(), path.stem.lower()}:
            found[name].append(path)
    return found


def _fields_beside(root: Path, paths: list[Path], warnings: list[str]) -> dict[Path, Field]:
    """What the layouts know of the photographs: their masks above all."""
    fields = [f for found in sets_with_masks_apart(root) for f in found.fields]
    known = {f.path for f in fields}
    folders = dict.fromkeys(p.parent for p in paths if is_image_name(p) and p not in known)
    for folder in folders:
        fields += pair(root, None, sort_out(folder), warnings)
    return {f.path: f for f in with_all_idb_masks(root, fields)}


def _rows(table: Path) -> list[dict[str, str]]:
    rows = read_rows(table)
    if rows and _is_answers(rows[0]):
        raise MarrowError(f"{table} is a table of predictions; name one of true classes.")
    if not rows or not all(row.get("image") and "class" in row for row in rows):
        raise MarrowError(f"{table} needs the columns image and class, and an image in every row.")
    return rows


def write_table(collection: Collection, table: Path) -> None:
    """Write the fields of a collection as a table that :func:`fields_of_table` reads back.

    Raises
    ------
    MarrowError
        When a photograph does not lie below the table's folder, or it can't be written.
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
    # the table that was saved before is edited; one of another name is the user's own
    read = [path for path in input_files([collection]) if path.name != SAVED]
    with (
        atomic_file(table, FIELD_TABLE, read) as part,
        open(part, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


def _name_below(folder: Path, path: Path) -> str | None:
    """The path relative to the folder, as it is called or, where links lead there, as it is."""
    for top, inner in (
        (Path(os.path.abspath(folder)), Path(os.path.abspath(path))),
        (folder.resolve(), path.resolve()),
    ):
        if inner.is_relative_to(top):
            return inner.relative_to(top).as_posix()
    return None
