"""An embedding of images from an ONNX file: numbers that another network makes of them.

The file is wrapped into a model that takes images as all networks here do, and in the end joined
with the network that was trained on the embedding. So the file is not needed for prediction.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.model_settings import EmbeddingInput
from napari_marrow.learning.onnx.inference import open_network, open_onnx, run_batches
from napari_marrow.learning.onnx.operators import STANDARD_DOMAINS, tensors_of
from napari_marrow.learning.onnx.sizes import refusal

MAX_FILE_BYTES = 1_000_000_000
"""Of an embedding; an ONNX model in one file can have twice as much."""
IMAGE, VALUES, PREFIX, HEAD_PREFIX = "image", "embedding_values", "embedding/", "head/"
MAX_DIFFERENCE = 1e-4
"""Largest relative difference between images by themselves and among others."""
NUMBERS = (TensorProto.FLOAT, TensorProto.FLOAT16)
# mean and standard deviation of the channels, for levels of 0 to 255
SCALES: dict[EmbeddingInput, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "imagenet": ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    "unit": ((0.0,) * 3, (255.0,) * 3),
    "signed": ((127.5,) * 3, (127.5,) * 3),
    "levels": ((0.0,) * 3, (1.0,) * 3),
}


class Embedding:
    """An embedding that is ready to run on the CPU.

    Parameters
    ----------
    model
        The wrapped model, from images to ``n_values`` numbers of each.
    n_values
        Length of the vectors.
    digest
        SHA-256 of the file.
    """

    def __init__(self, model: onnx.ModelProto, n_values: int, digest: str):
        self._model, self.n_values, self.digest = model, n_values, digest
        self._engine = open_network(model.SerializeToString())

    @property
    def n_weights(self) -> int:
        """Number of weights in the file."""
        own = [x for x in self._model.graph.initializer if x.name.startswith(PREFIX)]
        return sum(int(np.prod(x.dims)) for x in own)

    def run(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the embedding of images, (n, side, side, 3), as (n, values)."""
        return run_batches(self._engine, images)

    def joined(self, head: bytes) -> bytes:
        """Return one ONNX model of the embedding and the network that takes it.

        Raises
        ------
        MarrowError
            When the two can't be brought to one version of ONNX.
        """
        from onnx import compose, version_converter

        parts = [self._model, compose.add_prefix(onnx.load_from_string(head), HEAD_PREFIX)]
        target = max(map(_opset, parts))
        try:
            parts = [
                one if _opset(one) == target else version_converter.convert_version(one, target)
                for one in parts
            ]
        except Exception as error:  # RuntimeError, and whatever C++ raises
            raise MarrowError(
                f"The ONNX file of the embedding is of version {_opset(self._model)}, which can't "
                f"be made {target}; export it anew."
            ) from error
        for one in parts:
            one.ir_version = max(x.ir_version for x in parts)
            del one.metadata_props[:], one.opset_import[:]
            one.opset_import.append(helper.make_opsetid("", target))
        links = [(VALUES, parts[1].graph.input[0].name)]
        return compose.merge_models(parts[0], parts[1], io_map=links).SerializeToString()


class _Input(NamedTuple):
    """What a file takes: name, type of numbers, whether channels are first, height and width."""

    name: str
    numbers: int
    channels_first: bool
    size: tuple[int, int]


def open_embedding(path: Path, side: int, scale: EmbeddingInput) -> Embedding:
    """Open an ONNX file as an embedding; the last one stays open.

    Parameters
    ----------
    path
        A model of one input, images in RGB, (n, 3, height, width) or (n, height, width, 3), and an
        output of a vector for each, or of feature maps, which are averaged over the image.
    side
        Of the images that are given, in pixels; they are resized where the file asks for others.
    scale
        What the file's levels are.

    Raises
    ------
    MarrowError
        When the file can't be used.
    """
    if not path.is_file():
        raise MarrowError(f"{path} is not there; name the ONNX file of an embedding.")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise MarrowError(
            f"{path} has more than {MAX_FILE_BYTES // 10**6} MB, which is too large for a bundle; "
            "use a smaller embedding."
        )
    return _open(path, path.stat().st_mtime_ns, side, scale)


@lru_cache(maxsize=1)
def _open(path: Path, written_ns: int, side: int, scale: EmbeddingInput) -> Embedding:
    content = path.read_bytes()
    model = _read(path, content)
    given = _input(path, model.graph, side)
    outputs = [x.name for x in model.graph.output]
    images = np.random.default_rng(0).integers(0, 256, (3, side, side, 3)).astype(np.float32)
    wrapped = _wrapped(model, given, side, scale).SerializeToString()
    if reason := refusal(wrapped):  # nor would its bundle be opened
        raise MarrowError(
            f"{path} {reason}; export it for inference, with the usual operators of image networks "
            "and sizes that are fixed but for the number of images."
        )
    try:
        session = open_onnx(wrapped)
        found = session.run(outputs, {IMAGE: images})
        alone = session.run(outputs, {IMAGE: images[1:2]})
    except Exception as error:  # ONNX Runtime's own kinds have nothing else in common
        reason = str(error).splitlines()[0]
        raise MarrowError(f"{path} can't be run on images of {side} px: {reason}") from error
    ranks = [values.ndim if len(values) == len(images) else 0 for values in found]
    chosen = [ranks.index(rank) for rank in (2, 4) if rank in ranks]
    if not chosen:
        raise MarrowError(
            f"{path} gives neither a vector nor feature maps for each image, but shapes "
            f"{[x.shape for x in found]}; export it with one of these as its output."
        )
    name, both, own = outputs[chosen[0]], found[chosen[0]], alone[chosen[0]]
    if not np.allclose(both[1], own[0], MAX_DIFFERENCE, MAX_DIFFERENCE * np.abs(both).max()):
        raise MarrowError(
            f"{path} answers for an image by what other images are in the batch, or not with "
            "numbers; export it for inference."
        )
    spread = 3 if both.ndim == 4 and not given.channels_first else 1
    model = _with_values(_wrapped(model, given, side, scale), name, both, spread)
    return Embedding(model, both.shape[spread], hashlib.sha256(content).hexdigest())


def _read(path: Path, content: bytes) -> onnx.ModelProto:
    """Return the model in a file, with all its names prefixed."""
    from onnx import compose

    try:
        model = onnx.load_from_string(content)
        if not model.graph.node:
            raise ValueError("it has no operators")
    except Exception as error:  # protobuf's own kinds have nothing else in common
        raise MarrowError(f"{path} is no ONNX model; name the file of an embedding.") from error
    if model.functions:
        raise MarrowError(
            f"{path} has functions of its own; replace each by what it computes, by "
            "onnx.inliner.inline_local_functions."
        )
    custom = sorted({node.domain for node in model.graph.node} - set(STANDARD_DOMAINS))
    if custom:
        raise MarrowError(
            f"{path} has operators of {custom[0]}, which are not part of ONNX; export it without."
        )
    if any(x.data_location == TensorProto.EXTERNAL for x in tensors_of(model.graph)):
        raise MarrowError(f"{path} has its weights in other files; export it as one file.")
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        reason = str(error).splitlines()[0]
        raise MarrowError(f"{path} is no valid ONNX model: {reason}; export it anew.") from error
    return compose.add_prefix(model, PREFIX)


def _input(path: Path, graph: onnx.GraphProto, side: int) -> _Input:
    """Return what a model takes, or raise MarrowError where that is not images."""
    weights = {x.name for x in graph.initializer}
    inputs = [x for x in graph.input if x.name not in weights]
    if len(inputs) != 1:
        raise MarrowError(f"{path} has {len(inputs)} inputs; an embedding has one, images.")
    kind = inputs[0].type.tensor_type
    shape = [x.dim_value if x.HasField("dim_value") else 0 for x in kind.shape.dim]
    if kind.elem_type not in NUMBERS or len(shape) != 4:
        raise MarrowError(
            f"{path} takes {len(shape)} dimensions of {TensorProto.DataType.Name(kind.elem_type)}; "
            "an embedding takes images, four dimensions of FLOAT."
        )
    if (shape[1] == 3) == (shape[3] == 3):
        raise MarrowError(
            f"{path} takes {shape} (0: any number), where three channels are not the second or the "
            "last; export it with the number of channels."
        )
    if shape[0]:
        raise MarrowError(
            f"{path} takes {shape[0]} images at once; export it for any number (a dynamic batch)."
        )
    channels_first = shape[1] == 3
    height, width = shape[2:] if channels_first else shape[1:3]
    return _Input(inputs[0].name, kind.elem_type, channels_first, (height or side, width or side))


def _wrapped(
    model: onnx.ModelProto, given: _Input, side: int, scale: EmbeddingInput
) -> onnx.ModelProto:
    """Return the model with images of levels as its input, (n, side, side, 3)."""
    mean, deviation = (np.array(x).reshape(1, 3, 1, 1) for x in SCALES[scale])
    # named in the order in which they are used
    constants: dict[str, NDArray] = {"factor": 1 / deviation, "offset": -mean / deviation}
    steps: list[tuple[str, list[str], dict[str, Any]]] = [
        ("Transpose", [], {"perm": [0, 3, 1, 2]}),
        ("Mul", ["factor"], {}),
        ("Add", ["offset"], {}),
    ]
    height, width = given.size
    if given.size != (side, side):
        constants |= {"columns": resize_matrix(side, width).T, "rows": resize_matrix(side, height)}
        steps += [("MatMul", ["columns"], {}), ("MatMul", ["rows"], {})]
    if not given.channels_first:
        steps.append(("Transpose", [], {"perm": [0, 2, 3, 1]}))
    steps.append(("Cast", [], {"to": given.numbers}))
    nodes, last = [], IMAGE
    for number, (operator, names, attributes) in enumerate(steps, 1):
        to = given.name if number == len(steps) else f"prepared_{number}"
        # the matrix of rows is multiplied from the left
        taken = [*names, last] if names == ["rows"] else [last, *names]
        nodes.append(helper.make_node(operator, taken, [to], f"prepare_{number}", **attributes))
        last = to
    made = onnx.ModelProto()
    made.CopyFrom(model)
    del made.graph.input[:], made.graph.node[:]
    made.graph.input.append(_described(IMAGE, ["n", side, side, 3]))
    made.graph.node.extend([*nodes, *model.graph.node])
    made.graph.initializer.extend(
        numpy_helper.from_array(values.astype(np.float32), name)
        for name, values in constants.items()
    )
    return made


def _with_values(
    wrapped: onnx.ModelProto, name: str, found: NDArray, channels: int
) -> onnx.ModelProto:
    """Return the wrapped model with a vector for each image as its output, in 32 bits."""
    steps: list[tuple[str, dict[str, Any]]] = [("Cast", {"to": TensorProto.FLOAT})]
    if found.ndim == 4:
        steps += [("Transpose", {"perm": [0, 3, 1, 2]})] if channels == 3 else []
        steps += [("GlobalAveragePool", {}), ("Flatten", {"axis": 1})]
    last = name
    for number, (operator, attributes) in enumerate(steps, 1):
        to = VALUES if number == len(steps) else f"finished_{number}"
        node = helper.make_node(operator, [last], [to], f"finish_{number}", **attributes)
        wrapped.graph.node.append(node)
        last = to
    del wrapped.graph.output[:]
    wrapped.graph.output.append(_described(VALUES, ["n", found.shape[channels]]))
    return wrapped


def _described(name: str, shape: list[int | str]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _opset(model: onnx.ModelProto) -> int:
    """Return the version of ONNX's own operators that a model uses."""
    return next(x.version for x in model.opset_import if x.domain in STANDARD_DOMAINS)


def resize_matrix(length: int, wanted: int) -> NDArray[np.float64]:
    """Return the matrix that resizes a line of pixels, (wanted, length).

    By linear interpolation, or where it gets shorter by weights that fall linearly over as many
    pixels as one stands for, as Pillow's ``BILINEAR`` does.
    """
    step = length / wanted
    reach = max(step, 1.0)
    centres = (np.arange(wanted) + 0.5) * step
    distance = np.abs(np.arange(length)[None] + 0.5 - centres[:, None]) / reach
    weights = np.clip(1 - distance, 0, None)
    return weights / weights.sum(axis=1, keepdims=True)
