"""What one table of classes says of the photographs that it names."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

from napari_marrow.data.csv_table import (
    UNKNOWN,
    Role,
    columns,
    fill_merged_cells,
    holds_predictions,
    known_text,
    read_rows_by_role,
)
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Field
from napari_marrow.data.file_index import find_rows
from napari_marrow.data.images import is_image_name
from napari_marrow.data.layouts.listing import fields_of_files, name_below, sort_files
from napari_marrow.data.layouts.named_files import find_photographs, in_other_folders
from napari_marrow.data.layouts.one_hot import read_one_hot
from napari_marrow.data.layouts.paired_masks import find_paired_masks
from napari_marrow.data.layouts.parallel_masks import with_parallel_masks
from napari_marrow.data.layouts.table_files import tells_storage
from napari_marrow.data.text import counted, folded, listed

_FALSE = frozenset({
    "no", "n", "none", "not", "false", "f", "0", "0.0", "0,0", "off", "nein", "falsch", "non",
    "faux", "exclude", "excluded", "unused", "not used", "hidden", "ignore", "ignored",
})  # fmt: skip
"""Texts, folded, that say in the column ``use`` that a photograph is not used."""


@dataclasses.dataclass(frozen=True)
class Rows:
    """What one table says.

    Attributes
    ----------
    name
        What messages call the table.
    place
        The folder that it is about.
    fields
        Those that it names, with their classes.
    sources
        Those it gives.
    hidden
        Photographs that are not used.
    rest
        Fields beside those it names.
    """

    table: Path
    name: str
    place: Path
    fields: dict[Path, Field]
    sources: dict[Path, str]
    hidden: set[Path]
    rest: list[Field]
    warnings: list[str]


def read_table(table: Path, place: Path, root: Path, opened: Path | None = None) -> Rows:
    """Read a table about the photographs in ``place``; their sources are told apart by ``root``.

    Messages name it below the folder that is opened, by default ``root``.
    """
    name = name_below(opened or root, table)
    rows, unclear, warnings = _read_rows(table, name)
    found = find_rows(rows, partial(find_photographs, place))
    paths = [own[0] if len(own) == 1 else None for own in found]
    missing = [row["image"] for row, own in zip(rows, found, strict=True) if not own]
    several = [row["image"] for row, own in zip(rows, found, strict=True) if len(own) > 1]
    if len(several) == len(rows):
        raise MarrowError(
            f"{table} names {listed(several)}, and several files are called so; write their "
            "folders, too."
        )
    if len(missing) + len(several) == len(rows):
        are = "is" if len(missing) == 1 else "are"
        raise MarrowError(
            f"{table} names {listed(missing)}, which {are} not there; check the names."
        )
    if missing:
        what = counted(len(missing), "image that is", "images that are")
        warnings.append(f"{name} names {what} not there: {listed(missing)}.")
    if several:
        warnings.append(
            f"{name} names {listed(several)}, and several files are called so; write their "
            "folders, too."
        )
    if elsewhere := in_other_folders(place, [row["image"] for row in rows], paths):
        warnings.append(
            f"{name} names files in other folders: {listed(elsewhere)}. Those of the same "
            "names here are taken; if they are others, write their own folders."
        )
    named, differ = _one_row_each(table, rows, paths)
    if differ:
        names = listed([*differ.values()])
        warnings.append(
            f"{name} gives different classes to {names}, which has none then; keep one row each."
        )
    known = _fields_beside(root, table, list(named), warnings)
    unknown = UNKNOWN - {"-"} if any(row["class"] == "+" for row in rows) else UNKNOWN
    clear = [row for path, row in named.items() if path not in differ]
    warnings += _warn_of_no_class(name, clear, unclear, unknown)
    fields = {}
    for path, row in named.items():
        if path not in known:
            raise MarrowError(f"{table} names {row['image']}, which is a mask or no image.")
        given_class = None if folded(row["class"]) in unknown else row["class"]
        class_name = known[path].class_name or given_class
        acquisition = known_text(row.get("acquisition", ""))
        fields[path] = dataclasses.replace(
            known[path], class_name=class_name, acquisition=acquisition
        )
    sources = {path: row.get("source", "") for path, row in named.items()}
    given = {path: text for path, text in sources.items() if folded(text) not in UNKNOWN}
    if given and (lone := [named[path]["image"] for path in named if path not in given]):
        what = counted(len(lone), "photograph")
        warnings.append(
            f"{name} gives no source to {what}: {listed(lone)}. Each has the patient that a "
            "folder names, or is one of its own."
        )
    hidden = {path for path, row in named.items() if folded(row.get("use", "")) in _FALSE}
    left_out = [path.name for path in named if path in hidden]
    if left_out:
        what = counted(len(left_out), "photograph")
        warnings.append(f"{name} leaves out {what}: {listed(left_out)}.")
    rest = [f for f in known.values() if f.path not in named]
    return Rows(table, name, place, fields, given, hidden, rest, warnings)


def _one_row_each(
    table: Path, rows: list[dict[Role, str]], paths: list[Path | None]
) -> tuple[dict[Path, dict[Role, str]], dict[Path, str]]:
    """Return the first row of each photograph, and the names of those with different classes.

    These have none then. A table in which all have, of cells most often, is refused.
    """
    named: dict[Path, dict[Role, str]] = {}
    differ: dict[Path, str] = {}
    for row, path in zip(rows, paths, strict=True):
        if path is None:
            continue
        first = named.setdefault(path, row)
        if folded(row["class"]) != folded(first["class"]):
            differ[path] = path.name
    if differ and len(differ) == len(named):
        names = listed([*differ.values()])
        raise MarrowError(
            f"{table} names {names} more than once, with different classes; keep one row each."
        )
    named |= {path: named[path] | {"class": ""} for path in differ}
    return named, differ


def _warn_of_no_class(
    name: str, rows: Iterable[Mapping[Role, str]], unclear: set[str], unknown: frozenset[str]
) -> list[str]:
    """Name the photographs of unclear rows; count the others without a known class."""
    texts = {row["image"]: row["class"] for row in rows}
    warnings = []
    if odd := [image for image in texts if image in unclear]:
        what = counted(len(odd), "photograph")
        warnings.append(f"{name} marks no class, or several, of {what}: {listed(odd)}.")
    given = [text for image, text in texts.items() if image not in unclear]
    passed = [text or "nothing" for text in given if folded(text) in unknown]
    if set(passed) - {"nothing"} or 0 < len(passed) < len(given):
        what = counted(len(passed), "photograph")
        warnings.append(
            f"{name} gives no class to {what}: it says {listed(sorted(set(passed)))} there."
        )
    return warnings


def _read_rows(table: Path, name: str) -> tuple[list[dict[Role, str]], set[str], list[str]]:
    """Read the rows; the images of which columns for classes mark none, or several; warnings."""
    names = columns(table)
    if holds_predictions(names):
        raise MarrowError(f"{table} is a table of predictions; name one of true classes.")
    rows, unclear, warnings = read_rows_by_role(table), set[str](), list[str]()
    if marked := read_one_hot(table):
        for row, own in zip(rows, marked, strict=True):
            row["class"] = own[0] if len(own) == 1 else ""
        unclear = {row["image"] for row, own in zip(rows, marked, strict=True) if len(own) != 1}
        warnings.append(
            f"{name} has no column class: the classes are those of its columns "
            f"{listed(sorted({name for own in marked for name in own}))}, in which a mark (1, yes) "
            "stands. If that is wrong, write the classes into one column and call it class."
        )
    is_whole = all(row.get("image") and "class" in row for row in rows)
    if not rows or not is_whole or tells_storage(table):
        has = f"; it has {listed(names)}" if names else ""
        raise MarrowError(
            f"{table} needs the columns image and class, and an image in every row{has}."
        )
    warnings += fill_merged_cells(name, rows)
    if "source" not in names and len({row.get("source") for row in rows}) == 1:
        for row in rows:  # a column such as "slide" that tells nothing apart
            row.pop("source", None)
    once = dict.fromkeys(tuple(row.items()) for row in rows)
    return [dict(items) for items in once], unclear, warnings


def _fields_beside(
    root: Path, table: Path, paths: list[Path], warnings: list[str]
) -> dict[Path, Field]:
    """Return what the layouts find of the photographs: their masks above all.

    Of the classes only those that a layout reads from this very table, which may be in code.
    """
    fields: list[Field] = []
    known: dict[Path, Field] = {}
    for found in find_paired_masks(root):
        ours = table in found.tables
        known |= {f.path: f if ours else without_class(f) for f in found.fields}
    for folder in dict.fromkeys(p.parent for p in paths if is_image_name(p) and p not in known):
        fields += map(without_class, fields_of_files(root, None, sort_files(folder), warnings))
    return known | {f.path: f for f in with_parallel_masks(root, fields)}


def without_class(field: Field) -> Field:
    """Return a field without its class."""
    return dataclasses.replace(field, class_name=None)
