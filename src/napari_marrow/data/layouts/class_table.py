"""A table of classes: a CSV with the columns ``image,class[,source][,use]``."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from napari_marrow.data.csv_table import (
    UNKNOWN,
    Role,
    columns,
    holds_predictions,
    read_rows_by_role,
)
from napari_marrow.data.errors import LeftOutError, MarrowError
from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.images import is_image_name
from napari_marrow.data.layouts.folders import arranged_classes, with_masks_beside
from napari_marrow.data.layouts.listing import (
    fields_of_files,
    images_in,
    list_folder,
    passed_over,
    sort_files,
    with_passed_over,
)
from napari_marrow.data.layouts.named_files import find_photographs
from napari_marrow.data.layouts.one_hot import read_one_hot
from napari_marrow.data.layouts.paired_masks import find_paired_masks
from napari_marrow.data.layouts.people import sources_of_folders
from napari_marrow.data.layouts.sources import warn_of_missing_originals
from napari_marrow.data.layouts.table_files import (
    gives_classes,
    tables_apart,
    tables_inside,
    tells_storage,
)
from napari_marrow.data.text import counted, folded, listed

_FALSE = frozenset({
    "no", "n", "none", "not", "false", "f", "0", "0.0", "0,0", "off", "nein", "falsch", "non",
    "faux", "exclude", "excluded", "unused", "not used", "hidden", "ignore", "ignored",
})  # fmt: skip
"""Texts, folded, that say in the column ``use`` that a photograph is not used."""


def read_class_table(
    folder: Path, layout: Collection, below: bool = True
) -> tuple[Collection | None, dict[Path, str]]:
    """Read the table of classes in a folder, if there is one that counts.

    One with the columns ``image`` and ``class`` beside photographs always does. Any other, also in
    other spellings, does where the folders tell no classes apart; so do those below, each
    for its own, and one in a folder of its own. Several are joined.

    Parameters
    ----------
    folder
        Where to look.
    layout
        What the folders alone tell.
    below
        Look in folders below, too.

    Returns
    -------
    Collection or None
        The fields that the table names.
    dict of Path to str
        Tables that can't be used, and why.

    Raises
    ------
    MarrowError
        When the one that always counts has a fault.
    """
    known = {*layout.tables, *layout.passed_over}
    tables = [p for p in list_folder(folder) if p not in known and gives_classes(p)]
    below = below and not tables
    inside = [p for p in tables_inside(folder) if p not in known] if below else []
    below = below and not inside
    apart = [p for p in tables_apart(folder) if gives_classes(p)] if below else []
    certain = tables if images_in(folder) else []
    certain = [p for p in certain if {"image", "class"} <= set(columns(p))]
    if not certain and len(arranged_classes(layout)) > 1:
        return None, {}
    parts: list[Rows] = []
    faults: dict[Path, str] = {}
    for table in certain or tables or inside or apart:
        try:
            parts.append(read_table(table, table.parent if inside else folder, folder))
        except MarrowError as error:
            if len(certain) == 1:
                raise
            faults[table] = passed_over(table, error)
    if apart and len({p for part in parts for p in part.fields}) < sum(
        len(p.fields) for p in parts
    ):
        names = listed([part.table.relative_to(folder).as_posix() for part in parts])
        fault = f"{names} give classes; to use one, leave it alone there."
        return None, faults | {part.table: fault for part in parts}
    return join_unless_left_out(folder, layout, parts, bool(certain), faults)


def join_unless_left_out(
    folder: Path, layout: Collection, parts: list[Rows], is_certain: bool, faults: dict[Path, str]
) -> tuple[Collection | None, dict[Path, str]]:
    """Join the tables; where those that are not certain leave out everything, they don't count."""
    if not parts:
        return None, faults
    try:
        found = _join(folder, parts, None if is_certain else layout.fields)
    except LeftOutError as error:
        if is_certain:
            raise
        return None, faults | {part.table: passed_over(part.table, error) for part in parts}
    if not is_certain:
        warnings = (*layout.warnings, *found.warnings)
        found = dataclasses.replace(found, warnings=warnings, passed_over=layout.passed_over)
    return with_passed_over(found, faults), faults


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
    root = root or table.parent
    return _join(root, [read_table(table, root, root)], others)


@dataclasses.dataclass(frozen=True)
class Rows:
    """What one table says.

    Attributes
    ----------
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
    place: Path
    fields: dict[Path, Field]
    sources: dict[Path, str]
    hidden: set[Path]
    rest: list[Field]
    warnings: list[str]


def read_table(table: Path, place: Path, root: Path) -> Rows:
    """Read a table about the photographs in ``place``; their sources are told apart by ``root``."""
    rows, unclear, marking = _read_rows(table)
    warnings = list[str]()
    if marking:
        warnings.append(
            f"{table.name} has no column class: the classes are those of its columns "
            f"{listed(marking)}, in which a mark (1, yes) stands. If that is wrong, write the "
            "classes into one column and call it class."
        )
    found = find_photographs(place, [row["image"] for row in rows])
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
        warnings.append(f"{table.name} names {what} not there: {listed(missing)}.")
    if several:
        warnings.append(
            f"{table.name} names {listed(several)}, and several files are called so; write their "
            "folders, too."
        )
    named, differ = _one_row_each(table, rows, paths)
    if differ:
        names = listed([*differ.values()])
        warnings.append(
            f"{table.name} gives different classes to {names}, which has none then; keep one row "
            "each."
        )
    known = _fields_beside(root, table, list(named), warnings)
    unknown = UNKNOWN - {"-"} if any(row["class"] == "+" for row in rows) else UNKNOWN
    clear = [row for path, row in named.items() if path not in differ]
    warnings += _warn_of_no_class(table, clear, unclear, unknown)
    fields = {}
    for path, row in named.items():
        if path not in known:
            raise MarrowError(f"{table} names {row['image']}, which is a mask or no image.")
        given_class = None if folded(row["class"]) in unknown else row["class"]
        class_name = known[path].class_name or given_class
        fields[path] = dataclasses.replace(known[path], class_name=class_name)
    sources = {path: row.get("source", "") for path, row in named.items()}
    given = {path: text for path, text in sources.items() if folded(text) not in UNKNOWN}
    hidden = {path for path, row in named.items() if folded(row.get("use", "")) in _FALSE}
    left_out = [path.name for path in named if path in hidden]
    if left_out:
        what = counted(len(left_out), "photograph")
        warnings.append(f"{table.name} leaves out {what}: {listed(left_out)}.")
    rest = [f for f in known.values() if f.path not in named]
    return Rows(table, place, fields, given, hidden, rest, warnings)


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


def _join(root: Path, parts: list[Rows], others: Iterable[Field] | None) -> Collection:
    """Join what tables say; a photograph to which they give different classes has none."""
    names = listed([part.table.name for part in parts])
    classes: dict[Path, dict[str, str]] = defaultdict(dict)
    for path, f in (item for part in parts for item in part.fields.items()):
        classes[path] |= {folded(f.class_name): f.class_name} if f.class_name else {}
    named = {path: f for part in parts for path, f in part.fields.items()}
    fields = [
        dataclasses.replace(f, class_name=[*own.values(), None][0] if len(own) < 2 else None)
        for f, own in ((f, classes[path]) for path, f in named.items())
    ]
    warnings = []
    if differ := [path.name for path, own in classes.items() if len(own) > 1]:
        warnings.append(f"{names} give different classes to {listed(differ)}, which has none then.")
    around = [f for part in parts for f in part.rest] if others is None else list(others)
    rest = list({f.path: f for f in around if f.path not in named}.values())
    places = {part.place for part in parts}
    near = {f.path for f in rest if any(f.path.is_relative_to(place) for place in places)}
    if near:
        what = counted(len(near), "photograph here is", "photographs here are")
        left = "left out" if others is None else "without a class"
        remove = "the table" if len(parts) == 1 else "the tables"
        warnings.append(
            f"{what} not named in {names} and {left}; add what is missing, or remove {remove} to "
            "see all."
        )
    if others is not None:
        fields += [_without_class(f) if f.path in near else f for f in rest]
    warnings = [*(w for part in parts for w in part.warnings), *warnings]
    given = {path: text for part in parts for path, text in part.sources.items()}
    fields = _with_sources(root, fields, given, warnings)
    hidden = {path for part in parts for path in part.hidden}
    left_out = [f for f in fields if f.path in hidden]
    used = tuple(f for f in fields if f.path not in hidden)
    if not used:
        raise LeftOutError(
            f"{listed([str(part.table) for part in parts])} leaves out all its photographs; write "
            "yes where it says no."
        )
    left_out += rest if others is None else []
    tables = tuple(part.table for part in parts)
    return Collection(root, used, tuple(warnings), tables, tuple(left_out))


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
    if not rows or not is_whole or tells_storage(table):
        has = f"; it has {listed(names)}" if names else ""
        raise MarrowError(
            f"{table} needs the columns image and class, and an image in every row{has}."
        )
    if "source" not in names and len({row.get("source") for row in rows}) == 1:
        for row in rows:  # a column such as "slide" that tells nothing apart
            row.pop("source", None)
    once = dict.fromkeys(tuple(row.items()) for row in rows)
    return [dict(items) for items in once], unclear, marking


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
