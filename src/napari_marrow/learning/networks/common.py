"""What the networks share: names of layers, the published layout, and how they are compiled."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeAlias

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from napari_marrow.imaging.white_point import WHITE_LEVEL
from napari_marrow.learning.onnx.embedding import Embedding, open_embedding
from napari_marrow.learning.settings import TrainingSettings

# Layers are named: Keras would count on from network to network, and the weights of a second
# training in one process would have names that no other process knows.
OUTPUT, FEATURES, FEATURE_SCALE = "probabilities", "features", "feature_scale"
FILTERS, HIDDEN_UNITS = (16, 32), (64, 48, 32, 16)
LEARNING_RATE = 1e-3
RELU: dict[str, Any] = {"activation": "relu", "kernel_initializer": "he_normal"}
"""Activation and the weights that suit it (K. He et al., "Delving deep into rectifiers", 2015)."""
EXACT = "float32"
"""Type of layers that compute in it also where others have 16 bits: levels, measured features,
probabilities."""
MEAN_LEVEL, LEVEL_RANGE = 192, 64
"""White-balanced pixels have grey levels about this mean; scaled, they have about unit variance."""

Tensor: TypeAlias = keras.KerasTensor
saved_layer = keras.saving.register_keras_serializable("napari_marrow")
"""Decorator of what a ``.keras`` file names, so that Keras finds it when it opens the file."""
_SHAPES_ONLY: ContextVar[bool] = ContextVar("shapes_only", default=False)


def image_input(settings: TrainingSettings) -> Tensor:
    """Return the input: RGB of 0 to 255, (side, side, 3)."""
    return keras.Input((settings.input_size, settings.input_size, 3), name="image")


def embedding_of(settings: TrainingSettings) -> Embedding | None:
    """Return the embedding that a network learns from; None of all that learn from pixels."""
    if not settings.has_embedding:
        return None
    path = Path(settings.weights)
    return open_embedding(path, settings.input_size, settings.embedding_input)


def network_input(
    settings: TrainingSettings,
    images: NDArray[np.uint8],
    features: NDArray[np.float32] | None = None,
) -> NDArray | tuple[NDArray, ...]:
    """Return images, (n, side, side, 3), and the features of each, as a network takes them.

    Images stay in 8 bits, a quarter of the bytes to copy: the network converts them.
    """
    if (embedding := embedding_of(settings)) is not None:
        return embedding.run(images)
    return images if features is None else (images, features)


def scale(images: Tensor) -> Tensor:
    """Scale levels of 0 to 255 to about zero mean and unit variance."""
    offset = -MEAN_LEVEL / LEVEL_RANGE
    return layers.Rescaling(1 / LEVEL_RANGE, offset=offset, dtype=EXACT)(images)


def optical_density(images: Tensor) -> Tensor:
    """Return the decadic optical density of white-balanced images, 0 where they are white."""
    natural = ops.log(ops.maximum(images, 1.0) / WHITE_LEVEL)
    return ops.maximum(natural * (-1 / 2.302585), 0.0)


def published_layout(x: Tensor, dropout: float = 0.0, **hidden: Any) -> Tensor:
    """Add two convolutions with pooling and four hidden dense layers, as published.

    Parameters
    ----------
    x
        (side, side, channels).
    dropout
        Fraction of what the hidden layers get that is set to 0 at training.
    hidden
        Activation and initialiser of the layers.
    """
    for width in FILTERS:
        x = layers.Conv2D(width, 3, padding="same", name=f"convolution_{width}", **hidden)(x)
        x = layers.MaxPooling2D(4)(x)
    x = layers.Flatten()(x)
    if dropout:
        x = drop(x, dropout)
    for width in HIDDEN_UNITS:
        x = layers.Dense(width, name=f"hidden_{width}", **hidden)(x)
    return x


def drop(x: Tensor, fraction: float) -> Tensor:
    """Set a fraction to 0 at training.

    The seed is one that Keras would draw. Without it PyTorch takes random numbers whose state is no
    variable of the network, and a training that was stopped would not go on as it had been.
    """
    return layers.Dropout(fraction, seed=random.randint(1, 10**9))(x)


def probabilities(x: Tensor, classes: int) -> Tensor:
    """Add the output: a probability for each class."""
    return layers.Dense(classes, activation="softmax", name=OUTPUT, dtype=EXACT)(x)


@contextmanager
def shapes_only() -> Iterator[None]:
    """Give networks that are built within weights that have a shape and take no memory."""
    token = _SHAPES_ONLY.set(True)
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        _SHAPES_ONLY.reset(token)


def compiled(
    inputs: Tensor | list[Tensor],
    outputs: Tensor,
    settings: TrainingSettings,
    learning_rate: float = LEARNING_RATE,
    loss: str | Callable[[Tensor, Tensor], Tensor] = "categorical_crossentropy",
) -> keras.Model:
    """Return the network, which Adam trains.

    Parameters
    ----------
    inputs, outputs
        Its first, or the two that it takes, and its last tensor.
    settings
        Its name, and the learning rate where one is chosen.
    learning_rate
        Of this network where none is chosen.
    loss
        As Keras takes it.
    """
    network = keras.Model(inputs, outputs, name=settings.model)
    if _SHAPES_ONLY.get():  # an optimizer has a variable with a value
        return network
    network.compile(
        optimizer=keras.optimizers.Adam(settings.learning_rate or learning_rate),
        loss=loss,
        metrics=["accuracy"],
    )
    return network
