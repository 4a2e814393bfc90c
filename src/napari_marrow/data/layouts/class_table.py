"""A table of classes: a CSV with the columns ``image,class[,source][,use]``."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from napari_marrow.data.csv_table import columns
from napari_marrow.data.errors import LeftOutError, MarrowError
from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.layouts.folders import (
    arranged_classes,
    cuts_across,
    folders_may_be_patients,
)
from napari_marrow.data.layouts.listing import (
    images_in,
    list_folder,
    passed_over,
    with_passed_over,
)
from napari_marrow.data.layouts.names import is_patient_of_name, source_of_name
from napari_marrow.data.layouts.people import sources_of_folders
from napari_marrow.data.layouts.sources import warn_of_missing_originals
from napari_marrow.data.layouts.table_files import gives_classes, tables_apart, tables_inside
from napari_marrow.data.layouts.table_rows import Rows, read_table, without_class
from napari_marrow.data.text import counted, folded, listed


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
    is_arranged = not certain and len(arranged_classes(layout)) > 1
    if is_arranged and not folders_may_be_patients(layout):
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
    if is_arranged and not cuts_across(layout, (f for p in parts for f in p.fields.values())):
        return None, {}
    if apart and len({p for part in parts for p in part.fields}) < sum(
        len(p.fields) for p in parts
    ):
        names = listed([part.name for part in parts])
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


def fields_of_table(table: Path, opened: Path | None = None) -> Collection:
    """Return the fields that a table names, with the masks found beside them.

    ``image`` is a path relative to the table's folder, in any spelling that
    :class:`~napari_marrow.data.file_index.FileIndex` finds. A class that is empty, or "NA",
    "unknown" and the like, is not known, and so is a source; without the column ``source``, or
    where it is not known, the source is the patient that a folder names, or the photograph itself.
    Rows of photographs that are not there are reported. Those with "no" in the column ``use`` are
    left out, and so are photographs beside the named ones.

    Parameters
    ----------
    table
        The file.
    opened
        The folder below which messages name the table, by default its own.

    Raises
    ------
    MarrowError
        When the table has other columns or is one of predictions, names a photograph twice, or
        none that is there.
    """
    root = table.parent
    return _join(root, [read_table(table, root, root, opened)], None)


def _join(root: Path, parts: list[Rows], others: Iterable[Field] | None) -> Collection:
    """Join what tables say; a photograph to which they give different classes has none."""
    names = listed([part.name for part in parts])
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
        fields += [without_class(f) if f.path in near else f for f in rest]
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


def _with_sources(
    root: Path, fields: list[Field], given: dict[Path, str], warnings: list[str]
) -> list[Field]:
    """Take the given sources; where there is none, that of a patient's folder."""
    without = [f for f in fields if f.path not in given]
    found, sentences = sources_of_folders(root, without)
    warnings += [*sentences, *warn_of_missing_originals(root, without)]
    names = {path: Path(text) for path, text in given.items()}  # of C-NMC: UID_57_29_1_all.bmp
    given |= {path: source_of_name(n) for path, n in names.items() if is_patient_of_name(n)}
    sources = {f.path: f.source for f in found} | given
    return [dataclasses.replace(f, source=sources[f.path]) for f in fields]
