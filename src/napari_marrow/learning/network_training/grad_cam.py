"""Grad-CAM: where in an image a network's last convolution finds what speaks for a class.

R. R. Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based
localization", ICCV 2017. Imports Keras: only a job may do that. It works with TensorFlow, JAX and
PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from napari_marrow.learning.networks import MEMBER
from napari_marrow.learning.networks.common import OUTPUT
from napari_marrow.learning.networks.dct import CosineTransform
from napari_marrow.learning.networks.mask import find_layer

POOLING = (
    layers.MaxPooling2D,
    layers.AveragePooling2D,
    layers.Dropout,
    layers.SpatialDropout2D,
    layers.ZeroPadding2D,
)
"""Layers after the last convolution whose maps are its own, with less detail."""


def grad_cam(
    network: keras.Model,
    image: NDArray[np.uint8],
    answer: int,
    features: NDArray[np.float32] | None = None,
) -> NDArray[np.float64] | None:
    """Return where a network finds what speaks for a class, at the resolution of its feature maps.

    Each feature map is weighted by the mean gradient of the class's log-odds, and the sum is cut
    off at 0. The log-odds against all other classes take the place of the class's own score before
    the softmax, to which a network may add the same for all classes without another answer. Of a
    network of several members it is the mean over them.

    Parameters
    ----------
    network
        With its trained weights.
    image
        (side, side, 3), as the network sees it.
    answer
        Number of the class.
    features
        (features,) of a network that takes them, too: the map then is of the pixels' part alone.

    Returns
    -------
    ndarray or None
        (height, width), 0 and above. None where no convolution of the network keeps places apart.
    """
    maps = [_of_one(x, image, answer, features) for x in _members(network)]
    found = [x for x in maps if x is not None]
    return np.mean(found, axis=0) if found else None


def randomised_grad_cam(
    network: keras.Model,
    image: NDArray[np.uint8],
    answer: int,
    features: NDArray[np.float32] | None = None,
    *,
    draws: int,
) -> list[NDArray[np.float64]]:
    """Return the maps of the network with its last layer drawn anew; it is put back afterwards.

    A map that stays the same shows the image and not what was learnt (J. Adebayo et al., "Sanity
    checks for saliency maps", NeurIPS 2018).
    """
    found = []
    kernels = [_output(member).kernel for member in _members(network)]
    learnt = [ops.convert_to_numpy(kernel) for kernel in kernels]
    try:
        for number in range(draws):
            rng = np.random.default_rng(number)
            for kernel, values in zip(kernels, learnt, strict=True):
                kernel.assign(rng.normal(0, max(values.std(), 1e-6), values.shape))
            heat = grad_cam(network, image, answer, features)
            found += [] if heat is None else [heat]
    finally:
        for kernel, values in zip(kernels, learnt, strict=True):
            kernel.assign(values)
    return found


def last_spatial_layer(network: keras.Model) -> keras.Layer | None:
    """Return the last layer whose output still has places of the image, of networks within, too.

    None where there is none, or the maps are of frequencies.
    """
    found = None
    for layer in _all_layers(network):
        if isinstance(layer, CosineTransform):
            return None
        shape = getattr(layer.output, "shape", ())
        is_map = len(shape) == 4 and min(shape[1:3]) > 1
        if is_map and not isinstance(layer, POOLING):
            found = layer
    has_convolution = any(isinstance(x, layers.Conv2D) for x in _all_layers(network))
    return found if has_convolution else None


def _members(network: keras.Model) -> list[keras.Model]:
    own = [layer for layer in network.layers if layer.name.startswith(MEMBER)]
    return own or [network]


def _all_layers(network: keras.Model) -> Iterator[keras.Layer]:
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from _all_layers(layer)
        else:
            yield layer


def _output(network: keras.Model) -> keras.Layer:
    found = find_layer(network, OUTPUT)
    assert found is not None  # each network here ends with it
    return found


def _of_one(
    network: keras.Model,
    image: NDArray[np.uint8],
    answer: int,
    features: NDArray[np.float32] | None,
) -> NDArray[np.float64] | None:
    layer = last_spatial_layer(network)
    if layer is None:
        return None
    batch = image[None].astype(np.float32)
    given = batch if features is None else [batch, features[None]]
    others = [k for k in range(network.output_shape[-1]) if k != answer]

    def score(change: Any) -> tuple[Any, Any]:
        """Return the log-odds with the feature maps changed by so much, and the maps."""
        with _changed(layer, change) as maps, _linear(_output(network)):
            scores = network(given, training=False)[0]
        rest = ops.logsumexp(ops.stack([scores[k] for k in others]))
        return scores[answer] - rest, maps[0]

    shape = (1, *layer.output.shape[1:])
    maps, gradient = _maps_and_gradient(score, np.zeros(shape, np.float32))
    weights = gradient.mean(axis=(0, 1))
    return np.maximum(maps @ weights, 0)


@contextmanager
def _changed(layer: keras.Layer, change: Any) -> Iterator[list[Any]]:
    """Add something to what a layer returns; the list gets what it returned."""
    seen: list[Any] = []
    call = layer.call

    def changed_call(*given: Any, **options: Any) -> Any:
        seen.append(call(*given, **options))
        return seen[0] + change

    layer.call = changed_call
    try:
        yield seen
    finally:
        layer.call = call


@contextmanager
def _linear(layer: keras.Layer) -> Iterator[None]:
    """Let a layer return its scores, without softmax."""
    activation = layer.activation
    layer.activation = keras.activations.linear
    try:
        yield
    finally:
        layer.activation = activation


def _maps_and_gradient(
    score: Callable[[Any], tuple[Any, Any]], start: NDArray
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return feature maps, (height, width, maps), and the gradient of a score by them."""
    found = _GRADIENTS[keras.backend.backend()](score, start)
    maps, gradient = (ops.convert_to_numpy(x)[0].astype(np.float64) for x in found)
    return maps, gradient


def _by_tensorflow(score: Callable, start: NDArray) -> Sequence[Any]:
    import tensorflow

    change = tensorflow.convert_to_tensor(start)
    with tensorflow.GradientTape() as tape:
        tape.watch(change)
        value, maps = score(change)
    return maps, tape.gradient(value, change)


def _by_jax(score: Callable, start: NDArray) -> Sequence[Any]:
    import jax

    gradient, maps = jax.grad(score, has_aux=True)(jax.numpy.asarray(start))
    return maps, gradient


def _by_torch(score: Callable, start: NDArray) -> Sequence[Any]:
    change = ops.convert_to_tensor(start).requires_grad_()
    value, maps = score(change)
    value.backward()
    return maps, change.grad


_GRADIENTS: dict[str, Callable[[Callable, NDArray], Sequence[Any]]] = {
    "tensorflow": _by_tensorflow,
    "jax": _by_jax,
    "torch": _by_torch,
}
