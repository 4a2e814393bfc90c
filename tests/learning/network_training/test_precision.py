"""Mixed precision: where it is chosen, what stays in float32, that the bundle is in float32."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from napari_marrow.learning.network_training.rebuild import rebuild
from napari_marrow.learning.onnx.inference import open_network, run_network
from napari_marrow.learning.registry import models_of_kind
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.learning.units.samples import Units

CLASSES = ("ALL", "MM")
SETTINGS = TrainingSettings(
    epochs=4, device="cpu", input_size=32, batch_size=4, copies=2, precision="mixed"
)


@pytest.fixture(scope="module")
def precision(keras_started):
    from napari_marrow.learning.network_training import precision

    return precision


@pytest.fixture(scope="module")
def side():
    images = np.random.default_rng(1).integers(60, 200, (12, 32, 32, 3)).astype(np.uint8)
    images[::2] //= 2
    table = pd.DataFrame({"class": np.resize(CLASSES, 12)})
    features = np.random.default_rng(2).normal(1e6, 1e5, (12, 3)).astype(np.float32)
    return Units(images, np.arange(12), table, features)  # float16 ends at 65,504


@pytest.mark.parametrize(
    ("wanted", "device", "capability", "expected"),
    [
        ("auto", "cpu:0", 9.0, "float32"),
        ("mixed", "cpu:0", 9.0, "mixed_bfloat16"),
        ("auto", "gpu:0", 9.0, "mixed_bfloat16"),
        ("auto", "gpu:0", 7.5, "mixed_float16"),
        ("auto", "gpu:0", 6.1, "float32"),
        ("auto", "mps:0", 0.0, "float32"),
        ("float32", "gpu:0", 9.0, "float32"),
        ("mixed", "gpu:0", 7.0, "mixed_float16"),
    ],
)
def test_where_mixed_precision_is_chosen(
    precision, monkeypatch, wanted, device, capability, expected
):
    monkeypatch.setattr(precision, "compute_capability", lambda: capability)
    assert precision.choose_precision(wanted, device) == expected


@pytest.mark.parametrize("name", [x for x in models_of_kind("network") if x != "vgg16"])
def test_levels_and_probabilities_stay_in_float32(precision, keras_started, name):
    from napari_marrow.learning.networks import build

    settings = TrainingSettings(model=name, input_size=32, select_pixels=50)
    before = keras_started.config.dtype_policy().name
    with precision.computing_in("mixed_float16"):
        network = build(settings, 2, 3)
    assert keras_started.config.dtype_policy().name == before
    assert network.outputs[0].dtype == "float32"
    assert {str(weight.dtype) for weight in network.trainable_weights} == {"float32"}
    flat = list(network._flatten_layers())
    kinds = {x.compute_dtype for x in flat if type(x).__name__ == "Conv2D"}
    assert "float16" in kinds
    exact = {"Rescaling", "PixelMask", "FeatureScale", "CosineTransform", "Preprocess"}
    assert {x.compute_dtype for x in flat if type(x).__name__ in exact} == {"float32"}
    assert type(network.optimizer).__name__ == "LossScaleOptimizer"


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("model", ["dcnn", "hybrid"])
def test_a_network_that_learnt_in_16_bits_answers_in_32(
    keras_started, side, monkeypatch, model, policy
):
    from napari_marrow.learning.network_training import fit

    if policy == "mixed_float16":
        monkeypatch.setattr(fit, "choose_precision", lambda *_: policy)
    given = side if model == "hybrid" else replace(side, features=None)

    def train(precision):
        settings = replace(SETTINGS, model=model, precision=precision)
        return fit.train_network(given, given, CLASSES, settings, fit.FitCallbacks())

    found, again = train("mixed"), train("mixed")
    assert found.device == f"cpu:0 ({policy})"
    for name, weight in found.weights.items():
        assert weight.dtype == np.float32
        assert np.isfinite(weight).all()
        np.testing.assert_array_equal(weight, again.weights[name])
    answers = run_network(open_network(found.onnx), given.images, given.image_features)
    network = rebuild(replace(SETTINGS, model=model), 2, found.weights, given.n_features)
    inputs = [given.images.astype(np.float32)]
    inputs += [] if model == "dcnn" else [given.image_features]
    own = keras_started.ops.convert_to_numpy(network(inputs if len(inputs) > 1 else inputs[0]))
    np.testing.assert_allclose(own, answers, atol=1e-4)
    monkeypatch.undo()
    exact = train("float32")
    assert exact.device == "cpu:0"
    losses, expected = found.history["loss"].to_numpy(), exact.history["loss"].to_numpy()
    assert (losses != expected).any()
    assert losses[-1] < 0.8 * losses[0]  # it learns
