"""How many cells of each class are annotated in each field; for a worker, but for one question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.run_length import labels_in
from napari_marrow.viewer.photograph.annotations import strokes_in
from napari_marrow.viewer.photograph.outside import painted_outside
from napari_marrow.viewer.photograph.photograph import Photograph

Counts = Mapping[str, int]


def cell_counts(
    photograph: Photograph, known: Mapping[int, Counts] = MappingProxyType({})
) -> tuple[Counts, ...]:
    """Return the number of annotated cells by class, for each slice.

    Strokes on no nucleus, and outside the photograph, count as cells. In fields that are not chosen
    all strokes do where nuclei would have to be found first.

    Parameters
    ----------
    photograph
        With its annotations.
    known
        Of slices that were counted already.
    """
    rows = range(len(photograph))
    return tuple(known[row] if row in known else _counts(photograph, row) for row in rows)


def counts_text(counts: Counts) -> str:
    """Return for example ``2 ALL, 1 MM``.

    >>> counts_text({"MM": 1, "ALL": 2})
    '2 ALL, 1 MM'
    """
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))


def is_annotated(photograph: Photograph) -> bool:
    """Return whether there are annotations in chosen fields; quick, on the viewer's thread."""
    return any(map(photograph.is_annotated, photograph.chosen))


def _counts(photograph: Photograph, row: int) -> Counts:
    if not photograph.is_annotated(row):
        return {}
    nuclei = photograph.labels_at_hand(row)
    if nuclei is not None or row in photograph.chosen:
        try:
            counts = photograph.annotated(row, nuclei).counts
            counts.update(painted_outside(photograph, row).classes)
            return counts
        except MarrowError:  # such a field is left out, which is reported
            return {}
    counts = Counter[str]()
    for annotation in photograph.annotations:
        part, names = photograph.part(annotation.data, row), annotation.classes[row]
        found = (
            strokes_in(part, names)[1] if annotation.painted else map(names.get, labels_in(part))
        )
        counts.update(name for name in found if name)
    counts.update(painted_outside(photograph, row).classes)
    return counts
