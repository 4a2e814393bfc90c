"""Photographs that were found in several scans, with the sources that one scan would give them."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import replace
from pathlib import Path

from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.layouts.names import source_of_name
from napari_marrow.data.layouts.people import sources_of_folders
from napari_marrow.data.layouts.sources import (
    join_generated,
    join_products,
    join_twins,
    replace_sources,
)


def with_sources_of_names(layout: Collection) -> Collection:
    """Give fields the sources that folders of patients and the names of copies tell."""
    fields, people = sources_of_folders(layout.root, layout.fields)
    layout = replace(layout, fields=fields, warnings=(*layout.warnings, *people))
    return join_generated(join_products(join_twins(layout)))


def put_together(parts: Sequence[Collection]) -> Collection:
    """Return the fields of several scans in their order, with the sources of one collection.

    A source that a table gives is one of that table's folder: the same name elsewhere is another.
    Without tables, folders and names give the sources, as in a scan of the folder above all. What
    one scan has as one source stays one, and so does a photograph that several scans have.

    Returns
    -------
    Collection
        Its warnings are those about the sources alone.
    """
    root = Path(os.path.commonpath({part.root for part in parts}))
    tables = tuple(dict.fromkeys(table for part in parts for table in part.tables))
    whole = Collection(root, tuple(f for part in parts for f in part.fields), tables=tables)
    one_scan = len({(part.root, part.tables) for part in parts}) == 1
    if one_scan and (tables or not _named_alone(whole)):
        return whole
    above = Path(os.path.commonpath({scope_of(part) for part in parts}))
    free = {f.path: f for part in parts if not part.tables for f in part.fields}
    by_name = [replace(f, source=own_source(above, f)) for f in free.values()]
    found = with_sources_of_names(Collection(above, tuple(by_name)))
    common = {f.path: f.source for f in found.fields}
    groups: dict[Hashable, list[str]] = defaultdict(list)
    fields: list[Field] = []
    for part in parts:
        below = scope_of(part).relative_to(above)
        for f in part.fields:
            source = (below / f.source).as_posix() if part.tables else common[f.path]
            groups[f.path.resolve()].append(source)
            groups[part.root, part.tables, f.source].append(source)
            fields.append(replace(f, source=source))
    shared = [group for group in groups.values() if len(set(group)) > 1]
    return replace(whole, fields=replace_sources(fields, shared), warnings=found.warnings)


def scope_of(part: Collection) -> Path:
    """Return the folder in which the sources of a scan have their names."""
    return Path(os.path.commonpath([part.root, *(table.parent for table in part.tables)]))


def own_source(root: Path, field: Field) -> str:
    """Return the source that the name of a photograph below ``root`` tells."""
    inside = field.path.is_relative_to(root)
    return source_of_name(field.path.relative_to(root) if inside else field.path)


def _named_alone(whole: Collection) -> bool:
    """Whether each photograph has the source of its own name, as where each is opened alone."""
    return all(f.source == own_source(whole.root, f) for f in whole.fields)
