"""A table of classes: a CSV with the columns ``image,class[,source][,acquisition][,use]``."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from napari_marrow.data.csv_table import columns
from napari_marrow.data.errors import LeftOutError, MarrowError
from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.layouts.folders import classes_of_folders_above
from napari_marrow.data.layouts.listing import (
    images_in,
    list_folder,
    passed_over,
    with_passed_over,
)
from napari_marrow.data.layouts.names import (
    is_class_word,
    is_patient_of_name,
    source_of_name,
)
from napari_marrow.data.layouts.one_hot import is_beside_class
from napari_marrow.data.layouts.people import sources_of_folders
from napari_marrow.data.layouts.sources import warn_of_missing_originals
from napari_marrow.data.layouts.table_files import (
    class_column,
    gives_classes,
    says_class,
    tables_apart,
    tables_inside,
)
from napari_marrow.data.layouts.table_rows import Rows, read_table, without_class
from napari_marrow.data.text import counted, folded, listed

MIN_NAMED_SHARE = 0.9
"""Share of the photographs in class folders that a table must give classes, to count before."""


def read_class_table(
    folder: Path, layout: Collection, below: bool = True
) -> tuple[Collection | None, dict[Path, str]]:
    """Read the table of classes in a folder, if there is one that counts.

    Where folders give classes, see :func:`before_folders`. Else one with the columns ``image`` and
    ``class`` beside photographs does; any other, also in other spellings, where there is no such
    one; so do those below, each for its own, and one in a folder of its own. Several are joined.

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
    if tell_classes(layout) and not certain:
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
    parts, read = before_folders(layout, parts, bool(certain)), parts
    if read and not parts:
        return None, {}
    if apart and len({p for part in parts for p in part.fields}) < sum(
        len(p.fields) for p in parts
    ):
        names = listed([part.name for part in parts])
        fault = f"{names} give classes; to use one, leave it alone there."
        return None, faults | {part.table: fault for part in parts}
    return join_unless_left_out(folder, layout, parts, bool(certain), faults)


def tell_classes(layout: Collection) -> bool:
    """Whether several folders give classes, and one has a word for cells or a diagnosis."""
    names = {folded(name) for name in classes_of_folders_above(layout).values()}
    return len(names) > 1 and any(map(is_class_word, names))


def before_folders(layout: Collection, parts: list[Rows], is_certain: bool = False) -> list[Rows]:
    """Return the tables that count before the folders that give classes.

    None does where the folders have words for cells or diagnoses in their names and tell classes
    apart. Before others, which may be those of patients, count tables with a column that says
    outright that it has the class, and other classes for nearly all photographs, not the same by
    other names. Of one folder that is no such word any table does.
    """
    folders = {path: folded(c) for path, c in classes_of_folders_above(layout).items()}
    told = {*folders.values()}
    is_about_others = is_certain and all(folders.keys().isdisjoint(p.fields) for p in parts)
    if is_about_others or (len(told) < 2 and not any(map(is_class_word, told))):
        return parts
    own = [p for p in parts if says_class(p.table) and not _rates(p)]
    given = {path: folded(f.class_name) for p in own for path, f in p.fields.items()
             if f.class_name}  # fmt: skip
    classes = {*given.values()}
    inside = given.keys() & folders.keys()
    pairs = {(folders[path], given[path]) for path in inside}
    says_same = not classes.isdisjoint(told) or len(pairs) == len(classes) == len(told)
    is_other = not says_same and len(inside) >= MIN_NAMED_SHARE * len(folders)
    counts = len(classes) > 1 and (is_certain or is_other) and not tell_classes(layout)
    return own if counts else []


def _rates(part: Rows) -> bool:
    """Whether all classes of a table are about the picture or the patient: good and bad."""
    return all(is_beside_class(f.class_name) for f in part.fields.values() if f.class_name)


def _people(layout: Collection, parts: list[Rows]) -> tuple[dict[Path, str], list[str]]:
    """Return the folders that tables count before, as those of patients, and a sentence.

    Where each holds one class and each class is in one, they are the classes by other names; and
    where each holds one acquisition and each of these is in one, they are the acquisitions.
    """
    folders = classes_of_folders_above(layout)
    given = {path: folded(f.class_name) for p in parts for path, f in p.fields.items()
             if f.class_name and path in folders}  # fmt: skip
    names = sorted({folders[path] for path in given})
    if not any(map(is_class_word, names)) and len(names) < 2:
        return {}, []
    tables = listed([p.name for p in parts])
    classes = sorted({f.class_name for p in parts for f in p.fields.values() if f.class_name})
    pairs = {(folders[path], name) for path, name in given.items()}
    acquired = {(folders[path], f.acquisition) for p in parts for path, f in p.fields.items()
                if path in given and f.acquisition}  # fmt: skip
    is_acquisition = len(acquired) == len({name for _, name in acquired}) == len(names)
    divided = len(names) > 1 and len({*given.values()}) < len(pairs) and not is_acquisition
    kept = "are taken for patients, slides or the like" if divided else "do not count"
    return {path: folders[path] for path in given if divided}, [
        f"{tables} gives the classes {listed(classes)}; the names of folders "
        f"({listed(names)}) {kept}. If these are the classes, rename the column "
        f"{listed(sorted({class_column(p.table) for p in parts}))} or move the table away."
    ]


def join_unless_left_out(
    folder: Path, layout: Collection, parts: list[Rows], is_certain: bool, faults: dict[Path, str]
) -> tuple[Collection | None, dict[Path, str]]:
    """Join the tables; where those that are not certain leave out everything, they don't count."""
    if not parts:
        return None, faults
    try:
        people, notes = _people(layout, parts)
        found = _join(folder, parts, None if is_certain else layout.fields, people)
    except LeftOutError as error:
        if is_certain:
            raise
        return None, faults | {part.table: passed_over(part.table, error) for part in parts}
    found = dataclasses.replace(found, warnings=(*notes, *found.warnings))
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


def _join(
    root: Path,
    parts: list[Rows],
    others: Iterable[Field] | None,
    people: Mapping[Path, str] | None = None,
) -> Collection:
    """Join what tables say; a photograph to which they give different classes has none.

    Folders that may be those of patients (``people``) are the sources where nothing else tells any.
    """
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
    fields = _with_sources(root, fields, given, people or {}, warnings)
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
    root: Path,
    fields: list[Field],
    given: dict[Path, str],
    people: Mapping[Path, str],
    warnings: list[str],
) -> list[Field]:
    """Take the given sources; where there is none, that of a patient's folder."""
    without = [f for f in fields if f.path not in given]
    found, sentences = sources_of_folders(root, without)
    if people and found == tuple(without):
        found, sentences = (
            tuple(dataclasses.replace(f, source=people.get(f.path, f.source)) for f in found),
            [],
        )
    warnings += [*sentences, *warn_of_missing_originals(root, without)]
    names = {path: Path(text) for path, text in given.items()}  # of C-NMC: UID_57_29_1_all.bmp
    given |= {path: source_of_name(n) for path, n in names.items() if is_patient_of_name(n)}
    sources = {f.path: f.source for f in found} | given
    return [dataclasses.replace(f, source=sources[f.path]) for f in fields]
