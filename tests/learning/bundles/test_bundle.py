"""A bundle is data: whole or refused in one sentence, and nothing in it is executed."""

import json
import pickle
import shutil
from functools import partial

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from safetensors.numpy import load_file

from napari_marrow.audit.verdict import Confounding
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Field
from napari_marrow.learning.bundles.bundle import load_bundle, predict_one
from napari_marrow.learning.bundles.info import BundleInfo
from napari_marrow.learning.bundles.sealed import sha256
from napari_marrow.learning.confidence.error_rate import Confidence
from napari_marrow.learning.scores.evaluation import Evaluation, Score

SEALED = ["weights.safetensors", "model.onnx", "history.csv", "heldout.csv"]


def test_there_and_back(toy):
    assert load_bundle(toy.path).info == toy.info
    assert load_bundle(str(toy.path)).path == toy.path
    assert {p.name for p in toy.path.iterdir()} == {"bundle.json", *SEALED}
    content = json.loads((toy.path / "bundle.json").read_text())
    assert content["research_use_only"] is True
    assert content["unit"] == "field"
    assert content["files"] == {name: sha256(toy.path / name) for name in SEALED}
    np.testing.assert_array_equal(load_file(toy.path / SEALED[0])["matmul"], np.eye(3))
    assert pd.read_csv(toy.path / "history.csv").to_dict("list") == {"epoch": [1], "loss": [0.5]}


def test_everything_in_the_description_comes_back(tmp_path, make_toy):
    made = make_toy(
        tmp_path / "b",
        confidence=Confidence(1.7, 0.8, 40, 0.9, 0.025, 0.05, 40),
        elsewhere=Confidence(2.5, 0.9, 40, 0.5, 0.05, 0.05, 20),
        evaluation=Evaluation(
            {"accuracy": Score(1.0, 0.4, 1.0, 0.5)},
            [[2, 0], [0, 1]],
            ("ALL", "MM"),
            "ALL",
            3,
            3,
            1.0,
            None,
        ),
        split={"train": ["a"], "validation": [], "heldout": ["ü"]},
        fingerprints={"ALL/ALL_1.bmp": "0" * 64},
        notes=("one", "two"),
        versions={"keras": "3"},
        confounding=Confounding(("camera", "size"), 0.75, 0.001),
    )
    assert load_bundle(tmp_path / "b").info == made.info
    content = json.loads((tmp_path / "b" / "bundle.json").read_text())
    assert (content["temperature"], content["abstain_below"]) == (1.7, 0.8)


def test_sha256_is_that_of_hashlib(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")  # FIPS 180-2, example B.1
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256(tmp_path / "x") == expected


def said(path):
    with pytest.raises(MarrowError) as error:
        load_bundle(path)
    text = str(error.value)
    assert "\n" not in text
    assert str(path) in text
    return text


@pytest.mark.parametrize("name", ["bundle.json", *SEALED])
def test_a_missing_file_is_named(toy, name):
    (toy.path / name).unlink()
    assert f"{name} is missing" in said(toy.path)


@pytest.mark.parametrize("name", SEALED)
def test_an_altered_file_is_named(toy, name):
    content = bytearray((toy.path / name).read_bytes())
    content[-1] ^= 1
    (toy.path / name).write_bytes(content)
    assert f"{name} was altered" in said(toy.path)


@pytest.mark.parametrize(
    "change",
    [
        {"classes": ["MM", "ALL"]},  # would turn every answer round
        {"temperature": 5.0},
        {"settings": []},
        {"files": []},
        {"files": {}},
        {"preprocessing": None},
        {"notes": 3},
        {"seal": ""},
    ],
    ids=str,
)
def test_an_altered_description_is_noticed(toy, change):
    path = toy.path / "bundle.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert "bundle.json was altered" in said(toy.path)


def test_formatting_is_no_alteration(toy):
    path = toy.path / "bundle.json"
    path.write_text(json.dumps(json.loads(path.read_text()), sort_keys=True, ensure_ascii=False))
    assert load_bundle(toy.path).info == toy.info


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "can't be read as JSON"),
        ("\udcff", "can't be read as JSON"),
        ("[]", "is not a bundle"),
        ('{"format": "something", "schema": 1}', "is not a bundle"),
        ('{"format": "napari-marrow bundle", "schema": 2}', "use the version"),
    ],
)
def test_other_json_is_refused(toy, content, says):
    (toy.path / "bundle.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    assert says in said(toy.path)


def test_a_bundle_of_a_later_kind_of_model_is_not_called_altered(tmp_path, make_toy):
    text = said(make_toy(tmp_path / "b.marrow", kind="graph").path)
    assert "kind graph" in text
    assert "altered" not in text


def test_no_folder(tmp_path):
    assert "is not there" in said(tmp_path / "gone.marrow")
    (tmp_path / "file.marrow").write_text("x")
    assert "no folder" in said(tmp_path / "file.marrow")
    (tmp_path / "empty").mkdir()
    assert "bundle.json is missing" in said(tmp_path / "empty")


def test_nothing_is_unpickled_and_strangers_are_not_looked_at(toy, monkeypatch):
    def forbidden(*_, **__):
        pytest.fail("something was unpickled")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, forbidden)
    (toy.path / "evil.pkl").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    (toy.path / "__init__.py").write_text("raise SystemExit('executed')")
    image = np.full((20, 20, 3), 100, np.uint8)
    assert len(load_bundle(toy.path).predict([image])) == 1


def test_may_be_moved(toy, tmp_path):
    shutil.move(toy.path, tmp_path / "elsewhere")
    bundle = load_bundle(tmp_path / "elsewhere")
    assert len(bundle.predict([np.zeros((20, 20, 3), np.uint8)])) == 1


@pytest.mark.slow
def test_a_trained_bundle_notices_alteration_too(trained, tmp_path):
    copy = tmp_path / "copy.marrow"
    shutil.copytree(trained["bundle"], copy)
    load_bundle(copy)
    content = bytearray((copy / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (copy / "model.onnx").write_bytes(content)
    assert "model.onnx was altered" in said(copy)


def test_the_card_and_the_figures_are_sealed_too(trained, tmp_path):
    copy = tmp_path / "b.marrow"
    shutil.copytree(trained["bundle"], copy)
    load_bundle(copy)
    with (copy / "card.md").open("a") as file:
        file.write("accuracy 1.00")
    with pytest.raises(MarrowError, match=r"card\.md was altered"):
        load_bundle(copy)
    (copy / "card.md").write_bytes((trained["bundle"] / "card.md").read_bytes())
    (copy / "figures" / "history.png").unlink()
    with pytest.raises(MarrowError, match=r"history\.png is missing"):
        load_bundle(copy)


def test_one_field_is_classified_by_a_function_that_any_process_can_run(tmp_path, make_toy):
    """Arguments and result go through pickle; a bundle that was replaced is opened again."""
    path = make_toy(tmp_path / "b.marrow", unit="cell", crop_factor=1.0).path
    image, labels = np.full((40, 50, 3), 100, np.uint8), np.zeros((40, 50), np.uint16)
    image[10:30, 10:30], labels[10:30, 10:30] = (200, 0, 100), 4
    Image.fromarray(image).save(tmp_path / "f.png")
    Image.fromarray(labels).save(tmp_path / "l.png")
    field = Field(tmp_path / "f.png", "f", "f", labels=tmp_path / "l.png")
    expected = predict_one(load_bundle(path), field)
    call = pickle.loads(pickle.dumps(partial(predict_one, path, field)))
    found = pickle.loads(pickle.dumps(call()))
    assert found.labels is None
    assert found.class_name == expected.class_name == "ALL"
    pd.testing.assert_frame_equal(found.table, expected.table, rtol=0, atol=1e-06)
    np.testing.assert_array_equal(call(keep_labels=True).labels, labels)
    shutil.rmtree(path)
    with pytest.raises(MarrowError, match=r"b\.marrow"):
        call()


def test_the_kind_is_stored_and_derived_where_an_older_bundle_lacks_it(toy, tmp_path):
    assert json.loads((toy.path / "bundle.json").read_text())["kind"] == "network"
    stored = toy.info.to_dict()
    del stored["kind"]
    assert BundleInfo.from_dict(stored) == toy.info
    assert BundleInfo.from_dict(stored | {"features": ["a"]}).kind == "classical"
