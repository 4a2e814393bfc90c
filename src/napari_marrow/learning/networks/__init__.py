"""The networks, one file a family, in Keras 3 alone: they run on TensorFlow, JAX and PyTorch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.registry import MODELS
from napari_marrow.learning.settings import TrainingSettings

if TYPE_CHECKING:
    import keras


MEMBER = "member_"


def build(settings: TrainingSettings, classes: int, n_features: int = 0) -> keras.Model:
    """Build and compile the network that the settings name, with fresh weights.

    ``n_features`` is the number of measured features, of a network that takes them, or of values of
    an ONNX embedding. With several members it is the mean of as many networks.

    Raises
    ------
    MarrowError
        When the settings ask for what the network can't have.
    """
    if settings.has_embedding and settings.select_pixels:
        raise MarrowError("An ONNX embedding takes whole images: set select pixels to 0.")
    if settings.members > 1:
        one = replace(settings, members=1)
        return join([build(one, classes, n_features) for _ in range(settings.members)])
    takes = MODELS[settings.model].takes_features or settings.has_embedding
    found = [n_features] if takes else []
    network = cast("keras.Model", MODELS[settings.model].load_builder()(settings, classes, *found))
    if not settings.select_pixels:
        return network
    from napari_marrow.learning.networks.mask import masked

    return masked(network)


def join(members: Sequence[keras.Model]) -> keras.Model:
    """Return the network whose answer is the mean of those of others.

    L. K. Hansen and P. Salamon, "Neural network ensembles", 1990.
    """
    import keras

    inputs = [keras.Input(x.shape[1:], name=x.name) for x in members[0].inputs]
    given = inputs if len(inputs) > 1 else inputs[0]
    for number, member in enumerate(members, 1):
        member.name = f"{MEMBER}{number}"
    return keras.Model(given, keras.layers.Average()([member(given) for member in members]))


def weight_shapes(
    settings: TrainingSettings, classes: int, n_features: int = 0
) -> dict[str, tuple[int, ...]]:
    """Return the shape of each weight of a network by name, without memory for any weight."""
    from napari_marrow.learning.networks.common import shapes_only

    with shapes_only():
        network = build(settings, classes, n_features)
        return {name: tuple(x.shape) for name, x in named_weights(network).items()}


def named_weights(network: keras.Model) -> dict[str, keras.Variable]:
    """Return the weights of a network by name, the same in every build and every process."""
    members = [layer for layer in network.layers if layer.name.startswith(MEMBER)]
    if not members:
        return _named(network)
    return {f"{one.name}/{name}": weight for one in members for name, weight in _named(one).items()}


def _named(network: keras.Model) -> dict[str, keras.Variable]:
    """Return weights by path, where names that Keras counts on in a process begin anew.

    Layers of some Keras applications have no name of their own: those of a second build would be
    ``conv2d_94``, ``conv2d_95``... in place of ``conv2d``, ``conv2d_1``...
    """
    import keras

    kinds = {"variable", *(name.lower() for name in dir(keras.layers))}
    counted: dict[str, list[str]] = {}

    def in_order(part: str) -> str:
        kind = re.sub(r"_\d+$", "", part)
        if kind.replace("_", "") not in kinds:
            return part
        found = counted.setdefault(kind, [])
        if part not in found:
            found.append(part)
        number = found.index(part)
        return f"{kind}_{number}" if number else kind

    return {"/".join(map(in_order, x.path.split("/"))): x for x in network.weights}
