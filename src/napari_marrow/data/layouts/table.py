"""A table says the class of every photograph: a CSV with the columns ``image,class[,source]``."""

from __future__ import annotations

import csv
import dataclasses
from collections import Counter, defaultdict
from pathlib import Path

from napari_marrow.data.atomic import atomic_file
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.images import is_image_name
from napari_marrow.data.layouts.files import entries, images_in, listed, pair, sort_out
from napari_marrow.data.layouts.folders import with_all_idb_masks
from napari_marrow.data.layouts.pairs import segpc, white_blood_cells
from napari_marrow.data.rows import columns, read_rows

SAVED = "fields.csv"
"""The name that the widget gives the table it saves."""
COLUMNS = ("image", "class", "source")


def flat_with_table(root: Path) -> Collection | None:
    """A folder that holds photographs itself and one CSV that names them.

    Among several the one that this plugin saves counts, :data:`SAVED`.
    """
    tables = [p for p in entries(root) if p.suffix.lower() == ".csv" and _names_images(p)]
    if not tables or not images_in(root):
        return None
    names = [p.name for p in tables]
    if len(tables) > 1 and SAVED not in names:
        raise MarrowError(
            f"{root} holds several tables of classes ({listed(names)}); name the one to use."
        )
    return fields_of_table(root / SAVED if SAVED in names else tables[0])


def _names_images(path: Path) -> bool:
    return {"image", "class"} <= set(columns(path))


def fields_of_table(table: Path) -> Collection:
    """The fields that a table names, with the masks found beside them.

    ``image`` is a path relative to the table's folder, with or without its ending. An empty class
    means that nobody has said; without the column ``source``, or where it is empty, the source is
    the photograph itself.

    Raises
    ------
    MarrowError
        When the table has other columns, names a photograph twice or one that is not there.
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
    left = sum(path not in set(paths) for path in known)
    if left:
        warnings.append(f"{left} photographs beside those of {table.name} are not named in it.")
    return Collection(root, tuple(fields), tuple(warnings), tables=(table,))


def _paths(root: Path, names: list[str]) -> list[Path]:
    """The files that a table means; its names may lack the ending, or be written as in Windows."""
    by_stem: dict[Path, dict[str, list[Path]]] = {}
    found = []
    for name in names:
        path = root / name.replace("\\", "/")
        if not path.is_file() and path.parent.is_dir():
            if path.parent not in by_stem:
                stems = by_stem[path.parent] = defaultdict(list)
                for photograph in sort_out(path.parent).photographs:
                    stems[photograph.stem].append(photograph)
            same = by_stem[path.parent].get(path.name, [])
            path = same[0] if len(same) == 1 else path
        found.append(path)
    return found


def _fields_beside(root: Path, paths: list[Path], warnings: list[str]) -> dict[Path, Field]:
    """What the layouts know of the photographs: their masks above all."""
    found = white_blood_cells(root) or segpc(root)
    if found is not None:
        return {f.path: f for f in found.fields}
    folders = dict.fromkeys(path.parent for path in paths if is_image_name(path))
    fields: list[Field] = []
    for folder in folders:
        fields += pair(root, None, sort_out(folder), warnings)
    return {f.path: f for f in with_all_idb_masks(root, fields)}


def _rows(table: Path) -> list[dict[str, str]]:
    rows = read_rows(table)
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
    folder = table.parent.resolve()
    rows = []
    for f in collection.fields:
        path = f.path.resolve()
        if not path.is_relative_to(folder):
            raise MarrowError(
                f"{table} must lie above all its photographs, and {f.path} is elsewhere; "
                f"save the table in {collection.root}."
            )
        rows.append((path.relative_to(folder).as_posix(), f.class_name or "", f.source))
    with atomic_file(table) as part, open(part, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
