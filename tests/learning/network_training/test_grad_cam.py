"""Grad-CAM: of a network with weights by hand, and of every network that can be trained."""

from dataclasses import replace

import numpy as np
import pytest

from napari_marrow.learning.registry import models_of_kind
from napari_marrow.learning.settings import TrainingSettings

SIDE, N_FEATURES = 8, 5
SMALL = TrainingSettings(input_size=32)


@pytest.fixture(scope="module")
def by_hand(keras_started):
    """Two feature maps, red and green; class 0 is 3 times red less green, class 1 the opposite."""
    keras = keras_started
    image = keras.Input((SIDE, SIDE, 3), name="image")
    x = keras.layers.Conv2D(2, 1, use_bias=False, name="colours")(image)
    x = keras.layers.MaxPooling2D(2)(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    out = keras.layers.Dense(2, activation="softmax", name="probabilities")(x)
    network = keras.Model(image, out)
    network.get_layer("colours").set_weights([np.eye(3)[None, None, :, :2]])
    network.get_layer("probabilities").set_weights([np.array([[3.0, 0], [-1, 1]]), np.zeros(2)])
    return network


def test_the_map_of_a_network_by_hand_is_the_one_worked_out(by_hand):
    """The gradient of the log-odds, 3 red - 2 green, is 3 and -2 over the pooled places."""
    from napari_marrow.learning.network_training.grad_cam import grad_cam

    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    image[1, 2], image[5, 6], image[3, 3] = (100, 0, 9), (40, 80, 0), (90, 10, 200)
    # of each 2 x 2 one pixel is pooled, so that the mean of 16 places goes to 16 of 64 pixels
    weights = np.array([3.0, -2.0]) / 16 * 16 / 64
    expected = np.maximum(image[..., :2].astype(float) @ weights, 0)
    found = grad_cam(by_hand, image, 0)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert found[5, 6] == 0  # more green than red
    other = grad_cam(by_hand, image, 1)
    assert other[5, 6] > 0
    assert other[1, 2] == 0
    answers = by_hand.predict(image[None].astype(np.float32), verbose=0)
    assert answers.sum() == pytest.approx(1, abs=1e-6)  # it answers with probabilities again


def test_the_last_layer_drawn_anew_gives_other_maps_and_is_put_back(by_hand):
    from napari_marrow.learning.network_training.grad_cam import grad_cam, randomised_grad_cam

    image = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    before = grad_cam(by_hand, image, 0)
    drawn = randomised_grad_cam(by_hand, image, 0, draws=3)
    assert len(drawn) == 3
    assert all(np.abs(one - before).max() > 1 for one in drawn)
    np.testing.assert_allclose(grad_cam(by_hand, image, 0), before, atol=1e-6)


SETTINGS = {
    **{name: replace(SMALL, model=name) for name in models_of_kind("network") if name != "dct"},
    "masked": replace(SMALL, select_pixels=500),
    "members": replace(SMALL, model="hybrid", members=2),
}
PLACES = {"cnn7": 2, "vgg16": 2, "pretrained": None}
"""Rows of the last feature maps, where not 8."""


@pytest.mark.parametrize("name", SETTINGS)
def test_every_network_has_a_map(keras_started, name):
    from napari_marrow.learning.network_training.grad_cam import grad_cam
    from napari_marrow.learning.networks import build

    # of less than 64 px MobileNetV2 leaves one place
    side = 64 if name == "pretrained" else 32
    settings = replace(SETTINGS[name], input_size=side)
    network = build(settings, 3, N_FEATURES)
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (side, side, 3)).astype(np.uint8)
    features = rng.normal(size=N_FEATURES).astype(np.float32)
    maps = [
        grad_cam(network, image, k, features if len(network.inputs) == 2 else None)
        for k in range(3)
    ]
    assert all(x.shape == maps[0].shape and (x >= 0).all() for x in maps)
    if (rows := PLACES.get(name, 8)) is not None:
        assert maps[0].shape == (rows, rows)
    assert np.isfinite(maps).all()


def test_maps_of_frequencies_are_none_of_places(keras_started):
    from napari_marrow.learning.network_training.grad_cam import grad_cam
    from napari_marrow.learning.networks import build

    network = build(replace(SMALL, model="dct"), 2)
    assert grad_cam(network, np.zeros((32, 32, 3), np.uint8), 0) is None
