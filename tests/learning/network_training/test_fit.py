"""Training's parts: order and variation of the images, weights, stopping, devices."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.class_weight import compute_class_weight

from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.learning.network_training.rebuild import rebuild
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.learning.units.samples import Units

CLASSES = ("ALL", "MM")
SETTINGS = TrainingSettings(epochs=1, device="cpu", input_size=32, batch_size=4, copies=2)


@pytest.fixture(scope="module")
def training(keras_started):
    from napari_marrow.learning.network_training import fit as training

    return training


@pytest.fixture
def side(training):
    images = np.random.default_rng(0).integers(0, 256, (9, 32, 32, 3)).astype(np.uint8)
    table = pd.DataFrame({"class": ["ALL"] * 6 + ["MM"] * 3})
    return Units(images, np.arange(9), table)


def test_each_image_has_the_class_of_its_unit(training):
    table = pd.DataFrame({"class": ["c", "a"]})
    units = Units(np.zeros((3, 1, 1, 3), np.uint8), np.array([1, 0, 0]), table)
    found = training.one_hot(units, ("a", "b", "c"))
    np.testing.assert_array_equal(found, [[1, 0, 0], [0, 0, 1], [0, 0, 1]])


def test_an_epoch_shows_every_image_as_often_as_asked(training, side):
    shown = training._Batches(side, training.one_hot(side, CLASSES), replace(SETTINGS, copies=3))
    assert len(shown) == 7  # 27 images in steps of 4
    targets = np.concatenate([shown[k][1] for k in range(len(shown))])
    np.testing.assert_array_equal(targets.sum(axis=0), [18, 9])


def test_one_copy_is_shown_as_it_is_in_a_new_order_each_epoch(training, side):
    shown = training._Batches(side, training.one_hot(side, CLASSES), replace(SETTINGS, copies=1))
    first = np.concatenate([shown[k][0] for k in range(len(shown))])
    assert {i.tobytes() for i in first.astype(np.uint8)} == {i.tobytes() for i in side.images}
    shown.on_epoch_end()
    second = np.concatenate([shown[k][0] for k in range(len(shown))])
    assert not np.array_equal(first, second)


def test_copies_are_of_simulated_acquisitions_where_asked_for(training, side):
    flat = replace(side, images=np.full_like(side.images, 120))
    spread = {}
    for simulates in (False, True):
        how = replace(SETTINGS, copies=8, simulate_acquisitions=simulates)
        shown = training._Batches(flat, training.one_hot(flat, CLASSES), how)
        levels = np.concatenate([shown[k][0] for k in range(len(shown))]).mean(axis=(1, 2))
        spread[simulates] = levels.std(axis=0).min()
    assert spread[True] > 1.5 * spread[False]


def test_each_image_has_the_features_of_its_unit(training, side):
    units = replace(side, features=np.arange(18, dtype=np.float32).reshape(9, 2))
    shown = training._Batches(units, training.one_hot(units, CLASSES), replace(SETTINGS, copies=1))
    batches = [shown[k][0] for k in range(len(shown))]
    images, features = (np.concatenate([batch[k] for batch in batches]) for k in (0, 1))
    place = {image.tobytes(): row for row, image in enumerate(side.images)}
    rows = [place[image.tobytes()] for image in images.astype(np.uint8)]
    np.testing.assert_array_equal(features, units.features[rows])


def test_rare_classes_weigh_more(training, side):
    # 9 units, 2 classes: 9 / (2 * 6) = .75 and 9 / (2 * 3) = 1.5
    weights = training._class_weights(training.one_hot(side, CLASSES))
    assert weights == {0: 0.75, 1: 1.5}
    expected = compute_class_weight("balanced", classes=np.array([0, 1]), y=[0] * 6 + [1] * 3)
    assert list(training._class_weights(training.one_hot(side, CLASSES)).values()) == pytest.approx(
        expected, abs=1e-9
    )


def test_devices(training, monkeypatch):
    assert training.list_devices()[-1] == "cpu:0"
    monkeypatch.setattr(training, "list_devices", lambda: ["gpu:0", "gpu:1", "cpu:0"])
    chosen = [training.choose_device(wanted) for wanted in ("auto", "cpu", "gpu")]
    assert chosen == ["gpu:0", "cpu:0", "gpu:0"]
    monkeypatch.setattr(training, "list_devices", lambda: ["cpu:0"])
    assert training.choose_device("auto") == "cpu:0"
    with pytest.raises(MarrowError, match="No GPU was found") as error:
        training.choose_device("gpu")
    assert "\n" not in str(error.value)


def test_asked_to_stop_it_stops_at_the_next_step(training, side):
    asked = []

    def should_stop():
        asked.append(1)
        return len(asked) == 2

    with pytest.raises(Stopped):
        training.train_network(side, None, CLASSES, SETTINGS, lambda row: None, should_stop)
    assert len(asked) == 2


def test_rebuilding_with_strange_weights_is_one_sentence(training):
    with pytest.raises(MarrowError, match="do not fit the network dcnn"):
        rebuild(SETTINGS, 2, {})
    network = rebuild(
        SETTINGS, 2, {w.path: np.zeros(w.shape) for w in training.build(SETTINGS, 2).weights}
    )
    assert not np.asarray(network.weights[0]).any()
