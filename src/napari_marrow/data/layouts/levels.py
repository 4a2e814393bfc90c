"""Photographs of 16-bit files at one scale: by the bits that the files of a folder use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection
from napari_marrow.data.images import has_16_bits, used_bits
from napari_marrow.data.progress import Progress, ignore, reported
from napari_marrow.data.text import listed

MAX_FILES_READ = 100
"""Of the 16-bit files of a folder, spread over it, until enough of them use all bits: most do."""
_MAX_ODD_SHARE = 0.2
"""Of the files, that may use more bits than the rest."""
_MIN_DARK_BITS = 4
"""So many bits fewer than the rest make a photograph black: a sixteenth of white."""


def with_used_bits(collection: Collection, progress: Progress = ignore) -> Collection:
    """Give the fields of 16-bit files the bits that the files use; report if that is not all.

    A few files that use more bits than the others are read by their own, and named.
    """
    fields = reported(collection.fields, "Reading levels:", progress)
    wide = [f.path for f in fields if _try(has_16_bits, f.path)]
    read = wide[:: -(-len(wide) // MAX_FILES_READ) or 1]
    used: dict[Path, int] = {}
    for path in read:
        if found := _try(used_bits, path):
            used[path] = found
        if list(used.values()).count(16) > _MAX_ODD_SHARE * len(read):
            break
    if not used:
        return collection
    bits = 16 if path != read[-1] else _bits_of_most(used.values())
    odd = {path: found for path, found in used.items() if found > bits}
    paths = set(wide)
    scaled = tuple(
        replace(f, bits=odd.get(f.path, bits)) if f.path in paths else f for f in collection.fields
    )
    warnings = list(collection.warnings)
    if bits < 16:
        warnings.append(
            f"Levels of {bits} bits in files of 16 ({len(wide)} of {len(scaled)} photographs): "
            f"read with {2**bits - 1} as white."
        )
    warnings += _warn_of_odd(odd, bits)
    if dark := [p.name for p, found in used.items() if found <= bits - _MIN_DARK_BITS]:
        warnings.append(
            f"Nearly black beside the others, with {bits - _MIN_DARK_BITS} bits or fewer where "
            f"those use {bits}: {listed(dark)}; save them at the same depth."
        )
    return replace(collection, fields=scaled, warnings=tuple(warnings))


def with_common_bits(collections: Iterable[Collection]) -> list[Collection]:
    """Bring the 16-bit files of several collections, opened together, to the same scale."""
    collections = list(collections)
    used = [f.bits for c in collections for f in c.fields if f.bits]
    if not used:
        return collections
    bits = _bits_of_most(used)
    scaled = []
    for c in collections:
        fields = tuple(replace(f, bits=max(f.bits, bits)) if f.bits else f for f in c.fields)
        odd = _warn_of_odd({f.path: f.bits for f in fields if f.bits and f.bits > bits}, bits)
        warnings = tuple(dict.fromkeys((*c.warnings, *odd)))
        scaled.append(replace(c, fields=fields, warnings=warnings))
    return scaled


def _bits_of_most(used: Iterable[int]) -> int:
    """Return the most bits that files use, but for a few: a dark photograph needs fewer."""
    ordered = sorted(used, reverse=True)
    return ordered[int(_MAX_ODD_SHARE * len(ordered))]


def _warn_of_odd(odd: Mapping[Path, int], bits: int) -> list[str]:
    """Name the files that use more bits than the others, in a sentence."""
    if not odd:
        return []
    names = listed([f"{path.name} ({found})" for path, found in odd.items()])
    return [
        f"Levels of more than the {bits} bits of the others, read by their own: {names}; check "
        "that they are of the same camera."
    ]


def _try(read: Callable[[Path], int | None], path: Path) -> int | None:
    try:
        return read(path)
    except MarrowError:
        return None  # reported with the damaged files
