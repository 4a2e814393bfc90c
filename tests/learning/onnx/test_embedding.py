"""Embeddings from ONNX files: what they give, as numpy has it, and which files are refused."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.onnx import embedding as embeddings
from napari_marrow.learning.onnx.embedding import open_embedding, resize_matrix
from napari_marrow.learning.onnx.sizes import refusal
from onnx_files import N_VALUES, embed, make_embedding

SIDE = 32
IMAGES = np.random.default_rng(0).integers(0, 256, (11, SIDE, SIDE, 3)).astype(np.uint8)
IMAGENET = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "encoder.onnx"


@pytest.mark.parametrize("channels_first", [True, False])
@pytest.mark.parametrize("maps", [True, False])
@pytest.mark.parametrize("opset", [11, 17, 21])
def test_values_are_those_of_numpy(path, channels_first, maps, opset):
    weights = make_embedding(path, channels_first=channels_first, maps=maps, opset=opset)
    found = open_embedding(path, SIDE, "imagenet")
    expected = embed((IMAGES / 255 - IMAGENET[0]) / IMAGENET[1], weights)
    assert (found.n_values, found.n_weights) == (N_VALUES, weights.size)
    np.testing.assert_allclose(found.run(IMAGES), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("scale", "levels"),
    [("unit", IMAGES / 255), ("signed", IMAGES / 127.5 - 1), ("levels", IMAGES * 1.0)],
)
@pytest.mark.parametrize("numbers", [TensorProto.FLOAT, TensorProto.FLOAT16])
def test_levels_are_scaled_as_asked_for(path, scale, levels, numbers):
    weights = make_embedding(path, numbers=numbers)
    found = open_embedding(path, SIDE, scale).run(IMAGES)
    tolerance = 1e-2 if numbers == TensorProto.FLOAT16 else 1e-4
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, embed(levels, weights), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("size", [(48, 40), (20, 20)])
@pytest.mark.parametrize("channels_first", [True, False])
def test_images_are_resized_to_what_the_file_takes(path, size, channels_first):
    weights = make_embedding(path, size=size, channels_first=channels_first)
    found = open_embedding(path, SIDE, "levels").run(IMAGES)
    resized = [_resized(image, size) for image in IMAGES]
    np.testing.assert_allclose(found, embed(np.stack(resized), weights), rtol=1e-3, atol=1e-2)


def _resized(image, size):
    """Resize by Pillow, channel by channel, without rounding."""
    channels = (Image.fromarray(image[..., k].astype(np.float32)) for k in range(3))
    resample = Image.Resampling.BILINEAR
    return np.stack([np.asarray(c.resize(size[::-1], resample)) for c in channels], axis=-1)


@pytest.mark.parametrize("wanted", [7, 96, 224, 500])
def test_lines_are_resized_as_by_pillow(wanted):
    line = np.random.default_rng(1).normal(size=96).astype(np.float32)
    expected = Image.fromarray(line[None]).resize((wanted, 1), Image.Resampling.BILINEAR)
    np.testing.assert_allclose(resize_matrix(96, wanted) @ line, np.asarray(expected)[0], atol=1e-5)


def head_of(opset):
    """Return a dense layer without activation as ONNX, and its weights."""
    weights = np.random.default_rng(3).normal(size=(N_VALUES, 2)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["pixels", "weights"], ["vector"])],  # names of the file, too
        "head",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [None, N_VALUES])],
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, [None, 2])],
        [numpy_helper.from_array(weights, "weights")],
    )
    versions = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 2)]
    return helper.make_model(graph, opset_imports=versions, ir_version=9), weights


@pytest.mark.parametrize("opset", [11, 15, 21])
def test_joined_it_is_one_model_of_images(path, opset):
    make_embedding(path, opset=opset, size=(40, 40))
    found = open_embedding(path, SIDE, "imagenet")
    head, weights = head_of(15)
    joined = found.joined(head.SerializeToString())
    path.unlink()
    onnx.checker.check_model(onnx.load_from_string(joined))
    session = onnxruntime.InferenceSession(joined, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    assert (given.name, given.shape[1:]) == ("image", [SIDE, SIDE, 3])
    assert refusal(joined) == ""
    answers = session.run(None, {"image": IMAGES.astype(np.float32)})[0]
    np.testing.assert_allclose(answers, found.run(IMAGES) @ weights, rtol=1e-4, atol=1e-4)


def test_of_several_outputs_the_vector_is_taken(path):
    weights = make_embedding(path)
    model = onnx.load(path)
    maps = helper.make_tensor_value_info("maps", TensorProto.FLOAT, [None] * 4)
    model.graph.output.insert(0, maps)
    onnx.save(model, path)
    found = open_embedding(path, SIDE, "levels").run(IMAGES)
    np.testing.assert_allclose(found, embed(IMAGES, weights), rtol=1e-4, atol=1e-3)


def refused(path, match):
    with pytest.raises(MarrowError, match=match) as error:
        open_embedding(path, SIDE, "imagenet")
    assert path.name in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"no model", b"\x80\x04\x95pickle"])
def test_what_is_no_model_is_refused(path, content):
    path.write_bytes(content)
    refused(path, "no ONNX model")


def test_a_file_that_is_not_there_is_refused(path):
    refused(path, "is not there")


def test_a_file_that_is_too_large_is_refused_unread(path, monkeypatch):
    make_embedding(path)
    monkeypatch.setattr(embeddings, "MAX_FILE_BYTES", 100)
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail("it was read"))
    refused(path, "too large")


def test_a_file_whose_bundle_would_not_be_opened_is_refused(path):
    """Its size depends on the image."""
    make_embedding(path)
    model = onnx.load(path)
    found = helper.make_node("NonZero", ["pixels"], ["places"])
    model.graph.node.append(found)
    onnx.save(model, path)
    refused(path, "computes NonZero, which is none of the operators that are read; export it")


@pytest.mark.parametrize(
    ("how", "match"),
    [
        ({"batch": 1}, "1 images at once.*dynamic batch"),
        ({"size": (3, 3), "channels_first": False}, "channels"),
        ({"size": (8,)}, "3 dimensions of FLOAT"),
        ({"numbers": TensorProto.DOUBLE}, "4 dimensions of DOUBLE"),
        ({"domain": "org.example"}, "operators of org.example"),
        ({"domain": "com.microsoft"}, "operators of com.microsoft"),
    ],
)
def test_files_of_another_form_are_refused(path, how, match):
    make_embedding(path, **how)
    refused(path, match)


def test_weights_in_other_files_are_refused(path):
    make_embedding(path)
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    refused(path, "in other files")


def test_external_weights_within_an_operator_are_refused(path):
    make_embedding(path)
    model = onnx.load(path)
    tensor = TensorProto(data_type=TensorProto.FLOAT, dims=[1], name="t")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    constant = helper.make_node("Constant", [], ["unused"], value=tensor)
    model.graph.node.insert(0, constant)
    path.write_bytes(model.SerializeToString())
    refused(path, "in other files")


def test_functions_of_its_own_are_refused(path):
    """Each could call the next one twice, and so on."""
    make_embedding(path)
    model = onnx.load(path)
    twice = [helper.make_node("Neg", ["x"], ["y"]), helper.make_node("Neg", ["y"], ["z"])]
    versions = [helper.make_opsetid("", 17)]
    model.functions.append(helper.make_function("own", "Twice", ["x"], ["z"], twice, versions))
    onnx.save(model, path)
    refused(path, "functions of its own; .*inline_local_functions")


@pytest.mark.parametrize("opset", [9, 11, 12, 13])
def test_maps_that_are_flattened_by_their_shape_are_read(path, opset):
    """As torch.onnx writes `x.view(x.size(0), -1)`."""
    weights = make_embedding(path, opset=opset)
    model = onnx.load(path)
    model.graph.node.pop()  # Flatten
    axes = {"axes": [0]} if opset < 13 else {}
    model.graph.node.extend(
        [
            helper.make_node("Shape", ["mean"], ["shape"]),
            helper.make_node("Gather", ["shape", "zero"], ["images"], axis=0),
            helper.make_node("Unsqueeze", ["images", *([] if axes else ["zeros"])], ["n"], **axes),
            helper.make_node("Concat", ["n", "rest"], ["size"], axis=0),
            helper.make_node("Reshape", ["mean", "size"], ["vector"]),
        ]
    )
    for name, value in {"zero": 0, "zeros": [0], "rest": [-1]}.items():
        model.graph.initializer.append(numpy_helper.from_array(np.array(value, np.int64), name))
    onnx.save(model, path)
    found = open_embedding(path, SIDE, "levels").run(IMAGES)
    np.testing.assert_allclose(found, embed(IMAGES, weights), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("operator", "given"),
    [
        ("Gather", ([1, 2], 7)),  # there is no number 7
        ("Concat", ([1, 2], 7)),  # nor an axis of a single number
        ("Reshape", ([1, 2], [3])),
    ],
)
def test_sizes_that_can_not_be_computed_are_one_sentence(path, operator, given):
    make_embedding(path)
    model = onnx.load(path)
    axis = {} if operator == "Reshape" else {"axis": 0}
    model.graph.node.insert(0, helper.make_node(operator, ["a", "b"], ["computed"], **axis))
    for name, value in zip("ab", given, strict=True):
        model.graph.initializer.append(numpy_helper.from_array(np.array(value, np.int64), name))
    path.write_bytes(model.SerializeToString())
    refused(path, f"computes {operator} of inputs that do not fit; export it")


def test_two_inputs_are_refused(path):
    make_embedding(path)
    model = onnx.load(path)
    model.graph.input.append(helper.make_tensor_value_info("age", TensorProto.FLOAT, ["n", 1]))
    onnx.save(model, path)
    refused(path, "2 inputs")


def test_an_output_of_another_form_is_refused(path):
    make_embedding(path)
    model = onnx.load(path)
    model.graph.node.append(helper.make_node("Unsqueeze", ["vector", "axes"], ["tokens"]))
    model.graph.initializer.append(numpy_helper.from_array(np.array([1]), "axes"))
    del model.graph.output[:]
    model.graph.output.append(
        helper.make_tensor_value_info("tokens", TensorProto.FLOAT, [None] * 3)
    )
    onnx.save(model, path)
    refused(path, "neither a vector nor feature maps")


def test_answers_that_depend_on_the_batch_are_refused(path):
    make_embedding(path)
    model = onnx.load(path)
    mean = helper.make_node("ReduceMean", ["vector"], ["average"], axes=[0])
    model.graph.node.extend([mean, helper.make_node("Sub", ["vector", "average"], ["away"])])
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info("away", TensorProto.FLOAT, [None, 5]))
    onnx.save(model, path)
    refused(path, "other images are in the batch")


def test_a_model_that_is_not_valid_is_refused(path):
    make_embedding(path)
    model = onnx.load(path)
    model.graph.node[0].input[1] = "nothing"
    path.write_bytes(model.SerializeToString())
    refused(path, "valid|can't be run")
