"""``dcnn``: the published layout of layers, changed so that it learns.

ReLU, He initialisation, dropout, a softmax output and cross-entropy. Widths, kernel and input size
are not published; those here and in :mod:`.paper` are our choice.
"""

from __future__ import annotations

import keras
from keras import layers

from napari_marrow.learning.networks.paper import FILTERS, HIDDEN_UNITS, OUTPUT
from napari_marrow.learning.settings import TrainingSettings

LEARNING_RATE = 1e-3
MEAN_LEVEL, LEVEL_RANGE = 192, 64
"""White-balanced pixels have grey levels about this mean; scaled, they have about unit variance."""


def build(settings: TrainingSettings, classes: int) -> keras.Model:
    """Build and compile the network."""
    relu = {"activation": "relu", "kernel_initializer": "he_normal"}
    inputs = keras.Input((settings.input_size, settings.input_size, 3), name="image")
    x = layers.Rescaling(1 / LEVEL_RANGE, offset=-MEAN_LEVEL / LEVEL_RANGE)(inputs)
    for width in FILTERS:
        x = layers.Conv2D(width, 3, padding="same", name=f"convolution_{width}", **relu)(x)
        x = layers.MaxPooling2D(4)(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(0.3)(x)
    for width in HIDDEN_UNITS:
        x = layers.Dense(width, name=f"hidden_{width}", **relu)(x)
    outputs = layers.Dense(classes, activation="softmax", name=OUTPUT)(x)
    network = keras.Model(inputs, outputs, name="dcnn")
    network.compile(
        optimizer=keras.optimizers.Adam(settings.learning_rate or LEARNING_RATE),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    return network
