"""What photographs share a source by their names, where their files do not show it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from napari_marrow.data.fields import Field
from napari_marrow.data.layouts.files import listed
from napari_marrow.data.layouts.names import base_of_name


def told_of_bases(root: Path, fields: Iterable[Field]) -> list[str]:
    """A sentence on photographs that count as made from one that is not there.

    They may be its products, kept without it, which must not stand on both sides of a split. Or
    they are different pictures with such names, and few sources are left: only a person can tell.
    """
    fields = list(fields)
    own = {f.path.relative_to(root).with_suffix("").as_posix() for f in fields}
    made: dict[str, list[str]] = defaultdict(list)
    for f in fields:
        if f.source == base_of_name(f.path.relative_to(root)) and f.source not in own:
            made[f.source].append(f.path.name)
    groups = [f"{listed(names, 3)} ({source})" for source, names in made.items() if len(names) > 1]
    if not groups:
        return []
    return [
        "By the ends of their names these are made from one photograph, which is not there, and "
        f"count as one source: {listed(groups, 3)}. If they are different pictures, rename them, "
        "or give each a source of its own in a table or with --groups."
    ]
