"""A ``model.onnx`` that somebody replaced on purpose, and sealed anew, is refused in a sentence."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from napari_marrow.learning.bundles import predictor
from napari_marrow.learning.onnx import sizes
from tampering import refused, seal


def model(nodes, initializers=()):
    """A network of the toy's shapes."""
    shapes = ([None, 32, 32, 3], [None, 2])
    tensors = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in zip(("image", "out"), shapes, strict=True)
    ]
    graph = helper.make_graph(nodes, "g", tensors[:1], tensors[1:], initializers)
    opsets = [helper.make_opsetid(*x) for x in (("", 17), ("evil", 1), ("ai.onnx.ml", 3))]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def replace_model(toy, made):
    onnx.save(made, toy.path / "model.onnx")
    seal(toy.path)


@pytest.mark.parametrize("factor", [np.nan, np.inf, -0.1])
def test_answers_that_are_no_probabilities_do_not_stand(toy, factor):
    values = np.array([[factor, 0], [0, 0.4], [0, 0]], np.float32)
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("MatMul", ["mean", "w"], ["out"]),
    ]
    replace_model(toy, model(nodes, [onnx.numpy_helper.from_array(values, "w")]))
    refused(toy.path, r"model\.onnx answers with values that are no probabilities")


def test_an_unknown_operator_is_refused(toy):
    replace_model(toy, model([helper.make_node("Evil", ["image"], ["out"], domain="evil")]))
    refused(toy.path, r"model\.onnx computes Evil")


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
    refused(toy.path, r"model\.onnx holds weights in files of their own")


def ints(name, *values):
    return onnx.numpy_helper.from_array(np.array(values, np.int64), name)


def node(kind, given, out, **attributes):
    return helper.make_node(kind, given, [out], **attributes)


SIDE = 40_000
COLUMN = onnx.numpy_helper.from_array(np.ones((SIDE, 1), np.float32), "column")
ROW = onnx.numpy_helper.from_array(np.ones((1, SIDE), np.float32), "row")
SPARSE = helper.make_sparse_tensor(
    onnx.numpy_helper.from_array(np.ones(1, np.float32), "large"), ints("at", 0), [SIDE, SIDE]
)
SIZE = np.array(SIDE**2)
BRANCH = helper.make_graph(
    [node("ConstantOfShape", ["shape"], "inner")],
    "branch",
    [],
    [helper.make_tensor_value_info("inner", TensorProto.FLOAT, [1])],  # which is not true
)
LINEAR = {"coefficients": [1.0, 1.0], "intercepts": [0.0, 0.0], "classlabels_ints": [0, 1]}
FALSE_SIZE = onnx.TensorProto(
    name="large", data_type=TensorProto.FLOAT, dims=[SIDE, SIDE], raw_data=b"1234"
)
LARGE = {  # nodes that compute "large" of a few bytes, and their constants
    "constant": ([node("ConstantOfShape", ["s"], "large")], [ints("s", SIDE, SIDE)]),
    "expand": ([node("Expand", ["column", "s"], "large")], [COLUMN, ints("s", SIDE, SIDE)]),
    "tile": ([node("Tile", ["column", "s"], "large")], [COLUMN, ints("s", 1, SIDE)]),
    "product": ([node("MatMul", ["column", "row"], "large")], [COLUMN, ROW]),
    "sum": ([node("Add", ["column", "row"], "large")], [COLUMN, ROW]),
    "pad": ([node("Pad", ["row", "s"], "large")], [ROW, ints("s", SIDE, 0, 0, 0)]),
    "sparse constant": ([node("Constant", [], "large", sparse_value=SPARSE)], []),
    "false size": ([], [FALSE_SIZE]),
    "of the input": (
        [
            node("ReduceMax", ["image"], "most", keepdims=0),
            node("Cast", ["most"], "n", to=TensorProto.INT64),
            node("Mul", ["n", "s"], "shape"),
            node("ConstantOfShape", ["shape"], "large"),
        ],
        [ints("s", 200, 200)],
    ),
    "of the input, in a branch": (
        [
            node("ReduceMax", ["image"], "most", keepdims=0),
            node("Cast", ["most"], "n", to=TensorProto.INT64),
            node("Mul", ["n", "s"], "shape"),
            node("If", ["yes"], "large", then_branch=BRANCH, else_branch=BRANCH),
        ],
        [ints("s", 200, 200), onnx.numpy_helper.from_array(np.array(True), "yes")],
    ),
    "window": ([node("HannWindow", ["n"], "large")], [onnx.numpy_helper.from_array(SIZE, "n")]),
    "chosen": (
        [
            node("Cast", ["image"], "is", to=TensorProto.BOOL),
            node("NonZero", ["is"], "at"),
            node("Cast", ["at"], "found", to=TensorProto.FLOAT),
            node("Reshape", ["found", "down"], "left"),
            node("Reshape", ["found", "right"], "up"),
            node("Mul", ["left", "up"], "large"),
        ],
        [ints("down", -1, 1), ints("right", 1, -1)],
    ),
    "squares of the batch": (
        [
            node("Reshape", ["image", "down"], "left"),
            node("Reshape", ["image", "right"], "up"),
            node("Mul", ["left", "up"], "large"),
        ],
        [ints("down", -1, 1), ints("right", 1, -1)],
    ),
    "scores of features": (
        [
            node("Reshape", ["image", "down"], "left"),
            node("LinearClassifier", ["left"], "label", domain="ai.onnx.ml", **LINEAR),
            node("Reshape", ["scores", "down"], "tall"),
            node("Reshape", ["scores", "right"], "wide"),
            node("Mul", ["tall", "wide"], "large"),
        ],
        [ints("down", -1, 1), ints("right", 1, -1)],
    ),
}
LARGE["scores of features"][0][1].output.append("scores")


@pytest.mark.parametrize("kind", LARGE)
def test_a_model_of_gigabytes_is_refused_before_it_is_opened(toy, monkeypatch, kind):
    monkeypatch.setattr(predictor, "open_onnx", lambda model: pytest.fail("it was opened"))
    nodes, constants = LARGE[kind]
    nodes = [
        *nodes,
        node("ReduceSum", ["large"], "sum", keepdims=0),
        node("ReduceMean", ["image"], "mean", axes=[1, 2], keepdims=0),
        node("MatMul", ["mean", "w"], "two"),
        node("Mul", ["two", "sum"], "out"),
    ]
    weights = onnx.numpy_helper.from_array(np.eye(3, 2, dtype=np.float32), "w")
    replace_model(toy, model(nodes, [*constants, weights]))
    refused(toy.path, r"model\.onnx (computes|holds) .*as no model does")


def test_weights_may_be_larger_than_what_is_computed(monkeypatch):
    """A dense layer of VGG-16 has more weights than any image has values, and may be converted."""
    monkeypatch.setattr(sizes, "MAX_VALUES", 10_000)
    weights = onnx.numpy_helper.from_array(np.ones((3072, 2), np.float16), "w16")
    nodes = [
        node("Flatten", ["image"], "flat"),
        node("Cast", ["w16"], "w", to=TensorProto.FLOAT),
        node("MatMul", ["flat", "w"], "out"),
    ]
    assert not sizes.refusal(model(nodes, [weights]).SerializeToString())


def test_what_the_file_says_of_sizes_is_not_trusted():
    nodes, constants = LARGE["of the input"]
    made = model([*nodes, node("ReduceSum", ["large"], "out", keepdims=0)], constants)
    assert "not known before" in sizes.refusal(made.SerializeToString())
    made.graph.value_info.append(helper.make_tensor_value_info("large", TensorProto.FLOAT, [1]))
    assert "not known before" in sizes.refusal(made.SerializeToString())
