"""``sd-layer``: a first layer that separates stains, learnt with the rest.

The stain-deconvolutional layer of R. Duggal et al., "SD-Layer: Stain deconvolutional layer for CNNs
in medical microscopic imaging" (MICCAI 2017): optical density, then one matrix of nine weights
from channels to stains, learnt by backpropagation. They begin with the stain vectors of one
cell's image; here with those of haematoxylin, eosin and what is left, as scikit-image has them
(A. C. Ruifrok and D. A. Johnston, 2001), so that no image is special. The layers that follow are
those of :mod:`.dcnn` in place of AlexNet or T-CNN.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops

from napari_marrow.data.imports import importing
from napari_marrow.learning.networks.common import (
    EXACT,
    RELU,
    compiled,
    image_input,
    optical_density,
    probabilities,
    published_layout,
    saved_layer,
)
from napari_marrow.learning.settings import TrainingSettings

DENSITY_SCALE = 5.0
"""Densities of stained cells are about 0.2: scaled, they have about unit variance."""


def build(settings: TrainingSettings, classes: int) -> keras.Model:
    """Build and compile the network."""
    inputs = image_input(settings)
    stains = layers.Conv2D(
        3,
        1,
        use_bias=False,
        kernel_initializer=stain_separation,
        name="stain_separation",
        dtype=EXACT,
    )(DENSITY_SCALE * optical_density(inputs))
    x = published_layout(stains, dropout=0.3, **RELU)
    return compiled(inputs, probabilities(x, classes), settings)


@saved_layer
def stain_separation(shape: tuple[int, ...], dtype: str | None = None) -> keras.KerasTensor:
    """Return the weights that the layer begins with, (1, 1, 3 channels, 3 stains)."""
    with importing:
        from skimage.color import hed_from_rgb

    rows = hed_from_rgb / np.linalg.norm(hed_from_rgb, axis=0)
    return ops.convert_to_tensor(rows.reshape(shape), dtype)
