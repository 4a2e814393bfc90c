"""``hybrid``: what convolutions make of the image, joined with measured features.

Two convolutions with pooling and a dense layer make an embedding of the image; the features that
chi-square chose on the training side are standardised; one hidden layer sees both. Late fusion, as
in T. Baltrusaitis et al., "Multimodal machine learning: a survey and taxonomy" (IEEE Transactions
on Pattern Analysis and Machine Intelligence 41, 2019). Widths are our choice.
"""

from __future__ import annotations

import keras
from keras import layers, ops

from napari_marrow.learning.adaptation.acquisitions import statistics
from napari_marrow.learning.networks.common import (
    EXACT,
    FEATURE_SCALE,
    FEATURES,
    FILTERS,
    RELU,
    compiled,
    drop,
    image_input,
    probabilities,
    saved_layer,
    scale,
)
from napari_marrow.learning.settings import TrainingSettings

EMBEDDING_UNITS, HIDDEN_UNITS = 16, 32
MAX_DEVIATIONS = 3.0
"""A feature farther from the mean, in standard deviations, counts as if it were this far."""


def build(settings: TrainingSettings, classes: int, n_features: int) -> keras.Model:
    """Build and compile the network."""
    inputs = image_input(settings)
    x = scale(inputs)
    for width in FILTERS:
        x = layers.Conv2D(width, 3, padding="same", name=f"convolution_{width}", **RELU)(x)
        x = layers.MaxPooling2D(4)(x)
    x = drop(layers.Flatten()(x), 0.3)
    x = layers.Dense(EMBEDDING_UNITS, name="embedding", **RELU)(x)
    features = keras.Input((n_features,), name=FEATURES)
    x = layers.Concatenate()([x, FeatureScale(name=FEATURE_SCALE, dtype=EXACT)(features)])
    x = drop(x, 0.3)
    x = layers.Dense(HIDDEN_UNITS, name="hidden", **RELU)(x)
    return compiled([inputs, features], probabilities(x, classes), settings)


@saved_layer
class FeatureScale(layers.Layer):
    """Features as deviations from their mean, in standard deviations; 0 where not measured."""

    def build(self, shape):
        """Make the weights, which no training step changes."""
        for name, initializer in (("centre", "zeros"), ("spread", "ones")):
            made = self.add_weight(
                shape=shape[1:], initializer=initializer, trainable=False, name=name
            )
            setattr(self, name, made)

    def adapt(self, features):
        """Take the mean and the standard deviation from rows of features, as they are known."""
        centre, spread = statistics(features)
        self.centre.assign(centre)
        self.spread.assign(spread)

    def call(self, features):
        """Standardise and limit."""
        centre = ops.convert_to_tensor(self.centre)  # JAX's where takes no variable
        known = ops.where(ops.isnan(features), centre, features)
        away = (known - self.centre) / self.spread
        return ops.clip(away, -MAX_DEVIATIONS, MAX_DEVIATIONS)
