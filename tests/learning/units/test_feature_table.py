"""Measured units: the features of a collection as one table, and those of augmented copies."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.failures import Failures
from napari_marrow.data.fields import Collection
from napari_marrow.data.layouts import scan
from napari_marrow.imaging.intensity import edges
from napari_marrow.imaging.nuclei import field_labels
from napari_marrow.learning.units.feature_table import feature_columns, measure, measure_collection
from napari_marrow.measure.extract import features
from napari_marrow.measure.settings import FeatureSettings

FIELD = FeatureSettings(("histogram", "fourier"))
CELL = FeatureSettings(("colour",), "cell")
KNOWN = ["image", "index", "y", "x", "class", "source"]
COLOURS = ["mean_red", "mean_green", "mean_blue"]


def test_a_row_a_field_in_the_order_of_the_collection(collection):
    table = measure_collection(collection, FIELD)
    assert list(table.columns[:6]) == KNOWN
    assert table["image"].tolist() == [collection.label(f) for f in collection.fields]
    assert table["class"].tolist() == ["ALL"] * 3 + ["MM"] * 3
    assert table["source"].tolist() == [f.source for f in collection.fields]
    for k, field in enumerate(collection.fields):
        expected = features(field.image(), None, FIELD).drop(columns=["index", "y", "x"])
        found = table.loc[[k], list(expected.columns)].reset_index(drop=True)
        pd.testing.assert_frame_equal(found, expected, rtol=0, atol=1e-09)
        np.testing.assert_allclose(
            table.loc[k, COLOURS].astype(float), field.image().mean((0, 1)), atol=1e-06
        )
    assert feature_columns(table) == tuple(expected.columns)


def test_a_row_a_cell_of_the_nucleus_masks(collection):
    table = measure_collection(collection, CELL)
    counts = table.groupby("image", sort=False).size()
    labels = [field_labels(f) for f in collection.fields]
    assert counts.tolist() == [int(m.max()) for m in labels]
    assert counts.max() > 5
    expected = features(collection.fields[0].image(), {"nucleus": labels[0]}, CELL)
    first = table[table["image"] == collection.label(collection.fields[0])]
    found = first[list(expected.columns)].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected, rtol=0, atol=1e-09)


def test_cytoplasm_is_found_also_where_there_is_a_mask_of_it(collection, write_mask, tmp_path):
    """Most sets have such masks for one class only: they would tell the class."""
    field = collection.fields[0]
    nuclei = field.mask("nucleus")
    write_mask(tmp_path / "c_cyto_mask.png", np.roll(nuclei, 3) & ~nuclei)
    masks = {**field.masks, "cytoplasm": tmp_path / "c_cyto_mask.png"}
    how = FeatureSettings(("morphology",), "cell")
    first, second = (
        measure_collection(Collection(collection.root, (f,)), how)
        for f in (field, replace(field, masks=masks))
    )
    pd.testing.assert_frame_equal(first, second, rtol=0, atol=1e-09)


def test_augmented_copies_follow_their_field_and_keep_its_source(collection):
    some = Collection(collection.root, collection.fields[1:3])
    table = measure_collection(some, FIELD, augmented=True)
    assert table["source"].tolist() == [f.source for f in some.fields for _ in range(3)]
    image = some.fields[0].image()
    turned = np.asarray(Image.fromarray(image).transpose(Image.Transpose.ROTATE_90))
    for row, picture in ((0, image), (1, turned), (2, edges(image))):
        expected = features(picture, None, FIELD).iloc[0, 3:].to_numpy(float)
        found = table.loc[row, list(feature_columns(table))].to_numpy(float)
        np.testing.assert_allclose(found, expected, atol=1e-06)
        colours = table.loc[row, COLOURS].to_numpy(float)
        np.testing.assert_allclose(colours, picture.mean(axis=(0, 1)), atol=1e-06)


def test_nuclei_turn_with_their_photograph(collection):
    some = Collection(collection.root, collection.fields[:1])
    table = measure_collection(some, FeatureSettings(("morphology",), "cell"), augmented=True)
    count = len(table) // 3
    plain, turned, edged = (table.iloc[k * count : (k + 1) * count] for k in range(3))
    assert count > 5
    height = some.fields[0].image().shape[1]
    one, other = plain.sort_values("index"), turned.sort_values("index")
    np.testing.assert_allclose(other["x"].to_numpy(), one["y"].to_numpy(), atol=1e-06)
    np.testing.assert_allclose(other["y"].to_numpy(), height - 1 - one["x"].to_numpy(), atol=1e-06)
    np.testing.assert_array_equal(edged["nucleus_area_px"], plain["nucleus_area_px"])


def test_classes_of_annotated_cells_and_of_none(collection):
    first, second = collection.fields[:2]
    some = Collection(
        collection.root,
        (replace(first, cell_classes={1: "MM", 2: "other"}), replace(second, class_name=None)),
    )
    table = measure_collection(some, CELL)
    own = table[table["image"] == some.label(first)].set_index("index")["class"]
    assert own.head(3).to_dict() == {1: "MM", 2: "other", 3: "ALL"}
    assert table[table["image"] == some.label(second)]["class"].isna().all()


def test_progress_is_told_before_each_field(collection):
    said = []
    measure_collection(collection, FIELD, lambda part, text: said.append((part, text)))
    assert said == [(k / 6, f"Measuring {f.name}") for k, f in enumerate(collection.fields)]


def test_nuclei_are_found_where_none_are_given(draw):
    image, mask = draw("MM", 1, (96, 128))
    found = measure(image, None, CELL)
    assert len(found) == 1
    given = measure(image, mask.astype(np.uint8), CELL)
    assert found["nucleus_density_green"][0] == pytest.approx(
        given["nucleus_density_green"][0], abs=0.02
    )


def test_empty_masks_are_left_out_and_one_that_is_not_is_enough(tmp_path, make_snam):
    root = make_snam(tmp_path / "in", 2)
    for path in root.rglob("*_nucleus_mask.bmp"):
        if path.name != "ALL_2_nucleus_mask.bmp":
            Image.new("RGB", (64, 48)).save(path)
    for settings in (CELL, FIELD):
        failures = Failures()
        table = measure_collection(scan(root), settings, failures=failures)
        assert set(table["image"]) == {"ALL/ALL_2.bmp"}
        assert failures.images == ["ALL/ALL_1.bmp", "MM/MM_1.bmp", "MM/MM_2.bmp"]
        assert "ALL_1.bmp is empty" in failures.found[0].reason
    Image.new("RGB", (64, 48)).save(root / "ALL" / "ALL_2_nucleus_mask.bmp")
    with pytest.raises(MarrowError, match=r"ALL_1\.bmp is empty"):
        measure_collection(scan(root), CELL, failures=Failures())


def test_a_mask_that_does_not_fit_is_said_also_where_it_is_not_used(tmp_path, snam):
    shutil.copytree(snam, tmp_path / "in")
    path = next((tmp_path / "in").rglob("MM_2_background_mask.bmp"))
    Image.new("RGB", (8, 6)).save(path)
    with pytest.raises(MarrowError, match=r"MM_2_background_mask\.bmp is 8x6 and its photograph"):
        measure_collection(scan(tmp_path / "in"), FIELD)
