"""Saved Labels layers: a TIFF of instance labels and a CSV of their features beside it.

Other programs can read both. The types of the columns and what belongs to the layer (its name, its
place) are a JSON object in the TIFF's description, by which a saved TIFF is also recognised. Where
every slice of a stack has a table of its own, the CSV holds them one below the other, and the
object has the columns of each.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NotRequired, TypedDict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_marrow.data.atomic import atomic_file
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.outputs import FileKind, check_outputs, csv_encoding
from napari_marrow.viewer.io.typed_csv import (
    ColumnType,
    column_types,
    from_csv,
    lossy_column,
    missing_mark,
    to_csv,
    typed,
)
from napari_marrow.viewer.layer_info import Kind, LayerInfo
from napari_marrow.viewer.stack import EditableStack, LazyStack, Pixels, read_slice

SUFFIXES = (".tif", ".tiff")
MAX_LABEL = np.iinfo(np.uint16).max
NOTE = "napari_marrow"
"""Key of the JSON object in the description of the TIFF."""
KEPT_OPTIONS = ("name", "scale", "translate", "axis_labels", "units")
"""Options of the layer that are saved, beside its data, its features and its kind."""
PAGE = "page"
"""The column of the page of the TIFF, from 1, where every slice has a table of its own."""
Tables = dict[int, pd.DataFrame]
"""A table by slice."""
_KNOWN: dict[Path, bytes] = {}
"""Hashes of the tables of labels, as they were when they were opened or saved last."""


class Note(TypedDict):
    """What the description of a TIFF holds: ``columns`` of one table, or ``pages`` of several."""

    missing: str
    layer: dict[str, object]
    kind: str | None
    origin: NotRequired[list[str]]
    fingerprints: NotRequired[list[str]]
    painted: NotRequired[list[int]]
    columns: NotRequired[list[tuple[str, ColumnType]]]
    pages: NotRequired[dict[str, list[tuple[str, ColumnType]]]]


# --- writing -------------------------------------------------------------------------------------


def save_labels(
    path: Path,
    data: LazyStack | NDArray[np.integer],
    table: pd.DataFrame | Tables,
    layer: Mapping[str, object],
    info: LayerInfo = LayerInfo(),  # noqa: B008 - frozen
    inputs: Iterable[Path] = (),
) -> list[Path]:
    """Write labels and their features; both files appear when both are complete.

    Parameters
    ----------
    path
        The TIFF; the CSV gets its stem.
    data
        Integers from 0 to 65535, (height, width) or with more axes before these; perhaps lazy.
    table
        The layer's features, or those of each slice.
    layer
        Options of the layer, of which :data:`KEPT_OPTIONS` are saved.
    info
        Of the layer; its kind and its origin are for the reader.
    inputs
        Files that are read, which stay.

    Raises
    ------
    MarrowError
        When a label is too large, a column can't be kept in a CSV, a file can't be written, one of
        that name is not ours, or the table was changed since the labels were opened.
    """
    import tifffile

    beside = path.with_suffix(".csv")
    labels = FileKind("saved labels", is_saved_labels)
    parts = list(table.values()) if isinstance(table, dict) else [table]
    columns = {str(name) for part in parts for name in part}
    features = FileKind(
        "the table of saved labels", lambda older: _is_table_of(path, older, columns)
    )
    opened = beside.resolve()
    if beside.is_file() and _KNOWN.get(opened, _hash(beside)) != _hash(beside):
        raise MarrowError(
            f"{beside} was changed since its labels were opened or saved, and saving would undo "
            "that; open the labels again first, or choose another name."
        )
    check_outputs({path: labels, beside: features}, inputs)
    if data.ndim < 2 or not data.size:
        raise MarrowError(f"{path} can't be written: the layer has no pixels.")
    for part in parts:
        if (column := lossy_column(part)) is not None:
            raise MarrowError(
                f"{path} can't be written: a CSV can't give back the column {column}; give it a "
                "name of its own, and numbers or texts."
            )
    whole = _joined(path, table) if isinstance(table, dict) else table
    options = {name: layer[name] for name in KEPT_OPTIONS if name in layer}
    note: Note = {"missing": missing_mark(whole), "layer": options, "kind": info.kind}
    if info.origin:
        note["origin"] = [path.as_posix() for path in info.origin]
        note["fingerprints"] = list(info.contents)
    if isinstance(data, EditableStack):
        note["painted"] = sorted(data.painted_rows)
    if isinstance(table, dict):
        note["pages"] = {str(row + 1): column_types(part) for row, part in table.items()}
    else:
        note["columns"] = column_types(table)
    shape = [int(length) for length in data.shape]  # tifffile's own mark, which it reads back
    resolution = _pixels_per_cm(layer)
    with atomic_file(path, labels) as tif, atomic_file(beside, features) as text:
        tifffile.imwrite(
            tif,
            _pages(path, data),
            shape=(math.prod(shape[:-2]), *shape[-2:]),
            dtype=np.uint16,
            photometric="minisblack",
            compression="zlib",
            description=json.dumps({"shape": shape, NOTE: note}, default=_plain),
            metadata=None,
            resolution=resolution,
            resolutionunit=None if resolution is None else "CENTIMETER",
        )
        content = to_csv(whole, note["missing"])
        text.write_text(content, encoding=csv_encoding(content), newline="")
    _KNOWN[opened] = _hash(beside)
    return [path, beside]


def _hash(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def _pixels_per_cm(layer: Mapping[str, object]) -> tuple[float, float] | None:
    """Return the resolution in x and y of a layer with a scale in a unit of length, else None."""
    import pint

    scale, units = layer.get("scale"), layer.get("units")
    if not (isinstance(scale, Iterable) and isinstance(units, Iterable)):
        return None
    pixels = [pint.Quantity(*each) for each in zip(scale, units, strict=True)][-2:]
    if not all(length.is_compatible_with("cm") and length.magnitude > 0 for length in pixels):
        return None
    height, width = (1 / length.to("cm").magnitude for length in pixels)
    return width, height


def _plain(value: object) -> object:
    return value.tolist() if isinstance(value, np.ndarray) else str(value)


def _pages(path: Path, data: LazyStack | NDArray[np.integer]) -> Iterator[NDArray[np.uint16]]:
    for place in np.ndindex(*data.shape[:-2]):
        page = read_slice(data, *place) if len(place) == 1 else np.asarray(data[place])
        low, high = int(page.min()), int(page.max())
        if low < 0 or high > MAX_LABEL:
            raise MarrowError(
                f"{path} can't be written: label {low if low < 0 else high} does not fit into "
                f"16 bits; number the labels from 1 to {MAX_LABEL}."
            )
        yield np.ascontiguousarray(page, np.uint16)


def _joined(path: Path, tables: Tables) -> pd.DataFrame:
    """Return one table of all pages; as objects, so that no value takes the type of another."""
    if any(PAGE in table for table in tables.values()):
        raise MarrowError(
            f"{path} can't be written: the column {PAGE} is to tell the fields of the folder "
            "apart; rename yours."
        )
    parts = [table.astype(object).assign(**{PAGE: row + 1}) for row, table in tables.items()]
    return pd.concat(parts, ignore_index=True)


# --- reading -------------------------------------------------------------------------------------


def is_saved_labels(path: Path) -> bool:
    """Whether a file is a TIFF that :func:`save_labels` wrote; a damaged one is none."""
    return path.suffix.lower() in SUFFIXES and path.is_file() and _note(path) is not None


def _is_table_of(labels: Path, table: Path, columns: set[str]) -> bool:
    """Whether a CSV has the columns that a saved TIFF says, and of others only these."""
    note = _note(labels) if is_saved_labels(labels) else None
    if note is None:
        return False
    pages = note.get("pages")
    types = note.get("columns", []) if pages is None else [t for p in pages.values() for t in p]
    names = {name for name, _ in types} | ({PAGE} if pages is not None else set())
    try:
        with open(table, newline="", encoding="utf-8-sig") as file:
            header = next((row for row in csv.reader(file) if row), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return False
    return names <= set(header) <= names | columns if names else not any(header)


def _note(path: Path) -> Note | None:
    import tifffile

    try:
        with tifffile.TiffFile(path) as tif:
            note = json.loads(tif.pages.first.description)[NOTE]
    except Exception:  # noqa: BLE001 - whatever a file of others holds, it is none of ours
        return None
    return note if isinstance(note, dict) else None  # type: ignore[return-value]  # JSON


def load_labels(
    path: Path,
) -> tuple[Pixels, pd.DataFrame | Tables | None, dict[str, object], LayerInfo]:
    """Read what :func:`save_labels` wrote.

    Returns
    -------
    data : ndarray of uint16, or EditableStack
        The second of a stack of which it is known what a person painted.
    table : DataFrame, dict of DataFrames or None
        The features, or those of each slice; None where the CSV is no longer there.
    layer : dict
        Options of the layer.
    info : LayerInfo
        Kind and origin of the layer.

    Raises
    ------
    MarrowError
        When one of the files can't be read.
    """
    import tifffile

    note = _note(path)
    try:
        data = tifffile.imread(path)
        assert note is not None
        options, kind = note["layer"], note["kind"]
        origin, known = (
            tuple(map(Path, note.get("origin", ()))),
            tuple(note.get("fingerprints", ())),
        )
        info = LayerInfo(None if kind is None else Kind(kind), origin=origin, contents=known)
    except Exception as error:
        # tifffile raises what it likes on damaged files
        raise MarrowError(f"{path} is damaged; save the labels again.") from error
    beside = path.with_suffix(".csv")
    if not beside.exists():
        return data, None, options, info
    try:
        _KNOWN[beside.resolve()] = _hash(beside)
        texts = from_csv(beside.read_bytes().decode("utf-8-sig"), note["missing"])
        if "pages" in note:
            pages = _by_page(texts, note["pages"], len(data))
            if "painted" in note:
                names = [path.stem for path in info.origin]
                return EditableStack.of(data, note["painted"], names), pages, options, info
            return data, pages, options, info
        return data, typed(texts, note["columns"]), options, info
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, ValueError, TypeError) as error:
        raise MarrowError(
            f"{beside} can't be read as the table of {path.name} ({error}); "
            "mend it, or move it away to open the labels alone."
        ) from error


def _by_page(
    texts: pd.DataFrame, types: Mapping[str, list[tuple[str, ColumnType]]], n_pages: int
) -> Tables:
    """Return the table of each page: the columns it had, and others that are not empty there."""
    if PAGE not in texts:
        raise ValueError(f"its column {PAGE} is gone")
    pages = dict.fromkeys([*types, *texts[PAGE]])
    tables = {}
    for page in pages:
        if page not in map(str, range(1, n_pages + 1)):
            raise ValueError(f"the TIFF has no page {page!r}")
        own, kept = texts[texts[PAGE] == page].drop(columns=PAGE), dict(types.get(page, ()))
        added = [name for name in own if name not in kept and own[name].notna().any()]
        own = own[[*(name for name in kept if name in own), *added]]
        tables[int(page) - 1] = typed(own, kept.items())
    return tables
