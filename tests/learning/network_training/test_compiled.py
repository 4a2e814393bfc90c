"""The network of the last training is used again by the same one, and nothing of it is left."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.learning.units.samples import Units

CLASSES = ("ALL", "MM")
SETTINGS = TrainingSettings(epochs=2, device="cpu", input_size=32, batch_size=4, copies=1)


@pytest.fixture(scope="module")
def keras_modules(keras_started):
    from napari_marrow.learning import networks
    from napari_marrow.learning.network_training import compiled, fit

    return SimpleNamespace(
        build=lambda settings: networks.build(settings, 2, 5),
        compiled=compiled,
        fit=fit,
        keras=keras_started,
    )


def fitted(modules, settings):
    """A network that has learnt, so that nothing of it is fresh."""
    network = modules.build(settings)
    images = np.random.default_rng(0).uniform(0, 255, (8, 32, 32, 3)).astype(np.float32)
    network.optimizer.learning_rate = 0.5
    network.fit(images, np.eye(2, dtype=np.float32)[[0, 1] * 4], verbose=0)
    return network


def test_it_gets_the_whole_state_of_the_fresh_one(keras_modules):
    last, fresh = keras_modules.compiled.CompiledNetwork(), keras_modules.build(SETTINGS)
    assert last.with_state_of(fresh, SETTINGS, ("cpu:0",)) is fresh
    known = fitted(keras_modules, SETTINGS)
    last.keep(known)
    assert last.with_state_of(fresh, SETTINGS, ("cpu:0",)) is known
    found, expected = map(keras_modules.compiled.all_variables, (known, fresh))
    numpy = keras_modules.keras.ops.convert_to_numpy
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(numpy(one), numpy(other), err_msg=one.path)
    assert "learning_rate" in " ".join(x.path for x in found)
    assert "seed_generator" in " ".join(x.path for x in found)  # of the dropout


def test_it_is_used_once(keras_modules):
    """Else two members of an ensemble would be one network."""
    last = keras_modules.compiled.CompiledNetwork()
    last.with_state_of(keras_modules.build(SETTINGS), SETTINGS, ("cpu:0",))
    last.keep(fitted(keras_modules, SETTINGS))
    last.with_state_of(keras_modules.build(SETTINGS), SETTINGS, ("cpu:0",))
    fresh = keras_modules.build(SETTINGS)
    assert last.with_state_of(fresh, SETTINGS, ("cpu:0",)) is fresh


@pytest.mark.parametrize(
    "other",
    [{"model": "paper-relu"}, {"input_size": 33}, {"learning_rate": 0.2}, {"select_pixels": 9}],
)
def test_another_network_is_its_own(keras_modules, other):
    last = keras_modules.compiled.CompiledNetwork()
    last.with_state_of(keras_modules.build(SETTINGS), SETTINGS, ("cpu:0",))
    last.keep(fitted(keras_modules, SETTINGS))
    own = replace(SETTINGS, **other)
    fresh = keras_modules.build(own)
    assert last.with_state_of(fresh, own, ("cpu:0",)) is fresh


@pytest.mark.parametrize("devices", [("gpu:0",), ("cpu:0", "cpu:1")])
def test_so_is_one_on_other_devices(keras_modules, devices):
    last = keras_modules.compiled.CompiledNetwork()
    last.with_state_of(keras_modules.build(SETTINGS), SETTINGS, ("cpu:0",))
    last.keep(fitted(keras_modules, SETTINGS))
    fresh = keras_modules.build(SETTINGS)
    assert last.with_state_of(fresh, SETTINGS, devices) is fresh


def test_a_large_one_is_not_kept(keras_modules, monkeypatch):
    monkeypatch.setattr(keras_modules.compiled, "MAX_WEIGHTS", 100)
    last, fresh = keras_modules.compiled.CompiledNetwork(), keras_modules.build(SETTINGS)
    last.with_state_of(fresh, SETTINGS, ("cpu:0",))
    last.keep(fitted(keras_modules, SETTINGS))
    assert last.with_state_of(fresh, SETTINGS, ("cpu:0",)) is fresh


@pytest.mark.tensorflow
@pytest.mark.parametrize("model", ["dcnn", "hybrid", "paper", "dct"])
def test_a_second_training_traces_nothing_and_ends_the_same(keras_modules, monkeypatch, model):
    """The oracle is a training of a process in which nothing is kept."""
    images = np.random.default_rng(0).integers(0, 256, (9, 32, 32, 3)).astype(np.uint8)
    table = pd.DataFrame({"class": ["ALL"] * 6 + ["MM"] * 3})
    features = np.random.default_rng(1).normal(size=(9, 5)).astype(np.float32)
    side = Units(images, np.arange(9), table, features if model == "hybrid" else None)
    settings = replace(SETTINGS, model=model)
    made = []
    make = keras_modules.keras.Model.make_train_function
    monkeypatch.setattr(
        keras_modules.keras.Model,
        "make_train_function",
        lambda self, force=False: made.append(self.train_function) or make(self, force),
    )

    def train(seed):
        heard = keras_modules.fit.FitCallbacks()
        own = replace(settings, seed=seed)
        return keras_modules.fit.train_network(side, side, CLASSES, own, heard)

    monkeypatch.setattr(keras_modules.fit, "_last", keras_modules.compiled.CompiledNetwork())
    expected = train(7)
    train(8)
    found = train(7)
    assert [x is not None for x in made] == [False, True, True]
    pd.testing.assert_frame_equal(found.history, expected.history)
    for name, weights in expected.weights.items():
        np.testing.assert_array_equal(found.weights[name], weights)
