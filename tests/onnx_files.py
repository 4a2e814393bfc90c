"""Small ONNX files that embed images, for tests: one convolution, and its mean or its maps."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

N_VALUES = 5


def make_embedding(
    path,
    *,
    channels_first=True,
    size=("h", "w"),
    batch="n",
    maps=False,
    numbers=TensorProto.FLOAT,
    opset=17,
    domain="",
    name="pixels",
):
    """Write an embedding of five values and return its weights, (5, 3, 3, 3)."""
    dtype = helper.tensor_dtype_to_np_dtype(numbers)
    weights = np.random.default_rng(7).normal(size=(N_VALUES, 3, 3, 3)).astype(dtype)
    shape = [batch, 3, *size] if channels_first else [batch, *size, 3]
    nodes, last = [], name
    if not channels_first:
        nodes.append(helper.make_node("Transpose", [last], ["first"], perm=[0, 3, 1, 2]))
        last = "first"
    nodes.append(helper.make_node("Conv", [last, "weights"], ["c"], pads=[1, 1, 1, 1]))
    nodes.append(helper.make_node("Relu", ["c"], ["maps"]))
    answer, rank = "maps", [None] * 4
    if maps and not channels_first:
        nodes.append(helper.make_node("Transpose", ["maps"], ["last"], perm=[0, 2, 3, 1]))
        answer = "last"
    if not maps:
        nodes.append(helper.make_node("GlobalAveragePool", ["maps"], ["mean"]))
        nodes.append(helper.make_node("Flatten", ["mean"], ["vector"]))
        answer, rank = "vector", [None, N_VALUES]
    if domain:
        nodes[-1].domain = domain
    graph = helper.make_graph(
        nodes,
        "embedding",
        [helper.make_tensor_value_info(name, numbers, shape)],
        [helper.make_tensor_value_info(answer, numbers, rank)],
        [numpy_helper.from_array(weights, "weights")],
    )
    versions = [helper.make_opsetid("", opset)]
    versions += [helper.make_opsetid(domain, 1)] if domain else []
    model = helper.make_model(graph, opset_imports=versions, ir_version=8)
    onnx.save(model, path)
    return weights


def embed(images, weights):
    """Return the values of images that are scaled already, (n, side, side, 3), by numpy."""
    padded = np.pad(images.astype(np.float64), [(0, 0), (1, 1), (1, 1), (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    maps = np.einsum("nyxcij,kcij->nyxk", windows, weights.astype(np.float64))
    return np.maximum(maps, 0).mean(axis=(1, 2))
