"""What is open in the viewer as a collection that the child process can read from disk.

Photographs that came from files are named by their path; all else (layers of other readers, edited
nuclei) is written to the session's folder as TIFF.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection, Field
from napari_marrow.viewer.layer_info import LayerInfo, layer_products
from napari_marrow.viewer.photograph.annotations import (
    cells_layer,
    field_class,
    is_painted,
    label_classes,
    painted_classes,
)
from napari_marrow.viewer.photograph.labelling import Target, targets
from napari_marrow.viewer.stack import read_slice


@dataclass(frozen=True)
class Annotated:
    """A photograph's layer with its annotations, gathered on the viewer's thread.

    Attributes
    ----------
    target
        The photograph.
    name
        Of its layer.
    classes
        Class of each of its fields, None where nobody gave one.
    cells
        Data of its annotation layer, of the photograph's shape, or None.
    cell_names
        Of each of its fields: class by label of ``cells``.
    painted
        Whether the labels of ``cells`` are classes (else they are cells).
    """

    target: Target
    name: str
    classes: tuple[str | None, ...]
    cells: Any = None
    cell_names: tuple[dict[int, str], ...] = ()
    painted: bool = False


def gather(layers: Any) -> list[Annotated]:
    """Everything of the open layers that a training needs; on the viewer's thread, and quick.

    Raises
    ------
    MarrowError
        When no photograph is open.
    """
    return [_gathered(target, layers) for target in targets(layers)]


def _gathered(target: Target, layers: Any) -> Annotated:
    image: Image = target.layer
    classes = tuple(field_class(image, row) for row in range(len(target)))
    annotation = cells_layer(image, layers)
    if annotation is None:
        return Annotated(target, image.name, classes)
    names = tuple(label_classes(annotation, row) for row in range(len(target)))
    painted = is_painted(annotation)
    return Annotated(target, image.name, classes, annotation.data, names, painted)


def write_session(found: list[Annotated], folder: Path, unit: str) -> Collection:
    """Write what the child needs into ``folder`` and describe it; runs in a worker.

    Fields that have neither a class nor annotated cells are left out.

    Parameters
    ----------
    found
        From :func:`gather`.
    folder
        An empty folder.
    unit
        ``cell`` also writes the nuclei.

    Raises
    ------
    MarrowError
        When nothing open has a class.
    """
    return Collection(folder, tuple(field for _, _, field in session_fields(found, folder, unit)))


def session_fields(
    found: list[Annotated], folder: Path, unit: str
) -> Iterator[tuple[int, int, Field]]:
    """The fields of :func:`write_session`, one a step, each with its number in ``found`` and row.

    Raises
    ------
    MarrowError
        At the end, when nothing open has a class.
    """
    some = False
    for number, annotated in enumerate(found):
        for row in range(len(annotated.target)):
            field = _field(annotated, row, folder, f"{number}_{row}", unit)
            if field.class_name is not None or field.cell_classes:
                some = True
                yield number, row, field
    if not some and any(a.cells is not None and np.asarray(a.cells).any() for a in found):
        raise MarrowError(
            "The strokes lie on no nucleus; paint on the nuclei, or give the fields a class."
        )
    if not some:
        raise MarrowError(
            "Nothing open has a class; give the fields a class in the table, or annotate cells."
        )


def _field(annotated: Annotated, row: int, folder: Path, key: str, unit: str) -> Field:
    import tifffile

    target = annotated.target
    many = len(target) > 1
    name = f"{annotated.name} {row}" if many else annotated.name
    if target.fields:
        field = target.fields[row]
        # The same photograph open twice is one source.
        field = dataclasses.replace(field, source=str(field.path.resolve()))
    else:
        path = folder / f"{key}.tif"
        tifffile.imwrite(path, np.ascontiguousarray(target.image(row)), photometric="rgb")
        field = Field(path, name, source=_source(target.layer, row, name))
    field = dataclasses.replace(field, class_name=annotated.classes[row])
    labels, classes = _cells(annotated, row)
    if unit == "cell" and labels is None:
        labels = target.nuclei
    if labels is None:
        return dataclasses.replace(field, cell_classes=classes)
    path = folder / f"{key}_nuclei.tif"
    tifffile.imwrite(path, labels.astype(np.uint16 if labels.max() < 65536 else np.uint32))
    return dataclasses.replace(field, labels=path, cell_classes=classes)


def _source(layer: Image, row: int, name: str) -> str:
    """What pixels that are no file's were made from: their layer may still name the file."""
    if products := layer_products(layer):  # on the side of the photograph they were made of
        origin = products[row].photograph
        return str(Path(origin).resolve()) if Path(origin).is_absolute() else origin
    fields = LayerInfo.of(layer).fields
    if row < len(fields):
        return str(fields[row].path.resolve())
    return name


def _cells(annotated: Annotated, row: int) -> tuple[NDArray[np.integer] | None, dict[int, str]]:
    """Instances and their classes where cells of this field were annotated, else (None, {})."""
    names = annotated.cell_names[row] if annotated.cell_names else {}
    if annotated.cells is None or not names:
        return None, {}
    target = annotated.target
    image = target.image(row)
    cells = read_slice(annotated.cells, row) if target.data.ndim == 4 else annotated.cells
    cells = np.asarray(cells)[: image.shape[0], : image.shape[1]]
    present = set(np.unique(cells)[1 if cells.min(initial=1) == 0 else 0 :].tolist())
    if not present & set(names):
        return None, {}
    if not annotated.painted:
        return cells, {k: v for k, v in names.items() if k in present}
    from napari_marrow.imaging.segmentation import segment_nuclei

    nuclei = target.labels(row)
    nuclei = segment_nuclei(image) if nuclei is None else nuclei
    return nuclei, painted_classes(nuclei, cells, names)
