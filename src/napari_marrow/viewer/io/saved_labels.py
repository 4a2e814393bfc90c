"""Saved Labels layers: a TIFF of instance labels with a CSV of their features beside it.

The CSV is plain, for any program that reads tables. What a CSV can't tell (the columns' types, what
stands for a missing value) and what belongs to the layer (its name, its place) is a JSON object in
the TIFF's description; it is also how a saved TIFF is known from a photograph. Where every slice of
a stack has a table of its own, the CSV is all of them below each other, and the object says what
columns each of them has.
"""

from __future__ import annotations

import csv
import itertools
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.atomic import atomic_file
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.outputs import FileKind, check_outputs
from napari_marrow.viewer.layer_info import LayerInfo
from napari_marrow.viewer.stack import LazyStack

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".tif", ".tiff")
LARGEST = np.iinfo(np.uint16).max
NOTE = "napari_marrow"
"""Key of our object in the description of a TIFF."""
KEPT = ("name", "scale", "translate", "axis_labels", "units")
"""What is kept of a layer beside its data, its features and what the plugin knows of it."""
PAGE = "page"
"""The column that says, of tables of slices, which page of the TIFF a row is of, from 1."""


def table_path(path: Path) -> Path:
    """Where the features of the labels in ``path`` lie."""
    return path.with_suffix(".csv")


# --- writing -------------------------------------------------------------------------------------


def save_labels(
    path: Path,
    data: Any,
    table: pd.DataFrame | Mapping[int, pd.DataFrame],
    layer: Mapping[str, Any],
) -> list[Path]:
    """Write labels and their features; both files appear when both are complete.

    Parameters
    ----------
    path
        The TIFF; the CSV gets its stem.
    data
        Whole numbers from 0 to 65535, (height, width) or more axes before these; perhaps lazy.
    table
        The layer's features; of a stack with a table a slice all of them, by slice.
    layer
        What to keep of the layer: see :data:`KEPT`, and ``metadata``.

    Raises
    ------
    MarrowError
        When a label is too large, a file can't be written, or the CSV belongs to something else.
    """
    import tifffile

    beside = table_path(path)
    labels = FileKind("saved labels", is_saved_labels)
    features = FileKind("the table of saved labels", lambda _: is_saved_labels(path))
    check_outputs({path: labels, beside: features})
    if data.ndim < 2 or not data.size:
        raise MarrowError(f"{path} can't be written: the layer has no pixels.")
    for part in table.values() if isinstance(table, Mapping) else [table]:
        _check_columns(path, part)
    whole = _joined(path, table) if isinstance(table, Mapping) else table
    missing = _missing_mark(whole)
    note = {
        "missing": missing,
        **_noted_columns(table),
        "layer": _plain({name: layer[name] for name in KEPT if name in layer}),
        "kind": LayerInfo.from_metadata(layer.get("metadata", {})).kind,
    }
    shape = [int(length) for length in data.shape]  # tifffile's own mark, which it reads back
    with atomic_file(path, labels) as tif, atomic_file(beside, features) as text:
        tifffile.imwrite(
            tif,
            _pages(path, data),
            shape=(math.prod(shape[:-2]), *shape[-2:]),
            dtype=np.uint16,
            photometric="minisblack",
            compression="zlib",
            description=json.dumps({"shape": shape, NOTE: note}),
            metadata=None,
        )
        # with these ends of lines, as RFC 4180 has them, texts with either of the two are quoted
        whole.to_csv(text, index=False, na_rep=missing, lineterminator="\r\n", encoding="utf-8")
    return [path, beside]


def _pages(path: Path, data: Any) -> Iterator[NDArray[np.uint16]]:
    for place in np.ndindex(*data.shape[:-2]):
        # what can't be made is shown empty, but never saved so
        page = data.read(*place) if isinstance(data, LazyStack) else data[place] if place else data
        page = np.asarray(page)
        low, high = int(page.min()), int(page.max())
        if low < 0 or high > LARGEST:
            raise MarrowError(
                f"{path} can't be written: label {low if low < 0 else high} does not fit into "
                f"16 bits; number the labels from 1 to {LARGEST}."
            )
        yield np.ascontiguousarray(page, np.uint16)


def _check_columns(path: Path, table: pd.DataFrame) -> None:
    """Columns that could not be told apart, or not be made again, are refused before writing."""
    import pandas as pd

    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        raise MarrowError(
            f"{path} can't be written: two columns are called {twice[0]}; rename one of them."
        )
    for name in table.columns:
        if not isinstance(name, str):
            raise MarrowError(
                f"{path} can't be written: the column {name!r} has no text for a name; rename it."
            )
        column = table[name].dtype
        inner = column.categories.dtype if isinstance(column, pd.CategoricalDtype) else column
        if isinstance(inner, pd.IntervalDtype | pd.PeriodDtype) or (
            inner is not column and inner.kind in "mM"
        ):
            raise MarrowError(
                f"{path} can't be written: the column {name} holds {inner}, which a table can't "
                "hold; turn it into texts or numbers."
            )
        plain = not pd.api.types.is_object_dtype(column)
        values = "string" if plain else pd.api.types.infer_dtype(table[name], skipna=True)
        if values not in ("string", "boolean", "empty"):
            raise MarrowError(
                f"{path} can't be written: the column {name} holds Python objects ({values}), "
                "which a table can't hold; give it one type, numbers or texts."
            )


def _joined(path: Path, tables: Mapping[int, pd.DataFrame]) -> pd.DataFrame:
    """One table of all pages; as objects, so that no value takes the type of another page."""
    import pandas as pd

    if any(PAGE in table for table in tables.values()):
        raise MarrowError(
            f"{path} can't be written: the column {PAGE} is to tell the fields of the folder "
            "apart; rename yours."
        )
    parts = [table.astype(object).assign(**{PAGE: row + 1}) for row, table in tables.items()]
    return pd.concat(parts, ignore_index=True)


def _missing_mark(table: pd.DataFrame) -> str:
    """What to write for a missing value: nothing, unless that is itself a value of the table."""
    texts = table.select_dtypes(exclude="number")
    values = {str(value) for name in texts for value in texts[name].dropna()}
    marks = itertools.chain(["", "NA"], (f"NA{k}" for k in itertools.count(1)))
    return next(mark for mark in marks if mark not in values)


def _noted_columns(table: pd.DataFrame | Mapping[int, pd.DataFrame]) -> dict[str, Any]:
    """The columns and their types, as the note has them: of one table, or page by page."""
    if isinstance(table, Mapping):
        return {"pages": {row + 1: _kinds(part) for row, part in table.items()}}
    return {"columns": _kinds(table)}


def _kinds(table: pd.DataFrame) -> list[list[Any]]:
    return [[str(name), _kind(table[name])] for name in table.columns]


def _kind(column: pd.Series) -> Any:
    """How to make a column again from its texts: the name of its type, or its categories."""
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        return [column.dtype.categories.tolist(), bool(column.dtype.ordered)]
    if column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) == "boolean":
        return "object boolean"
    return str(column.dtype)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values that JSON knows: numbers stay numbers, units become their names."""

    def one(value: Any) -> Any:
        if isinstance(value, list | tuple | np.ndarray):
            return [one(v) for v in value]
        return float(value) if isinstance(value, int | float | np.number) else str(value)

    return {name: one(value) for name, value in values.items()}


# --- reading -------------------------------------------------------------------------------------


def is_saved_labels(path: Path) -> bool:
    """Whether a file is a TIFF that :func:`save_labels` wrote; a damaged one is none."""
    return path.suffix.lower() in SUFFIXES and path.is_file() and _note(path) is not None


def _note(path: Path) -> dict[str, Any] | None:
    import tifffile

    try:
        with tifffile.TiffFile(path) as tif:
            note = json.loads(tif.pages.first.description)[NOTE]
    except Exception:  # noqa: BLE001 - whatever a file of others holds, it is none of ours
        return None
    return note if isinstance(note, dict) else None


def load_labels(
    path: Path,
) -> tuple[NDArray[np.uint16], pd.DataFrame | dict[int, pd.DataFrame] | None, dict[str, Any]]:
    """Read what :func:`save_labels` wrote.

    Returns
    -------
    data : ndarray of uint16
    table : DataFrame, dict of DataFrames or None
        The features, or those of each slice; None where the CSV is no longer there.
    layer : dict
        What was kept of the layer, and its ``kind`` (see :mod:`.metadata`) or None.

    Raises
    ------
    MarrowError
        When one of the files can't be read.
    """
    import tifffile

    note = _note(path) or {}
    try:
        data = tifffile.imread(path)
        layer = {**note["layer"], "kind": note["kind"]}
    except Exception as error:
        # tifffile raises what it likes on damaged files
        raise MarrowError(f"{path} is damaged; save the labels again.") from error
    beside = table_path(path)
    if not beside.exists():
        return data, None, layer
    try:
        rows = _rows(beside)
        if "pages" in note:
            return data, _typed_pages(rows, note["pages"], note["missing"], len(data)), layer
        return data, _typed(rows, dict(note["columns"]), note["missing"]), layer
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, ValueError, TypeError) as error:
        raise MarrowError(
            f"{beside} can't be read as the table of {path.name} ({error}); "
            "mend it, or move it away to open the labels alone."
        ) from error


def _rows(table: Path) -> list[list[str]]:
    with open(table, newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file) if row]
    if any(len(row) != len(rows[0]) for row in rows):
        raise ValueError("its rows differ in length")
    return rows


def _typed_pages(
    rows: list[list[str]], pages: Mapping[str, Any], missing: str, count: int
) -> dict[int, pd.DataFrame]:
    """The table of each page: the columns it had, and others in which something stands now."""
    header = rows[0] if rows else []
    if PAGE not in header:
        raise ValueError(f"its column {PAGE} is gone")
    by_page: dict[str, list[list[str]]] = {page: [] for page in pages}
    for row in rows[1:]:
        by_page.setdefault(row[header.index(PAGE)], []).append(row)
    unknown = sorted(by_page.keys() - {str(k) for k in range(1, count + 1)})
    if unknown:
        raise ValueError(f"the TIFF has no page {unknown[0]!r}")
    tables = {}
    for page, own in by_page.items():
        kinds = dict(pages.get(page, ()))
        table = _typed([header, *own], kinds, missing).drop(columns=PAGE)
        filled = [name for name in table if name not in kinds and table[name].notna().any()]
        tables[int(page) - 1] = table[[*(name for name in kinds if name in table), *filled]]
    return tables


def _typed(rows: list[list[str]], kinds: Mapping[str, Any], missing: str) -> pd.DataFrame:
    """A table from its texts; columns that were added since get the type they look like."""
    import pandas as pd

    if not rows:
        return pd.DataFrame()
    header, body = rows[0], rows[1:]
    columns = {}
    for place, name in enumerate(header):
        texts = [None if row[place] == missing else row[place] for row in body]
        columns[name] = _column(texts, kinds[name]) if name in kinds else _guessed(texts)
    return pd.DataFrame(columns)


def _column(texts: list[str | None], kind: Any) -> pd.Series:
    import pandas as pd

    if isinstance(kind, list):
        categories, ordered = kind
        known = {str(c): c for c in categories}
        values = [None if t is None else known[t] for t in texts]
        return pd.Series(pd.Categorical(values, categories=categories, ordered=ordered))
    truth = {"True": True, "False": False, None: None}
    if kind == "object boolean":
        return pd.Series([truth[t] for t in texts], dtype=object)
    if kind == "bool":
        return pd.Series([truth[t] for t in texts]).astype(bool)
    if kind == "boolean":
        return pd.Series([truth[t] for t in texts], dtype="boolean")
    if kind.lower().startswith(("int", "uint")):
        numbers = [pd.NA if t is None else int(t) for t in texts]
        return pd.Series(numbers, dtype=kind)
    if kind.lower().startswith("float"):
        return pd.Series([None if t is None else float(t) for t in texts], dtype=kind)
    return pd.Series(texts, dtype=kind)


def _guessed(texts: list[str | None]) -> pd.Series:
    import pandas as pd

    try:
        return pd.to_numeric(pd.Series(texts))
    except ValueError:
        return pd.Series(texts)
