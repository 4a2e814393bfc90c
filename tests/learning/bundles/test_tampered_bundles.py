"""Bundles that somebody altered on purpose, and sealed anew, are refused in a sentence."""

import json
import pickle

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.bundles import bundle as bundles
from napari_marrow.learning.bundles.bundle import load_bundle, sha256

IMAGE = np.full((40, 50, 3), 200, np.uint8)


def seal(path, **changes):
    """Write the description anew, with the hashes of what is in the folder now."""
    content = json.loads((path / "bundle.json").read_text()) | changes
    content["files"] = changes.get("files") or {
        name: sha256(path / name) for name in content["files"]
    }
    content["seal"] = bundles._seal(content)
    (path / "bundle.json").write_text(json.dumps(content))


def refused(path, match):
    with pytest.raises(MarrowError, match=match) as error:
        load_bundle(path).predictor.predict(IMAGE)
    assert "\n" not in str(error.value)


class Evil:
    def __reduce__(self):
        return (pytest.fail, ("it was executed",))


@pytest.mark.parametrize("name", ["model.onnx", "weights.safetensors", "reference.safetensors"])
def test_a_pickle_under_another_name_is_not_opened(toy, name):
    (toy.path / name).write_bytes(pickle.dumps(Evil()))
    files = json.loads((toy.path / "bundle.json").read_text())["files"]
    seal(toy.path, files={x: sha256(toy.path / x) for x in {*files, name}})
    if name == "weights.safetensors":  # prediction does not look at it
        from safetensors.numpy import load_file

        with pytest.raises(Exception, match="header"):
            load_file(toy.path / name)
        return
    refused(toy.path, name)


@pytest.mark.parametrize("name", ["model.onnx", "heldout.csv"])
def test_a_link_in_place_of_a_file_is_refused(toy, tmp_path, name):
    elsewhere = tmp_path / "elsewhere"
    (toy.path / name).rename(elsewhere)
    (toy.path / name).symlink_to(elsewhere)
    seal(toy.path)
    refused(toy.path, rf"{name} is a link")


def test_a_linked_folder_in_a_bundle_is_refused(toy, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.png").write_bytes(b"x")
    (toy.path / "figures").symlink_to(tmp_path / "elsewhere")
    files = json.loads((toy.path / "bundle.json").read_text())["files"]
    seal(toy.path, files=files | {"figures/a.png": sha256(toy.path / "figures" / "a.png")})
    refused(toy.path, r"figures/a\.png is a link")


@pytest.mark.parametrize("name", ["../outside.csv", "/etc/hostname"])
def test_names_that_lead_outside_are_refused(toy, name):
    (toy.path.parent / "outside.csv").write_text("x")
    files = json.loads((toy.path / "bundle.json").read_text())["files"]
    seal(toy.path, files=files | {name: "0" * 64})
    refused(toy.path, "names a file outside of it")


@pytest.mark.parametrize(
    ("part", "values", "match"),
    [
        ("settings", {"input_size": 10**6}, "Input size is 1000000"),
        ("settings", {"tiles": 10**5}, "Tiles is 100000"),
        ("preprocessing", {"input_size": 10**6}, "Input size is 1000000"),
        ("preprocessing", {"crop_factor": 1e9}, "Crop factor is 1"),
    ],
)
def test_oversized_shapes_are_refused_before_anything_is_cut(toy, part, values, match):
    content = json.loads((toy.path / "bundle.json").read_text())
    seal(toy.path, **{part: content[part] | values})
    refused(toy.path, match)


def test_another_schema_is_refused(toy):
    seal(toy.path, schema=99)
    refused(toy.path, "is not a bundle of schema 1")


def test_a_description_of_gigabytes_is_not_read(toy, monkeypatch):
    with open(toy.path / "bundle.json", "r+b") as file:
        file.truncate(bundles.MAX_JSON_BYTES + 1)  # a hole: it takes no place on the disk
    refused(toy.path, r"bundle\.json is too large")


def model(nodes, initializers=()):
    """A network of the toy's shapes."""
    shapes = ([None, 32, 32, 3], [None, 2])
    tensors = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in zip(("image", "out"), shapes, strict=True)
    ]
    graph = helper.make_graph(nodes, "g", tensors[:1], tensors[1:], initializers)
    opsets = [helper.make_opsetid("", 15), helper.make_opsetid("evil", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def replace_model(toy, made):
    onnx.save(made, toy.path / "model.onnx")
    seal(toy.path)


def test_an_unknown_operator_is_refused(toy):
    replace_model(toy, model([helper.make_node("Evil", ["image"], ["out"], domain="evil")]))
    refused(toy.path, r"model\.onnx is no ONNX model")


@pytest.mark.parametrize("name", ["weights.bin", "../weights.bin"])
def test_weights_in_files_of_their_own_are_refused(toy, name):
    """Also in the bundle: what is not sealed is not read."""
    values = np.ones((3, 2), np.float32)
    (toy.path / name).write_bytes(values.tobytes())
    weights = helper.make_tensor("w", TensorProto.FLOAT, [3, 2], values.tobytes(), raw=True)
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value=name)
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("MatMul", ["mean", "w"], ["out"]),
    ]
    made = model(nodes, [weights])
    (toy.path / "model.onnx").write_bytes(made.SerializeToString())
    seal(toy.path)
    refused(toy.path, r"model\.onnx is no ONNX model")


def test_a_tensor_of_terabytes_is_a_sentence(toy):
    shape = helper.make_tensor("s", TensorProto.INT64, [2], [10**6, 10**6])
    nodes = [
        helper.make_node("Constant", [], ["shape"], value=shape),
        helper.make_node("ConstantOfShape", ["shape"], ["huge"]),
        helper.make_node("ReduceSum", ["huge"], ["sum"]),
        helper.make_node("ReduceMean", ["image"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("Slice", ["mean", "zero", "two", "one"], ["two_of"]),
        helper.make_node("Mul", ["two_of", "sum"], ["out"]),
    ]
    numbers = [
        helper.make_tensor(name, TensorProto.INT64, [1], [value])
        for name, value in (("zero", 0), ("two", 2), ("one", 1))
    ]
    replace_model(toy, model(nodes, numbers))
    refused(toy.path, "can't be run: memory does not suffice")
