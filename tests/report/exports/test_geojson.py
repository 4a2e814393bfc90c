"""GeoJSON of cells, read back by shapely and compared cell by cell with pixels and table."""

import json
import math
import uuid

import numpy as np
import shapely
from shapely.geometry import shape

import answered
from napari_marrow.report.exports.geojson import GEOJSON, feature_collection, write_geojson
from napari_marrow.report.exports.tables import cell_table


def written(path, name):
    pixels, answers = answered.fields()[name], answered.answers()
    table = cell_table(answers, name, pixels)
    write_geojson(path, feature_collection(table, answers, pixels, answered.COLOURS))
    refuse = {"parse_constant": lambda text: 1 / 0}  # NaN is no JSON
    return json.loads(path.read_text(encoding="utf-8"), **refuse), table, pixels


def pixels_of(mask):
    y, x = np.nonzero(mask)
    return shapely.union_all(shapely.box(x, y, x + 1, y + 1))


def test_geometries_are_the_pixels_of_nucleus_and_cell(tmp_path):
    for name in answered.fields():
        found, table, pixels = written(tmp_path / "a.geojson", name)
        assert found["type"] == "FeatureCollection"
        assert len(found["features"]) == len(table)
        around = np.zeros_like(pixels.nuclei) if pixels.cytoplasm is None else pixels.cytoplasm
        for feature, number in zip(found["features"], table["index"], strict=True):
            nucleus, cell = shape(feature["nucleusGeometry"]), shape(feature["geometry"])
            own = pixels.nuclei == number
            assert nucleus.is_valid
            assert cell.is_valid
            assert nucleus.area == own.sum()
            assert nucleus.symmetric_difference(pixels_of(own)).area == 0
            assert cell.symmetric_difference(pixels_of(own | (around == number))).area == 0


def test_a_piece_is_a_polygon_and_two_are_several(tmp_path):
    found, table, _ = written(tmp_path / "a.geojson", answered.FIRST)
    kinds = [x["nucleusGeometry"]["type"] for x in found["features"]]
    by_number = dict(zip(table["index"], kinds, strict=True))
    assert by_number == {1: "Polygon", 2: "Polygon", 5: "Polygon", 7: "MultiPolygon"}
    (hole,) = [x for x in found["features"] if len(x["geometry"]["coordinates"]) == 2 and
               x["geometry"]["type"] == "Polygon"]  # fmt: skip
    assert hole["properties"]["measurements"]["index"] == 5


def test_properties_are_those_of_the_table(tmp_path):
    for name in answered.fields():
        found, table, _ = written(tmp_path / "a.geojson", name)
        for feature, row in zip(found["features"], table.to_dict("records"), strict=True):
            properties = feature["properties"]
            assert feature["type"] == "Feature"
            assert properties["objectType"] == "cell"
            if row["class"]:
                colour = answered.COLOURS[row["class"]]
                rgb = [int(colour[k : k + 2], 16) for k in (1, 3, 5)]
                assert properties["classification"] == {"name": row["class"], "color": rgb}
            else:
                assert "classification" not in properties
            texts = properties.get("metadata", {})
            for column in ("class", "reason", "class_from", "model", "model_class"):
                assert texts.get(column, "") == row[column]
            for column, value in properties["measurements"].items():
                if value == "NaN":
                    assert math.isnan(row[column])
                else:
                    assert value == float(row[column])
            numbers = {*row} - {"image", "class", "reason", "class_from", "model", "model_class"}
            assert {*properties["measurements"]} == numbers


def test_what_is_not_known_is_a_text(tmp_path):
    found, _, _ = written(tmp_path / "a.geojson", answered.SECOND)
    measured = found["features"][2]["properties"]["measurements"]
    assert measured["probability_ALL"] == measured["area_um2"] == "NaN"


def test_a_second_export_is_equal_and_each_cell_has_an_identifier(tmp_path):
    identifiers = []
    for name in answered.fields():
        found, _, _ = written(tmp_path / "a.geojson", name)
        again, _, _ = written(tmp_path / "b.geojson", name)
        assert (tmp_path / "a.geojson").read_bytes() == (tmp_path / "b.geojson").read_bytes()
        identifiers += [uuid.UUID(x["id"]) for x in found["features"]]
        assert found == again
    assert len({*identifiers}) == len(identifiers) == 7


def test_own_files_are_recognised(tmp_path):
    written(tmp_path / "a.geojson", answered.FIRST)
    (tmp_path / "b.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    assert GEOJSON.is_ours(tmp_path / "a.geojson")
    assert not GEOJSON.is_ours(tmp_path / "b.geojson")
    assert not GEOJSON.is_ours(tmp_path / "none.geojson")
