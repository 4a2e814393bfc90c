"""Read tables of the classes of labels: of napari-feature-classifier, and those exported here."""

from __future__ import annotations

import math
import re
from pathlib import Path

from napari_marrow.data.csv_table import read_named_rows
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.marks.marks import MarkedFile, NumberedMark
from napari_marrow.data.project.annotations import (
    FEATURE_CLASSIFIER,
    PERSON,
    ClassColour,
    is_by_person,
)
from napari_marrow.data.text import listed, one_line

LABEL, CODE, NAME, ROI = "label", "annotations", "annotation_names", "roi_id"
"""Columns: number of the cell, that of its class (-1 or empty for none), its name, the picture."""
OWN = frozenset({"image", "index", "class", "class_from", "annotated", "model_class"})
"""Columns of a table of cells that this program exported."""
_TRUE = frozenset({"true", "1", "wahr"})
"""How programs write that it is so; spreadsheets translate it."""
NO_CLASS = "NoClass"
_ENDING = re.compile(r"_(?:annotations?|predictions?)$")


def read_table(path: Path) -> MarkedFile:
    """Read the classes that a person gave to labels; predictions beside them are not read.

    Raises
    ------
    MarrowError
        When it can't be read, or has other columns.
    """
    rows = read_named_rows(path)
    columns = {*rows[0]} if rows else set[str]()
    if columns >= OWN:
        return _exported_here(path, rows)
    if not {LABEL, CODE} <= columns:
        names = f"; it has {listed(sorted(columns))}" if columns else ""
        raise MarrowError(
            f"{path} needs the columns {LABEL} and {CODE}, as napari-feature-classifier writes "
            f"them, or those of cells.csv{names}."
        )
    named = [(row, _class_name(path, row)) for row in rows]
    marks = [
        NumberedMark(x, FEATURE_CLASSIFIER, _whole(path, LABEL, row[LABEL]), row.get(ROI, ""))
        for row, x in named
        if x
    ]
    return _marked(_ENDING.sub("", path.stem), marks, without_class=len(rows) - len(marks))


def _exported_here(path: Path, rows: list[dict[str, str]]) -> MarkedFile:
    """Read a table of cells: classes that were given, and answers that were changed in it."""
    marks, without, unreviewed = list[NumberedMark](), 0, 0
    for row in rows:
        name, is_given = one_line(row["class"]).strip(), row["annotated"].casefold() in _TRUE
        is_answer = name == row["model_class"]
        if not name:
            without += 1
        elif is_answer and not is_given:
            unreviewed += 1
        else:
            stays = is_given and (is_answer or is_by_person(row["class_from"]))
            who = row["class_from"] if stays else PERSON
            marks.append(NumberedMark(name, who, _whole(path, "index", row["index"]), row["image"]))
    return _marked(path.stem, marks, without, unreviewed)


def _marked(
    image: str, marks: list[NumberedMark], without_class: int, unreviewed: int = 0
) -> MarkedFile:
    classes = tuple(ClassColour(x, "") for x in dict.fromkeys(m.class_name for m in marks))
    return MarkedFile(image, (), tuple(marks), classes, without_class, unreviewed)


def _class_name(path: Path, row: dict[str, str]) -> str:
    """Return the class of a row; the number where the table has no name of it, "" for none."""
    text = row[CODE].strip()
    if text.casefold() in ("", "nan", "<na>"):
        return ""
    number = _whole(path, CODE, text)
    if number <= 0:
        return ""
    name = one_line(row.get(NAME, "")).strip()
    return "" if name == NO_CLASS else name or f"Class_{number}"


def _whole(path: Path, column: str, text: str) -> int:
    try:
        number = float(text)
        if math.isfinite(number) and number == int(number):
            return int(number)
    except ValueError:
        pass
    raise MarrowError(f"{path} has {one_line(text)!r} in {column}, which is no whole number.")
