"""``dct``: a network on the discrete cosine transform of a cell.

After S. Mourya et al., "LeukoNet: DCT-based CNN architecture for the classification of normal
versus leukemic blasts in B-ALL cancer" (2018): the two-dimensional transform of each channel of
the optical density (type II, orthonormal), its lowest frequencies, as signed logarithms, since
coefficients have a range of several powers of ten. How many frequencies there are, and the layers
that follow, are our choice.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops

from napari_marrow.learning.networks.common import (
    EXACT,
    RELU,
    compiled,
    drop,
    image_input,
    optical_density,
    probabilities,
    saved_layer,
)
from napari_marrow.learning.settings import TrainingSettings

N_FREQUENCIES = 32
"""Rows and columns of coefficients that are kept, the lowest."""
WIDTHS, DENSE_UNITS = (16, 32), (64, 16)
LOG_SCALE = 100.0
"""Coefficients of this reciprocal are where the logarithm takes over from the line."""


def build(settings: TrainingSettings, classes: int) -> keras.Model:
    """Build and compile the network."""
    inputs = image_input(settings)
    x = CosineTransform(name="cosine_transform", dtype=EXACT)(optical_density(inputs))
    x = ops.sign(x) * ops.log(1 + LOG_SCALE * ops.abs(x))
    for number, width in enumerate(WIDTHS, 1):
        x = layers.Conv2D(width, 3, padding="same", name=f"convolution_{number}", **RELU)(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    x = drop(x, 0.3)
    for width in DENSE_UNITS:
        x = layers.Dense(width, name=f"hidden_{width}", **RELU)(x)
    return compiled(inputs, probabilities(x, classes), settings)


@saved_layer
class CosineTransform(layers.Layer):
    """The lowest coefficients of the cosine transform of each channel, divided by the side.

    (n, side, side, channels) become (n, k, k, channels) with k the smaller of side and 32. Those of
    a picture do not depend on its size.
    """

    def build(self, shape):
        """Compute the basis, which no training step changes."""
        side = shape[1]
        self._basis = (cosine_basis(side) / np.sqrt(side)).astype(np.float32)

    def call(self, images):
        """Transform rows, then columns."""
        rows = ops.einsum("ki,nijc->nkjc", self._basis, images)
        return ops.einsum("lj,nkjc->nklc", self._basis, rows)


def cosine_basis(side: int) -> np.ndarray:
    """Return the orthonormal basis of the transform, (frequencies, side).

    N. Ahmed et al., "Discrete cosine transform", IEEE Transactions on Computers C-23, 1974.
    """
    frequencies = np.arange(min(side, N_FREQUENCIES))[:, None]
    places = np.arange(side)[None]
    basis = np.sqrt(2 / side) * np.cos(np.pi * (2 * places + 1) * frequencies / (2 * side))
    basis[0] /= np.sqrt(2)
    return basis
