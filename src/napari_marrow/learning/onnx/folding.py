"""Compute the sizes that an ONNX model computes itself, to know the shapes of its results.

Exporters write "as many as the input has" as a chain of small operators on the shape of a value.
ONNX's own inference follows some of them; the chains of PyTorch's vision transformers, which expand
a class token, hold others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnx

MAX_FOLDED_VALUES = 64
"""Of a result that is computed here: shapes have fewer."""
MAX_PASSES = 20
"""How often shapes are inferred anew from what was computed."""
FOLDED = frozenset(
    {"Add", "And", "Cast", "Ceil", "Concat", "ConstantOfShape", "Div", "Equal", "Floor", "Gather"}
    | {"Greater", "Identity", "Less", "Max", "Min", "Mod", "Mul", "Neg", "Not", "Or", "Reshape"}
    | {"Slice", "Squeeze", "Sub", "Unsqueeze", "Where"}
)
"""Operators on sizes; with small inputs all but ConstantOfShape, which is asked first, have small
results."""


def infer_sizes(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a model with the shapes of its results, where inputs have shapes without names."""
    from onnx import shape_inference

    found = shape_inference.infer_shapes(model, data_prop=True)
    for _ in range(MAX_PASSES):
        if not _fold(found.graph):
            break
        del found.graph.value_info[:]
        for value in found.graph.output:
            value.type.tensor_type.ClearField("shape")
        found = shape_inference.infer_shapes(found, data_prop=True)
    return found


def _fold(graph: onnx.GraphProto) -> bool:
    """Replace operators on sizes by constants; return whether there were any."""
    from onnx import helper, numpy_helper

    shapes = {
        value.name: [x.dim_value for x in value.type.tensor_type.shape.dim]
        for value in (*graph.input, *graph.value_info)
        if value.type.tensor_type.HasField("shape")
        and all(x.HasField("dim_value") for x in value.type.tensor_type.shape.dim)
    }
    known = {x.name: numpy_helper.to_array(x) for x in graph.initializer if _is_small(x.dims)}
    folded = False
    for node in graph.node:
        if node.op_type == "Constant":
            tensor = next((x.t for x in node.attribute if x.name == "value"), None)
            if tensor is not None and _is_small(tensor.dims):
                known[node.output[0]] = numpy_helper.to_array(tensor)
            continue
        value = _value(node, known, shapes)
        if value is None or value.size > MAX_FOLDED_VALUES:
            continue
        name = node.output[0]
        known[name], folded = value, True
        node.CopyFrom(
            helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value))
        )
    return folded


def _is_small(dims: object) -> bool:
    return int(np.prod(np.array(dims, float), dtype=float)) <= MAX_FOLDED_VALUES


def _value(
    node: onnx.NodeProto, known: dict[str, NDArray], shapes: dict[str, list[int]]
) -> NDArray | None:
    """Return what an operator on sizes gives, or None of others and where it is not known."""
    from onnx.reference import ReferenceEvaluator

    if node.domain or len(node.output) != 1:
        return None
    if node.op_type == "Shape":
        ends = {x.name: x.i for x in node.attribute}
        shape = shapes.get(node.input[0])
        span = slice(ends.get("start", 0), ends.get("end"))
        return None if shape is None else np.array(shape[span], np.int64)
    names = [name for name in node.input if name]
    if node.op_type not in FOLDED or not names or not all(name in known for name in names):
        return None
    values = {name: known[name] for name in names}
    if node.op_type == "ConstantOfShape":
        (sizes,) = values.values()
        if sizes.size and not 0 <= np.prod(sizes.astype(float)) <= MAX_FOLDED_VALUES:
            return None
    (found,) = ReferenceEvaluator(node).run(None, values)
    return np.asarray(found)
