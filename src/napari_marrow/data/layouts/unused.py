"""Files of a folder that were not used, and why a table is among them."""

from __future__ import annotations

import os
import re
from pathlib import Path

from napari_marrow.data.csv_table import (
    columns,
    columns_by_role,
    is_own_table,
    is_table_name,
    read_rows,
)
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.file_index import FileIndex
from napari_marrow.data.images import is_image_name
from napari_marrow.data.layouts.class_table import tell_classes
from napari_marrow.data.layouts.listing import name_below, natural_key
from napari_marrow.data.layouts.table_files import (
    gives_classes,
    is_named_for_predictions,
    say_folders_count,
    tables_apart,
)
from napari_marrow.data.masks import has_labels_mark, looks_like_mask, mask_kind
from napari_marrow.data.outputs import is_own_png
from napari_marrow.data.text import counted, listed

MAX_EXPLAINED_TABLES = 5
"""Tables of which the reason is given; of more it would fill the screen, and they are listed."""
_REMEDY = (
    "{} is passed over, as it has no names of columns above its rows; write image, class above "
    "them, and commas between the columns."
)
PHANTOM_TABLE, PHANTOM_COLUMNS = "phantom.csv", ("image", "class", "source", "acquisition")
"""The truth that is written beside simulated photographs, whose folders give the classes."""
_ABOUT = re.compile(r"(?:readme|licen[cs]e|copying)(?![a-z]).*(?<!\.csv)(?<!\.tsv)", re.IGNORECASE)
"""Names of texts about a set of data, which are not named."""
_SPREADSHEETS = frozenset({".xlsx", ".xls", ".xlsm", ".ods", ".numbers"})
_OTHER_IMAGES = frozenset({
    ".arw", ".avif", ".bif", ".cr2", ".cr3", ".czi", ".dcm", ".dng", ".exr", ".fits", ".gif",
    ".heic", ".heif", ".ims", ".j2k", ".jp2", ".jpf", ".jpx", ".jxl", ".jxr", ".lif", ".lsm",
    ".mrxs", ".nd2", ".ndpi", ".nef", ".oib", ".oif", ".oir", ".orf", ".pcx", ".pgm", ".pnm",
    ".ppm", ".psd", ".raw", ".rw2", ".scn", ".stk", ".svs", ".tga", ".vms", ".vsi", ".webp",
    ".xcf", ".zif", ".zvi",
})  # fmt: skip
"""Formats of cameras, microscopes and slide scanners that can't be read."""


def warn_of_unused(folder: Path, found: Collection) -> list[str]:
    """Return warnings about the files below ``folder`` that a collection does not use.

    Hidden folders are passed over. Folders that may not be read are named. Of a table that seems to
    be about the photographs the reason is given, with the remedy.
    """
    used = {path for f in found.all_fields for path in (f.path, *f.mask_files)} | {
        *found.tables,
        *found.passed_over,
    }
    others: list[str] = []
    images: list[str] = []
    errors: list[OSError] = []
    for place, folders, names in os.walk(folder, onerror=errors.append):
        folders[:] = sorted((n for n in folders if not n.startswith(".")), key=natural_key)
        for path in (Path(place, name) for name in sorted(names, key=natural_key)):
            if path not in used:
                kind = images if is_image_name(path) else others
                kind.append(path.relative_to(folder).as_posix())
    results = [n for n in images if is_own_png(folder / n) or has_labels_mark(folder / n)]
    own = set(results)
    masks = [n for n in images if looks_like_mask(Path(n)) and not mask_kind(Path(n))]
    own |= {*masks}
    images = [n for n in images if n not in own]
    warnings = []
    if errors:
        closed = [Path(error.filename).relative_to(folder).as_posix() for error in errors]
        warnings.append(f"Folders that can't be read, left out: {listed(closed)}; ask their owner.")
    others = [name for name in others if not _is_phantom_table(folder / name)]
    explained = _explain_tables(folder, found, others)
    others = [n for n in others if n not in explained and not _ABOUT.fullmatch(Path(n).name)]
    unread = [n for n in others if Path(n).suffix.lower() in _OTHER_IMAGES]
    others = [n for n in others if n not in unread]
    if unread:
        formats = listed(sorted({Path(n).suffix.lower() for n in unread}))
        warnings.append(
            f"Passed over: {counted(len(unread), 'image')} of a format that can't be read "
            f"({formats}): {listed(unread)}; export them as TIFF or PNG."
        )
    if others:
        what = counted(len(others), "file that is not an image", "files that are not images")
        warnings.append(f"Passed over: {what}: {listed(others)}.")
    if results:
        what = counted(len(results), "result")
        warnings.append(f"Passed over: {what} of napari-marrow: {listed(results)}.")
    if masks:
        what = counted(len(masks), "mask")
        warnings.append(
            f"Passed over: {what} of which the name does not tell the kind: {listed(masks)}; write "
            "nucleus_mask or cytoplasm_mask behind the photograph's name, or move those of nuclei "
            "into a folder masks."
        )
    if images:
        what = "taken neither for a photograph nor for a mask"
        if found.tables:
            tables = listed([name_below(folder, table) for table in found.tables])
            what += f", or not named in {tables}, which gives the classes"
        warnings.append(f"Passed over: {counted(len(images), 'image')} {what}: {listed(images)}.")
    return [*warnings, *explained.values()]


def _is_phantom_table(path: Path) -> bool:
    return path.name == PHANTOM_TABLE and columns(path) == PHANTOM_COLUMNS


def _explain_tables(folder: Path, found: Collection, unused: list[str]) -> dict[str, str]:
    """Return why tables are not used, by their names below the folder; of few tables."""
    places = {folder, *(f.path.parent for f in found.fields)}
    index = FileIndex({found.label(f): f for f in found.fields})
    apart = {path for path in tables_apart(folder) if _names_photographs(path, index)}
    near = {name: folder / name for name in unused}
    near = {name: path for name, path in near.items() if path.parent in places or path in apart}
    by_folders = not found.tables and tell_classes(found)
    reasons = {name: _why_unused(folder, name, found, index, by_folders) for name in near}
    explained = [(name, reason) for name, reason in reasons.items() if reason]
    return dict(explained[:MAX_EXPLAINED_TABLES])


def _why_unused(
    folder: Path, name: str, found: Collection, index: FileIndex[Field], by_folders: bool
) -> str | None:
    """Return why a table is not used, and what to do; None where it is about something else.

    Nothing helps where folders give the classes (``by_folders``) in any case.
    """
    path = folder / name
    if path.suffix.lower() in _SPREADSHEETS:
        return f"{name} is a spreadsheet, which can't be read; save it as CSV to use it."
    if not is_table_name(path) or is_own_table(names := columns(path)):
        return None
    if path.suffix.lower() == ".txt" and len(names) < 2:
        words = names[0].split() if names else []
        return _REMEDY.format(name) if any(map(index.find, filter(_is_file, words))) else None
    roles = columns_by_role(names)
    if gives_classes(path):
        if found.tables:
            chosen = listed([name_below(folder, table) for table in found.tables])
            return f"{name} is passed over, as {chosen} gives the classes; keep one of the two."
        return say_folders_count(path, name)
    if {"image", "class"} <= roles.keys() and is_named_for_predictions(path):
        return (
            f"{name} is passed over, as by its name its classes are predicted, or are to be; if "
            "they are true, give it another name."
        )
    if "image" in roles and (given := [r for r in ("source", "acquisition") if r in roles]):
        what = " and ".join(f"{role}s" for role in given)
        return f"{name} gives {what}, and no classes; to use it, name it with --groups."
    is_of_patients = (
        "image" not in roles and "class" in roles and {"source", "folder"} & roles.keys()
    )
    if not is_of_patients and not _names_photographs(path, index):
        return None
    if by_folders:
        return f"{name} is passed over, as the folders give the classes."
    if is_of_patients:
        return (
            f"{name} is passed over, as it has no column image, but {listed(names)}; write a row "
            "for each photograph, with its path in a column called image."
        )
    if any(map(_is_file, names)):
        return _REMEDY.format(name)
    if "image" in roles:
        return (
            f"{name} is passed over, as it has no column class, but {listed(names)}; write the "
            "name of each photograph's class into one column and call it class."
        )
    return (
        f"{name} is passed over, as it has the columns {listed(names)}; call the column with the "
        "names of the files image and the one with the classes class."
    )


def _is_file(text: str) -> bool:
    return is_image_name(Path(text))


def _names_photographs(path: Path, index: FileIndex[Field]) -> bool:
    """Whether the first row, or the header, of a table holds the name of a photograph."""
    try:
        rows = read_rows(path)[:1]
    except MarrowError:
        return False
    texts = [*columns(path), *(text for row in rows for text in row.values())]
    return any(index.find(text) for text in texts if text)
