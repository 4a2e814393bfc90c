"""Sizes that a model computes itself: those of a class token by PyTorch, and too large ones."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from napari_marrow.learning.onnx.sizes import refusal

N_PATCHES, N_VALUES = 4, 5


def constant(name, value, dtype=np.int64):
    return numpy_helper.from_array(np.array(value, dtype), name)


def with_class_token(factor=1):
    """A model that puts a token before the patches of each image, as torch.onnx writes `expand`.

    Its size is (images, -1, -1), of which -1 means 1 here; `factor` multiplies the first.
    """
    nodes = [
        helper.make_node("Shape", ["patches"], ["shape"]),
        helper.make_node("Gather", ["shape", "zero"], ["images"], axis=0),
        helper.make_node("Mul", ["images", "factor"], ["many"]),
        helper.make_node("Unsqueeze", ["many", "axis"], ["first"]),
        helper.make_node("Concat", ["first", "rest", "rest"], ["asked"], axis=0),
        helper.make_node("ConstantOfShape", ["three"], ["ones"], value=constant("v", [1])),
        helper.make_node("Mul", ["ones", "minus"], ["unknown"]),
        helper.make_node("Equal", ["asked", "unknown"], ["is_unknown"]),
        helper.make_node("Where", ["is_unknown", "ones", "asked"], ["size"]),
        helper.make_node("Expand", ["token", "size"], ["tokens"]),
        helper.make_node("Concat", ["tokens", "patches"], ["all"], axis=1),
        helper.make_node("ReduceMean", ["all"], ["answer"], axes=[1], keepdims=0),
    ]
    weights = [
        constant("zero", 0),
        constant("factor", factor),
        constant("axis", [0]),
        constant("rest", [-1]),
        constant("three", [3]),
        constant("minus", -1),
        constant("token", np.arange(N_VALUES)[None, None], np.float32),
    ]
    images = helper.make_tensor_value_info("patches", TensorProto.FLOAT, ["n", N_PATCHES, N_VALUES])
    answer = helper.make_tensor_value_info("answer", TensorProto.FLOAT, [None, N_VALUES])
    graph = helper.make_graph(nodes, "g", [images], [answer], weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return made.SerializeToString()


def test_a_class_token_for_each_image_has_a_known_size():
    model = with_class_token()
    given = np.ones((3, N_PATCHES, N_VALUES), np.float32)
    (found,) = onnxruntime.InferenceSession(model).run(None, {"patches": given})
    expected = np.tile((N_PATCHES + np.arange(N_VALUES)) / (N_PATCHES + 1), (3, 1))
    np.testing.assert_allclose(found, expected, atol=1e-6)  # the model does what it is said to
    assert refusal(model) == ""


@pytest.mark.parametrize(("factor", "reason"), [(10**8, "values"), (10**15, "not known before")])
def test_a_size_that_is_computed_and_large_is_told(factor, reason):
    assert reason in refusal(with_class_token(factor))


def test_a_constant_of_a_large_size_is_not_made(tmp_path):
    """It would take 8 TB; the size itself is small."""
    model = onnx.load_from_string(with_class_token())
    next(x for x in model.graph.initializer if x.name == "three").CopyFrom(
        constant("three", [10**4, 10**4, 10**4])
    )
    assert refusal(model.SerializeToString())
