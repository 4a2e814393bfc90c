"""Trained networks as Keras models again. Keras is imported when one is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.settings import TrainingSettings

if TYPE_CHECKING:
    import keras


def rebuild(
    settings: TrainingSettings,
    classes: int,
    weights: Mapping[str, NDArray[np.float32]],
    n_features: int = 0,
) -> keras.Model:
    """Build a trained network again. Not for napari's process: TensorFlow and Qt crash there.

    Parameters
    ----------
    settings
        Of the training, which name the network.
    classes
        Number of classes.
    weights
        Those of the bundle, by name.
    n_features
        Number of measured features in the bundle, of a network that takes them.

    Raises
    ------
    MarrowError
        When the weights are not those of this network.
    """
    from napari_marrow.learning.networks import build, named_weights

    # those of the bundle are all that is needed: the file that they began with may be gone
    network = build(replace(settings, weights=""), classes, n_features)
    try:
        for name, variable in named_weights(network).items():
            variable.assign(weights[name])
    except (KeyError, ValueError) as error:
        raise MarrowError(
            f"The weights do not fit the network {settings.model}: {error}; train it again."
        ) from error
    return network
