"""Classes of cells from the files of QuPath and napari-feature-classifier."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import answered
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.marks.reading import read_marks
from napari_marrow.data.outputs import write_csv
from napari_marrow.data.project.annotations import FEATURE_CLASSIFIER, ClassColour
from napari_marrow.imaging.marked_cells import marked_cells
from napari_marrow.report.exports.geojson import feature_collection, write_geojson
from napari_marrow.report.exports.tables import cell_table

WRITTEN_AS_QUPATH = Path(__file__).with_name("qupath.geojson")
"""By hand, in exactly the form of QuPath 0.5 and 0.6 (QuPathTypeAdapters, ROITypeAdapters)."""


def given(file, labels=None):
    """Return the class that each cell gets."""
    labels = answered.first_field().nuclei if labels is None else labels
    return {k: mark.class_name for k, mark in marked_cells(file.marks, labels).marks.items()}


def write(path, features):
    path.write_text(json.dumps(features))
    return path


def feature(geometry, name="A", **properties):
    classified = {} if name is None else {"classification": name}
    return {"type": "Feature", "geometry": geometry, "properties": {**classified, **properties}}


def box(x, y, width, height):
    corners = [[x, y], [x + width, y], [x + width, y + height], [x, y + height], [x, y]]
    return {"type": "Polygon", "coordinates": [corners]}


def test_what_qupath_exports_gives_cells_their_classes():
    file = read_marks(WRITTEN_AS_QUPATH)
    # cell 2 by a point in the region, 7 by the region, 5 has a class that is to be ignored
    assert given(file) == {1: "Tumor", 2: "Tumor", 7: "Immune cells: CD138"}
    assert file.classes == (
        ClassColour("Tumor", "#C80000"), ClassColour("Immune cells: CD138", "#A05AA0"),
    )  # fmt: skip
    assert file.without_class == 2
    assert file.image == "qupath"
    assert {mark.who for mark in file.marks} == {"QuPath"}


def test_older_versions_write_lists_one_object_and_colours_in_one_number(tmp_path):
    older = feature(box(5, 5, 10, 10), {"name": "A", "colorRGB": -3670016})  # of version 0.2
    older["id"] = "PathDetectionObject"
    for content in ([older], older):
        file = read_marks(write(tmp_path / "a.json", content))
        assert given(file) == {1: "A"}
        assert file.classes == (ClassColour("A", "#C80000"),)
        assert not file.marks[0].is_region


def test_an_object_means_the_cell_it_covers_most_and_a_region_all_that_it_covers(tmp_path):
    both = box(8, 4, 13, 12)  # 7 of 10 columns of cell 1, and all 5 of cell 2
    one = read_marks(write(tmp_path / "a.geojson", [feature(both, objectType="detection")]))
    assert given(one) == {1: "A"}
    region = read_marks(write(tmp_path / "b.geojson", [feature(both, objectType="annotation")]))
    assert given(region) == {1: "A", 2: "A"}


def test_of_two_objects_on_a_cell_the_one_that_covers_more_counts(tmp_path):
    objects = [feature(box(5, 5, 10, 10), "A"), feature(box(5, 5, 10, 4), "B")]
    file = read_marks(write(tmp_path / "a.geojson", objects))
    found = marked_cells(file.marks, answered.first_field().nuclei)
    assert {k: mark.class_name for k, mark in found.marks.items()} == {1: "A"}
    assert found.disputed == 1


def test_holes_are_not_covered_and_outside_there_is_no_cell(tmp_path):
    outer, inner = box(5, 20, 15, 15)["coordinates"][0], box(9, 24, 7, 7)["coordinates"][0]
    labels = np.zeros((40, 60), np.uint8)
    labels[25:30, 10:15] = 1  # in the hole
    ring = feature({"type": "Polygon", "coordinates": [outer, inner]})
    far = feature({"type": "MultiPoint", "coordinates": [[-3, 2], [500, 7]]})
    file = read_marks(write(tmp_path / "a.geojson", [ring, far, feature(box(90, 90, 5, 5))]))
    assert marked_cells(file.marks, labels).missed == 3
    labels[20, 5] = 2
    assert given(file, labels) == {2: "A"}


def test_y_before_x_is_noticed(tmp_path):
    labels = answered.first_field().nuclei
    points = [feature({"type": "Point", "coordinates": [y + 0.5, x + 0.5]})
              for y, x in ((6, 18), (22, 32), (28, 37), (21, 6))]  # fmt: skip
    file = read_marks(write(tmp_path / "a.geojson", points))
    found = marked_cells(file.marks, labels)
    assert found.swapped
    assert sorted(found.marks) == [2, 5, 7]
    assert not marked_cells(read_marks(WRITTEN_AS_QUPATH).marks, labels).swapped


def test_what_this_program_exported_comes_back_without_the_answers_of_the_model(tmp_path):
    pixels, answers = answered.first_field(), answered.answers()
    table = cell_table(answers, answered.FIRST, pixels)
    collection = feature_collection(table, answers, pixels, answered.COLOURS)
    path = tmp_path / "a.geojson"
    write_geojson(path, collection)
    file = read_marks(path)
    assert [(mark.class_name, mark.who) for mark in file.marks] == [("MM", "person")]
    assert given(file) == {2: "MM"}
    assert file.unreviewed == 3
    for changed in collection["features"][:2]:  # in QuPath: an answer and a class
        changed["properties"]["classification"] = {"name": "other", "color": [1, 2, 3]}
    write_geojson(path, collection)
    file = read_marks(path)
    assert [(mark.class_name, mark.who) for mark in file.marks] == [("other", "QuPath")] * 2
    assert given(file) == {1: "other", 2: "other"}


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("a.geojson", "{", "GeoJSON"),
        ("a.geojson", '{"type": "Topology"}', "form"),
        ("a.geojson", '[{"type": "Feature", "properties": {"classification": "A"}}]', "form"),
        ("a.geojson", '[{"type": "Feature", "geometry": {"type": "Point", "coordinates": ["x", 1]},'
         ' "properties": {"classification": "A"}}]', "form"),
        ("a.clf", "", "CSV"),
        ("a.png", "", "no file of classes"),
        ("a.csv", "x,y\n1,2\n", "label"),
        ("a.csv", "label,annotations\n1,two\n", "whole number"),
    ],
)  # fmt: skip
def test_other_files_are_refused_in_a_sentence(tmp_path, name, content, word):
    (tmp_path / name).write_text(content)
    with pytest.raises(MarrowError, match=rf"{name}.*{word}") as error:
        read_marks(tmp_path / name)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(MarrowError, match=r"none\.geojson"):
        read_marks(tmp_path / "none.geojson")


def test_tables_of_napari_feature_classifier(tmp_path):
    path = tmp_path / "ALL_1 nuclei_annotation.csv"
    path.write_text(
        ",label,annotations,annotation_names\n0,1,1.0,blast\n1,4,,\n2,7,2.0,plasma\n3,8,-1.0,NoClass\n"
    )
    file = read_marks(path)
    found = [(x.number, x.class_name, x.image, x.who) for x in file.numbered]
    assert found == [
        (1, "blast", "", FEATURE_CLASSIFIER),
        (7, "plasma", "", FEATURE_CLASSIFIER),
    ]  # fmt: skip
    assert file.image == "ALL_1 nuclei"
    assert file.without_class == 2
    assert file.classes == (ClassColour("blast", ""), ClassColour("plasma", ""))


def test_its_tables_of_features_name_the_picture_and_number_the_class(tmp_path):
    path = tmp_path / "features.csv"
    path.write_text("roi_id,label,area,prediction,annotations\ns1,3,10.5,2,1\ns2,4,9.0,1,nan\n")
    file = read_marks(path)
    assert [(x.number, x.class_name, x.image) for x in file.numbered] == [(3, "Class_1", "s1")]


def test_a_table_exported_here_comes_back_with_what_was_changed_in_it(tmp_path):
    table = cell_table(answered.answers(), answered.FIRST, answered.first_field())
    second = cell_table(answered.answers(), answered.SECOND, answered.second_field())
    table = pd.concat([table, second], ignore_index=True)
    write_csv(table, tmp_path / "cells.csv")

    def read():
        file = read_marks(tmp_path / "cells.csv")
        found = {(x.image, x.number): (x.class_name, x.who) for x in file.numbered}
        return found, file.unreviewed, file.without_class

    given = {(answered.FIRST, 2): ("MM", "person"), (answered.SECOND, 3): ("other", "live model")}
    assert read() == (given, 4, 1)
    table.loc[[0, 5], "class"] = ["other", "ALL"]  # in a spreadsheet: an answer, an accepted one
    write_csv(table, tmp_path / "cells.csv")
    changed = {(answered.FIRST, 1): ("other", "person"), (answered.SECOND, 3): ("ALL", "person")}
    assert read() == (given | changed, 3, 1)
