"""How many cells of each class are annotated in each field, quickly enough to ask at every stroke.

Only fields with annotations are looked at closely, and only those that changed since the last time.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Mapping
from weakref import WeakKeyDictionary

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_marrow.imaging.run_length import labels_in
from napari_marrow.viewer.photograph.annotations import strokes_in
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.stack import LazyStack

Counts = Mapping[str, int]
_counted: WeakKeyDictionary[Image, dict[int, tuple[object, Counts]]] = WeakKeyDictionary()
"""By slice of a photograph: what was counted, and the counts."""


def cell_counts(photograph: Photograph) -> tuple[Counts, ...]:
    """Return the number of annotated cells by class, for each slice; on the viewer's thread.

    Strokes are counted where the nuclei below them are not at hand.
    """
    before = _counted.setdefault(photograph.layer, {})
    counts = list[Counts]()
    for row in range(len(photograph)):
        state = _state(photograph, row)
        if not state:
            before.pop(row, None)
            counts.append({})
            continue
        if row not in before or before[row][0] != state:
            before[row] = state, _count(photograph, row)
        counts.append(before[row][1])
    return tuple(counts)


def counts_text(counts: Counts) -> str:
    """Return for example ``2 ALL, 1 MM``.

    >>> counts_text({"MM": 1, "ALL": 2})
    '2 ALL, 1 MM'
    """
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))


def _state(photograph: Photograph, row: int) -> tuple[object, ...]:
    """What the counts of a slice depend on; empty where nothing is annotated."""
    parts = [(x.classes[row], _slice(photograph, x.data, row)) for x in photograph.annotations]
    given = [(dict(names), _checksum(part)) for names, part in parts if names and _any(part)]
    nuclei = photograph.labels_at_hand(row) if given else None
    return (*given, None if nuclei is None else _checksum(nuclei)) if given else ()


def _slice(photograph: Photograph, data: NDArray | LazyStack, row: int) -> NDArray:
    return np.asarray(data[row] if photograph.is_stack else data)


def _any(labels: NDArray) -> bool:
    """Whether there is a label; of bytes eight at once."""
    flat = labels.reshape(-1)
    n_whole = flat.nbytes // 8 * 8 // flat.itemsize
    if not flat.flags.c_contiguous:
        return bool(flat.any())
    return bool(flat[:n_whole].view(np.uint64).any() or flat[n_whole:].any())


def _checksum(labels: NDArray) -> int:
    return zlib.crc32(np.ascontiguousarray(labels).data)


def _count(photograph: Photograph, row: int) -> Counts:
    if (nuclei := photograph.labels_at_hand(row)) is not None:
        annotated = photograph.annotated(row, nuclei)
        return Counter([*annotated.classes.values(), *annotated.loose_classes])
    counts = Counter[str]()
    for annotation in photograph.annotations:
        part, names = photograph.part(annotation.data, row), annotation.classes[row]
        found = (
            strokes_in(part, names)[1] if annotation.painted else map(names.get, labels_in(part))
        )
        counts.update(name for name in found if name)
    return counts
