"""Photographs of 16-bit files at one scale: by the bits that the files of a folder use."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection
from napari_marrow.data.images import has_16_bits, used_bits
from napari_marrow.data.progress import Progress, ignore, reported

MAX_FILES_READ = 100
"""Of the 16-bit files of a folder, spread over it, until one uses all bits: most do."""


def with_used_bits(collection: Collection, progress: Progress = ignore) -> Collection:
    """Give the fields of 16-bit files the most bits that one of them uses; report if not all."""
    fields = reported(collection.fields, "Reading levels:", progress)
    wide = [f.path for f in fields if _try(has_16_bits, f.path)]
    bits = 0
    for path in wide[:: -(-len(wide) // MAX_FILES_READ) or 1]:
        bits = max(bits, _try(used_bits, path) or 0)
        if bits == 16:
            break
    if not bits:
        return collection
    paths = set(wide)
    scaled = tuple(replace(f, bits=bits) if f.path in paths else f for f in collection.fields)
    if bits == 16:
        return replace(collection, fields=scaled)
    warning = (
        f"Levels of {bits} bits in files of 16 ({len(wide)} of {len(scaled)} photographs): "
        f"read with {2**bits - 1} as white."
    )
    return replace(collection, fields=scaled, warnings=(*collection.warnings, warning))


def with_common_bits(collections: Iterable[Collection]) -> list[Collection]:
    """Bring the 16-bit files of several collections, opened together, to the same scale."""
    collections = list(collections)
    bits = max((f.bits or 0 for c in collections for f in c.fields), default=0)
    return [
        replace(c, fields=tuple(replace(f, bits=bits) if f.bits else f for f in c.fields))
        if bits
        else c
        for c in collections
    ]


def _try(read: Callable[[Path], int | None], path: Path) -> int | None:
    try:
        return read(path)
    except MarrowError:
        return None  # reported with the damaged files
