"""Compute the sizes that an ONNX model computes itself, to know the shapes of its results.

Exporters write "as many as the input has" as a chain of small operators on the shape of a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnx

MAX_FOLDED_VALUES = 64
"""Of a result that is computed here: shapes have fewer."""
MAX_SIZE = 2**40
"""Larger numbers are not computed with: they may be rounded or wrap as they do not elsewhere."""
ARITHMETIC = frozenset(
    {"Add", "Cast", "Ceil", "Div", "Floor", "Mod", "Mul", "Neg", "ReduceProd", "Sub"}
)
FOLDED = ARITHMETIC | frozenset(
    {"And", "Concat", "ConstantOfShape", "Equal", "Gather", "Greater", "Identity", "Less", "Max"}
    | {"Min", "Not", "Or", "Reshape", "Slice", "Squeeze", "Unsqueeze", "Where"}
)
"""Operators on sizes; with small inputs all but ConstantOfShape, which is asked first, have small
results."""


def folded(
    node: onnx.NodeProto,
    known: Mapping[str, NDArray],
    shapes: Mapping[str, list[int] | None],
    opset: int,
) -> NDArray | None:
    """Return what an operator on sizes gives, or None of others and where it is not known.

    Parameters
    ----------
    node
        Of ONNX's own domain.
    known
        Small results and constants, by name.
    shapes
        Of results, by name.
    opset
        The version of ONNX that the model is of.

    Raises
    ------
    Exception
        When the inputs do not fit the operator.
    """
    if len(node.output) != 1:
        return None
    if node.op_type in ("Shape", "Size"):
        shape = shapes[node.input[0]]
        return None if shape is None else _of_shape(node, shape)
    names = [name for name in node.input if name]
    if node.op_type not in FOLDED or not names or not all(name in known for name in names):
        return None
    values = {name: known[name] for name in names}
    if node.op_type == "ConstantOfShape":
        (sizes,) = values.values()
        if sizes.size and not 0 <= np.prod(sizes.astype(float)) <= MAX_FOLDED_VALUES:
            return None
    if node.op_type in ARITHMETIC and not _is_exact(node.op_type, list(values.values())):
        return None
    found = _run(node, values, opset)
    is_large = node.op_type in ARITHMETIC and not _is_moderate(found)
    return None if is_large or found.size > MAX_FOLDED_VALUES else found


def _of_shape(node: onnx.NodeProto, shape: list[int]) -> NDArray:
    if node.op_type == "Size":
        return np.array(np.prod(np.array(shape, float)), np.int64)
    ends = {x.name: x.i for x in node.attribute}
    return np.array(shape[ends.get("start", 0) : ends.get("end")], np.int64)


def _run(node: onnx.NodeProto, values: Mapping[str, NDArray], opset: int) -> NDArray:
    """Run one operator as its version of ONNX defines it."""
    from onnx import ValueInfoProto, helper
    from onnx.reference import ReferenceEvaluator

    given, results = ([ValueInfoProto(name=x) for x in names] for names in (values, node.output))
    graph = helper.make_graph([node], "sizes", given, results)
    (found,) = ReferenceEvaluator(graph, opsets={"": opset}).run(None, dict(values))
    return np.asarray(found)


def _is_exact(operator: str, values: list[NDArray]) -> bool:
    """Whether every implementation of an operator gives the same for these values."""
    if not all(map(_is_moderate, values)):
        return False
    if operator == "Mul" and not _is_moderate(np.multiply(*(x.astype(float) for x in values))):
        return False
    if operator == "ReduceProd" and not _is_moderate(np.prod(values[0].astype(float))):
        return False
    is_whole = operator == "Mod" or (operator == "Div" and values[0].dtype.kind in "iu")
    return not is_whole or bool((values[0] >= 0).all() and (values[1] > 0).all())


def _is_moderate(values: NDArray) -> bool:
    return bool((np.abs(values.astype(float)) <= MAX_SIZE).all())  # not so of what is no number
