"""``dcnn``: the published layout of layers, changed so that it learns.

ReLU, He initialisation, dropout, a softmax output and cross-entropy. Widths, kernel and input size
are not published; those here and in :mod:`.paper` are our choice.
"""

from __future__ import annotations

import keras

from napari_marrow.learning.networks.common import (
    RELU,
    compiled,
    image_input,
    probabilities,
    published_layout,
    scale,
)
from napari_marrow.learning.settings import TrainingSettings


def build(settings: TrainingSettings, classes: int) -> keras.Model:
    """Build and compile the network."""
    inputs = image_input(settings)
    x = published_layout(scale(inputs), dropout=0.3, **RELU)
    return compiled(inputs, probabilities(x, classes), settings)
