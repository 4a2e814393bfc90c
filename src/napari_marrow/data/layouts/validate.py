"""What is odd about found fields, from headers and samples of the files alone."""

from __future__ import annotations

import contextlib
import filecmp
import hashlib
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection, Field, usable
from napari_marrow.data.images import image_size
from napari_marrow.data.layouts.listing import listed
from napari_marrow.data.layouts.sources import joined_sources

DAMAGED = "damaged"


def checked(collection: Collection) -> Collection:
    """Join the sources of equal files, and add a sentence for all that is odd.

    Raises
    ------
    MarrowError
        When not one of the photographs can be read; the sentence is the first file's.
    """
    usable(collection)
    fields, copies = _join_copies(list(collection.fields))
    odd = [_without_nuclei(fields), *_odd_sizes(fields), *copies, _without_class(fields)]
    warnings = (*collection.warnings, *filter(None, odd))
    return replace(collection, fields=tuple(fields), warnings=warnings)


def _without_nuclei(fields: list[Field]) -> str:
    bare = [f.name for f in fields if "nucleus" not in f.mask_kinds]
    if not bare or len(bare) == len(fields):
        return ""
    return f"Fields without a nucleus mask: {listed(bare)}."


def _odd_sizes(fields: list[Field]) -> list[str]:
    """Damaged files, masks of another size than their photograph, and sizes that differ."""
    warnings: list[str] = []
    sizes: dict[tuple[int, int], list[str]] = defaultdict(list)
    for f in fields:
        try:
            size = image_size(f.path)
            sizes[size].append(f.name)
            for mask in f.mask_files:
                if (found := image_size(mask)) != size:
                    warnings.append(
                        f"{mask.name} is {found[1]}x{found[0]} and its photograph "
                        f"{size[1]}x{size[0]} pixels; the mask can't be used."
                    )
        except MarrowError as error:
            warnings.append(str(error))
    if len(sizes) > 1:
        rows = [f"{w}x{h} ({len(names)})" for (h, w), names in sorted(sizes.items())]
        warnings.append(f"The fields have {len(sizes)} different sizes: {listed(rows)}.")
    return warnings


def notes_of(collection: Collection) -> dict[str, list[str]]:
    """What is odd about each field, in a few words, by what the collection calls it.

    The same that :func:`checked` says in sentences of the files and masks.
    """
    some = any("nucleus" in f.mask_kinds for f in collection.fields)
    notes = {}
    for f in collection.fields:
        own = _odd_files(f)
        if some and "nucleus" not in f.mask_kinds:
            own.append("no nucleus mask")
        if own:
            notes[collection.label(f)] = own
    return notes


def _odd_files(field: Field) -> list[str]:
    try:
        size = image_size(field.path)
    except MarrowError:
        return [DAMAGED]
    notes = []
    for mask in field.mask_files:
        try:
            fits = image_size(mask) == size
        except MarrowError:
            notes.append("damaged mask")
        else:
            notes += [] if fits else ["mask of another size"]
    return list(dict.fromkeys(notes))


def _join_copies(fields: list[Field]) -> tuple[list[Field], list[str]]:
    """Give fields that are the same file one source.

    Otherwise a picture could be learnt from under one name and judged under another.
    """
    seen: dict[bytes, list[list[Field]]] = defaultdict(list)
    for f in fields:
        with contextlib.suppress(OSError):  # what can't be read is said elsewhere
            alike = seen[_sample(f.path)]  # few are, and only those are read whole
            group = next((g for g in alike if filecmp.cmp(g[0].path, f.path, shallow=False)), None)
            if group is None:
                alike.append([f])
            else:
                group.append(f)
    same = [group for alike in seen.values() for group in alike if len(group) > 1]
    joined = joined_sources([[f.source for f in group] for group in same])
    fields = [replace(f, source=joined.get(f.source, f.source)) for f in fields]
    names = [listed([f.path.name for f in group]) for group in same]
    return fields, [f"The same picture more than once, taken as one source: {n}." for n in names]


def _sample(path: Path, length: int = 4096) -> bytes:
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with open(path, "rb") as file:
        for start in (0, size // 3, size // 2, size - length):
            file.seek(max(start, 0))
            digest.update(file.read(length))
    return digest.digest()


def _without_class(fields: list[Field]) -> str:
    bare = [f.name for f in fields if f.class_name is None]
    if not bare or len(bare) == len(fields):
        return ""
    return f"Fields without a class: {listed(bare)}."
