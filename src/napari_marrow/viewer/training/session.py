"""Open photographs as a collection that jobs read from disk.

Photographs that show files are named by their path; all else (layers of other readers, nuclei that
are not those of the files) is written to a folder as TIFF.
"""

from __future__ import annotations

import hashlib
import zlib
from collections import defaultdict
from collections.abc import Callable, Container, Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from itertools import chain, count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.layouts import put_together
from napari_marrow.data.layouts.names import source_of_name
from napari_marrow.data.layouts.sources import replace_sources
from napari_marrow.data.progress import never
from napari_marrow.jobs.events import Emit, ShouldStop, silent
from napari_marrow.learning.bundles.sealed import sha256
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.training.learning import (
    NO_CLASS,
    LearningSummary,
    LearntSlice,
    learnt_slices,
)

OPEN = Path("the open layers")
"""Root of the collection of open photographs, as messages name it."""


def write_session(
    photographs: Sequence[Photograph],
    folder: Path,
    unit: str,
    only_annotated: bool = False,
    emit: Emit = silent,
    should_stop: ShouldStop = never,
    written: Callable[[LearntSlice, Field], None] = lambda one, field: None,
) -> tuple[Collection, LearningSummary]:
    """Write what a training needs into an empty folder and describe it; runs in a worker.

    Fields of which nothing is learnt are left out: the warnings of the collection have them.

    Parameters
    ----------
    photographs, unit, only_annotated, emit, should_stop
        As :func:`.learnt_slices` takes them.
    folder
        An empty folder.
    written
        Called with each field that is learnt from.

    Raises
    ------
    MarrowError
        When there is nothing to learn from.
    Stopped
        When ``should_stop`` returned True.
    """
    slices = learnt_slices(photographs, unit, only_annotated, emit, should_stop)
    fields: list[Field] = []
    sources, warnings = sources_of_files(photographs)
    names = SessionNames(any(not x.files for x in photographs), sources)

    def write() -> Iterator[LearntSlice]:
        for one in slices:
            if not one.left_out:
                fields.append(session_field(one, folder / f"{len(fields)}", names))
                written(one, fields[-1])
            yield one

    summary = LearningSummary.of(write(), unit, photographs)
    check_session(summary)
    left_out = tuple(f"{name} is left out: {reason}" for name, reason in summary.left_out)
    return Collection(OPEN, names.with_copies_joined(fields), (*warnings, *left_out)), summary


def check_session(summary: LearningSummary) -> None:
    """Raise MarrowError where nothing is learnt from, with what to do."""
    if summary.units:
        return
    if summary.n_loose_strokes or summary.n_outside_strokes:
        raise MarrowError(
            "No stroke is on a nucleus; paint on the nuclei, or give the fields a class."
        )
    if any(reason != NO_CLASS for _, reason in summary.left_out):
        raise MarrowError(summary.sentence())
    nothing = "Nothing open has a class; give the fields a class in the table, or annotate cells"
    raise MarrowError("; ".join([nothing, *summary.notes]) + ".")


@dataclass
class SessionNames:
    """Names and sources of the fields of one session.

    Attributes
    ----------
    compare
        Whether fields are compared by their pixels: a photograph can be open as a file and copied.
    sources
        By what tells a photograph from all others, see :meth:`.Photograph.origin_key`.
    """

    compare: bool
    sources: dict[str, str]
    _names: set[str] = field(default_factory=set)
    _alike: dict[Hashable, list[str]] = field(default_factory=lambda: defaultdict(list))

    def unique(self, name: str) -> str:
        """Return a name that no field has yet."""
        found = _not_in(self._names, name)
        self._names.add(found)
        return found

    def source(self, photograph: Photograph, row: int, name: str) -> str:
        """Return what a slice was made from: the same for all products of one photograph."""
        key = photograph.origin_key(row)
        if key not in self.sources:
            self.sources[key] = _not_in({*self.sources.values()}, name)
        if self.compare:
            pixels = np.ascontiguousarray(photograph.image(row))
            self._alike[*pixels.shape, zlib.crc32(pixels.data)].append(self.sources[key])
        return self.sources[key]

    def with_copies_joined(self, fields: Sequence[Field]) -> tuple[Field, ...]:
        """Give the sources of fields with the same pixels one name."""
        groups = [group for group in self._alike.values() if len(set(group)) > 1]
        return replace_sources(fields, groups)


def _not_in(names: Container[str], name: str) -> str:
    numbered = (f"{name} ({k})" for k in count(2))
    return next(x for x in chain([name], numbered) if x not in names)


def sources_of_files(photographs: Sequence[Photograph]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the sources of photographs by their origin's key, and warnings about them.

    They are those that the files have, were they opened as one folder or one by one; products have
    that of their photograph.
    """
    parts = [_origin(photograph) for photograph in photographs]
    known = [(x, part) for x, part in zip(photographs, parts, strict=True) if part.fields]
    if not known:
        return {}, ()
    together = put_together([part for _, part in known])
    keys = [x.origin_key(row) for x, part in known for row in range(len(part.fields))]
    found = {key: f.source for key, f in zip(keys, together.fields, strict=True)}
    return found, together.warnings


def _origin(photograph: Photograph) -> Collection:
    """Return the files that the slices of a photograph come from, empty where there are none."""
    info, opened = photograph.info, Path(photograph.opened or "")
    fields = list(info.fields)
    if photograph.products:
        fields = [Field(Path(x.photograph), x.name, x.source) for x in photograph.products]
    elif not photograph.is_stack and opened.is_file():
        fields = [Field(opened.absolute(), opened.stem, source_of_name(Path(opened.name)))]
    if not fields or not fields[0].path.is_absolute():
        return Collection(OPEN, ())
    classes = photograph.classes if len(photograph) == len(fields) else [None] * len(fields)
    named = tuple(replace(f, class_name=x) for f, x in zip(fields, classes, strict=True))
    return Collection(info.root or fields[0].path.parent, named, tables=info.class_tables)


def session_field(one: LearntSlice, stem: Path, names: SessionNames) -> Field:
    """Return a field as a job reads it; what no file has is written beside ``stem``.

    Raises
    ------
    MarrowError
        When its photograph can't be read.
    """
    photograph, row = one.photograph, one.row
    made = photograph.field(row)
    name = names.unique(made.name)
    made = replace(
        made,
        name=name,
        source=names.source(photograph, row, name),
        class_name=one.class_name,
        cell_classes=one.annotated.classes,
    )
    if not photograph.files:
        made = replace(made, path=stem.with_suffix(".tif"))
        _write_photograph(made.path, photograph, row)
    labels = one.annotated.cells
    if labels is None and photograph.has_own_nuclei(row):
        labels = photograph.labels(row)
    return made if labels is None else with_labels(made, labels, Path(f"{stem}_nuclei.tif"))


def fingerprints(photograph: Photograph, row: int) -> set[str]:
    """Return the SHA-256 of the file that a training reads a slice from, and of its origin.

    Raises
    ------
    MarrowError
        When its photograph can't be read.
    """
    origin = Path(photograph.origin_key(row))
    found = {sha256(origin)} if origin.is_file() else set()
    if photograph.files:
        return found
    file = BytesIO()
    _write_photograph(file, photograph, row)
    return found | {hashlib.sha256(file.getbuffer()).hexdigest()}


def _write_photograph(file: Path | BytesIO, photograph: Photograph, row: int) -> None:
    import tifffile

    pixels = np.ascontiguousarray(photograph.image(row))
    tifffile.imwrite(file, pixels, photometric="rgb")


def with_labels(field: Field, labels: NDArray[np.integer], path: Path) -> Field:
    """Write instance labels to a file, and return the field with it."""
    import tifffile

    narrow = labels.astype(np.uint16 if labels.max() < 65536 else np.uint32)
    tifffile.imwrite(path, narrow, compression="zlib")
    return replace(field, labels=path)
