"""Trained networks as Keras models again. Keras is imported when one is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.registry import MODELS, models_of_kind
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
        Number of measured features in the bundle, of a network that takes them; or of values of an
        embedding, of the layers that follow it.

    Raises
    ------
    MarrowError
        When the weights are not those of this network, or it is one of an ONNX embedding.
    """
    from napari_marrow.learning.networks import build, named_weights

    embeds = settings.has_embedding
    if embeds and not n_features:
        raise MarrowError(
            f"The network learnt from an ONNX embedding ({settings.weights}), which Keras can't "
            "hold; export it to onnx."
        )
    # those of the bundle are all that is needed: the file that they began with may be gone
    own = settings if embeds else replace(settings, weights="")
    network = build(own, classes, n_features)
    try:
        for name, variable in named_weights(network).items():
            variable.assign(weights[name])
        _use_statistics(network)
    except (KeyError, ValueError) as error:
        raise MarrowError(
            f"The weights do not fit the network {settings.model}: {error}; train it again."
        ) from error
    return network


def _use_statistics(network: keras.Model) -> None:
    """Let layers that normalise, as those of EfficientNet, compute with weights just assigned.

    They keep tensors made of these, which Keras would export as inputs of the network; as arrays
    they are exported as constants.
    """
    import keras

    for layer in network.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()
            layer.mean, layer.variance = map(
                keras.ops.convert_to_numpy, (layer.mean, layer.variance)
            )
        elif isinstance(layer, keras.Model):
            _use_statistics(layer)


def load_keras(path: Path | str) -> keras.Model:
    """Open a ``.keras`` file that ``export`` wrote. Not for napari's process, as :func:`rebuild`.

    Keras alone opens networks of its own layers only; here it also knows those of this package.

    Raises
    ------
    MarrowError
        When the file is not there or is none of these.
    """
    import keras

    for name in models_of_kind("network"):
        MODELS[name].load_builder()  # importing it registers its layers
    from napari_marrow.learning.networks import mask  # noqa: F401 - its layer, too

    if not Path(path).is_file():
        raise MarrowError(f"{path} is not there; export a bundle with --to keras.")
    try:
        return keras.models.load_model(path, compile=False)
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise MarrowError(
            f"{path} is no network that napari-marrow exported; export a bundle with --to keras."
        ) from error
