"""Folders as collections: which files are photographs, which are masks, and what class.

The files themselves show the layout. Each is one function that returns a collection, or
None for what is not its own:

- a folder with a table ``image,class[,source]`` (:mod:`.class_table`),
  as the program itself saves one (:mod:`.saved_table`),
- SegPC-2021 and white blood cells, with masks in other folders (:mod:`.paired_masks`),
- everything with class folders: SN-AM in both spellings, C-NMC 2019, ALL-IDB2, any other names
  (:mod:`.folders`, :mod:`.names`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TypeAlias

from napari_marrow.data.csv_table import is_table_name
from napari_marrow.data.errors import LeftOutError, MarrowError
from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.images import is_image_name
from napari_marrow.data.layouts.class_table import fields_of_table, read_class_table
from napari_marrow.data.layouts.folders import (
    class_folders,
    with_classes_of_names,
)
from napari_marrow.data.layouts.levels import with_common_bits
from napari_marrow.data.layouts.listing import (
    FolderFiles,
    fields_of_files,
    join_collections,
    natural_key,
    sort_files,
    with_passed_over,
)
from napari_marrow.data.layouts.names import (
    class_of_folder_name,
    class_of_name,
    is_class_word,
)
from napari_marrow.data.layouts.paired_masks import (
    find_paired_masks,
    segpc_part,
    white_blood_cells,
)
from napari_marrow.data.layouts.parallel_masks import with_parallel_masks
from napari_marrow.data.layouts.saved_table import (
    SAVED,
    read_saved_table,
    read_table_above,
    with_saved_tables_below,
    write_table,
)
from napari_marrow.data.layouts.sources import warn_of_missing_originals
from napari_marrow.data.layouts.table_above import read_class_table_above
from napari_marrow.data.layouts.tidy import join_spellings, with_distinct_names
from napari_marrow.data.layouts.together import put_together, with_sources_of_names
from napari_marrow.data.layouts.unused import warn_of_unused
from napari_marrow.data.layouts.validate import validate_collection
from napari_marrow.data.masks import looks_like_mask, mask_kind
from napari_marrow.data.outputs import is_own_png
from napari_marrow.data.progress import Progress, ignore
from napari_marrow.data.text import listed, one_line

__all__ = ["SAVED", "natural_key", "put_together", "scan", "scan_all", "write_table"]
_FieldsOf: TypeAlias = Callable[[Path], Collection]


def scan(folder: Path | str, progress: Progress = ignore) -> Collection:
    """Find the fields of a folder, pair them with their masks, and note what is odd.

    Only headers are read. Masks are never counted as photographs.

    Parameters
    ----------
    folder
        A folder of photographs, of class folders, or the download of a known data set. One
        photograph may be named instead: then its masks are those beside it. Or a table, a CSV
        with the columns ``image,class`` and perhaps ``source``.
    progress
        Called with what is done; it may raise Stopped.

    Returns
    -------
    Collection
        Its ``warnings`` are sentences that name the files.

    Raises
    ------
    MarrowError
        When the folder is not there, can't be read, or holds no photograph.
    """
    found = _scan(folder, progress, _beside)
    if not found.fields:
        raise _left_out(found.warnings)
    return found


def _scan(folder: Path | str, progress: Progress, beside: _FieldsOf) -> Collection:
    folder = Path(os.path.abspath(folder))  # names of folders above count
    progress(0.0, f"Listing the files of {folder.name}")
    if is_table_name(folder) and not folder.is_dir():
        return _finish(fields_of_table(folder), progress)
    if folder.is_file():
        one = _one_field(folder, beside)
        return _finish(one, progress) if one.fields else one
    if not folder.is_dir():
        raise MarrowError(f"{folder} is not there or no folder; check the name.")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise MarrowError(f"{folder} can't be read: no permission; ask its owner.")
    found = _scan_folder(folder)
    progress(0.0, f"Listing the files of {folder.name}")
    unused = warn_of_unused(folder, found)
    if not found.fields and found.left_out:
        return found
    if not found.fields:
        raise MarrowError(
            f"{folder} holds no photograph (BMP, TIFF, PNG or JPEG that is no mask); choose the "
            f"folder with the images, or the one with a folder a class. {' '.join(unused)}"
        )
    return _finish(replace(found, warnings=(*found.warnings, *unused)), progress)


def _finish(found: Collection, progress: Progress) -> Collection:
    """Give classes and fields the names that users see, and check the files."""
    checked = validate_collection(with_distinct_names(join_spellings(found)), progress)
    return replace(checked, warnings=tuple(map(one_line, checked.warnings)))


def scan_all(paths: Iterable[Path | str]) -> list[Collection]:
    """:func:`scan` each path; what several of them hold or warn of is only in the first.

    Raises
    ------
    MarrowError
        As :func:`scan` does.
    """
    found: list[Collection] = []
    seen: set[Path] = set()
    reported: set[str] = set()
    left_out: list[str] = []
    beside = cache(_beside)  # thousands of photographs may be named one by one
    for path in paths:
        collection = _scan(path, ignore, beside)
        new = [f for f in collection.fields if f.path.resolve() not in seen]
        seen.update(f.path.resolve() for f in new)
        if new:
            warnings = tuple(w for w in collection.warnings if w not in reported)
            reported.update(warnings)
            found.append(replace(collection, fields=tuple(new), warnings=warnings))
        elif not collection.fields:
            left_out += collection.warnings
    if not found:
        raise _left_out(left_out)
    found[0] = replace(found[0], warnings=(*found[0].warnings, *dict.fromkeys(left_out)))
    return with_common_bits(found)


def _left_out(warnings: Sequence[str]) -> LeftOutError:
    return LeftOutError(f"{' '.join(warnings)} Check them in the table, or move it away.")


def _scan_folder(folder: Path) -> Collection:
    """Find the fields by the tables that count, else by the sets and folders."""
    return with_saved_tables_below(_by_table_or_folders(folder), folder)


def _by_table_or_folders(folder: Path) -> Collection:
    if saved := read_saved_table(folder):
        return saved
    saved, faults_above = read_table_above(folder)
    if saved:
        return with_passed_over(saved, faults_above)
    sets = find_paired_masks(folder)
    taken = {p.parent for s in sets for f in s.fields for p in (f.path, *f.mask_files)}
    rest = class_folders(folder, taken)
    layout = join_collections(folder, [*sets, rest]) if sets else rest
    table, faults = _read_tables(folder, layout)
    if table is not None:
        return with_passed_over(table, faults_above)
    layout = with_passed_over(layout, faults_above | faults)
    warnings = list(layout.warnings)
    folders = sorted({layout.label(f).rpartition("/")[0] for f in layout.fields} - {""})
    if len(folders) > 1 and not layout.classes:
        warnings.append(
            f"No field has a class: no name of a folder can be one ({listed(folders)})."
        )
    warnings += warn_of_missing_originals(layout.root, layout.fields)
    return with_sources_of_names(replace(layout, warnings=tuple(warnings)))


def _read_tables(
    folder: Path, layout: Collection, below: bool = True
) -> tuple[Collection | None, dict[Path, str]]:
    """Read the tables of classes in a folder, else those above; return why others can't be used."""
    table, faults = read_class_table(folder, layout, below)
    if table is None:
        table, above = read_class_table_above(folder, layout)
        faults |= above
    return table, faults


def _one_field(path: Path, beside: _FieldsOf) -> Collection:
    if not is_image_name(path):
        raise MarrowError(
            f"{path} is not a BMP, TIFF, PNG or JPEG file; choose a photograph, or export it as "
            "TIFF or PNG."
        )
    if mask_kind(path) or looks_like_mask(path):
        raise MarrowError(
            f"{path} is a mask by its name, not a photograph; name the photograph, or the folder."
        )
    if is_own_png(path):
        raise MarrowError(
            f"{path} is a result that napari-marrow wrote, not a photograph; name the photograph."
        )
    folder = path.parent
    known = beside(folder)
    fields = tuple(f for f in known.fields if f.path == path)
    left_out = tuple(f for f in known.left_out if f.path == path)
    if left_out:
        return Collection(folder, (), (f"{known.tables[0]} leaves out {path.name}.",), known.tables)
    fields = fields or tuple(_fields_of_one_folder(folder, FolderFiles([path])))
    return Collection(folder, fields, known.warnings, known.tables)


def _beside(folder: Path) -> Collection:
    """Return the photographs of a folder by the tables that name them, else by its files."""
    known, faults = read_table_above(folder, own=True)
    layout = _layout_beside(folder)
    warnings = list[str]()
    if known is None:
        try:
            known, more = _read_tables(folder, layout, below=False)
        except MarrowError as error:
            warnings.append(str(error))
        else:
            faults |= more
            known = known and replace(known, left_out=())  # what is opened by name is wanted
    known = replace(known or Collection(folder, (), tables=layout.tables), warnings=tuple(warnings))
    named = {f.path for f in known.all_fields}
    rest = [f for f in layout.fields if f.path not in named]
    return with_passed_over(replace(known, fields=(*known.fields, *rest)), faults)


def _layout_beside(folder: Path) -> Collection:
    """Return the photographs of a folder with their masks, as each would be found by itself."""
    fields = _fields_of_one_folder(folder, sort_files(folder))
    found = {f.path: f for f in with_parallel_masks(folder, fields)}
    sets = [white_blood_cells(folder), segpc_part(folder.parent, folder.parent)]
    whole = join_collections(folder, filter(None, sets))
    found |= {f.path: f for f in whole.fields}
    return replace(whole, fields=tuple(found.values()), warnings=())


def _fields_of_one_folder(folder: Path, files: FolderFiles) -> list[Field]:
    """Make fields of a folder's photographs; the class by its name, if that is a word for one."""
    name = folder.name
    of_folder = class_of_folder_name(name) if is_class_word(name) else class_of_name(name)
    fields = fields_of_files(folder, of_folder, files, [])
    return fields if of_folder else with_classes_of_names(fields)[0]
