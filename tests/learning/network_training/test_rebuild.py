"""Networks in Keras's own files are opened again, by a process that has not built them."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.network_training.rebuild import load_keras
from napari_marrow.learning.registry import models_of_kind
from napari_marrow.learning.settings import TrainingSettings

N_FEATURES = 5
ASK = """
import sys
import numpy as np
from napari_marrow import load_keras
given = np.load(sys.argv[2])
inputs = [given["images"], given["features"]]
for name in sys.argv[3:]:
    network = load_keras(f"{sys.argv[1]}/{name}.keras")
    shown = inputs[0] if len(network.inputs) == 1 else inputs
    np.save(f"{sys.argv[1]}/{name}.npy", network.predict(shown, verbose=0))
"""
SMALL = TrainingSettings(input_size=32)
SETTINGS = {
    **{name: replace(SMALL, model=name) for name in models_of_kind("network")},
    "masked": replace(SMALL, select_pixels=100),
    "members": replace(SMALL, model="hybrid", members=2),
}


def test_every_network_is_opened_and_answers_the_same(keras_started, tmp_path):
    from napari_marrow.learning.networks import build

    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (3, 32, 32, 3)).astype(np.float32)
    features = rng.normal(size=(3, N_FEATURES)).astype(np.float32)
    np.savez(tmp_path / "given.npz", images=images, features=features)
    answers = {}
    for name, settings in SETTINGS.items():
        network = build(settings, 3, N_FEATURES)
        shown = [images, features] if len(network.inputs) == 2 else images
        answers[name] = network.predict(shown, verbose=0)
        network.save(tmp_path / f"{name}.keras")
    line = [sys.executable, "-c", ASK, str(tmp_path), str(tmp_path / "given.npz"), *answers]
    subprocess.run(line, check=True)
    for name, expected in answers.items():
        found = np.load(tmp_path / f"{name}.npy")
        np.testing.assert_allclose(found, expected, atol=1e-6, err_msg=name)


def test_what_is_no_exported_network_is_one_sentence(keras_started, tmp_path):
    with pytest.raises(MarrowError, match=r"gone\.keras is not there"):
        load_keras(tmp_path / "gone.keras")
    (tmp_path / "text.keras").write_text("no archive")
    with pytest.raises(MarrowError, match=r"text\.keras is no network"):
        load_keras(tmp_path / "text.keras")
