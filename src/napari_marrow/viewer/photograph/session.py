"""Open photographs as a collection that jobs read from disk.

Photographs that show files are named by their path; all else (layers of other readers, edited
nuclei) is written to a folder as TIFF.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection, Field
from napari_marrow.viewer.photograph.photograph import Photograph


def write_session(photographs: Sequence[Photograph], folder: Path, unit: str) -> Collection:
    """Write what a training needs into an empty folder and describe it; runs in a worker.

    Fields that are not chosen, or have neither a class nor annotated cells, are left out.

    Parameters
    ----------
    photographs
        With their annotations.
    folder
        An empty folder.
    unit
        ``cell`` also writes the nuclei.

    Raises
    ------
    MarrowError
        When nothing open has a class.
    """
    fields = [field for _, _, field in session_fields(photographs, folder, unit)]
    return Collection(folder, tuple(fields))


def session_fields(
    photographs: Sequence[Photograph], folder: Path, unit: str
) -> Iterator[tuple[Photograph, int, Field]]:
    """Yield the fields of :func:`write_session`, each with its photograph and slice.

    Raises
    ------
    MarrowError
        At the end, when nothing open has a class.
    """
    found = False
    for number, photograph in enumerate(photographs):
        for row in photograph.chosen:
            field = _session_field(photograph, row, folder / f"{number}_{row}", unit)
            if field.class_name is not None or field.cell_classes:
                found = True
                yield photograph, row, field
    annotations = [p.annotation for p in photographs if p.annotation is not None]
    if not found and any(np.asarray(x.data).any() for x in annotations):
        raise MarrowError(
            "No stroke is on a nucleus; paint on the nuclei, or give the fields a class."
        )
    if not found:
        raise MarrowError(
            "Nothing open has a class; give the fields a class in the table, or annotate cells."
        )


def _session_field(photograph: Photograph, row: int, stem: Path, unit: str) -> Field:
    import tifffile

    field = photograph.field(row)
    if not photograph.files:
        field = dataclasses.replace(field, path=Path(f"{stem}.tif"))
        pixels = np.ascontiguousarray(photograph.image(row))
        tifffile.imwrite(field.path, pixels, photometric="rgb")
    labels, classes = photograph.annotated_cells(row)
    if unit == "cell" and labels is None:
        labels = photograph.edited_nuclei()
    source = photograph.origin_path(row) or field.name  # open twice, it is one source
    field = dataclasses.replace(field, source=source, cell_classes=classes)
    return field if labels is None else with_labels(field, labels, Path(f"{stem}_nuclei.tif"))


def with_labels(field: Field, labels: NDArray[np.integer], path: Path) -> Field:
    """Write instance labels to a file, and return the field with it."""
    import tifffile

    tifffile.imwrite(path, labels.astype(np.uint16 if labels.max() < 65536 else np.uint32))
    return dataclasses.replace(field, labels=path)
