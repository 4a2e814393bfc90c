"""Read the table of answers to count and the sources of its photographs; write the shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_marrow.data.csv_table import (
    UNKNOWN,
    fill_merged_cells,
    read_rows_by_role,
)
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.file_index import FileIndex, find_rows
from napari_marrow.data.outputs import table_kind
from napari_marrow.data.text import folded, listed, one_line
from napari_marrow.learning.counting.result import CountResult

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("image", "index", "class", "uncertain")
"""Of a table of answers; it has ``probability_<class>`` of each class besides."""
FIRST = ("source", "image", "class", "cells", "counted", "uncertain")
MAX_ROUNDING = 1e-4
"""Of a probability that was written with few decimals."""
SHARES = table_kind("a table of shares", FIRST, "share|low|high")


def read_answers(path: Path) -> pd.DataFrame:
    """Read the table of answers that ``napari-marrow predict`` wrote.

    Raises
    ------
    MarrowError
        When it can't be read, is another table, or holds what no model answers.
    """
    import pandas as pd

    texts = dict.fromkeys(("image", "class", "reason"), str)
    try:
        table = pd.read_csv(path, dtype=texts, keep_default_na=False, encoding="utf-8-sig")
    except OSError as error:
        raise MarrowError(f"{path} can't be read ({error.strerror}); check its name.") from error
    except ValueError as error:  # also what pandas raises of what is no table
        raise MarrowError(f"{path} is no table of answers; {_REMEDY}.") from error
    if "predicted" in table:
        raise MarrowError(
            f"{path} holds given classes beside the answers, as evaluate and compare write them; "
            f"{_REMEDY}, or name the class to evaluate --count."
        )
    missing = [name for name in COLUMNS if name not in table]
    if missing or not any(name.startswith("probability_") for name in table):
        missing = missing or ["probability_<class>"]
        raise MarrowError(f"{path} has no column {missing[0]}; {_REMEDY}.")
    if not len(table):
        raise MarrowError(f"{path} has no row, as no cell was found; nothing can be counted.")
    marks = table["uncertain"].astype(str).str.casefold()
    if not marks.isin(["true", "false"]).all():
        raise MarrowError(f"{path} has values beside True and False in uncertain; {_REMEDY}.")
    if (table["class"] == "").any():
        raise MarrowError(f"{path} has a row without a class; {_REMEDY}.")
    _check_numbers(path, table)
    _check_index(path, table)
    _check_likeliest(path, table)
    _check_unique(path, table)
    return table.assign(uncertain=marks == "true")


def _check_numbers(path: Path, table: pd.DataFrame) -> None:
    """Raise MarrowError where the number of a cell or a probability is none."""
    import pandas as pd

    for name in ["index", *(name for name in table if name.startswith("probability_"))]:
        numbers = pd.to_numeric(table[name], errors="coerce")
        is_right = np.isfinite(numbers)
        if name == "index":
            is_right &= (numbers >= 0) & (numbers % 1 == 0)
        else:
            is_right &= (numbers >= -MAX_ROUNDING) & (numbers <= 1 + MAX_ROUNDING)
        if not is_right.all():
            kind = "number of a cell" if name == "index" else "probability"
            value = one_line(str(table[name][~is_right].iloc[0]))
            raise MarrowError(f"{path} has {value!r} in {name}, which is no {kind}; {_REMEDY}.")


def _check_index(path: Path, table: pd.DataFrame) -> None:
    """Raise MarrowError where whole photographs stand among cells."""
    is_photograph = table["index"] == 0
    if is_photograph.any() and not is_photograph.all():
        image = one_line(table["image"][is_photograph].iloc[0])
        raise MarrowError(
            f"{path} has the whole photograph {image} (index 0) among cells; {_REMEDY}."
        )


def _check_likeliest(path: Path, table: pd.DataFrame) -> None:
    """Raise MarrowError where an answer is not the class of the highest probability."""
    columns = [name for name in table if name.startswith("probability_")]
    values = table[columns].to_numpy(float)
    place = {name.removeprefix("probability_"): k for k, name in enumerate(columns)}
    known = table["class"].isin(place).to_numpy()
    own = values[known, [place[name] for name in table["class"][known]]]
    if (is_wrong := own < values[known].max(axis=1) - MAX_ROUNDING).any():
        row = table[known][is_wrong].iloc[0]
        raise MarrowError(
            f"{path} has the answer {one_line(row['class'])} for {_named(row)}, for which another "
            f"class is more probable; {_REMEDY}."
        )


def _named(row: pd.Series) -> str:
    """Return a cell, or a whole photograph, as a sentence calls it."""
    image = one_line(row["image"])
    return f"cell {row['index']} of {image}" if row["index"] else image


def _check_unique(path: Path, table: pd.DataFrame) -> None:
    """Raise MarrowError where a cell is there twice: it would count twice."""
    if len(doubled := table[table.duplicated(["image", "index"])]):
        which = _named(doubled.iloc[0])
        raise MarrowError(
            f"{path} has {which} twice, which would count twice; remove one, or predict again."
        )


_REMEDY = "give the table that napari-marrow predict wrote"


def read_sources(images: Sequence[str], table: Path) -> dict[str, str]:
    """Read the source of each photograph from a CSV with the columns ``image`` and ``source``.

    Names and columns may be spelt as in tables of classes, see
    :class:`~napari_marrow.data.file_index.FileIndex`.

    Raises
    ------
    MarrowError
        When it has other columns, leaves a photograph out, or gives it two sources.
    """
    rows = read_rows_by_role(table)
    fill_merged_cells(table.name, rows)
    if not rows or not {"image", "source"} <= rows[0].keys():
        raise MarrowError(f"{table} needs the columns image and source.")
    index = FileIndex({image: image for image in images})
    sources: dict[str, str] = {}
    for row, found in zip(rows, find_rows(rows, index.find_all), strict=True):
        if len(found) > 1:
            raise MarrowError(
                f"{table} names {row['image']}, which several photographs are called; write the "
                f"path, such as {found[0]}."
            )
        if found and folded(row["source"]) not in UNKNOWN:
            given = sources.setdefault(found[0], row["source"])
            if given != row["source"]:
                raise MarrowError(f"{table} gives {found[0]} two sources, {given} and "
                                  f"{row['source']}; remove one.")  # fmt: skip
    if missing := sorted(set(images) - set(sources)):
        raise MarrowError(f"{table} gives no source of {listed(missing)}; add a row for each.")
    return sources


def shares_table(result: CountResult) -> pd.DataFrame:
    """Return a row for each share: in all, of each source and of each field."""
    import pandas as pd

    rows: list[Mapping[str, object]] = [
        {
            "source": share.source,
            "image": share.image,
            "class": share.class_name,
            "cells": share.cells,
            "counted": share.counted,
            "uncertain": share.uncertain,
            "share": share.estimate,
            "low": share.low,
            "high": share.high,
        }
        for share in result.shares
    ]
    return pd.DataFrame(rows)
