"""Prediction with a network whose answers can be worked out by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.special import softmax

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Field
from napari_marrow.learning.bundles.bundle import Bundle, load_bundle, predict_one
from napari_marrow.learning.bundles.predictor import joined_tables
from napari_marrow.learning.confidence.error_rate import Confidence
from napari_marrow.learning.onnx.inference import run_network

COLUMNS = ["index", "y", "x", "class", "probability_ALL", "probability_MM", "uncertain", "reason"]


def flat(red, blue, size=(40, 50)):
    return np.broadcast_to(np.array([red, 0, blue], np.uint8), (*size, 3)).copy()


NUCLEI = np.eye(40, 50, dtype=np.uint16)


def test_a_field_by_hand(toy):
    prediction = toy.predictor.predict(flat(132, 100), NUCLEI)
    # (132 - 100) / 64 = .5 and -.5: softmax e / (e + 1) = .7311
    assert prediction.class_name == "ALL"
    assert prediction.probability == pytest.approx(0.7311, abs=1e-4)
    assert not prediction.uncertain
    assert prediction.labels is None
    row = prediction.table.iloc[0]
    assert list(prediction.table) == COLUMNS
    assert (row["index"], row["y"], row["x"], row["class"]) == (0, 19.5, 24.5, "ALL")
    assert row["probability_ALL"] == pytest.approx(0.7311, abs=1e-4)
    assert row["probability_MM"] == pytest.approx(0.2689, abs=1e-4)


@pytest.mark.parametrize(("red", "uncertain"), [(110, True), (114, False)])
def test_uncertain_below_the_limit(toy, red, uncertain):
    # e^(2 d / 64) = p / (1 - p); the limit .6 is at d = 32 ln 1.5 = 12.97
    prediction = toy.predictor.predict(flat(red, 100), NUCLEI)
    assert prediction.uncertain is uncertain
    assert bool(prediction.table["uncertain"].iloc[0]) is uncertain
    assert prediction.reason == prediction.table["reason"].iloc[0] == "low probability" * uncertain


def test_a_field_without_a_nucleus_is_uncertain_whatever_the_model_says(toy):
    page = flat(255, 255, (240, 320))
    page[40:200:20, 30:290:3] = 20  # lines of thin strokes, as of text
    for image in (page, flat(132, 0), np.full((60, 60, 3), (0, 255, 0))):
        prediction = toy.predictor.predict(image.astype(np.uint8))
        assert prediction.uncertain
        assert "no nucleus" in prediction.reason
        assert prediction.table["reason"].tolist() == [prediction.reason]


def test_tiles_are_averaged_and_the_temperature_softens(tmp_path, make_toy):
    bundle = make_toy(tmp_path / "t", tiles=2, confidence=Confidence(2.0))
    image = flat(100, 100, (40, 40))
    image[:20, :20, 0] = 164  # one tile of four is e^2 / (e^2 + 1) = .8808, the others .5
    mean = (0.8808 + 3 * 0.5) / 4
    # softened: the root of the odds .5952 / .4048
    odds = np.sqrt(mean / (1 - mean))
    assert bundle.predictor.predict(image).probability == pytest.approx(odds / (1 + odds), abs=1e-3)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"classes": ("ALL", "MM", "other")}, r"2 classes, but its bundle says .* and 3"),
        (
            {"features": ("nucleus_area_px",), "kind": "classical"},
            r"\[\[32, 32, 3\]\] .* its bundle says \[\[1\]\] and 2",
        ),
    ],
)
def test_a_network_that_does_not_fit_its_bundle_is_refused(tmp_path, make_toy, changes, says):
    bundle = make_toy(tmp_path / "odd.marrow", **changes)
    with pytest.raises(MarrowError, match=rf"odd\.marrow.*{says}"):
        bundle.predictor  # noqa: B018


def test_what_is_no_network_is_refused(toy):
    (toy.path / "model.onnx").write_bytes(b"no network")
    with pytest.raises(MarrowError, match=r"model\.onnx is no ONNX model; train again"):
        Bundle(toy.path, toy.info).predictor.predict(flat(132, 100))


@pytest.fixture
def cells(tmp_path, make_toy):
    """A cell bundle, a photograph of a red and a blue nucleus, and their labels."""
    image = flat(100, 100, (60, 100))
    labels = np.zeros((60, 100), np.uint16)
    for number, place, colour in ((4, 25, (164, 0, 100)), (9, 75, (84, 0, 100))):
        image[20:40, place - 10 : place + 10] = colour
        labels[20:40, place - 10 : place + 10] = number
    return make_toy(tmp_path / "cells", unit="cell", crop_factor=0.8), image, labels


def test_cells_by_hand(cells):
    bundle, image, labels = cells
    prediction = bundle.predictor.predict(image, labels)
    table = prediction.table
    # The squares lie inside the nuclei: differences 64 and -16.
    expected = softmax(np.array([[64, -64], [-16, 16]]) / 64, axis=1)
    np.testing.assert_allclose(table[["probability_ALL", "probability_MM"]], expected, atol=1e-5)
    assert table["index"].tolist() == [4, 9]
    assert table["class"].tolist() == ["ALL", "MM"]
    assert table["uncertain"].tolist() == [False, False]  # .88 and .62
    assert (table["x"].tolist(), table["y"].tolist()) == ([24.5, 74.5], [29.5, 29.5])
    # the field's answer is the mean: (.8808 + .3775) / 2 = .629
    assert prediction.class_name == "ALL"
    assert prediction.probability == pytest.approx(expected[:, 0].mean(), abs=1e-5)
    assert prediction.labels is labels


def test_a_field_without_cells_has_no_answer(cells):
    bundle, _, _ = cells
    blank = np.full((60, 80, 3), 235, np.uint8)
    prediction = bundle.predictor.predict(blank)
    assert prediction.class_name is None
    assert np.isnan(prediction.probability)
    assert prediction.uncertain
    assert len(prediction.table) == 0
    assert "probability_ALL" in prediction.table
    table = joined_tables(
        ["a", "b"], [prediction.table, bundle.predictor.predict(*cells[1:]).table]
    )
    assert table["image"].tolist() == ["b", "b"]


def test_a_field_brings_its_own_labels(tmp_path, cells):
    bundle, image, labels = cells
    Image.fromarray(image).save(tmp_path / "f.bmp")
    Image.fromarray(labels).save(tmp_path / "l.png")
    field = Field(tmp_path / "f.bmp", "f", "f", labels=tmp_path / "l.png")
    pd.testing.assert_frame_equal(
        predict_one(bundle, field).table,
        bundle.predictor.predict(image, labels).table,
        rtol=0,
        atol=1e-06,
    )
    whole = replace(field, labels=None, masks={"nucleus": tmp_path / "m.png"})
    Image.fromarray(labels > 0).save(tmp_path / "m.png")
    assert len(predict_one(bundle, whole).table) == 2


def test_outputs_of_independent_sigmoids_are_made_to_add_up(toy, monkeypatch):
    class Sigmoids:
        inputs, n_classes, batch_size, n_threads = ("image",), 2, 8, 2

        def run(self, given):
            return np.array([[0.9, 0.3]] * len(given["image"]))

    out = run_network(Sigmoids(), np.zeros((130, 4, 4, 3), np.uint8))
    assert out.shape == (130, 2)  # more than two batches
    np.testing.assert_allclose(out, [[0.75, 0.25]] * 130, atol=1e-09)


def test_bundle_predict_gives_a_row_a_photograph(toy):
    table = toy.predict([flat(200, 0), flat(0, 200)])
    assert table["image"].tolist() == [0, 1]
    assert table["class"].tolist() == ["ALL", "MM"]


def test_table_has_the_published_columns(toy):
    predictions = [toy.predictor.predict(flat(200, 0)), toy.predictor.predict(flat(0, 200))]
    table = joined_tables(["ALL/a.bmp", "MM/b.bmp"], [p.table for p in predictions])
    assert list(table) == ["image", *COLUMNS]
    assert table["image"].tolist() == ["ALL/a.bmp", "MM/b.bmp"]


@pytest.mark.slow
def test_the_trained_bundle_knows_new_fields(trained, draw):
    bundle = load_bundle(trained["bundle"])
    for name in ("ALL", "MM"):
        image, _ = draw(name, 99)
        assert bundle.predictor.predict(image).class_name == name
