"""Checks of found fields, from headers and samples of the files alone."""

from __future__ import annotations

import contextlib
import filecmp
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, TypeAlias

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.images import image_size
from napari_marrow.data.layouts.levels import with_used_bits
from napari_marrow.data.layouts.sources import replace_sources
from napari_marrow.data.progress import Progress, ignore, reported
from napari_marrow.data.text import listed

Size: TypeAlias = tuple[int, int]
DAMAGED = "damaged"
SAMPLE_BYTES = 4096


class FileProblem(NamedTuple):
    """What is wrong with a file of a field, in a few words for a table and in a sentence."""

    note: str
    sentence: str


def validate_collection(collection: Collection, progress: Progress = ignore) -> Collection:
    """Join the sources of equal files, and add a warning for all that is odd.

    Parameters
    ----------
    collection
        Fields as they were found.
    progress
        Called with what is done.

    Raises
    ------
    MarrowError
        When not one of the photographs can be read; the sentence is the first file's.
    """
    collection = with_used_bits(collection, progress)
    copies = _find_copies(reported(collection.fields, "Comparing files:", progress))
    fields = replace_sources(collection.fields, [[f.source for f in group] for group in copies])
    sizes: Counter[Size] = Counter()
    headers = reported(fields, "Reading headers:", progress)
    problems = [problem for f in headers for problem in _file_problems(f, sizes)]
    damaged = [problem.sentence for problem in problems if problem.note == DAMAGED]
    if damaged and len(damaged) == len(fields):
        raise MarrowError(damaged[0])
    names = [listed([f.path.name for f in group]) for group in copies]
    warnings = [
        _missing("a nucleus mask", fields, [f.name for f in fields if _lacks_nuclei(f)]),
        *(problem.sentence for problem in problems),
        _different_sizes(sizes),
        *(f"The same picture more than once, taken as one source: {n}." for n in names),
        warn_of_missing_classes(fields),
    ]
    warnings = [*collection.warnings, *filter(None, warnings)]
    return replace(collection, fields=fields, warnings=tuple(warnings))


def notes_of(collection: Collection) -> dict[str, list[str]]:
    """Return what is odd about each field, in a few words, by what the collection calls it.

    The same that :func:`validate_collection` puts into sentences about the files and masks.
    """
    some_have_nuclei = not all(map(_lacks_nuclei, collection.fields))
    notes = {}
    for f in collection.fields:
        own = list(dict.fromkeys(problem.note for problem in _file_problems(f, Counter())))
        if some_have_nuclei and _lacks_nuclei(f):
            own.append("no nucleus mask")
        if own:
            notes[collection.label(f)] = own
    return notes


def warn_of_missing_classes(fields: tuple[Field, ...]) -> str:
    """Name the fields without a class in a sentence; nothing if all have one, or none has."""
    return _missing("a class", fields, [f.name for f in fields if f.class_name is None])


def _lacks_nuclei(field: Field) -> bool:
    return "nucleus" not in field.mask_kinds


def _missing(what: str, fields: tuple[Field, ...], names: list[str]) -> str:
    """Name the fields that lack something which others have."""
    return f"Fields without {what}: {listed(names)}." if 0 < len(names) < len(fields) else ""


def _file_problems(field: Field, sizes: Counter[Size]) -> list[FileProblem]:
    """Find damaged files, and masks of another size than their photograph; count its size."""
    try:
        height, width = image_size(field.path)
    except MarrowError as error:
        return [FileProblem(DAMAGED, str(error))]
    sizes[height, width] += 1
    problems = []
    for mask in field.mask_files:
        try:
            size = image_size(mask)
        except MarrowError as error:
            problems.append(FileProblem("damaged mask", str(error)))
            continue
        if size != (height, width):
            sentence = (
                f"{mask.name} is {size[1]}x{size[0]} and its photograph {width}x{height} pixels; "
                "the mask can't be used."
            )
            problems.append(FileProblem("mask of another size", sentence))
    return problems


def _different_sizes(sizes: Counter[Size]) -> str:
    rows = [f"{w}x{h} ({count})" for (h, w), count in sorted(sizes.items())]
    return f"The fields have {len(rows)} different sizes: {listed(rows)}." if len(rows) > 1 else ""


def _find_copies(fields: Iterable[Field]) -> list[list[Field]]:
    """Find fields that are the same file, byte by byte.

    A picture could be learnt from under one name and judged under another.
    """
    seen: dict[bytes, list[list[Field]]] = defaultdict(list)
    for f in fields:
        with contextlib.suppress(OSError):  # reported by _file_problems
            alike = seen[_sample(f.path)]  # few are, and only those are read whole
            for group in alike:
                if filecmp.cmp(group[0].path, f.path, shallow=False):
                    group.append(f)
                    break
            else:
                alike.append([f])
    return [group for alike in seen.values() for group in alike if len(group) > 1]


def _sample(path: Path) -> bytes:
    """Return a digest of the file's size and of some of its bytes."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with open(path, "rb") as file:
        for start in (0, size // 3, size // 2, size - SAMPLE_BYTES):
            file.seek(max(start, 0))
            digest.update(file.read(SAMPLE_BYTES))
    return digest.digest()
