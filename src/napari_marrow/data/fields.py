"""Fields, which are photographs with their masks, and collections of fields."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.csv_table import (
    UNKNOWN,
    columns,
    fill_merged_cells,
    known_text,
    read_rows_by_role,
)
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.failures import Failures
from napari_marrow.data.file_index import FileIndex, find_rows
from napari_marrow.data.images import decode, image_size, open_image, read_image
from napari_marrow.data.masks import MaskCode, MaskKind, read_mask
from napari_marrow.data.text import counted, folded, listed, printable


@dataclass(frozen=True)
class Field:
    """One photograph, its file, and what is known of it. Pixels are read on demand.

    Attributes
    ----------
    path
        The photograph's file.
    name
        Name for users: the stem of the file, or the name of the layer.
    source
        What it was cut or rotated from. Units of one source never stand on both sides of a split.
    class_name
        Its class, or None where it is not known.
    masks
        Mask files by kind (``nucleus``, ``cytoplasm``, ``background``), each for the whole field.
    mask_code
        How the mask files encode which pixels are foreground.
    cells
        One mask file a cell (SegPC-2021), with its nucleus and its cytoplasm; number k is the k-th.
    labels
        File of an instance labels image (one whole number a cell), where somebody made one.
    cell_classes
        Class by instance number, for cells that were annotated one by one.
    acquisition
        What it shares microscope, camera and stain batch with; "" where that is not known.
    bits
        How many of 16 bits the photographs of its folder use, so that all are read at one scale;
        None for files of 8 bits.
    """

    path: Path
    name: str
    source: str
    class_name: str | None = None
    masks: Mapping[MaskKind, Path] = field(default_factory=dict)
    mask_code: MaskCode = "white"
    cells: tuple[Path, ...] = ()
    labels: Path | None = None
    cell_classes: Mapping[int, str] = field(default_factory=dict)
    bits: int | None = None
    acquisition: str = ""

    def size(self) -> tuple[int, int]:
        """Return height and width in pixels, from the header alone."""
        return image_size(self.path)

    def open(self) -> NDArray[np.uint8]:
        """Return the photograph, (height, width, 3) RGB, as a view of its file where possible."""
        return open_image(self.path, self.bits)

    def image(self) -> NDArray[np.uint8]:
        """Return the photograph, (height, width, 3) RGB, in memory."""
        return read_image(self.path, self.bits)

    @property
    def mask_kinds(self) -> set[MaskKind]:
        """Kinds of which the field has pixels: in masks of the whole field, or cell by cell."""
        return {*self.masks, *(("nucleus", "cytoplasm") if self.cells else ())}

    @property
    def mask_files(self) -> tuple[Path, ...]:
        """All its mask files, each once."""
        return (*dict.fromkeys(self.masks.values()), *self.cells)

    @property
    def all_files(self) -> tuple[Path, ...]:
        """Its photograph, its instance labels and its mask files."""
        return (self.path, *([] if self.labels is None else [self.labels]), *self.mask_files)

    def mask(self, kind: MaskKind) -> NDArray[np.bool_] | None:
        """Return the mask of one kind as (height, width) booleans, or None without one."""
        if self.cells and kind in ("nucleus", "cytoplasm"):
            return self._by_cell(kind) > 0
        path = self.masks.get(kind)
        if path is None:
            return None
        return read_mask(path, self.size(), kind, self.mask_code, photograph=self.open)

    def instances(self, kind: MaskKind = "nucleus") -> NDArray[np.integer] | None:
        """Return the instances somebody marked, (height, width), or None without any.

        Parameters
        ----------
        kind
            ``nucleus``; ``cytoplasm`` is known only where there is one mask a cell.
        """
        if self.labels is None or kind != "nucleus":
            by_cell = self.cells and kind in ("nucleus", "cytoplasm")
            return self._by_cell(kind) if by_cell else None
        labels = decode(self.labels)
        if labels.shape != self.size():
            raise MarrowError(
                f"{self.labels} has the shape {labels.shape} and its photograph {self.size()}; "
                "make labels of the same size, or remove it."
            )
        return labels

    def _by_cell(self, kind: MaskKind) -> NDArray[np.uint16]:
        labels = np.zeros(self.size(), np.uint16)
        for number, path in enumerate(self.cells, 1):
            labels[read_mask(path, self.size(), kind, "cell levels")] = number
        return labels

    def to_dict(self) -> dict[str, object]:
        """Return the field as a JSON object."""
        return {
            "path": str(self.path),
            "name": self.name,
            "source": self.source,
            "class": self.class_name,
            "masks": {kind: str(path) for kind, path in sorted(self.masks.items())},
            "mask_code": self.mask_code,
            "cells": [str(path) for path in self.cells],
            "labels": None if self.labels is None else str(self.labels),
            "cell_classes": {str(k): v for k, v in self.cell_classes.items()},
            "bits": self.bits,
            "acquisition": self.acquisition,
        }

    @classmethod
    def from_dict(cls, values: Mapping) -> Field:
        """Return the field that :meth:`to_dict` wrote."""
        labels = values.get("labels")
        return cls(
            path=Path(values["path"]),
            name=values["name"],
            source=values["source"],
            class_name=values.get("class"),
            masks={kind: Path(path) for kind, path in values.get("masks", {}).items()},
            mask_code=values.get("mask_code", "white"),
            cells=tuple(map(Path, values.get("cells", ()))),
            labels=Path(labels) if labels else None,
            cell_classes={int(k): v for k, v in values.get("cell_classes", {}).items()},
            bits=values.get("bits"),
            acquisition=str(values.get("acquisition", "")),
        )


@dataclass(frozen=True)
class Collection:
    """Fields that belong together, with warnings about them.

    Attributes
    ----------
    root
        The folder above them.
    fields
        In the order they are shown.
    warnings
        Sentences for the user; nothing in them stops the work.
    tables
        Files that gave the classes and sources.
    left_out
        Further photographs, which a table says not to use.
    passed_over
        Tables that can't be used; the warnings have the reasons.
    grouped_by
        The name of the table of sources, "" where none was given.
    elsewhere
        Image and source of each row of that table which names none of the photographs.
    """

    root: Path
    fields: tuple[Field, ...]
    warnings: tuple[str, ...] = ()
    tables: tuple[Path, ...] = ()
    left_out: tuple[Field, ...] = ()
    passed_over: tuple[Path, ...] = ()
    grouped_by: str = ""
    elsewhere: tuple[tuple[str, str], ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that occur, of fields and of annotated cells, in alphabetical order."""
        names = {f.class_name for f in self.fields if f.class_name is not None}
        return tuple(sorted(names.union(*(f.cell_classes.values() for f in self.fields))))

    @property
    def all_fields(self) -> tuple[Field, ...]:
        """The fields, and further photographs that a table says not to use."""
        return (*self.fields, *self.left_out)

    def label(self, field: Field) -> str:
        """Return a field's name in tables: its path below the root, or its name elsewhere."""
        if field.path.is_relative_to(self.root):
            return printable(field.path.relative_to(self.root).as_posix())
        return field.name

    def counts(self) -> dict[str, int]:
        """Count the fields by class; fields without a class are not counted."""
        return dict(sorted(Counter(f.class_name for f in self.fields if f.class_name).items()))

    def to_dict(self) -> dict[str, object]:
        """Return the collection as one JSON object."""
        return {
            "root": str(self.root),
            "fields": [f.to_dict() for f in self.fields],
            "warnings": list(self.warnings),
            "tables": [str(path) for path in self.tables],
            "left_out": [f.to_dict() for f in self.left_out],
            "passed_over": [str(path) for path in self.passed_over],
            "grouped_by": self.grouped_by,
            "elsewhere": [list(pair) for pair in self.elsewhere],
        }

    @classmethod
    def from_dict(cls, values: Mapping) -> Collection:
        """Return the collection that :meth:`to_dict` wrote."""
        return cls(
            root=Path(values["root"]),
            fields=tuple(Field.from_dict(v) for v in values["fields"]),
            warnings=tuple(values.get("warnings", ())),
            tables=tuple(map(Path, values.get("tables", ()))),
            left_out=tuple(Field.from_dict(v) for v in values.get("left_out", ())),
            passed_over=tuple(map(Path, values.get("passed_over", ()))),
            grouped_by=values.get("grouped_by", ""),
            elsewhere=tuple((image, source) for image, source in values.get("elsewhere", ())),
        )


def warnings_of(collections: Iterable[Collection]) -> tuple[str, ...]:
    """Return the warnings of several collections, each once."""
    return tuple(dict.fromkeys(text for found in collections for text in found.warnings))


def usable(collection: Collection) -> Collection:
    """Leave out photographs that can't be read and masks that do not fit theirs.

    For looking at fields, where one damaged file should not hide the others. The warnings of a
    scanned collection name what is left out.

    Raises
    ------
    MarrowError
        When no field is left; the sentence is the first file's.
    """
    fields, failures = [], Failures()
    for f in collection.fields:
        with failures.leaving_out(collection.label(f)):
            fields.append(with_fitting_masks(f))
    failures.check_some_left(len(collection.fields))
    return dataclasses.replace(collection, fields=tuple(fields))


def with_fitting_masks(field: Field) -> Field:
    """Leave out the masks of a field that can't be read or do not fit it.

    Raises
    ------
    MarrowError
        When the photograph's size can't be read.
    """
    size = field.size()
    masks = {kind: path for kind, path in field.masks.items() if _fits(path, size)}
    cells = tuple(path for path in field.cells if _fits(path, size))
    return dataclasses.replace(field, masks=masks, cells=cells)


def _fits(mask: Path, size: tuple[int, int]) -> bool:
    try:
        return image_size(mask) == size
    except MarrowError:
        return False


def with_classes_only(collection: Collection) -> tuple[Collection, tuple[str, ...]]:
    """Leave out the fields that have no class, nor cells of one; return a sentence about them."""
    known = tuple(f for f in collection.fields if f.class_name is not None or f.cell_classes)
    left = [collection.label(f) for f in collection.fields if f not in known]
    if not left:
        return collection, ()
    sentence = f"{counted(len(left), 'field')} without a class left out: {listed(left)}."
    return dataclasses.replace(collection, fields=known), (sentence,)


def with_acquisitions_only(collection: Collection) -> tuple[Collection, tuple[str, ...]]:
    """Leave out the fields whose acquisition is not known; return a sentence about them."""
    known = tuple(f for f in collection.fields if f.acquisition)
    left = [collection.label(f) for f in collection.fields if not f.acquisition]
    if not known:
        raise MarrowError(
            f"{collection.root}: no acquisition of a photograph is known, as their background is "
            "not to be seen; name them in a column acquisition of a table."
        )
    if not left:
        return collection, ()
    sentence = f"{counted(len(left), 'field')} of no known acquisition left out: {listed(left)}."
    return dataclasses.replace(collection, fields=known), (sentence,)


def with_groups(collection: Collection, table: Path | str) -> Collection:
    """Take the source of each field from a CSV with the columns ``image`` and ``source``.

    ``image`` is a path relative to the collection's root, a file's name, or a stem; ``source`` may
    be a patient or a slide. A column ``acquisition``, also in place of ``source``, gives what
    shares a microscope, camera and stain. Where a source is empty, or "NA", "unknown" and the like,
    the field keeps the one that it has, and is reported. Other names of columns and other spellings
    are those of tables of classes: see :func:`~napari_marrow.data.csv_table.columns_by_role` and
    :class:`~napari_marrow.data.file_index.FileIndex`.

    Raises
    ------
    MarrowError
        When the table has other columns, gives no source at all, leaves a field out, gives two
        sources of one, or uses a name that several fields have.
    """
    table = Path(table)
    rows = read_rows_by_role(table)
    merged = fill_merged_cells(table.name, rows)
    known = [row for row in rows if folded(row.get("source", "")) not in UNKNOWN]
    told = known or any(known_text(row.get("acquisition", "")) for row in rows)
    if not told or not all(row.get("image") for row in rows):
        names = f"; it has {listed(columns(table))}" if rows else ""
        raise MarrowError(
            f"{table} needs the columns image and source, or image and acquisition, and an image "
            f"in every row{names}."
        )
    index = FileIndex({collection.label(f): number for number, f in enumerate(collection.fields)})
    sources: dict[int, str] = {}
    acquisitions: dict[int, str] = {}
    unclear: dict[int, str] = {}
    without: dict[int, str] = {}
    elsewhere: list[tuple[str, str]] = []
    for row, found in zip(rows, find_rows(rows, index.find_all), strict=True):
        if len(found) == 1 and (given := known_text(row.get("acquisition", ""))):
            acquisitions[found[0]] = given
        if not found and row in known:
            elsewhere.append((row["image"], row["source"]))
        if len(found) > 1:
            unclear |= dict.fromkeys(found, row["image"])
        elif found and row not in known:
            without[found[0]] = row.get("source") or "nothing"
        elif found and sources.setdefault(found[0], row["source"]) != row["source"]:
            raise MarrowError(
                f"{table} gives {sources[found[0]]} and {row['source']} for {row['image']}; keep "
                "one row an image."
            )
    for number, f in enumerate(collection.fields):
        if number in sources or number in without:
            continue
        label = collection.label(f)
        if number in unclear:
            raise MarrowError(
                f"{table} names {unclear[number]}, which several fields are called; write the "
                f"path, {label}."
            )
        raise MarrowError(f"{table} has no row for {label}; add one with its source.")
    fields = tuple(
        dataclasses.replace(
            f,
            source=sources.get(number, f.source),
            acquisition=acquisitions.get(number, f.acquisition),
        )
        for number, f in enumerate(collection.fields)
    )
    warnings, tables = (*collection.warnings, *merged), (*collection.tables, table)
    if known and (left := [number for number in without if number not in sources]):
        labels = listed([collection.label(collection.fields[number]) for number in left])
        values = listed(sorted({without[number] for number in left}))
        warnings = (
            *warnings,
            f"{table.name} gives no source to {counted(len(left), 'photograph')}, it says {values} "
            f"there: {labels}. Each keeps the source it has without the table.",
        )
    grouped_by = table.name if known else collection.grouped_by
    return dataclasses.replace(
        collection,
        fields=fields,
        warnings=warnings,
        tables=tables,
        grouped_by=grouped_by,
        elsewhere=tuple(elsewhere) if known else collection.elsewhere,
    )
