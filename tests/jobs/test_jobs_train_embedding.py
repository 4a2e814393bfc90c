"""``pretrained`` on an ONNX embedding: from fields to a bundle that needs the file no more."""

from dataclasses import replace

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from safetensors.numpy import load_file

from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.jobs.export import ExportJob, run_export
from napari_marrow.jobs.predict import PredictJob, run_prediction
from napari_marrow.jobs.train import TrainJob, run_training
from napari_marrow.learning.bundle_files import HELDOUT, ONNX, WEIGHTS
from napari_marrow.learning.bundles.bundle import load_bundle
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.learning.units.samples import Units
from onnx_files import N_VALUES, embed, make_embedding

SIDE, CLASSES = 32, ("ALL", "MM")
SETTINGS = TrainingSettings(
    model="pretrained", unit="cell", input_size=SIDE, epochs=5, copies=2, device="cpu",
    learning_rate=0.01, embedding_input="unit", adapt="none",
)  # fmt: skip
PROBABILITIES = ["probability_ALL", "probability_MM"]


@pytest.fixture(scope="module")
def collection(simulated_cells):
    return simulated_cells


@pytest.fixture(scope="module")
def trained_on(tmp_path_factory, collection, keras_started):
    """The bundle, the weights of the embedding, whose file is gone, and the events."""
    folder = tmp_path_factory.mktemp("out")
    weights = make_embedding(folder / "encoder.onnx", size=(40, 40))
    settings, events = replace(SETTINGS, weights=str(folder / "encoder.onnx")), []
    run_training(TrainJob(collection, settings, folder / "b.marrow", watch=True), events.append)
    (folder / "encoder.onnx").unlink()
    return load_bundle(folder / "b.marrow"), weights, events


def test_the_bundle_answers_without_the_file(trained_on, collection, tmp_path):
    bundle, _, events = trained_on
    heldout = pd.read_csv(bundle.path / HELDOUT)
    found = run_prediction(PredictJob(bundle, [collection], tmp_path / "p.csv")).table
    both = heldout.merge(found, on=["image", "index"], suffixes=("_then", "_now"))
    assert len(both) == len(heldout) > 20
    for name in PROBABILITIES:
        np.testing.assert_allclose(both[f"{name}_then"], both[f"{name}_now"], atol=1e-5)
    assert any("embedding keeps its weights" in event.text for event in events)


def test_the_model_is_the_embedding_and_a_dense_layer(trained_on):
    """As numpy has it: standardised values, one matrix, softmax."""
    bundle, weights, _ = trained_on
    rng = np.random.default_rng(0)
    # of one colour each, as those of 40 pixels are the same then
    images = np.ones((9, 40, 40, 3)) * rng.integers(0, 256, (9, 1, 1, 3))
    head = {name.split("/", 1)[-1]: x for name, x in load_file(bundle.path / WEIGHTS).items()}
    away = (embed(images / 255, weights) - head["centre"]) / head["spread"]
    logits = np.clip(away, -3, 3) @ head["kernel"] + head["bias"]
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    session = onnxruntime.InferenceSession(
        str(bundle.path / ONNX), providers=["CPUExecutionProvider"]
    )
    given = images[:, :SIDE, :SIDE].astype(np.float32)
    np.testing.assert_allclose(session.run(None, {"image": given})[0], expected, atol=1e-5)
    parameters = weights.size + 2 * N_VALUES + 2 * N_VALUES + 2  # file, scale, dense layer
    card = (bundle.path / "card.md").read_text("utf-8")
    assert f"{parameters} parameters" in card
    assert "encoder.onnx (SHA-256" in card


def test_it_is_exported_but_not_to_keras(trained_on, tmp_path):
    bundle, _, _ = trained_on
    path = run_export(ExportJob(bundle, tmp_path / "model", "onnx"))
    assert path.read_bytes() == (bundle.path / ONNX).read_bytes()
    with pytest.raises(MarrowError, match=r"encoder\.onnx.*Keras can't"):
        run_export(ExportJob(bundle, tmp_path / "model", "keras"))
    pytest.importorskip("bioimageio.spec")
    assert run_export(ExportJob(bundle, tmp_path / "model", "bioimage")).is_file()


@pytest.fixture
def train(keras_started):
    from napari_marrow.learning.network_training.fit import FitCallbacks, train_network

    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (12, SIDE, SIDE, 3)).astype(np.uint8)
    images[::2] //= 2
    units = Units(images, np.arange(12), pd.DataFrame({"class": ["ALL", "MM"] * 6}))

    def run(settings, steps=None, message=lambda text: None):
        asked = []
        stop = (lambda: asked.append(1) or len(asked) > steps) if steps else (lambda: False)
        heard = FitCallbacks(should_stop=stop, message=message)
        return train_network(units, None, CLASSES, settings, heard)

    return run


@pytest.mark.parametrize("copies", [1, 2])
def test_it_goes_on_with_the_same_file_alone(train, tmp_path, copies):
    path = tmp_path / "encoder.onnx"
    make_embedding(path)
    settings = replace(
        SETTINGS, weights=str(path), batch_size=4, copies=copies, fine_tune=False, seed=copies
    )
    whole, messages = train(settings), []
    with pytest.raises(Stopped):
        train(settings, steps=10 * copies)
    again = train(settings, message=messages.append)
    assert ["Goes on after epoch" in text for text in messages] == [True]
    for name, weights in whole.weights.items():
        np.testing.assert_array_equal(weights, again.weights[name])
    with pytest.raises(Stopped):
        train(settings, steps=10 * copies)
    make_embedding(path, opset=18)
    train(settings, message=messages.append)
    assert len(messages) == 1


def test_it_learns(train, tmp_path):
    path = tmp_path / "encoder.onnx"
    make_embedding(path)
    settings = replace(SETTINGS, weights=str(path), epochs=40, patience=0, fine_tune=False)
    losses = train(settings).history["loss"]
    assert losses[-10:].mean() < 0.7 * losses[:3].mean()


def test_an_ensemble_is_one_model_with_the_mean_of_its_members(train, tmp_path):
    path = tmp_path / "encoder.onnx"
    make_embedding(path, channels_first=False, maps=True)
    settings = replace(SETTINGS, weights=str(path), epochs=2, fine_tune=False)
    images = np.random.default_rng(2).integers(0, 256, (5, SIDE, SIDE, 3)).astype(np.float32)

    def answers(trained):
        session = onnxruntime.InferenceSession(trained.onnx, providers=["CPUExecutionProvider"])
        return session.run(None, {"image": images})[0]

    alone = [answers(train(replace(settings, seed=seed))) for seed in (0, 1)]
    assert np.abs(alone[0] - alone[1]).max() > 1e-3
    both = answers(train(replace(settings, members=2)))
    np.testing.assert_allclose(both, np.mean(alone, axis=0), atol=1e-5)


def test_what_an_embedding_can_not_have_is_refused(train, tmp_path):
    path = tmp_path / "encoder.onnx"
    with pytest.raises(MarrowError, match=r"encoder\.onnx is not there"):
        train(replace(SETTINGS, weights=str(path)))
    make_embedding(path)
    with pytest.raises(MarrowError, match="select pixels"):
        train(replace(SETTINGS, weights=str(path), select_pixels=9))
    with pytest.raises(MarrowError, match=r"encoder\.onnx has no weights of VGG16"):
        train(replace(SETTINGS, weights=str(path), model="vgg16"))
