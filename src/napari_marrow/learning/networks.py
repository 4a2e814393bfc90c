"""The networks, by name, in Keras 3 alone: they run on TensorFlow, JAX and PyTorch.

Published are two convolution layers, max-pooling, flatten, four hidden dense layers, a sigmoid
output and Adam at 0.01; widths, kernel and input size are not. Those here are our choice.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import layers, ops

from napari_marrow.learning.settings import TrainingSettings

# Layers are named here: Keras would count on from network to network, and the weights of a second
# training in one process would bear names that no other process knows.
OUTPUT = "probabilities"
CONVOLUTIONS, HIDDEN = (16, 32), (64, 48, 32, 16)


def dcnn(size: int, classes: int) -> keras.Model:
    """The published arrangement made to learn: ReLU, He start, dropout, softmax, cross-entropy."""
    inputs = keras.Input((size, size, 3), name="image")
    x = layers.Rescaling(1 / 64, offset=-3.0)(inputs)  # white-balanced pixels lie about 190
    for width in CONVOLUTIONS:
        name = f"convolution_{width}"
        x = layers.Conv2D(width, 3, padding="same", activation="relu", name=name, **_he())(x)
        x = layers.MaxPooling2D(4)(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(0.3)(x)
    for width in HIDDEN:
        x = layers.Dense(width, activation="relu", name=f"hidden_{width}", **_he())(x)
    outputs = layers.Dense(classes, activation="softmax", name=OUTPUT)(x)
    return keras.Model(inputs, outputs, name="dcnn")


def paper(size: int, classes: int) -> keras.Model:
    """The published network as printed: softmax in the convolutions and hidden layers.

    It does not learn (loss 0.693, accuracy 0.50 on separable images): it is here to be compared.
    """
    inputs = keras.Input((size, size, 3), name="image")
    x = layers.Rescaling(1 / 255)(inputs)
    for width in CONVOLUTIONS:
        name = f"convolution_{width}"
        x = layers.Conv2D(width, 3, padding="same", activation="softmax", name=name)(x)
        x = layers.MaxPooling2D(4)(x)
    x = layers.Flatten()(x)
    for width in HIDDEN:
        x = layers.Dense(width, activation="softmax", name=f"hidden_{width}")(x)
    outputs = layers.Dense(classes, activation="sigmoid", name=OUTPUT)(x)
    return keras.Model(inputs, outputs, name="paper")


def twice_sigmoid_loss(truth, output):
    """Sigmoid cross-entropy of outputs that went through a sigmoid before.

    It can't fall below 0.5032 for one of two classes, which is why the published 0.5034 is the
    loss of a network that had finished. Written out, since Keras's own ``from_logits=True``
    notices the sigmoid layer and undoes the mistake.
    """
    losses = ops.softplus(output) - truth * output
    return ops.mean(losses, axis=-1)


NETWORKS: dict[str, Callable[[int, int], keras.Model]] = {"dcnn": dcnn, "paper": paper}
_RATES = {"dcnn": 1e-3, "paper": 1e-2}


def build(settings: TrainingSettings, classes: int) -> keras.Model:
    """Build and compile the network that the settings name, with fresh weights."""
    network = NETWORKS[settings.model](settings.input_size, classes)
    rate = settings.learning_rate or _RATES[settings.model]
    literal = settings.model == "paper"
    network.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss=twice_sigmoid_loss if literal else "categorical_crossentropy",
        metrics=["accuracy"],
    )
    return network


def _he() -> dict[str, keras.initializers.Initializer]:
    return {"kernel_initializer": keras.initializers.HeNormal()}
