"""What an ONNX model would allocate, told from its graph before anything opens it.

ONNX Runtime computes what does not depend on the input when it opens a model. So a file of a few
bytes could make it allocate gigabytes; here the shapes of all values are inferred for one image.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from napari_marrow.learning.onnx.folding import infer_sizes

if TYPE_CHECKING:
    import onnx

MAX_VALUES = 100_000_000
"""Number of values that one result within a model may have: 400 MB. VGG-16 has 17 million for an
image of 512 pixels."""
MAX_CONSTANT_BYTES = 1024
"""Larger constants are no shapes: inferring takes their sizes alone."""
LOOPS = frozenset({"Loop", "Scan", "SequenceMap"})
"""Operators that repeat others as often as a value says."""


BATCH_SIZE = 8
"""Number of units for which shapes are inferred, beside those of one."""
UNCHANGED = frozenset({"Imputer", "Normalizer", "Scaler"})
CLASSIFIERS = frozenset({"LinearClassifier", "SVMClassifier", "TreeEnsembleClassifier"})
"""Operators of scikit-learn's models of whose results ONNX does not infer the shape."""


def too_large(model: bytes) -> str:
    """Return in a few words what in a model is large, or can be, for one image; "" if nothing is.

    What the file itself says of the shapes of results counts for nothing. A model of which some
    shape can't be inferred, or of which a result grows faster than the number of images, can be.

    Raises
    ------
    Exception
        When it is no ONNX model.
    """
    import onnx
    from onnx import inliner

    found = onnx.load_from_string(model)
    if found.functions:
        found = inliner.inline_local_functions(found)
    most = MAX_VALUES + len(model)  # weights that are there may be converted
    if any(math.prod(x.dims) > 2 * x.ByteSize() for x in tensors_of(found.graph)):
        return "holds weights of another size than it says"
    _forget_weights(found)
    for graph in graphs_of(found.graph):
        del graph.value_info[:]
        for value in graph.output:
            value.type.tensor_type.ClearField("shape")
        _use_inferable(graph)
    one, many = (_inferred(found, count) for count in (1, BATCH_SIZE))
    pairs = zip(graphs_of(one.graph), graphs_of(many.graph), strict=True)
    return next(filter(None, (_too_large_in(*pair, most) for pair in pairs)), "")


def _inferred(model: onnx.ModelProto, n_units: int) -> onnx.ModelProto:
    """Return a model with the shapes that its results have for a number of units."""
    from onnx import ModelProto

    sized = ModelProto()
    sized.CopyFrom(model)
    for given in sized.graph.input:
        axes = given.type.tensor_type.shape.dim
        if axes and not axes[0].dim_value:
            axes[0].dim_value = n_units
    return infer_sizes(sized)


def _too_large_in(one: onnx.GraphProto, many: onnx.GraphProto, most: int) -> str:
    """Return what is large in a graph, of which the shapes are those for one and for many units."""
    shapes, grown = _shapes(one), _shapes(many)
    for name, shape in shapes.items():
        if shape is not None and math.prod(shape) > most:
            return f"computes {name[:40]} of {' x '.join(map(str, shape))} values"
    for node in one.node:
        for name in filter(None, node.output):
            shape, wide = shapes.get(name), grown.get(name)
            if shape is None or wide is None or node.op_type in LOOPS:
                return f"computes {node.op_type} of a size that is not known before"
            if math.prod(wide) > BATCH_SIZE * math.prod(shape):
                return f"computes {name[:40]}, which grows faster than the number of images"
    is_sparse = any(x.HasField("sparse_tensor") for node in one.node for x in node.attribute)
    return "holds sparse weights" if is_sparse or one.sparse_initializer else ""


def _use_inferable(graph: onnx.GraphProto) -> None:
    """Replace operators of scikit-learn's models by ONNX's own with results of the same shapes."""
    nodes = [new for node in graph.node for new in _inferable(node)]
    del graph.node[:]
    graph.node.extend(nodes)


def _inferable(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    from onnx import TensorProto, helper

    if node.domain != "ai.onnx.ml":
        return [node]
    given, out = node.input, node.output
    if node.op_type in UNCHANGED:
        return [helper.make_node("Identity", given[:1], out)]
    if node.op_type == "ArrayFeatureExtractor":
        flat, every = f"{out[0]} flat", f"{out[0]} every"
        shape = helper.make_tensor(every, TensorProto.INT64, [1], [-1])
        return [
            helper.make_node("Constant", [], [every], value=shape),
            helper.make_node("Reshape", [given[1], every], [flat]),
            helper.make_node("Gather", [given[0], flat], out, axis=-1),
        ]
    if node.op_type not in CLASSIFIERS:
        return [node]
    labels = {x.name: [*x.ints, *x.strings] for x in node.attribute if "labels" in x.name}
    values = next(filter(None, labels.values()), [])
    is_text = any(isinstance(value, bytes) for value in values)
    row, rows, zeros = (f"{out[1]} {name}" for name in ("row", "rows", "zeros"))
    kind = TensorProto.STRING if is_text else TensorProto.INT64
    none = helper.make_tensor(zeros, TensorProto.FLOAT, [1, len(values)], [0.0] * len(values))
    return [
        helper.make_node("ArgMax", given[:1], [row], axis=1, keepdims=0),
        helper.make_node("Cast", [row], [out[0]], to=kind),
        helper.make_node("ArgMax", given[:1], [rows], axis=1, keepdims=1),
        helper.make_node("Cast", [rows], [f"{rows} cast"], to=TensorProto.FLOAT),
        helper.make_node("Constant", [], [zeros], value=none),
        helper.make_node("Add", [f"{rows} cast", zeros], [out[1]]),
    ]


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


def graphs_of(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """Give a graph and those within its operators."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]:
                yield from graphs_of(inner)


def tensors_of(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Give the constants of a graph and of those within it."""
    for one in graphs_of(graph):
        yield from one.initializer
        for attribute in (x for node in one.node for x in node.attribute):
            yield from ([attribute.t] if attribute.HasField("t") else [])
            yield from attribute.tensors


def _shapes(graph: onnx.GraphProto) -> dict[str, list[int] | None]:
    values = (*graph.input, *graph.value_info, *graph.output)
    return {value.name: _shape(value) for value in values}


def _shape(value: onnx.ValueInfoProto) -> list[int] | None:
    """Return the shape of a value, or None where it is not known."""
    tensor = value.type.tensor_type
    if not tensor.HasField("shape") or not all(x.HasField("dim_value") for x in tensor.shape.dim):
        return None
    return [x.dim_value for x in tensor.shape.dim]
