"""Open photographs measured, and the features of their cells in the layers' tables."""

import shutil
from functools import partial

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel

from napari_marrow.imaging.settings import SegmentSettings
from napari_marrow.jobs.features import measure_features
from napari_marrow.measure.extract import features
from napari_marrow.measure.settings import FeatureSettings
from napari_marrow.viewer.io.feature_tables import (
    MAX_SHOWN_FEATURES,
    SCORED_CLASS,
    columns_for,
    show_tables,
)
from napari_marrow.viewer.io.readers import read
from napari_marrow.viewer.make.segmented import segment_photograph, segmented_layers
from napari_marrow.viewer.photograph.annotations import (
    label_classes,
    new_cells_layer,
    set_field_class,
)
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.training.measuring import opened_fields

CELLS = FeatureSettings(("morphology",), "cell")
NAMES = ["nucleus_area_px", "nucleus_solidity"]


@pytest.fixture
def viewer():
    return ViewerModel()


def fill(viewer, path):
    for data, options, kind in read(str(path)):
        getattr(viewer, f"add_{kind}")(data, **options)


def run(viewer, folder, settings=CELLS):
    collection, places, _ = opened_fields(
        Photograph.all_of(viewer.layers), folder, settings.unit, settings.unit == "cell"
    )
    return measure_features(collection, settings), places


def test_a_table_has_the_features_of_the_cells_as_they_are_now(viewer, snam, tmp_path):
    fill(viewer, snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp")
    layer = viewer.layers["ALL_1 nuclei"]
    labels = np.where(layer.data == 2, 0, layer.data)  # edited by hand
    labels[labels == 3] = 77
    layer.data = labels
    layer.features = layer.features.assign(note="mine")
    before = layer.features
    table, places = run(viewer, tmp_path)
    told = show_tables(viewer, places, table, NAMES)
    assert told == ["The features are in the table of ALL_1 nuclei."]
    expected = features(viewer.layers["ALL_1"].data, {"nucleus": labels}, CELLS)
    shown = layer.features.set_index("index")
    assert layer.features.columns[0] == "index"
    for name in NAMES:
        np.testing.assert_allclose(shown.loc[expected["index"], name], expected[name], atol=1e-9)
    assert shown.loc[77, "nucleus_area_px"] == (labels == 77).sum()
    assert np.isnan(shown.loc[2, "nucleus_area_px"])  # no longer there
    assert shown.loc[before["index"], "note"].tolist() == ["mine"] * len(before)
    assert NAMES[0] not in before  # reassigned, not edited in place


def test_another_run_takes_the_place_of_the_first(viewer, snam, tmp_path):
    fill(viewer, snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp")
    for number, names in enumerate((NAMES, ["nucleus_extent"])):
        (tmp_path / str(number)).mkdir()
        table, places = run(viewer, tmp_path / str(number))
        show_tables(viewer, places, table, names)
    columns = viewer.layers["ALL_1 nuclei"].features.columns
    assert not set(NAMES) & set(columns)
    assert list(columns).count(SCORED_CLASS) == 1
    assert "nucleus_extent" in columns


def test_what_was_scored_is_nobodys_word_about_the_cells(viewer, snam, tmp_path):
    """Else it would be learnt from, also after the field's class was mended."""
    fill(viewer, snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp")
    image, layer = viewer.layers["ALL_1"], viewer.layers["ALL_1 nuclei"]
    table, places = run(viewer, tmp_path)
    show_tables(viewer, places, table, NAMES)
    assert set(layer.features[SCORED_CLASS]) == {"ALL"}
    assert label_classes(layer) == {}
    set_field_class(image, 0, "MM")
    (tmp_path / "2").mkdir()
    again, _ = run(viewer, tmp_path / "2")
    assert set(again["class"]) == {"MM"}


def test_a_stack_keeps_a_table_of_each_slice(make_napari_viewer, snam, tmp_path, qtbot):
    viewer = make_napari_viewer()
    viewer.open(str(snam), plugin="napari-marrow")
    layer = viewer.layers["PKG - SN-AM nuclei"]
    qtbot.waitUntil(lambda: "area" in layer.features, timeout=10000)
    table, places = run(viewer, tmp_path)
    assert list(places) == ["ALL_1", "ALL_2", "ALL_3", "MM_1", "MM_2", "MM_3"]
    show_tables(viewer, places, table, NAMES)
    shows = lambda name: set(layer.features.get("field", ())) == {name}  # noqa: E731
    for row, name in ((0, "ALL_1"), (4, "MM_2"), (0, "ALL_1")):
        viewer.dims.set_current_step(0, row)
        qtbot.waitUntil(partial(shows, name), timeout=10000)
        part = table[table["image"] == name]
        assert layer.features["index"].tolist() == part["index"].tolist()
        np.testing.assert_allclose(layer.features[NAMES[1]], part[NAMES[1]], atol=1e-9)
        np.testing.assert_array_equal(layer.features["area"], part["nucleus_area_px"])
        assert set(layer.features[SCORED_CLASS]) == {name.split("_")[0]}


def test_a_stack_is_measured_with_the_nuclei_that_its_layer_shows(
    viewer, make_snam, tmp_path, draw
):
    root = make_snam(tmp_path / "s", 1, size=(240, 320), masks=False)
    fill(viewer, root)
    (photograph,) = Photograph.all_of(viewer.layers)
    few = SegmentSettings(smallest=5000)  # leaves out the small nuclei of ALL
    found = segment_photograph(photograph, few, False)
    for layer in segmented_layers(photograph, found, viewer.layers):
        viewer.add_layer(layer)
    (tmp_path / "out").mkdir()
    table, places = run(viewer, tmp_path / "out")
    assert [f.count for f in found] == [0, 1]
    assert table["image"].tolist() == ["MM_1"]  # none is seen in the other
    assert list(places) == ["MM_1"]


def test_photographs_of_one_name_are_told_apart(viewer, snam, tmp_path):
    for class_name in ("ALL", "MM"):
        (folder := tmp_path / "in" / class_name).mkdir(parents=True)
        for ending in (".bmp", "_nucleus_mask.bmp"):
            source = snam / "PKG - SN-AM" / class_name / f"{class_name}_1{ending}"
            shutil.copy(source, folder / f"ALL_1{ending}")
        fill(viewer, folder / "ALL_1.bmp")
    set_field_class(viewer.layers["ALL_1 [1]"], 0, "MM")
    table, places = run(viewer, tmp_path)
    assert table.groupby("image")["class"].unique().map(list).to_dict() == {
        "ALL_1": ["ALL"],
        "ALL_1 (2)": ["MM"],
    }
    assert table["source"].nunique() == 2
    names = {image: place.layer.name for image, place in places.items()}
    assert names == {"ALL_1": "ALL_1 nuclei", "ALL_1 (2)": "ALL_1 nuclei [1]"}


def test_painted_cells_are_scored_by_their_own_class(viewer, snam, tmp_path):
    fill(viewer, snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp")
    nuclei = viewer.layers["ALL_1 nuclei"].data
    cells = viewer.add_layer(new_cells_layer(viewer.layers["ALL_1"], ("ALL", "MM")))
    cells.data[nuclei == 3] = 2
    table, places = run(viewer, tmp_path)
    show_tables(viewer, places, table, NAMES)
    assert places["ALL_1"].layer is viewer.layers["ALL_1 nuclei"]
    shown = viewer.layers["ALL_1 nuclei"].features.set_index("index")[SCORED_CLASS]
    assert shown[3] == "MM"
    assert set(shown.drop(3)) == {"ALL"}


def test_numbers_of_several_fields_in_one_table_are_not_mixed_up(viewer, draw, tmp_path):
    drawn = [draw(name, 1, (96, 128)) for name in ("ALL", "MM")]
    stack = np.stack([image for image, _ in drawn])
    image = viewer.add_image(stack, rgb=True, name="s")
    layer = viewer.add_labels(np.stack([mask for _, mask in drawn]).astype(np.uint8))
    layer.name = "s nuclei"
    for row, name in enumerate(("ALL", "MM")):
        set_field_class(image, row, name)
    table, places = run(viewer, tmp_path)
    assert len(places) == 2
    told = show_tables(viewer, places, table, NAMES)
    assert ["s nuclei has the same numbers" in message for message in told] == [True]
    assert layer.features.empty


def test_a_layer_that_was_removed_is_passed_over(viewer, snam, tmp_path):
    fill(viewer, snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp")
    layer = viewer.layers["ALL_1 nuclei"]
    table, places = run(viewer, tmp_path)
    viewer.layers.remove(layer)
    before = layer.features
    told = show_tables(viewer, places, table, NAMES)
    assert told == ["ALL_1 nuclei was removed meanwhile; its table is not shown."]
    assert layer.features is before or layer.features.equals(before)


def paint(layer):
    layer.paint((20, 20), 1)  # napari's brush writes into the array that was measured


def replace_labels(layer):
    layer.data = np.roll(layer.data, 200, axis=1)  # the same numbers, other cells


@pytest.mark.parametrize("change", [paint, replace_labels])
def test_cells_that_were_changed_meanwhile_get_no_features(viewer, snam, tmp_path, change):
    fill(viewer, snam / "PKG - SN-AM" / "ALL" / "ALL_1.bmp")
    layer = viewer.layers["ALL_1 nuclei"]
    table, places = run(viewer, tmp_path)
    before = layer.features
    change(layer)
    told = show_tables(viewer, places, table, NAMES)
    assert told == ["ALL_1 nuclei was changed in ALL_1 meanwhile; measure again to have its table."]
    assert layer.features.equals(before)


def test_one_field_that_was_painted_meanwhile_leaves_the_others(viewer, draw, tmp_path):
    drawn = [draw(name, 1, (96, 128)) for name in ("ALL", "MM")]
    image = viewer.add_image(np.stack([image for image, _ in drawn]), rgb=True, name="s")
    labels = np.stack([mask for _, mask in drawn]).astype(np.uint8)
    labels[1][labels[1] > 0] += 100  # numbers of their own
    layer = viewer.add_labels(labels, name="s nuclei")
    for row, name in enumerate(("ALL", "MM")):
        set_field_class(image, row, name)
    table, places = run(viewer, tmp_path)
    layer.data[0, :9, :9] = 50
    told = show_tables(viewer, places, table, NAMES)
    assert told[-1].startswith("s nuclei was changed in s 0 meanwhile; measure again")
    assert (layer.features["index"] > 100).all()
    assert (layer.features[SCORED_CLASS] == "MM").all()


def test_of_many_features_only_the_chosen_ones_are_shown():
    names = [f"f{k}" for k in range(MAX_SHOWN_FEATURES + 1)]
    scores = pd.DataFrame(
        {"feature": names[::-1], "selected": [k < 2 for k in range(MAX_SHOWN_FEATURES + 1)]}
    )
    assert columns_for(names, scores) == [f"f{MAX_SHOWN_FEATURES}", f"f{MAX_SHOWN_FEATURES - 1}"]
    assert columns_for(names[1:], scores) == names[1:]
    assert columns_for(names, None) == []
