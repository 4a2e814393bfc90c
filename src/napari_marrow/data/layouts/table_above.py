"""Tables of classes above a folder, or beside it, that name its photographs."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from napari_marrow.data.csv_table import read_rows_by_role
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.file_index import FileIndex
from napari_marrow.data.layouts.class_table import (
    before_folders,
    join_unless_left_out,
    tell_classes,
)
from napari_marrow.data.layouts.listing import (
    folders_with_images,
    holds_results,
    images_in,
    list_folder,
    passed_over,
    subfolders,
)
from napari_marrow.data.layouts.paired_masks import is_named_for
from napari_marrow.data.layouts.table_files import gives_classes, say_folders_count
from napari_marrow.data.layouts.table_rows import read_table
from napari_marrow.data.text import listed

MAX_LEVELS_ABOVE = 3
"""Number of folders above one in which a table is looked for."""


def read_class_table_above(
    folder: Path, layout: Collection
) -> tuple[Collection | None, dict[Path, str]]:
    """Read the tables above a folder, or beside it in a folder of their own, that name its fields.

    Where folders give classes, see :func:`~.class_table.before_folders`. The nearest of
    :data:`MAX_LEVELS_ABOVE` folders counts.
    """
    if layout.tables or tell_classes(layout):
        return None, {}
    own = {f.path: f for f in layout.fields}
    index = FileIndex({layout.label(f): f for f in layout.fields})
    faults: dict[Path, str] = {}
    for above in folder.parents[:MAX_LEVELS_ABOVE]:
        beside = subfolders(above) if above == folder.parent else []
        apart = [
            p
            for p in beside
            if not (holds_results(p) or images_in(p) or any(folders_with_images(p)))
        ]
        rivals = [p for p in beside if p != folder and images_in(p)]
        tables = [t for place in (above, *apart) for t in list_folder(place) if gives_classes(t)]
        tables = [t for t in tables if not _is_of_another(t, folder, rivals)]
        parts = []
        for table in (t for t in tables if _names_any(t, index)):
            try:
                part = read_table(table, above, above)
            except MarrowError as error:
                faults[table] = passed_over(table, error)
                continue
            fields = {
                path: dataclasses.replace(
                    own[path], class_name=f.class_name, acquisition=f.acquisition
                )
                for path, f in part.fields.items() if path in own
            }  # fmt: skip
            if fields:
                parts.append(dataclasses.replace(part, fields=fields, place=folder, rest=[]))
        read, parts = parts, before_folders(layout, parts)
        if not parts:
            faults |= {p.table: say_folders_count(p.table, p.name) for p in read}
        if parts:
            names = listed([str(part.table) for part in parts])
            used = f"Classes are those of {names}; move it away to read the folder without."
            found, faults = join_unless_left_out(folder, layout, parts, False, faults)
            if found is not None:
                found = dataclasses.replace(found, warnings=(*found.warnings, used))
            return found, faults
    return None, faults


def _is_of_another(table: Path, folder: Path, rivals: list[Path]) -> bool:
    """Whether a table's name says that it is about another folder of photographs."""
    is_own = is_named_for(table, folder)
    return is_own is False or (not is_own and any(is_named_for(table, p) for p in rivals))


def _names_any(table: Path, index: FileIndex[Field]) -> bool:
    """Whether a table names one of these photographs."""
    try:
        return any(index.find(row["image"]) for row in read_rows_by_role(table))
    except MarrowError:
        return False
