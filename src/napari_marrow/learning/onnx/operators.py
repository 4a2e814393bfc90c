"""The operators that an ONNX model may hold, and what else of its graph is refused unseen.

A model that holds another operator is not opened: what an operator allocates beside its result is
known of these alone. Left out are those of large working memory or of results whose size their
inputs' values decide, such as ``Einsum``, ``ConvTranspose``, ``LRN`` and ``NonZero``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

ML_DOMAIN = "ai.onnx.ml"
STANDARD_DOMAINS = ("", "ai.onnx")
NETWORKS = frozenset(
    {"Abs", "Add", "AveragePool", "BatchNormalization", "Cast", "Concat", "Conv", "Flatten"}
    | {"Gather", "Gemm", "GlobalAveragePool", "HardSigmoid", "Identity", "IsNaN", "Log"}
    | {"MatMul", "Max", "MaxPool", "Min", "Mul", "Neg", "Pad", "Pow", "Reciprocal"}
    | {"ReduceMean", "ReduceSum", "Relu", "Reshape", "Shape", "Sigmoid", "Sign", "Slice"}
    | {"Softmax", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Transpose", "Unsqueeze", "Where"}
)
"""Written by tf2onnx for the networks here, the Keras applications among them, and around an
embedding."""
CLASSICAL = frozenset(
    {"Abs", "Add", "ArgMax", "Cast", "Clip", "Concat", "Div", "Exp", "Less", "Mul", "Neg"}
    | {"Not", "Pow", "ReduceLogSumExp", "ReduceSum", "Reshape", "Sub", "Sum"}
)
CLASSIFIERS = frozenset({"LinearClassifier", "SVMClassifier", "TreeEnsembleClassifier"})
UNCHANGED = frozenset({"Imputer", "Normalizer", "Scaler"})
"""Results have the shape of the input."""
CLASSICAL_ML = CLASSIFIERS | UNCHANGED | {"ArrayFeatureExtractor"}
"""Written by skl2onnx for the classical models; of ONNX's own domain, and of that of models."""
EMBEDDINGS = frozenset(
    {"And", "Ceil", "Constant", "ConstantOfShape", "Cos", "DepthToSpace", "Dropout", "Elu"}
    | {"Equal", "Erf", "Expand", "Floor", "Gelu", "GlobalMaxPool", "Greater", "GreaterOrEqual"}
    | {"HardSwish", "InstanceNormalization", "LayerNormalization", "LeakyRelu", "LessOrEqual"}
    | {"LogSoftmax", "Mod", "Or", "PRelu", "ReduceL2", "ReduceMax", "ReduceMin", "ReduceProd"}
    | {"Resize", "Round", "Selu", "Sin", "Size", "Softplus", "SpaceToDepth", "Tanh", "Tile"}
    | {"Upsample"}
)
"""Written by other exporters, beside those above, for convolutional networks and vision
transformers: a bundle alone says whether an embedding is in it, so that all may have them."""
ADMITTED = {"": NETWORKS | CLASSICAL | EMBEDDINGS, ML_DOMAIN: CLASSICAL_ML}
"""By domain."""
MAX_OPERATORS = 20_000
"""Of a model, so that looking at it ends. An ensemble of 20 NASNetMobile has 13,000."""
RESIZED_OTHERWISE = (b"tf_crop_and_resize", b"not_larger", b"not_smaller")
"""Ways of ``Resize`` whose results have other sizes than asked for."""
VALUES_A_BYTE = 2
"""Of the smallest type of weights."""
MAX_CONVOLVED_AXES = 3
"""Beside images and channels: convolutions over more are computed from copies of every window."""


def unusual_part(model: onnx.ModelProto) -> str:
    """Return in a few words what in a model is not read here; "" if nothing is."""
    from onnx import TensorProto

    graph = model.graph
    if model.functions:
        return "has functions of its own"
    if len(graph.node) > MAX_OPERATORS:
        return f"has more than {MAX_OPERATORS} operators"
    versions = {domain_of(x.domain): x.version for x in model.opset_import}
    if any(versions[domain_of(x.domain)] != x.version for x in model.opset_import):
        return "names two versions of ONNX"
    for node in graph.node:
        if node.op_type not in ADMITTED.get(domain_of(node.domain), ()):
            return f"computes {node.op_type[:40]}, which is none of the operators that are read"
        if reason := _unusual_attribute(node):
            return reason
    if graph.sparse_initializer:
        return "holds sparse weights"
    for one in tensors_of(graph):
        if one.data_location == TensorProto.EXTERNAL:
            return "holds weights in files of their own"
        if min(one.dims, default=0) < 0 or math.prod(one.dims) > VALUES_A_BYTE * one.ByteSize():
            return "holds weights of another size than it says"
    return ""


def _unusual_attribute(node: onnx.NodeProto) -> str:
    """Return what in the attributes of an operator is not read here."""
    for one in node.attribute:
        if one.HasField("g") or one.graphs:
            return f"computes {node.op_type}, which holds a graph of its own"
        if one.HasField("sparse_tensor") or one.sparse_tensors:
            return "holds sparse weights"
        if one.name == "kernel_shape" and len(one.ints) > MAX_CONVOLVED_AXES:
            return f"computes {node.op_type} over {len(one.ints)} axes"
        if one.s in RESIZED_OTHERWISE:
            return f"computes {node.op_type} to a size that {one.s.decode()} makes another"
    return ""


def domain_of(name: str) -> str:
    """Return the name of a domain of operators, the same for both names of ONNX's own."""
    return "" if name in STANDARD_DOMAINS else name


def tensors_of(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Give the constants of a graph."""
    yield from graph.initializer
    for attribute in (x for node in graph.node for x in node.attribute):
        yield from ([attribute.t] if attribute.HasField("t") else [])
        yield from attribute.tensors
