"""Read tables in which napari-feature-classifier kept the classes of labels."""

from __future__ import annotations

import math
import re
from pathlib import Path

from napari_marrow.data.csv_table import read_named_rows
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.marks.marks import MarkedFile, NumberedMark
from napari_marrow.data.project.annotations import FEATURE_CLASSIFIER, ClassColour
from napari_marrow.data.text import listed, one_line

LABEL, CODE, NAME, ROI = "label", "annotations", "annotation_names", "roi_id"
"""Columns: number of the cell, that of its class (-1 or empty for none), its name, the picture."""
NO_CLASS = "NoClass"
_ENDING = re.compile(r"_(?:annotations?|predictions?)$")


def read_classifier_table(path: Path) -> MarkedFile:
    """Read the classes that a person gave to labels; predictions beside them are not read.

    Raises
    ------
    MarrowError
        When it can't be read, or has other columns.
    """
    rows = read_named_rows(path)
    columns = {*rows[0]} if rows else set[str]()
    if not {LABEL, CODE} <= columns:
        names = f"; it has {listed(sorted(columns))}" if columns else ""
        raise MarrowError(
            f"{path} needs the columns {LABEL} and {CODE}, as napari-feature-classifier writes "
            f"them{names}."
        )
    marks, without = list[NumberedMark](), 0
    for row in rows:
        name = _class_name(path, row)
        if name:
            number = _whole(path, LABEL, row[LABEL])
            marks.append(NumberedMark(name, FEATURE_CLASSIFIER, number, row.get(ROI, "")))
        else:
            without += 1
    return MarkedFile(
        image=_ENDING.sub("", path.stem),
        numbered=tuple(marks),
        classes=tuple(ClassColour(x, "") for x in dict.fromkeys(m.class_name for m in marks)),
        without_class=without,
    )


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
