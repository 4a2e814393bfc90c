"""``vgg16`` and ``pretrained``: networks of Keras applications with a new head.

Weights come from a local file that the user names, as Keras's own ``*_notop.h5``, or are drawn at
random; nothing is downloaded. ``vgg16`` has the published head of two dense layers of 4096 units
(K. Simonyan and A. Zisserman, "Very deep convolutional networks for large-scale image
recognition", 2015), ``pretrained`` the mean of each feature map and one dense layer. In place of
an application ``pretrained`` takes the ONNX file of an embedding, which stays as it is: its values
are standardised, and one dense layer follows.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

import h5py
import keras
import numpy as np
from keras import layers, ops

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.networks.common import (
    EXACT,
    FEATURE_SCALE,
    RELU,
    Tensor,
    compiled,
    drop,
    image_input,
    probabilities,
    saved_layer,
)
from napari_marrow.learning.networks.hybrid import FeatureScale
from napari_marrow.learning.settings import TrainingSettings

EMBEDDING = "embedding"
VGG16, VGG16_DENSE_UNITS = "VGG16", (4096, 4096)
LEARNING_RATE = 1e-4
IMAGENET_DEVIATIONS = (0.229, 0.224, 0.225)
"""Standard deviation of red, green and blue in ImageNet, of levels of 0 to 1."""


def build_vgg16(settings: TrainingSettings, classes: int) -> keras.Model:
    """Build and compile VGG-16 with a new head."""
    inputs = image_input(settings)
    x = layers.Flatten()(_feature_maps(inputs, VGG16, settings))
    for number, width in enumerate(VGG16_DENSE_UNITS, 1):
        x = layers.Dense(width, name=f"hidden_{number}", **RELU)(x)
        x = drop(x, 0.5)
    return compiled(inputs, probabilities(x, classes), settings, LEARNING_RATE)


def build(settings: TrainingSettings, classes: int, n_values: int = 0) -> keras.Model:
    """Build and compile the application that the settings name with a new head.

    With ``n_values`` it is the head alone, on an ONNX embedding of so many values.
    """
    if n_values:
        values = keras.Input((n_values,), name=EMBEDDING)
        x = drop(FeatureScale(name=FEATURE_SCALE, dtype=EXACT)(values), 0.3)
        return compiled(values, probabilities(x, classes), settings, LEARNING_RATE * 10)
    inputs = image_input(settings)
    x = layers.GlobalAveragePooling2D()(_feature_maps(inputs, settings.application, settings))
    x = drop(x, 0.3)
    return compiled(inputs, probabilities(x, classes), settings, LEARNING_RATE * 10)


def _feature_maps(images: Tensor, name: str, settings: TrainingSettings) -> Tensor:
    """Return the last feature maps of an application.

    Raises
    ------
    MarrowError
        When there is no such application, it has no ONNX file, the file does not fit, or the input
        is too small.
    """
    make, _ = _application(name)
    if settings.weights and not Path(settings.weights).is_file():
        raise MarrowError(f"{settings.weights} is not there; name a file of weights of {name}.")
    shape = (settings.input_size, settings.input_size, 3)
    try:
        network = make(include_top=False, weights=None, input_shape=shape)
    except ValueError as error:
        raise MarrowError(
            f"{name} can't be built for an input of {settings.input_size} px; choose a larger one."
        ) from error
    if any(getattr(layer, "groups", 1) > 1 for layer in network.layers):  # of ConvNeXt
        raise MarrowError(
            f"{name} has grouped convolutions, which TensorFlow can't write as ONNX; choose "
            "another application, such as MobileNetV2 or ResNet50."
        )
    if settings.weights:
        try:
            network.load_weights(settings.weights)
        except Exception as error:  # h5py's and Keras's own kinds have nothing else in common
            raise MarrowError(
                f"{settings.weights} has no weights of {name} without its top; name a file that "
                "Keras saved of it (include_top=False)."
            ) from error
        for layer in network.layers:
            if isinstance(layer, layers.Normalization) and layer.input_mean is None:
                divide_by_deviations(layer, Path(settings.weights))
    network.name, network.trainable = "feature_maps", settings.fine_tune
    # batch normalisation keeps its statistics: tens of images have none of their own
    return network(Preprocess(name, name="preprocess", dtype=EXACT)(images), training=False)


def divide_by_deviations(layer: layers.Normalization, path: Path) -> None:
    """Let EfficientNet normalise its input as the network did whose weights are in a file.

    Keras's own files hold deviations in place of variances, which a further layer ``Rescaling``,
    1 / sqrt(deviation), puts right: Keras adds it for ``weights="imagenet"`` and for no other file
    (https://github.com/tensorflow/tensorflow/issues/49930). A variance times the deviation does the
    same, and stays in the weights of a bundle.

    Parameters
    ----------
    layer
        The first of its kind, with the weights of the file.
    path
        The file.
    """
    variance = ops.convert_to_numpy(layer.adapt_variance)
    has_layer = np.allclose(variance, IMAGENET_DEVIATIONS, atol=1e-4)
    if h5py.is_hdf5(path):
        with h5py.File(path) as file:
            if "layers" in file:  # as Keras 3 writes them, with every layer
                has_layer = "rescaling_1" in file["layers"]
    if has_layer:
        layer.adapt_variance.assign(variance * np.array(IMAGENET_DEVIATIONS))
        layer.finalize_state()


@saved_layer
class Preprocess(layers.Layer):
    """What the weights of an application were trained on, made of levels of 0 to 255."""

    def __init__(self, application: str, **keywords):
        super().__init__(**keywords)
        self._name_of_application = application
        self._preprocess = _application(application)[1]

    def call(self, images):
        """Call the function of Keras; in a layer, as its constants can't be exported otherwise."""
        return self._preprocess(images)

    def get_config(self):
        """Return what the layer is made of, for a ``.keras`` file."""
        return super().get_config() | {"application": self._name_of_application}


def _application(name: str) -> tuple[Callable[..., keras.Model], Callable[[Tensor], Tensor]]:
    """Return what builds an application and what prepares its input."""
    make = getattr(keras.applications, name, None)
    module = inspect.getmodule(make)
    if inspect.isfunction(make) and module is not None:
        return make, module.preprocess_input
    known = [x for x, made in vars(keras.applications).items() if inspect.isfunction(made)]
    raise MarrowError(f"There is no Keras application {name}; choose one of {', '.join(known)}.")
