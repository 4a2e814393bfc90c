"""Chi-square on the input: a network that sees the pixels of the chosen places only.

As published, chi-square chooses features before the network learns (D. Kumar et al., IEEE Access 8,
2020); of a network of pixels these are places of the input. The mask is a layer, so that the same
places are seen in training, in the ONNX file and in prediction.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from napari_marrow.imaging.white_point import WHITE_LEVEL
from napari_marrow.learning.networks.common import EXACT, saved_layer
from napari_marrow.measure.chi2 import chi2_scores

PIXEL_MASK = "pixel_mask"


@saved_layer
class PixelMask(layers.Layer):
    """Images that are white, (side, side, 3), but for the places of a mask."""

    def build(self, shape):
        """Make the mask, which no training step changes; all places are seen at first."""
        self.mask = self.add_weight(
            shape=(*shape[1:3], 1), initializer="ones", trainable=False, name="mask"
        )

    def choose(self, images: NDArray[np.uint8], codes: NDArray[np.intp], count: int) -> None:
        """See so many places only: those with the highest chi-square score.

        Parameters
        ----------
        images
            (n, side, side, 3) of the training side.
        codes
            (n,) number of the class of each.
        count
            Number of places; the score of each is that of its mean level.
        """
        levels = images.mean(axis=-1).reshape(len(images), -1)
        scores = np.nan_to_num(chi2_scores(levels, codes)[0], nan=-1.0)
        chosen = np.argsort(-scores, kind="stable")[:count]
        mask = np.zeros(len(scores), np.float32)
        mask[chosen] = 1
        self.mask.assign(mask.reshape(self.mask.shape))

    def call(self, images):
        """Show the places of the mask."""
        return images * self.mask + WHITE_LEVEL * (1 - self.mask)


def masked(network: keras.Model) -> keras.Model:
    """Return a network, compiled alike, with a mask before its images."""
    inputs = [keras.Input(x.shape[1:], name=x.name) for x in network.inputs]
    seen = [PixelMask(name=PIXEL_MASK, dtype=EXACT)(inputs[0]), *inputs[1:]]
    outputs = network(seen if len(seen) > 1 else seen[0])
    found = keras.Model(inputs if len(inputs) > 1 else inputs[0], outputs, name=network.name)
    network.name = "masked_network"
    if network.compiled:
        found.compile(optimizer=network.optimizer, loss=network.loss, metrics=["accuracy"])
    return found


def find_layer(network: keras.Model, name: str) -> keras.Layer | None:
    """Return the layer of this name, also of a network within; None where there is none."""
    for layer in network.layers:
        if layer.name == name:
            return layer
        if isinstance(layer, keras.Model) and (found := find_layer(layer, name)) is not None:
            return found
    return None
