"""CSV tables that come back with the types of their columns.

A CSV holds texts; the type of each column is kept elsewhere, as :func:`column_types` returns it.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterable

import pandas as pd

ColumnType = str | tuple[list[object], bool]
"""The name of a pandas type, ``object boolean``, or categories and whether they are ordered."""
_BOOLEANS = {"True": True, "False": False, None: None}


def column_types(table: pd.DataFrame) -> list[tuple[str, ColumnType]]:
    """Return name and type of each column, for JSON."""
    return [(name, _column_type(table[name])) for name in table.columns]


def _column_type(column: pd.Series) -> ColumnType:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.dtype.categories.tolist(), bool(column.dtype.ordered)
    if column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) == "boolean":
        return "object boolean"
    return str(column.dtype)


def missing_mark(table: pd.DataFrame) -> str:
    """Return what to write for a missing value: nothing, unless that is a value of the table."""
    texts = table.select_dtypes(exclude="number")
    values = {str(value) for name in texts for value in texts[name].dropna()}
    marks = itertools.chain(["", "NA"], (f"NA{k}" for k in itertools.count(1)))
    return next(mark for mark in marks if mark not in values)


def to_csv(table: pd.DataFrame, missing: str) -> str:
    """Return a table as CSV, with ends of lines and quotes of RFC 4180."""
    return table.to_csv(index=False, na_rep=missing, lineterminator="\r\n")


def lossy_column(table: pd.DataFrame) -> object:
    """Return the name of the first column that a CSV can't give back, or None."""
    for name in table.columns[table.columns.duplicated()]:
        return name
    for name in table.columns:
        one = table[[name]]
        try:
            (kept,) = json.loads(json.dumps(column_types(one)))
            mark = missing_mark(one)
            again = typed(from_csv(to_csv(one, mark), mark), [kept])
        except (KeyError, TypeError, ValueError):
            return name
        if name not in again or not again[name].equals(one[name].reset_index(drop=True)):
            return name
    return None


def from_csv(text: str, missing: str) -> pd.DataFrame:
    """Return a CSV as a table of texts, None where a value is missing.

    Raises
    ------
    ValueError
        When rows differ in length.
    """
    header, *rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row] or [[]]
    if any(len(row) != len(header) for row in rows):
        raise ValueError("its rows differ in length")
    values = [[None if value == missing else value for value in row] for row in rows]
    return pd.DataFrame(values, columns=header, dtype=object)


def typed(texts: pd.DataFrame, types: Iterable[tuple[str, ColumnType]]) -> pd.DataFrame:
    """Return a table of texts with types; a column without one gets the type it looks like.

    Raises
    ------
    ValueError, TypeError, KeyError
        When a text does not fit the type of its column.
    """
    known = dict(types)
    columns = {}
    for name in texts:
        kind = known.get(name)
        columns[name] = _guess(texts[name]) if kind is None else _typed(texts[name].tolist(), kind)
    return pd.DataFrame(columns)


def _typed(texts: list[str | None], kind: ColumnType) -> pd.Series:
    if not isinstance(kind, str):
        categories, ordered = kind
        by_text = {str(category): category for category in categories}
        values = [None if text is None else by_text[text] for text in texts]
        return pd.Series(pd.Categorical(values, categories=categories, ordered=ordered))
    if "bool" in kind:
        return pd.Series([_BOOLEANS[t] for t in texts], dtype=kind.removesuffix(" boolean"))
    if "int" in kind.lower():
        return pd.Series([pd.NA if t is None else int(t) for t in texts], dtype=kind)
    return pd.Series(texts, dtype=kind)


def _guess(texts: pd.Series) -> pd.Series:
    try:
        return pd.to_numeric(texts)
    except ValueError:
        return pd.Series(texts.tolist())
