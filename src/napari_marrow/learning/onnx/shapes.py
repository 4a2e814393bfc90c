"""Infer the shapes of a model's results, operator by operator, without computing any but sizes."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_marrow.learning.onnx.folding import MAX_FOLDED_VALUES, folded
from napari_marrow.learning.onnx.growth import SIZED
from napari_marrow.learning.onnx.operators import CLASSIFIERS, ML_DOMAIN, UNCHANGED, domain_of

if TYPE_CHECKING:
    import onnx

CONSTANTS = ("value", "value_float", "value_floats", "value_int", "value_ints")
"""Attributes of the operator ``Constant`` that are numbers."""

MATRIX_VALUES = 16
"""Of a matrix, beside its own, in a product of stacks of matrices."""


class RefusedError(Exception):
    """What in a model is refused, in a few words."""


class Shapes:
    """Shapes, and small values, of the results of a model for a number of units."""

    def __init__(self, model: onnx.ModelProto, n_units: int):
        self.shapes: dict[str, list[int] | None] = {}
        self.data: dict[str, NDArray] = {}
        self._types: dict[str, onnx.TypeProto] = {}
        self._imports = list(model.opset_import)
        versions = {domain_of(x.domain): x.version for x in model.opset_import}
        self._opset = versions.get("", 1)
        for tensor in model.graph.initializer:
            self._put_tensor(tensor.name, tensor)
        for given in model.graph.input:
            if given.name not in self.shapes:  # else it is a weight, whatever it says of itself
                self._put_type(given.name, _for_units(given.type, n_units))

    def count(self, name: str) -> int:
        """Return the number of values of a result."""
        return math.prod(self.shapes[name] or [])

    def add(self, node: onnx.NodeProto, varying: Collection[str], *, follow: bool) -> bool:
        """Infer the shapes of the results of an operator; return whether its value is known.

        Parameters
        ----------
        node
            The operator.
        varying
            Names of values that depend on the number of units, which are used as sizes alone.
        follow
            Whether its value is computed, where it can be.

        Raises
        ------
        RefusedError
            When the inputs are not known or do not fit, or a name is taken.
        """
        if not all(name in self.shapes for name in node.input if name):
            raise RefusedError(f"computes {node.op_type} of what is not there")
        if any(name in self.shapes for name in node.output):
            raise RefusedError(f"computes {node.op_type} under a name that is taken")
        try:
            if domain_of(node.domain) == ML_DOMAIN:
                self._add_of_model(node)
                return False
            if node.op_type == "Constant":
                return self._add_constant(node)
            return (follow and self._add_folded(node)) or self._add_inferred(node, varying)
        except RefusedError:
            raise
        except Exception as error:  # ONNX's own kinds have nothing else in common
            raise RefusedError(f"computes {node.op_type} of inputs that do not fit") from error

    def extra(self, node: onnx.NodeProto) -> int:
        """Return how many values an operator takes for its work, where that may be many."""
        if node.op_type == "MatMul":  # a description of each matrix of a stack
            return MATRIX_VALUES * math.prod((self.shapes[node.output[0]] or [])[:-2])
        if domain_of(node.domain) != ML_DOMAIN:
            return 0
        lists = [len(x.ints) + len(x.floats) for x in node.attribute]
        n_classes = _n_classes(node) if node.op_type in CLASSIFIERS else 0
        return sum(lists) + n_classes**2

    def _add_constant(self, node: onnx.NodeProto) -> bool:
        """Take a constant; return whether its value is kept."""
        from onnx import helper, numpy_helper

        (value,) = node.attribute
        if value.name not in CONSTANTS:
            raise RefusedError("holds a constant that is no number")
        if value.name == "value":
            tensor = value.t
        else:
            dtype = np.float32 if "float" in value.name else np.int64
            tensor = numpy_helper.from_array(np.array(helper.get_attribute_value(value), dtype))
        self._put_tensor(node.output[0], tensor)
        return node.output[0] in self.data

    def _add_folded(self, node: onnx.NodeProto) -> bool:
        """Take a size that is computed of sizes; return whether it is one."""
        from onnx import numpy_helper

        found = folded(node, self.data, self.shapes, self._opset)
        if found is None:
            return False
        self._put_tensor(node.output[0], numpy_helper.from_array(found))
        return True

    def _add_inferred(self, node: onnx.NodeProto, varying: Collection[str]) -> bool:
        """Take what ONNX infers of an operator by itself."""
        from onnx import defs, numpy_helper, shape_inference

        ignored = () if node.op_type in SIZED else varying
        found = shape_inference.infer_node_outputs(
            defs.get_schema(node.op_type, self._opset, ""),
            node,
            {name: self._types[name] for name in node.input if name},
            {
                name: numpy_helper.from_array(self.data[name])
                for name in node.input
                if name in self.data and name not in ignored
            },
            opset_imports=self._imports,
        )
        for name in filter(None, node.output):
            self._put_type(name, found[name])
        return False

    def _add_of_model(self, node: onnx.NodeProto) -> None:
        """Take the results of an operator of scikit-learn's models, of which ONNX infers none."""
        from onnx import TensorProto

        shape = self.shapes[node.input[0]]
        if shape is None:
            raise RefusedError(f"computes {node.op_type} of a size that is not known before")
        if node.op_type in UNCHANGED:
            self._put(node.output[0], TensorProto.FLOAT, shape)
        elif node.op_type == "ArrayFeatureExtractor":
            kind = self._types[node.input[0]].tensor_type.elem_type
            self._put(node.output[0], kind, [*shape[:-1], self.count(node.input[1])])
        else:
            rows = shape[0] if len(shape) == 2 else 1
            self._put(node.output[0], TensorProto.INT64, [rows])
            self._put(node.output[1], TensorProto.FLOAT, [rows, _n_scores(node)])

    def _put_tensor(self, name: str, tensor: onnx.TensorProto) -> None:
        from onnx import numpy_helper

        self._put(name, tensor.data_type, list(tensor.dims))
        if self.count(name) <= MAX_FOLDED_VALUES:
            self.data[name] = numpy_helper.to_array(tensor)

    def _put(self, name: str, kind: int, shape: list[int]) -> None:
        from onnx import helper

        self._put_type(name, helper.make_tensor_type_proto(kind, shape))

    def _put_type(self, name: str, kind: onnx.TypeProto) -> None:
        from onnx import TensorProto

        numbers = kind.tensor_type.elem_type
        if numbers in (TensorProto.UNDEFINED, TensorProto.STRING):
            raise RefusedError(f"holds {name[:40]}, which is no array of numbers")
        self._types[name], self.shapes[name] = kind, _shape(kind)


def _shape(kind: onnx.TypeProto) -> list[int] | None:
    """Return the shape of a type, or None where it is not known."""
    tensor = kind.tensor_type
    if not tensor.HasField("shape") or not all(x.HasField("dim_value") for x in tensor.shape.dim):
        return None
    shape = [x.dim_value for x in tensor.shape.dim]
    return None if min(shape, default=0) < 0 else shape


def _for_units(kind: onnx.TypeProto, n_units: int) -> onnx.TypeProto:
    """Return the type of an input for a number of units, where it takes any."""
    from onnx import TypeProto

    sized = TypeProto()
    sized.CopyFrom(kind)
    axes = sized.tensor_type.shape.dim
    if axes and not axes[0].dim_value:
        axes[0].dim_value = n_units
    return sized


def _n_classes(node: onnx.NodeProto) -> int:
    return max((len(x.ints) for x in node.attribute if "labels" in x.name), default=0)


def _n_scores(node: onnx.NodeProto) -> int:
    """Return how many scores a classifier of scikit-learn gives for each unit.

    A support vector machine without probabilities gives one for each pair of classes.
    """
    lists = {x.name: list(x.ints) or list(x.floats) for x in node.attribute}
    n_classes, n_vectors = _n_classes(node), sum(lists.get("vectors_per_class", []))
    if n_vectors > len(lists.get("support_vectors", [])) or len(lists.get("intercepts", [])) > max(
        n_classes, 1
    ):
        raise RefusedError(f"computes {node.op_type} of numbers that do not fit each other")
    if node.op_type != "SVMClassifier" or "prob_a" in lists:
        return n_classes
    return max(n_classes, n_classes * (n_classes - 1) // 2)
