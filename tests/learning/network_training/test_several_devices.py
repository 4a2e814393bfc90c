"""Several devices share each batch: two virtual CPUs, in a process of their own."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from napari_marrow.learning.onnx.inference import open_network, run_network
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.learning.units.samples import Units
from napari_marrow.learning.units.watched import Watched

CLASSES = ("ALL", "MM")
SETTINGS = TrainingSettings(
    model="paper-relu",  # without dropout, whose random numbers differ from device to device
    epochs=3,
    schedule="cosine",
    device="cpu",
    input_size=32,
    batch_size=4,
    copies=2,
)
SCRIPT = """
import os, sys
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
if os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow":
    import tensorflow as tf
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

sys.path.insert(0, os.environ["TESTS"])
from test_several_devices import main
main(sys.argv[1])
"""


def units(count):
    rng = np.random.default_rng(count)
    images = rng.integers(60, 200, (count, 32, 32, 3)).astype(np.uint8)
    images[::2] //= 2
    table = pd.DataFrame({"class": np.resize(CLASSES, count)})
    return Units(images, np.arange(count), table)


def train(settings, n_train, n_validation, **heard):
    from napari_marrow.learning.network_training import fit

    return fit.train_network(
        units(n_train), units(n_validation), CLASSES, settings, fit.FitCallbacks(**heard)
    )


def main(folder):
    """Train on the devices that there are; what is found is compared by the test."""
    from napari_marrow.data.errors import Stopped
    from napari_marrow.learning.network_training.devices import list_devices

    asked, told = [], []
    try:
        train(SETTINGS, 12, 6, should_stop=lambda: asked.append(1) or len(asked) > 11)
    except Stopped:
        told.append("stopped")
    found = train(SETTINGS, 12, 6, message=told.append)
    np.savez(f"{folder}/weights.npz", **found.weights)
    found.history.to_csv(f"{folder}/history.csv", index=False)
    with open(f"{folder}/model.onnx", "wb") as file:
        file.write(found.onnx)
    # neither images nor batches can be shared evenly, and a member has dropout
    uneven = replace(SETTINGS, model="dcnn", members=2, batch_size=5, copies=1)
    images, answers = units(3).images, []
    watched = Watched(images, None, CLASSES[:1] * 3, ("a", "b", "c"), CLASSES, "validation")
    ensemble = train(uneven, 7, 3, watched=watched, on_answers=answers.append)
    odd, expected = ensemble.history, run_network(open_network(ensemble.onnx), images)
    said = {
        "devices": list_devices(),
        "device": found.device,
        "told": told,
        "finite": bool(np.isfinite(odd.to_numpy()).all()),
        "rows": len(odd),
        "watched": bool(np.allclose(answers[-1].probabilities, expected, atol=1e-4)),
        "members": [x.member for x in answers],
    }
    with open(f"{folder}/said.json", "w") as file:
        json.dump(said, file)


@pytest.fixture(scope="module")
def shared(tmp_path_factory, keras_started, cache_folder):
    if keras_started.backend.backend() == "torch":
        pytest.skip("Keras shares no batch among devices with PyTorch")
    folder = tmp_path_factory.mktemp("shared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TESTS", str(__file__).rpartition("/")[0])
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(folder)], capture_output=True, text=True
        )
    assert done.returncode == 0, done.stderr[-2000:]
    return folder, json.loads((folder / "said.json").read_text())


def test_both_devices_are_found_and_used(shared):
    _, said = shared
    assert said["devices"] == ["cpu:0", "cpu:1"]
    assert said["device"] == "cpu:0, cpu:1"


def test_two_devices_learn_what_one_learns(shared):
    """Sums are taken in another order: weights agree to 1e-4, losses to 1e-5."""
    folder, _ = shared
    alone = train(SETTINGS, 12, 6)
    assert alone.device == "cpu:0"
    with np.load(folder / "weights.npz") as found:
        assert set(found) == set(alone.weights)
        for name, expected in alone.weights.items():
            np.testing.assert_allclose(found[name], expected, atol=1e-4)
    history = pd.read_csv(folder / "history.csv")
    np.testing.assert_allclose(history, alone.history, atol=1e-5)
    images = units(6).images
    np.testing.assert_allclose(
        run_network(open_network(folder / "model.onnx"), images),
        run_network(open_network(alone.onnx), images),
        atol=1e-4,
    )


def test_stopped_on_two_devices_it_goes_on(shared):
    _, said = shared
    assert said["told"] == [
        "stopped",
        "Goes on after epoch 1 of the same training, which was stopped.",
    ]


def test_what_can_not_be_shared_evenly_is_filled_up(shared):
    """A device without an image would answer with no number, or not at all."""
    _, said = shared
    assert said["finite"]
    assert said["rows"] == 6


def test_watched_images_are_answered_on_two_devices(shared):
    """Three images, which can't be shared evenly."""
    _, said = shared
    assert said["watched"]
    assert said["members"][-1] == 0
    assert {1, 2} <= set(said["members"])
