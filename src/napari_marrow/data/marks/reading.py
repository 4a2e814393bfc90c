"""Read the classes of cells from a file of any program that is known."""

from __future__ import annotations

from pathlib import Path

from napari_marrow.data.csv_table import is_table_name
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.marks.marks import MarkedFile
from napari_marrow.data.marks.qupath import read_qupath
from napari_marrow.data.marks.tables import read_table

SUFFIXES = (".geojson", ".json", ".csv", ".tsv")
"""Of the files that can be read."""


def read_marks(path: Path) -> MarkedFile:
    """Read GeoJSON of QuPath, or a table of napari-feature-classifier or exported here.

    Raises
    ------
    MarrowError
        When it is neither, or can't be read.
    """
    suffix = path.suffix.lower()
    if suffix == ".clf":
        raise MarrowError(
            f"{path} is a classifier, whose file may run any program and is not opened; save its "
            "annotations as CSV there."
        )
    if suffix in (".geojson", ".json"):
        return read_qupath(path)
    if is_table_name(path):
        return read_table(path)
    raise MarrowError(
        f"{path} is no file of classes that can be read; choose GeoJSON of QuPath, a CSV of "
        "napari-feature-classifier, or a cells.csv."
    )
