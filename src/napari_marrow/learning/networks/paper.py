"""``paper``: the network as published, with softmax in the convolutions and hidden layers.

Published are two convolution layers, max-pooling, flatten, four hidden dense layers, a sigmoid
output and Adam at 0.01. It does not learn (loss 0.693, accuracy 0.50 on separable images): it is
here to be compared.
"""

from __future__ import annotations

import keras
from keras import layers, ops

from napari_marrow.learning.settings import TrainingSettings

# Layers are named: Keras would count on from network to network, and the weights of a second
# training in one process would have names that no other process knows.
OUTPUT = "probabilities"
FILTERS, HIDDEN_UNITS = (16, 32), (64, 48, 32, 16)
LEARNING_RATE = 1e-2


def build(settings: TrainingSettings, classes: int) -> keras.Model:
    """Build and compile the network."""
    inputs = keras.Input((settings.input_size, settings.input_size, 3), name="image")
    x = layers.Rescaling(1 / 255)(inputs)
    for width in FILTERS:
        name = f"convolution_{width}"
        x = layers.Conv2D(width, 3, padding="same", activation="softmax", name=name)(x)
        x = layers.MaxPooling2D(4)(x)
    x = layers.Flatten()(x)
    for width in HIDDEN_UNITS:
        x = layers.Dense(width, activation="softmax", name=f"hidden_{width}")(x)
    outputs = layers.Dense(classes, activation="sigmoid", name=OUTPUT)(x)
    network = keras.Model(inputs, outputs, name="paper")
    network.compile(
        optimizer=keras.optimizers.Adam(settings.learning_rate or LEARNING_RATE),
        loss=twice_sigmoid_loss,
        metrics=["accuracy"],
    )
    return network


def twice_sigmoid_loss(truth: keras.KerasTensor, output: keras.KerasTensor) -> keras.KerasTensor:
    """Return the sigmoid cross-entropy of outputs that went through a sigmoid before.

    It can't fall below 0.5032 for one of two classes, which is why the published 0.5034 is the
    loss of a network that had finished. Written out, since Keras's own ``from_logits=True``
    notices the sigmoid layer and undoes the mistake.
    """
    losses = ops.softplus(output) - truth * output
    return ops.mean(losses, axis=-1)
