"""The record of a layer survives being stored, and records of other versions open."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_marrow.data.fields import Field
from napari_marrow.viewer.layer_info import FieldPrediction, Kind, LayerInfo, Product, layer_id
from napari_marrow.viewer.photograph.photograph import Photograph

TABLE = pd.DataFrame({"index": [1, 2], "class": ["ALL", "MM"]})
FULL = LayerInfo(
    kind=Kind.NUCLEI,
    id="a",
    photograph="b",
    root=Path("folder"),
    fields=(Field(Path("folder/x.bmp"), "x", "patient 1", "ALL"),),
    checksum=0,
    products=(Product("x_edges", "edges", 1, "patient 1", "folder/x.bmp", None, (48, 64)),),
    classes={0: "MM", 3: None},
    predictions=(FieldPrediction("MM", 0.75, False, "MM (75%)", TABLE),),
    tables={0: TABLE, 2: TABLE.iloc[:0]},
    shown_row=0,
    measured=("area",),
    segmented=True,
)


def test_a_layer_keeps_what_was_set_on_it_beside_the_metadata_of_others():
    layer = Labels(np.zeros((4, 5), int), metadata={"mine": 1})
    FULL.set_on(layer)
    assert layer.metadata["mine"] == 1
    copied = Labels(np.zeros((4, 5), int), metadata=dict(layer.metadata))
    for info in (LayerInfo.of(layer), LayerInfo.of(copied)):
        for name in ("kind", "id", "photograph", "root", "fields", "checksum", "products"):
            assert getattr(info, name) == getattr(FULL, name)
        assert info.classes == FULL.classes
        assert (info.shown_row, info.measured, info.segmented) == (0, ("area",), True)
        assert list(info.tables) == [0, 2]
        pd.testing.assert_frame_equal(info.tables[0], TABLE)
        pd.testing.assert_frame_equal(info.predictions[0].table, TABLE)
        assert info.predictions[0].text == "MM (75%)"


def test_setting_emits_the_metadata_event():
    layer, heard = Image(np.zeros((4, 5))), []
    layer.events.metadata.connect(lambda event: heard.append(event))
    dataclasses.replace(LayerInfo.of(layer), classes={0: "ALL"}).set_on(layer)
    assert len(heard) == 1
    assert LayerInfo.of(layer).classes == {0: "ALL"}


def test_a_photograph_keeps_the_id_that_it_was_given():
    first, second = Image(np.zeros((4, 5))), Image(np.zeros((4, 5)))
    assert layer_id(first) == layer_id(first) != layer_id(second)


@pytest.mark.parametrize(
    "record",
    [
        {"version": 99, "kind": "hologram", "made_of": "a", "more": [1]},
        {"version": 99, "fields": "elsewhere"},
        {"version": 99, "predictions": [{"answer": 1}]},
        {"version": 3, "kind": "nuclei", "photograph": "b", "segmented": True},
        {"version": 1, "kind": "nuclei", "fields": []},
        {"kind": "nuclei", "of": "b"},
        {"version": "2", "kind": "nuclei"},
        {"version": 2, "fields": "elsewhere"},
        "a text",
    ],
)
def test_a_layer_of_another_version_opens_and_counts_as_unknown(record):
    layer = Labels(np.zeros((4, 5), int), metadata={"napari_marrow": record})
    info = LayerInfo.of(layer)
    assert (info.kind, info.photograph, info.fields) == (Kind.UNKNOWN, None, ())
    assert (info.holds_nuclei, info.segmented) == (False, False)
    dataclasses.replace(info, classes={0: "ALL"}).set_on(layer)
    assert LayerInfo.of(layer).classes == {0: "ALL"}


def test_what_was_added_to_the_record_has_defaults():
    record = {"version": 2, "kind": "nuclei", "photograph": "b", "segmented": True}
    info = LayerInfo.from_metadata({"napari_marrow": record})
    assert (info.kind, info.photograph, info.segmented) == (Kind.NUCLEI, "b", True)
    assert (info.states, info.classes, info.chosen, info.measured) == ((), {}, {}, ())


def test_labels_of_a_later_version_are_no_nuclei():
    """Which is what Labels over a photograph are otherwise taken for."""
    pixels = np.full((48, 64, 3), 200, np.uint8)
    viewer = ViewerModel()
    viewer.add_image(pixels, rgb=True, name="a")
    record = {"version": 3, "kind": "nuclei"}
    later = viewer.add_labels(
        np.ones((48, 64), int), name="a nuclei", metadata={"napari_marrow": record}
    )
    (photograph,) = Photograph.all_of(viewer.layers)
    assert photograph.nuclei is None
    later.metadata = {}
    (photograph,) = Photograph.all_of(viewer.layers)
    assert photograph.nuclei.layer is later
