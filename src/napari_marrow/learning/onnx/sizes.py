"""What an ONNX model would allocate, told from its graph before anything opens it.

ONNX Runtime computes what does not depend on the input when it opens a model. So a file of a few
bytes could make it allocate gigabytes; here the shapes of all results are inferred, operator by
operator, and no result is computed but sizes of a few numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from napari_marrow.learning.onnx.operators import unusual_part
from napari_marrow.learning.onnx.shapes import RefusedError, Shapes

if TYPE_CHECKING:
    import onnx

MAX_VALUES = 50_000_000
"""Number of values that one result may have, for one image. VGG-16 has 17 million for an image of
512 pixels, the attention of ViT-L/14 at 518 pixels 30 million."""
MAX_ALL_VALUES = 2_000_000_000
"""Of all results together, for one image, most of which live for a moment."""
MAX_CONSTANT_VALUES = 50_000_000
"""Of all results together that do not depend on the input, beside the weights."""
WEIGHT_COPIES = 6
"""How often each weight may be used, or be converted: every use of it can take a copy."""
BATCH_SIZE = 8
"""Number of units for which shapes are inferred, beside those of one."""
N_PADDED_CHANNELS = 16
"""ONNX Runtime computes convolutions in blocks of so many channels."""


def refusal(model: bytes) -> str:
    """Return in a few words why a model is not opened; "" if nothing speaks against it.

    What the file itself says of the shapes of results counts for nothing. A model is refused that
    holds other operators than those listed in :mod:`.operators`, of which some shape can't be
    inferred, of which a result is large or grows faster than the number of images, or of which all
    results together are large.

    Raises
    ------
    Exception
        When it is no ONNX model.
    """
    import onnx

    found = onnx.load_from_string(model)
    if reason := unusual_part(found):
        return reason
    try:
        _Budget(found).add_all()
    except RefusedError as error:
        return str(error)
    return ""


class _Budget:
    """The values of all results of a model, counted operator by operator."""

    def __init__(self, model: onnx.ModelProto):
        self._graph, weights = model.graph, [x.name for x in model.graph.initializer]
        self._runs = [Shapes(model, count) for count in (1, BATCH_SIZE)]
        if len(set(weights)) < len(weights):
            raise RefusedError("holds two weights of one name")
        self._fixed, self._n_fixed, self._n_all = set(weights), 0, 0
        self._n_weights = sum(math.prod(x.dims) for x in model.graph.initializer)

    def add_all(self) -> None:
        """Count the inputs and all results.

        Raises
        ------
        RefusedError
            When one is refused, or all together.
        """
        inputs = [x.name for x in self._graph.input if x.name not in self._fixed]
        for name in inputs:
            self._check(name)
        for node in self._graph.node:
            self._add(node)

    def _add(self, node: onnx.NodeProto) -> None:
        are_folded = all([run.add(node) for run in self._runs])
        one, many = self._runs
        given, results = (list(filter(None, names)) for names in (node.input, node.output))
        for name in results:
            self._check(name, node.op_type)
        if node.op_type == "Constant":
            self._n_weights += sum(one.count(name) for name in results)
        if are_folded:  # of the same value, whatever the number of units
            is_fixed = all(np.array_equal(one.data[x], many.data[x]) for x in results)
        else:
            is_fixed = all(name in self._fixed for name in given)
        extra = one.extra(node)
        if extra > MAX_VALUES:
            raise RefusedError(f"computes {node.op_type} by way of {extra} values")
        n_values = extra + sum(_n_computed(one.shapes[name]) for name in results)
        used = [one.shapes[name] for name in given if name in self._fixed]
        self._n_fixed += sum(_n_computed(shape, 0) for shape in used)
        self._n_all += n_values
        if is_fixed:
            self._fixed.update(results)
            self._n_fixed += n_values
        if self._n_fixed > MAX_CONSTANT_VALUES + WEIGHT_COPIES * self._n_weights:
            raise RefusedError("computes constants much larger than its weights")
        if self._n_all > MAX_ALL_VALUES + WEIGHT_COPIES * self._n_weights:
            raise RefusedError(f"computes more than {MAX_ALL_VALUES} values for one image")

    def _check(self, name: str, operator: str = "an input") -> None:
        """Raise where a result is not known, large, or grows faster than the number of images."""
        shape, wide = (run.shapes.get(name) for run in self._runs)
        if shape is None or wide is None:
            raise RefusedError(f"computes {operator} of a size that is not known before")
        if math.prod(shape) > MAX_VALUES + self._n_weights:  # which may be converted
            size = " x ".join(map(str, shape))
            raise RefusedError(f"computes {name[:40]} of {size} values")
        if math.prod(wide) > BATCH_SIZE * math.prod(shape):
            raise RefusedError(
                f"computes {name[:40]}, which grows faster than the number of images"
            )


def _n_computed(shape: Sequence[int] | None, channels: int = 1) -> int:
    """Return how many values a result takes where it is computed in blocks of channels."""
    padded = list(shape or [])
    if len(padded) == 4:
        padded[channels] = -(-padded[channels] // N_PADDED_CHANNELS) * N_PADDED_CHANNELS
    return math.prod(padded)
