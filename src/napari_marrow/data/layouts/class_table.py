"""A table of classes: a CSV with the columns ``image,class[,source][,use]``."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from napari_marrow.data.csv_table import (
    UNKNOWN,
    Role,
    columns,
    columns_by_role,
    holds_predictions,
    is_own_table,
    is_table_name,
    read_rows_by_role,
)
from napari_marrow.data.errors import LeftOutError, MarrowError
from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.file_index import FileIndex
from napari_marrow.data.images import is_image_name
from napari_marrow.data.layouts.folders import arranged_classes, with_masks_beside
from napari_marrow.data.layouts.listing import (
    fault_ending,
    fields_of_files,
    folders_with_images,
    holds_results,
    images_in,
    list_folder,
    sort_files,
    subfolders,
)
from napari_marrow.data.layouts.names import can_be_class
from napari_marrow.data.layouts.one_hot import read_one_hot
from napari_marrow.data.layouts.paired_masks import find_paired_masks
from napari_marrow.data.layouts.people import sources_of_folders
from napari_marrow.data.layouts.sources import warn_of_missing_originals
from napari_marrow.data.masks import looks_like_mask
from napari_marrow.data.text import counted, folded, listed

MAX_DEPTH_APART = 3
"""Folders below folders, without photographs, in which tables are looked for."""
_FALSE = frozenset({"no", "n", "nein", "false", "falsch", "f", "0", "0.0"})
_OF_ANYTHING = frozenset({"type", "types", "category", "categories", "condition", "annotation"})
"""Names of columns that may be about the files as well as about their classes."""


def read_class_table(folder: Path, layout: Collection) -> tuple[Collection | None, list[str]]:
    """Read the table of classes in a folder, if there is one that counts.

    One with the columns ``image`` and ``class`` beside photographs always does. Any other, also in
    spellings, does where the folders tell no classes apart; so does one in a folder of its own.

    Parameters
    ----------
    folder
        Where to look.
    layout
        What the folders alone tell.

    Returns
    -------
    Collection or None
        The fields that the table names.
    list of str
        Why a table can't be used.

    Raises
    ------
    MarrowError
        When there are several, or the one that always counts has a fault.
    """
    told = " ".join(layout.warnings)
    tables = [p for p in list_folder(folder) if p not in layout.tables and gives_classes(p)]
    tables = [p for p in tables if fault_ending(p) not in told]
    apart = [] if tables else [p for p in tables_apart(folder) if gives_classes(p)]
    certain = tables if images_in(folder) else []
    certain = [p for p in certain if {"image", "class"} <= set(columns(p))]
    if not certain and len(arranged_classes(layout)) > 1:
        return None, []
    readable: dict[Path, Collection] = {}
    faults = []
    for table in certain or tables or apart:
        try:
            readable[table] = fields_of_table(table, None if certain else layout.fields, folder)
        except MarrowError as error:
            if len(certain) == 1:
                raise
            faults.append(f"{error} {fault_ending(table)}")
    if apart and len(readable) > 1:
        names = listed([p.relative_to(folder).as_posix() for p in readable])
        return None, [*faults, f"{names} give classes; to use one, leave it alone there."]
    if len(readable) > 1 or len(certain) > 1:
        names = listed([p.name for p in readable or certain])
        raise MarrowError(
            f"{folder} holds several tables of classes ({names}); name the one to use."
        )
    found = next(iter(readable.values()), None)
    if found is not None and not certain:
        warnings = dict.fromkeys((*layout.warnings, *found.warnings, *faults))
        found = dataclasses.replace(found, warnings=tuple(warnings))
    return found, faults


def tables_apart(folder: Path, depth: int = MAX_DEPTH_APART) -> list[Path]:
    """List the tables in folders below that hold no photographs: ``labels`` beside ``images``."""
    found: list[Path] = []
    for sub in subfolders(folder):
        if not holds_results(sub) and not images_in(sub):
            found += filter(is_table_name, list_folder(sub))
            found += tables_apart(sub, depth - 1) if depth > 1 else []
    return found


def gives_classes(path: Path) -> bool:
    """Whether a file is a table that names photographs and their classes, in any spelling."""
    if not is_table_name(path):
        return False
    names = columns(path)
    if is_own_table(names):
        return False
    if {"image", "class"} <= columns_by_role(names).keys():
        return not _tells_storage(path)
    return read_one_hot(path) is not None


def _tells_storage(table: Path) -> bool:
    """Whether a column such as ``type`` has no classes in it, but ``train`` or ``png``."""
    if columns_by_role(columns(table)).get("class", "").casefold() not in _OF_ANYTHING:
        return False
    try:
        texts = {row["class"] for row in read_rows_by_role(table)}
    except MarrowError:
        return False  # reported where the table is read
    return bool(texts) and not any(map(can_be_class, texts))


def is_field_table(path: Path) -> bool:
    """Whether a file is a table that has the columns ``image`` and ``class`` by these names."""
    return gives_classes(path) and {"image", "class"} <= set(columns(path))


def fields_of_table(
    table: Path, others: Iterable[Field] | None = None, root: Path | None = None
) -> Collection:
    """Return the fields that a table names, with the masks found beside them.

    ``image`` is a path relative to the table's folder, in any spelling that
    :class:`~napari_marrow.data.file_index.FileIndex` finds. A class that is empty, or "NA",
    "unknown" and the like, is not known, and so is a source; without the column ``source``, or
    where it is not known, the source is the patient that a folder names, or the photograph itself.
    Rows of photographs that are not there are reported. Those with "no" in the column ``use`` are
    left out.

    Parameters
    ----------
    table
        The file.
    others
        Photographs to keep, without a class, where the table does not name them. If None, those
        beside the named ones are left out.
    root
        The folder that the images are below, by default the table's.

    Raises
    ------
    MarrowError
        When the table has other columns or is one of predictions, names a photograph twice, or
        none that is there.
    """
    rows, unclear, marking = _read_rows(table)
    root, warnings = root or table.parent, list[str]()
    if marking:
        warnings.append(
            f"{table.name} has no column class: the classes are those of its columns "
            f"{listed(marking)}, in which a mark (1, yes) stands. If that is wrong, write the "
            "classes into one column and call it class."
        )
    paths = _find_photographs(root, [row["image"] for row in rows])
    twice = [path.name for path, count in Counter(filter(None, paths)).items() if count > 1]
    if twice:
        raise MarrowError(f"{table} names {listed(twice)} more than once; keep one row each.")
    missing = [row["image"] for row, path in zip(rows, paths, strict=True) if path is None]
    if len(missing) == len(rows):
        are = "is" if len(missing) == 1 else "are"
        raise MarrowError(
            f"{table} names {listed(missing)}, which {are} not there; check the names."
        )
    if missing:
        what = counted(len(missing), "image that is", "images that are")
        warnings.append(f"{table.name} names {what} not there: {listed(missing)}.")
    named = {path: row for row, path in zip(rows, paths, strict=True) if path is not None}
    known = _fields_beside(root, table, list(named), warnings)
    unknown = UNKNOWN - {"-"} if any(row["class"] == "+" for row in rows) else UNKNOWN
    warnings += _warn_of_no_class(table, named.values(), unclear, unknown)
    fields = []
    for path, row in named.items():
        if path not in known:
            raise MarrowError(f"{table} names {row['image']}, which is a mask or no image.")
        given_class = None if folded(row["class"]) in unknown else row["class"]
        class_name = known[path].class_name or given_class
        fields.append(dataclasses.replace(known[path], class_name=class_name))
    rest = [f for f in (known.values() if others is None else others) if f.path not in named]
    if rest:
        what = counted(len(rest), "photograph here is", "photographs here are")
        left = "left out" if others is None else "without a class"
        warnings.append(
            f"{what} not named in {table.name} and {left}; add what is missing, or remove the "
            "table to see all."
        )
    if others is not None:
        fields += map(_without_class, rest)
    sources = {path: row.get("source", "") for path, row in named.items()}
    given = {path: text for path, text in sources.items() if folded(text) not in UNKNOWN}
    fields = _with_sources(root, fields, given, warnings)
    hidden = {path for path, row in named.items() if row.get("use", "").lower() in _FALSE}
    left_out = [f for f in fields if f.path in hidden]
    if left_out:
        what, names = counted(len(left_out), "photograph"), listed([f.path.name for f in left_out])
        warnings.append(f"{table.name} leaves out {what}: {names}.")
    if others is None:
        left_out += rest
    used = tuple(f for f in fields if f.path not in hidden)
    if not used:
        raise LeftOutError(f"{table} leaves out all its photographs; write yes where it says no.")
    return Collection(root, used, tuple(warnings), (table,), tuple(left_out))


def _warn_of_no_class(
    table: Path, rows: Iterable[Mapping[Role, str]], unclear: set[str], unknown: frozenset[str]
) -> list[str]:
    """Name the photographs of unclear rows; count the others without a known class."""
    texts = {row["image"]: row["class"] for row in rows}
    warnings = []
    if odd := [image for image in texts if image in unclear]:
        what = counted(len(odd), "photograph")
        warnings.append(f"{table.name} marks no class, or several, of {what}: {listed(odd)}.")
    given = [text for image, text in texts.items() if image not in unclear]
    passed = [text or "nothing" for text in given if folded(text) in unknown]
    if set(passed) - {"nothing"} or 0 < len(passed) < len(given):
        what = counted(len(passed), "photograph")
        warnings.append(
            f"{table.name} gives no class to {what}: it says {listed(sorted(set(passed)))} there."
        )
    return warnings


def _with_sources(
    root: Path, fields: list[Field], given: dict[Path, str], warnings: list[str]
) -> list[Field]:
    """Take the given sources; where there is none, that of a patient's folder."""
    without = [f for f in fields if f.path not in given]
    found, sentences = sources_of_folders(root, without)
    warnings += [*sentences, *warn_of_missing_originals(root, without)]
    sources = {f.path: f.source for f in found} | given
    return [dataclasses.replace(f, source=sources[f.path]) for f in fields]


def _read_rows(table: Path) -> tuple[list[dict[Role, str]], set[str], list[str]]:
    """Read the rows; and the images of which columns for classes mark none, or several; and these.

    Returns
    -------
    list of dict, set of str, list of str
        The columns are none where one column tells the class.
    """
    names = columns(table)
    if holds_predictions(names):
        raise MarrowError(f"{table} is a table of predictions; name one of true classes.")
    rows, unclear, marking = read_rows_by_role(table), set[str](), list[str]()
    if marked := read_one_hot(table):
        for row, own in zip(rows, marked, strict=True):
            row["class"] = own[0] if len(own) == 1 else ""
        marking = sorted({name for own in marked for name in own})
        unclear = {row["image"] for row, own in zip(rows, marked, strict=True) if len(own) != 1}
    is_whole = all(row.get("image") and "class" in row for row in rows)
    if not rows or not is_whole or _tells_storage(table):
        has = f"; it has {listed(names)}" if names else ""
        raise MarrowError(
            f"{table} needs the columns image and class, and an image in every row{has}."
        )
    if "source" not in names and len({row.get("source") for row in rows}) == 1:
        for row in rows:  # a column such as "slide" that tells nothing apart
            row.pop("source", None)
    return rows, unclear, marking


def _find_photographs(root: Path, names: list[str]) -> list[Path | None]:
    """Find the files that a table names; None for those that are not there, or not clear.

    Looked for in the folders that the names have, then in all below.
    """
    paths: list[Path | None] = [_as_written(root, name) for name in names]
    if None in paths:
        parents = {(root / name.replace("\\", "/")).parent for name in names}
        paths = _look_up(root, {root, *filter(Path.is_dir, parents)}, names, paths)
    if None in paths:
        below = (p for p in folders_with_images(root) if not looks_like_mask(p))
        paths = _look_up(root, {root, *below}, names, paths)
    return paths


def _as_written(root: Path, name: str) -> Path | None:
    spellings = (root / name, root / name.replace("\\", "/"))
    return next((p for p in spellings if p.is_file()), None)


def _look_up(
    root: Path, folders: Iterable[Path], names: list[str], paths: list[Path | None]
) -> list[Path | None]:
    """Replace each None by the photograph in one of the folders that the table means."""
    photographs = [p for folder in folders for p in sort_files(folder).photographs]
    index = FileIndex({Path(os.path.relpath(p, root)).as_posix(): p for p in photographs})
    found = [path or index.find(name) for name, path in zip(names, paths, strict=True)]
    return [p if isinstance(p, Path) else p[0] if len(p) == 1 else None for p in found]


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
        known |= {f.path: f if ours else _without_class(f) for f in found.fields}
    for folder in dict.fromkeys(p.parent for p in paths if is_image_name(p) and p not in known):
        fields += map(_without_class, fields_of_files(root, None, sort_files(folder), warnings))
    return known | {f.path: f for f in with_masks_beside(root, fields)}


def _without_class(field: Field) -> Field:
    return dataclasses.replace(field, class_name=None)
