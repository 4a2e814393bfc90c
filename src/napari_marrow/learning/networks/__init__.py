"""The networks, one file a family, in Keras 3 alone: they run on TensorFlow, JAX and PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from napari_marrow.learning.registry import MODELS
from napari_marrow.learning.settings import TrainingSettings

if TYPE_CHECKING:
    import keras


def build(settings: TrainingSettings, classes: int, n_features: int = 0) -> keras.Model:
    """Build and compile the network that the settings name, with fresh weights.

    ``n_features`` is the number of measured features, of a network that takes them.
    """
    found = [n_features] if MODELS[settings.model].takes_features else []
    return cast("keras.Model", MODELS[settings.model].load_builder()(settings, classes, *found))
