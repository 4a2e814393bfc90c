"""What an ONNX model would allocate, told from its graph before anything opens it.

ONNX Runtime computes what does not depend on the input when it opens a model. So a file of a few
bytes could make it allocate gigabytes; here the shapes of all values are inferred for one image.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

MAX_VALUES = 100_000_000
"""Number of values that one result within a model may have: 400 MB. VGG-16 has 17 million for an
image of 512 pixels."""
MAX_CONSTANT_BYTES = 1024
"""Larger constants are no shapes: inferring takes their sizes alone."""
SIZED_BY_VALUES = frozenset(
    {
        "CenterCropPad",
        "Col2Im",
        "ConstantOfShape",
        "Expand",
        "EyeLike",
        "OneHot",
        "Pad",
        "RandomNormal",
        "RandomUniform",
        "Range",
        "Resize",
        "Tile",
        "Upsample",
    }
)
"""Operators whose result can be large where all that they are given is small."""
LOOPS = frozenset({"Loop", "Scan", "SequenceMap"})
"""Operators that repeat others as often as a value says."""


def too_large(model: bytes) -> str:
    """Return in a few words what in a model is large, or can be, for one image; "" if nothing is.

    Raises
    ------
    Exception
        When it is no ONNX model.
    """
    import onnx
    from onnx import inliner, shape_inference

    found = onnx.load_from_string(model)
    if found.functions:
        found = inliner.inline_local_functions(found)
    most = MAX_VALUES + len(model)  # weights that are there may be converted
    if any(math.prod(x.dims) > 2 * x.ByteSize() for x in found.graph.initializer):
        return "holds weights of another size than it says"
    _forget_weights(found)
    for given in found.graph.input:
        axes = given.type.tensor_type.shape.dim
        if axes and not axes[0].dim_value:
            axes[0].dim_value = 1
    inferred = shape_inference.infer_shapes(found, data_prop=True)
    reasons = (_too_large_in(graph, most) for graph in _graphs(inferred.graph))
    return next(filter(None, reasons), "")


def _too_large_in(graph: onnx.GraphProto, most: int) -> str:
    values = (*graph.input, *graph.value_info, *graph.output)
    shapes = {value.name: _shape(value) for value in values}
    for name, shape in shapes.items():
        if shape is not None and math.prod(shape) > most:
            return f"computes {name[:40]} of {' x '.join(map(str, shape))} values"
    for node in graph.node:
        is_known = all(shapes.get(name) is not None for name in node.output if name)
        if node.op_type in LOOPS or (node.op_type in SIZED_BY_VALUES and not is_known):
            return f"computes {node.op_type} of a size that is not known before"
    is_sparse = any(x.HasField("sparse_tensor") for node in graph.node for x in node.attribute)
    return "holds sparse weights" if is_sparse or graph.sparse_initializer else ""


def _forget_weights(model: onnx.ModelProto) -> None:
    """Replace large constants by inputs of their shapes, which are fast to copy."""
    from onnx import helper

    graph = model.graph
    kept = [x for x in graph.initializer if x.ByteSize() <= MAX_CONSTANT_BYTES]
    large = [x for x in graph.initializer if x.ByteSize() > MAX_CONSTANT_BYTES]
    known = {value.name for value in graph.input}
    graph.input.extend(
        helper.make_tensor_value_info(x.name, x.data_type, x.dims)
        for x in large
        if x.name not in known
    )
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """Return a graph and those within its nodes."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from _graphs(inner)


def _shape(value: onnx.ValueInfoProto) -> list[int] | None:
    """Return the shape of a value, or None where it is not known."""
    tensor = value.type.tensor_type
    if not tensor.HasField("shape") or not all(x.HasField("dim_value") for x in tensor.shape.dim):
        return None
    return [x.dim_value for x in tensor.shape.dim]
