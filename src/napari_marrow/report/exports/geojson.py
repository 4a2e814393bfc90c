"""The cells of a field as GeoJSON, in the form that QuPath 0.5 writes and reads.

Each cell is a Feature with a ``geometry`` and a ``nucleusGeometry`` beside it, in pixels of the
photograph; its class is the ``classification``, its numbers are ``measurements``, its texts
``metadata``. What is no number is written as the text "NaN".
"""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from napari_marrow.data.outputs import SOFTWARE, FileKind
from napari_marrow.imaging.outlines import Polygon, outlines
from napari_marrow.learning.annotating.cells import CellAnswers
from napari_marrow.report.colours import RESEARCH_ONLY, rgb
from napari_marrow.report.exports.pixels import FieldPixels

if TYPE_CHECKING:
    import pandas as pd

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://napari-hub.org/plugins/napari-marrow")
"""Of the identifiers of cells."""
TEXTS = ("class", "reason", "class_from", "model", "model_class")
"""Columns of a table of cells that are texts; the class as it was exported."""
_HEAD = f'{{"type": "FeatureCollection", "generator": "{SOFTWARE}", '


def _is_ours(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(_HEAD)) == _HEAD.encode()
    except OSError:
        return False


GEOJSON = FileKind("GeoJSON of cells", _is_ours)


def cell_id(field_name: str, place: tuple[int, int]) -> str:
    """Return the identifier of a cell: always the same for a pixel (row, column) of a field."""
    return str(uuid.uuid5(NAMESPACE, f"{field_name}\n{place[0]}\n{place[1]}"))


def feature_collection(
    table: pd.DataFrame,
    answers: CellAnswers,
    pixels: FieldPixels,
    colours: Mapping[str, str],
) -> dict[str, object]:
    """Return the cells of a field as a FeatureCollection.

    Parameters
    ----------
    table
        What :func:`.cell_table` returns for the field.
    answers
        That the table is of: its places give the identifiers.
    pixels
        Of the field.
    colours
        ``#RRGGBB`` of each class.
    """
    known = answers.cells
    keys = zip(known.field_names.tolist(), known.index.tolist(), strict=True)
    places = dict(zip(keys, known.places.tolist(), strict=True))
    nuclei = outlines(pixels.nuclei)
    cells = nuclei if pixels.cytoplasm is None else outlines(pixels.cells)
    features = []
    for row in table.to_dict("records"):
        number = int(row["index"])
        features.append({
            "type": "Feature",
            "id": cell_id(row["image"], places[row["image"], number]),
            "geometry": _geometry(cells[number]),
            "nucleusGeometry": _geometry(nuclei[number]),
            "properties": _properties(row, colours),
        })  # fmt: skip
    return {
        "type": "FeatureCollection",
        "generator": SOFTWARE,
        "note": RESEARCH_ONLY,
        "features": features,
    }


def _geometry(polygons: list[Polygon]) -> dict[str, object]:
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def _properties(row: Mapping[str, object], colours: Mapping[str, str]) -> dict[str, object]:
    name = str(row["class"])
    found: dict[str, object] = {"objectType": "cell"}
    if name:
        found["classification"] = {"name": name, "color": [*rgb(colours[name])]}
    texts = {key: str(row[key]) for key in TEXTS if row[key]}
    left = {"image", *TEXTS}
    found["measurements"] = {key: _number(value) for key, value in row.items() if key not in left}
    if texts:
        found["metadata"] = texts
    return found


def _number(value: object) -> float | int | str:
    """Return a number, true or false as QuPath keeps it."""
    number = float(value)  # type: ignore[arg-type]
    if math.isnan(number):
        return "NaN"
    return int(number) if number.is_integer() else number


def write_geojson(path: Path, collection: Mapping[str, object]) -> None:
    """Write a FeatureCollection that is recognised as this program's own, in ASCII."""
    path.write_text(json.dumps(collection, allow_nan=False), encoding="utf-8")
