"""Read objects that QuPath exported as GeoJSON, of version 0.2 and newer.

Its form is that of ``qupath.lib.io.QuPathTypeAdapters``: a FeatureCollection, a list of Features or
one; the class is the name in ``classification``, or the parts of a derived one in ``names``; older
versions have a colour as one number, ``colorRGB``. Objects may be in ``childObjects`` of others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.marks.marks import Corners, Mark, MarkedFile
from napari_marrow.data.project.annotations import QUPATH, ClassColour
from napari_marrow.data.text import one_line

NO_CELLS = frozenset({"tile", "tmaCore", "root", "PathTileObject", "TMACoreObject"})
REGIONS = frozenset({"annotation", "unknown", "PathAnnotationObject"})
IGNORED = "*"
"""QuPath's mark at the end of the names of classes that are none, such as Ignore*."""
_NONE = np.empty((0, 2))
_REMEDY = "export it again with File > Export objects as GeoJSON"


def read_qupath(path: Path) -> MarkedFile:
    """Read the objects of a file.

    Raises
    ------
    MarrowError
        When it can't be read or is no GeoJSON of objects.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise MarrowError(f"{path} can't be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise MarrowError(f"{path} is no GeoJSON; {_REMEDY}.") from error
    try:
        features = [*_all(_features(content))]
        found = [(x, _class_of(x)) for x in features]
        made = [_mark(feature, name) for feature, name in found if name]
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise MarrowError(f"{path} holds objects of another form; {_REMEDY}.") from error
    colours: dict[str, str] = {}
    for feature, name in found:
        if name and not colours.get(name):
            colours[name] = _colour(feature["properties"]["classification"])
    marks = tuple(mark for mark in made if mark is not None)
    kept = dict.fromkeys(mark.class_name for mark in marks)
    return MarkedFile(
        image=_image_name(path),
        marks=marks,
        classes=tuple(ClassColour(name, colours[name]) for name in kept),
        without_class=sum(not name for _, name in found),
        unreviewed=len(made) - len(marks),
    )


def _image_name(path: Path) -> str:
    """Return the name of the photograph that a file is called after."""
    return path.stem.removesuffix(".geo")


def _features(content: object) -> list[dict]:
    """Return the objects of a whole file."""
    if isinstance(content, dict) and content.get("type") == "Feature":
        return [content]
    found = content.get("features") if isinstance(content, dict) else content
    if not isinstance(found, list) or not all(x["type"] == "Feature" for x in found):
        raise ValueError
    return found


def _all(features: list[dict]) -> Iterator[dict]:
    """Yield objects, each before those in it; neither tiles nor cores."""
    for feature in features:
        properties = feature.get("properties") or {}
        if _kind(feature) not in NO_CELLS:
            yield feature
        yield from _all(properties.get("childObjects") or properties.get("children") or [])


def _kind(feature: Mapping) -> str:
    """Return the type of an object; in version 0.2 it is the identifier."""
    properties = feature.get("properties") or {}
    named = (properties.get(key) for key in ("objectType", "object_type", "type"))
    found = next((x for x in named if x), None) or feature.get("id", "")
    is_known = found in NO_CELLS or found in REGIONS or str(found).startswith("Path")
    known = is_known or found in ("cell", "detection")
    return str(found) if known else "unknown"


def _class_of(feature: Mapping) -> str:
    """Return the name of an object's class; "" without one, or with one that is to be ignored."""
    found = (feature.get("properties") or {}).get("classification")
    if isinstance(found, str):
        name = found
    elif found:
        name = ": ".join(found["names"]) if "names" in found else found.get("name") or ""
    else:
        name = ""
    name = one_line(name).strip()
    return "" if name.endswith(IGNORED) else name


def _colour(classification: object) -> str:
    """Return ``#RRGGBB`` of a classification; "" where it has no colour."""
    if not isinstance(classification, dict):
        return ""
    colour = classification.get("color", classification.get("colorRGB"))
    if isinstance(colour, int):
        return f"#{colour & 0xFFFFFF:06X}"  # alpha, red, green and blue in one number
    if isinstance(colour, list) and len(colour) >= 3:
        return "#{:02X}{:02X}{:02X}".format(*(int(x) & 0xFF for x in colour[:3]))
    return ""


def _exported(feature: Mapping, class_name: str) -> tuple[bool, str]:
    """Return whether this program exported an object with this class, and who gave it then.

    Nobody did where it was a model's answer: then it is "".
    """
    properties = feature["properties"]
    measured, texts = properties.get("measurements"), properties.get("metadata")
    if not (isinstance(measured, dict) and isinstance(texts, dict)):
        return False, ""
    is_same = "annotated" in measured and texts.get("class") == class_name
    return is_same, str(texts.get("class_from", "")) if measured.get("annotated") == 1 else ""


def _mark(feature: Mapping, class_name: str) -> Mark | None:
    """Return an object; None where it is a model's answer that nobody has changed or accepted."""
    is_same, who = _exported(feature, class_name)
    if is_same and not who:
        return None
    geometry = feature.get("nucleusGeometry") or feature["geometry"]
    points, polygons = _parts(geometry)
    who = who if is_same else QUPATH
    return Mark(class_name, who, points, polygons, _kind(feature) in REGIONS)


def _parts(geometry: Mapping) -> tuple[Corners, tuple[tuple[Corners, ...], ...]]:
    """Return the points and the polygons of a geometry; lines are neither, so their points."""
    kind = geometry["type"]
    if kind == "GeometryCollection":
        parts = [_parts(x) for x in geometry["geometries"]]
        points = np.concatenate([_NONE, *(x for x, _ in parts)])
        return points, tuple(x for _, own in parts for x in own)
    where = geometry["coordinates"]
    if kind == "Point":
        return _corners([where]), ()
    if kind in ("MultiPoint", "LineString"):
        return _corners(where), ()
    if kind == "MultiLineString":
        return np.concatenate([_NONE, *map(_corners, where)]), ()
    if kind in ("Polygon", "MultiPolygon"):
        several = [where] if kind == "Polygon" else where
        return _NONE, tuple(tuple(map(_corners, rings)) for rings in several if rings)
    raise ValueError(kind)


def _corners(coordinates: list) -> Corners:
    found = np.array([x[:2] for x in coordinates], np.float64).reshape(-1, 2)
    if not np.isfinite(found).all():
        raise ValueError
    return found
