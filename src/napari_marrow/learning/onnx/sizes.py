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

from napari_marrow.learning.onnx.growth import FEW, MANY, is_linear, keeps_linear, numbers_of_units
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
    except ValueError as error:  # of numpy: bytes that are no numbers of their type
        return f"holds what can't be read ({str(error).splitlines()[0][:100]})"
    return ""


class _Budget:
    """The values of all results of a model, counted operator by operator."""

    def __init__(self, model: onnx.ModelProto):
        self._graph, weights = model.graph, [x.name for x in model.graph.initializer]
        self._units = numbers_of_units()
        self._runs = [Shapes(model, count) for count in self._units]
        if len(set(weights)) < len(weights):
            raise RefusedError("holds two weights of one name")
        self._fixed, self._varying = set(weights), set[str]()
        self._n_fixed, self._n_all = 0, 0
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
        follow = keeps_linear(node, self._varying, [run.data for run in self._runs])
        are_folded = all([run.add(node, self._varying, follow=follow) for run in self._runs])
        one = self._runs[0]
        given, results = (list(filter(None, names)) for names in (node.input, node.output))
        for name in results:
            self._check(name, node.op_type)
        if node.op_type == "Constant":
            self._n_weights += sum(one.count(name) for name in results)
        elif are_folded:
            self._check_values(node)
        is_fixed = all(name in self._fixed for name in given)
        if are_folded:
            is_fixed = not self._varying.intersection(results)
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
        found = [run.shapes.get(name) for run in self._runs]
        shapes = [shape for shape in found if shape is not None]
        if len(shapes) < len(found):
            raise RefusedError(f"computes {operator} of a size that is not known before")
        one, many, _ = shapes
        if math.prod(one) > MAX_VALUES + self._n_weights:  # which may be converted
            size = " x ".join(map(str, one))
            raise RefusedError(f"computes {name[:40]} of {size} values")
        if math.prod(many) > MANY // FEW * math.prod(one):
            raise RefusedError(
                f"computes {name[:40]}, which grows faster than the number of images"
            )
        is_regular = is_linear([np.array(x, object) for x in shapes], self._units)
        if not is_regular or sum(a != b for a, b in zip(one, many, strict=True)) > 1:
            raise RefusedError(
                f"computes {name[:40]} of a size that does not follow the number of images"
            )

    def _check_values(self, node: onnx.NodeProto) -> None:
        """Note whether a computed size depends on the number of images; raise where oddly."""
        (name,) = node.output
        values = [run.data[name] for run in self._runs]
        if all(np.array_equal(values[0], x) for x in values[1:]):
            return
        if values[0].dtype.kind not in "iu" or not is_linear(values, self._units):
            raise RefusedError(
                f"computes {name[:40]}, a size that does not follow the number of images"
            )
        self._varying.add(name)


def _n_computed(shape: Sequence[int] | None, channels: int = 1) -> int:
    """Return how many values a result takes where it is computed in blocks of channels."""
    padded = list(shape or [])
    if len(padded) == 4:
        padded[channels] = -(-padded[channels] // N_PADDED_CHANNELS) * N_PADDED_CHANNELS
    return math.prod(padded)
