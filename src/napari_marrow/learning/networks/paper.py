"""``paper``: the network as published, with softmax in the convolutions and hidden layers.

Published are two convolution layers, max-pooling, flatten, four hidden dense layers, a sigmoid
output and Adam at 0.01 (D. Kumar et al., "Automatic detection of white blood cancer from bone
marrow microscopic images using convolutional neural networks", IEEE Access 8, 2020). It does not
learn (loss 0.693, accuracy 0.50 on separable images): it is here to be compared. ``paper-relu`` is
the same with ReLU in place of the softmax inside.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from napari_marrow.learning.networks.common import (
    EXACT,
    OUTPUT,
    RELU,
    Tensor,
    compiled,
    image_input,
    published_layout,
)
from napari_marrow.learning.settings import TrainingSettings

LEARNING_RATE = 1e-2


def build(settings: TrainingSettings, classes: int) -> keras.Model:
    """Build and compile the network as published."""
    return _build(settings, classes, LEARNING_RATE, activation="softmax")


def build_with_relu(settings: TrainingSettings, classes: int) -> keras.Model:
    """Build and compile the network with ReLU inside, which learns at a tenth of the rate."""
    return _build(settings, classes, LEARNING_RATE / 10, **RELU)


def _build(
    settings: TrainingSettings, classes: int, learning_rate: float, **hidden: Any
) -> keras.Model:
    inputs = image_input(settings)
    x = published_layout(layers.Rescaling(1 / 255, dtype=EXACT)(inputs), **hidden)
    outputs = layers.Dense(classes, activation="sigmoid", name=OUTPUT, dtype=EXACT)(x)
    return compiled(inputs, outputs, settings, learning_rate, twice_sigmoid_loss)


def twice_sigmoid_loss(truth: Tensor, output: Tensor) -> Tensor:
    """Return the sigmoid cross-entropy of outputs that went through a sigmoid before.

    It can't fall below 0.5032 for one of two classes, which is why the published 0.5034 is the
    loss of a network that had finished. Written out, since Keras's own ``from_logits=True``
    notices the sigmoid layer and undoes the mistake.
    """
    losses = ops.softplus(output) - truth * output
    return ops.mean(losses, axis=-1)
