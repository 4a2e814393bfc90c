"""Tell the sizes for every number of units from those for three.

A file could compute a size that is small for the numbers of units that somebody looks at, and large
for others. So each size, and each number that sizes are computed of, must be a constant plus a
constant for each unit, in three numbers of units of which a file can't know the last. Of operators
on numbers that depend on the number of units only those are followed that keep this form, or choose
the same for every number.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from random import SystemRandom
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnx

FEW, MANY = 1, 8
MAX_UNITS = 1000
"""Most units that any model here is given at once."""
LINEAR = frozenset(
    {"Add", "Concat", "Identity", "Mul", "Neg", "ReduceProd", "Shape", "Size", "Sub"}
)
"""Give sums of constants and multiples of the number of units, or what is seen not to be one."""
FIRST_ONLY = frozenset({"Cast", "Div", "Gather", "Reshape", "Slice", "Squeeze", "Unsqueeze"})
"""The same, where the first input alone depends on the number of units."""
COMPARED = frozenset({"Equal", "Greater", "Less", "Max", "Min"})
SIZED = frozenset({"ConstantOfShape", "Expand", "Reshape", "Resize", "Tile"})
"""Operators whose results have the sizes that they are given."""


def numbers_of_units() -> tuple[int, int, int]:
    """Return for how many units sizes are looked at: one, a few, and a number drawn at random."""
    return FEW, MANY, SystemRandom().randint(MAX_UNITS, 4 * MAX_UNITS)


def is_linear(values: Sequence[NDArray], units: Sequence[int]) -> bool:
    """Whether values for several numbers of units are constants plus multiples of the number."""
    one, many, most = (np.asarray(x, object) for x in values)
    if not one.shape == many.shape == most.shape:
        return False
    slope, rest = (many - one) // (MANY - FEW), (many - one) % (MANY - FEW)
    return bool(np.all(rest == 0) and np.all(most == one + slope * (units[-1] - FEW)))


def keeps_linear(
    node: onnx.NodeProto,
    varying: Collection[str],
    data: Sequence[Mapping[str, NDArray]],
) -> bool:
    """Whether an operator on sizes may be followed.

    Parameters
    ----------
    node
        The operator.
    varying
        Names of values that depend on the number of units.
    data
        Small values by name, for each number of units.
    """
    varies = [name in varying for name in node.input]
    if not any(varies) or node.op_type in LINEAR:
        return True
    if node.op_type in FIRST_ONLY:
        return not any(varies[1:]) and (node.op_type != "Cast" or _is_whole(node))
    if node.op_type == "Where":
        return not varies[0]
    return node.op_type in COMPARED and len(node.input) == 2 and _is_decided(node, data)


def _is_whole(node: onnx.NodeProto) -> bool:
    from onnx import TensorProto

    return {x.i for x in node.attribute if x.name == "to"} <= {TensorProto.INT32, TensorProto.INT64}


def _is_decided(node: onnx.NodeProto, data: Sequence[Mapping[str, NDArray]]) -> bool:
    """Whether one input is above the other, or below it, for every number of units."""
    if not all(name in known for name in node.input for known in data):
        return False
    one, *_, most = (
        np.asarray(known[node.input[0]], object) - np.asarray(known[node.input[1]], object)
        for known in data
    )
    if node.op_type in ("Max", "Min"):  # which are the same where both inputs are
        return bool(np.all(((one >= 0) & (most >= one)) | ((one <= 0) & (most <= one))))
    above, below = (one > 0) & (most >= one), (one < 0) & (most <= one)
    return bool(np.all(above | below | ((one == 0) & (most == 0))))
