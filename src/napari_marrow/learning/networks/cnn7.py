"""``cnn7``: seven layers, five convolutions and two dense ones.

After T. T. P. Thanh et al., "Leukemia blood cell image classification using convolutional neural
network" (International Journal of Computer Theory and Engineering 10, 2018): five layers extract
features, two classify, and the training images are equalised, mirrored, shifted, rotated, blurred
and distorted copies (:data:`napari_marrow.imaging.augment.SEVEN_LAYER`). How many filters a layer
has is not taken from there: widths are our choice, and double where pooling halves the side.
"""

from __future__ import annotations

import keras
from keras import layers

from napari_marrow.learning.networks.common import (
    RELU,
    compiled,
    drop,
    image_input,
    probabilities,
    scale,
)
from napari_marrow.learning.settings import TrainingSettings

WIDTHS, DENSE_UNITS = (16, 32, 64, 64, 64), 64


def build(settings: TrainingSettings, classes: int) -> keras.Model:
    """Build and compile the network."""
    inputs = image_input(settings)
    x = scale(inputs)
    for number, width in enumerate(WIDTHS, 1):
        x = layers.Conv2D(width, 3, padding="same", name=f"convolution_{number}", **RELU)(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    x = drop(x, 0.3)
    x = layers.Dense(DENSE_UNITS, name="hidden", **RELU)(x)
    return compiled(inputs, probabilities(x, classes), settings)
