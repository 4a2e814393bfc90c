"""Names of the fields of several folders in one table and in one folder of files."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.outputs import FileKind, table_kind


def _predictions(*last: str) -> FileKind:
    first = ("image", "index", "y", "x", "class")
    return table_kind("a table of predictions", first, "probability_.+", last, ("source",))


_OF_VERSION_0_1 = _predictions("uncertain")
_NEW = _predictions("uncertain", "reason")
PREDICTIONS = FileKind(
    _NEW.name,
    lambda path: _NEW.is_ours(path) or _OF_VERSION_0_1.is_ours(path),
    _OF_VERSION_0_1.resembles_ours,
)


def field_names(collections: Sequence[Collection]) -> list[tuple[str, Field]]:
    """Return each field with its name for a table: its path where shorter names would repeat."""
    pairs = [(c.label(f), f) for c in collections for f in c.fields]
    counts = Counter(label for label, _ in pairs)
    return [(label if counts[label] == 1 else str(f.path), f) for label, f in pairs]


def file_stems(paths: Sequence[Path]) -> list[str]:
    """Return stems of files made of others: their own, after their folder's where they repeat.

    Where that is not enough (``ALL_1.bmp`` beside ``ALL_1.png``), a number follows. Stems that
    differ in case alone count as equal, as they do on some systems.
    """
    counts = Counter(path.stem.lower() for path in paths)
    stems, taken = [], set()
    for path in paths:
        alone = counts[path.stem.lower()] == 1
        plain = path.stem if alone else f"{path.parent.name}_{path.stem}"
        numbered = (f"{plain}_{k}" for k in itertools.count(2))
        stem = plain
        while stem.lower() in taken:
            stem = next(numbered)
        stems.append(stem)
        taken.add(stem.lower())
    return stems
