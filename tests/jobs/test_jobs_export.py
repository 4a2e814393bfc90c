"""Models in the formats of other programs answer as the bundle does."""

import pickle
import shutil
import zipfile
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
from safetensors.numpy import load_file, save_file

from napari_marrow.data.errors import MarrowError
from napari_marrow.jobs.export import ExportJob, identifiers, run_export
from napari_marrow.learning import networks
from napari_marrow.learning.bundle_files import CARD, ONNX, WEIGHTS
from napari_marrow.learning.bundles.bundle import load_bundle
from napari_marrow.learning.network_training import rebuild
from napari_marrow.learning.settings import TrainingSettings


@pytest.fixture(scope="module")
def bundle(trained):
    return load_bundle(trained["bundle"])


@pytest.fixture
def images(bundle):
    side = bundle.info.preprocessing.input_size
    return np.random.default_rng(0).uniform(0, 255, (3, side, side, 3)).astype(np.float32)


def answers(path, images):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: images})[0]


def test_onnx_is_the_file_of_the_bundle(bundle, tmp_path):
    path = run_export(ExportJob(bundle, tmp_path / "model", "onnx"))
    assert path == tmp_path / "model.onnx"
    assert path.read_bytes() == (bundle.path / ONNX).read_bytes()
    with pytest.raises(MarrowError, match=r"model\.onnx is there already"):
        run_export(ExportJob(bundle, tmp_path / "model", "onnx"))


def test_keras_opens_it_and_answers_the_same(bundle, tmp_path, images, keras_started):
    path = run_export(ExportJob(bundle, tmp_path / "model.keras", "keras"))
    network = keras_started.models.load_model(path, compile=False)
    found = keras_started.ops.convert_to_numpy(network(images))
    np.testing.assert_allclose(found, answers(bundle.path / ONNX, images), atol=1e-4)


def test_the_validator_of_the_model_zoo_accepts_the_package(bundle, tmp_path):
    spec = pytest.importorskip("bioimageio.spec")
    path = run_export(ExportJob(bundle, tmp_path / "model", "bioimage"))
    described = spec.load_description(path, perform_io_checks=True)
    assert described.validation_summary.status == "valid-format"
    (output,) = described.outputs
    assert [*output.axes[1].channel_names] == ["ALL", "MM"]
    with zipfile.ZipFile(path) as package:
        assert "Research use only" in package.read("rdf.yaml").decode()
        package.extractall(tmp_path / "unpacked")
    folder = tmp_path / "unpacked"
    given, expected = (np.load(folder / f"{name}.npy") for name in ("image", "probabilities"))
    np.testing.assert_allclose(answers(folder / ONNX, given), expected, atol=1e-6)


@pytest.mark.parametrize("to", ["onnx", "keras", "bioimage"])
def test_a_model_that_prediction_refuses_is_not_exported(toy, tmp_path, to):
    (toy.path / ONNX).write_bytes(pickle.dumps("no model"))
    out = tmp_path / "out"
    with pytest.raises(MarrowError, match=r"model\.onnx is no ONNX model"):
        run_export(ExportJob(toy, out / "model", to))
    assert not out.exists() or not any(out.iterdir())


def test_weights_that_are_none_are_a_sentence(toy, tmp_path):
    (toy.path / WEIGHTS).write_bytes(pickle.dumps("no weights"))
    with pytest.raises(MarrowError, match=rf"{WEIGHTS} can't be read"):
        run_export(ExportJob(toy, tmp_path / "model", "keras"))


@pytest.mark.parametrize("changed", [{"model": "vgg16"}, {"input_size": 512}, {"members": 9}])
def test_a_network_that_its_weights_do_not_fit_is_not_built(
    bundle, tmp_path, keras_started, monkeypatch, changed
):
    settings = replace(bundle.info.settings, **changed)
    other = replace(bundle, info=replace(bundle.info, settings=settings))
    monkeypatch.setattr(rebuild, "rebuild", lambda *args: pytest.fail("it was built"))
    with pytest.raises(MarrowError, match=rf"{WEIGHTS} does not fit the network"):
        run_export(ExportJob(other, tmp_path / "model", "keras"))


def test_weights_with_the_names_of_an_older_version_are_a_sentence(bundle, tmp_path, keras_started):
    """It is whole: copying it again would change nothing."""
    path = shutil.copytree(bundle.path, tmp_path / "old.marrow")
    weights = load_file(path / WEIGHTS)
    save_file(
        {name.replace("hidden_", "dense_9"): x for name, x in weights.items()}, path / WEIGHTS
    )
    with pytest.raises(MarrowError, match=rf"{WEIGHTS} names .*older version.*train it again"):
        run_export(ExportJob(replace(bundle, path=path), tmp_path / "model", "keras"))


@pytest.mark.parametrize(
    ("changed", "n_features"),
    [
        *(({"model": name}, 0) for name in ("dcnn", "paper", "cnn7", "sd-layer", "dct")),
        ({"model": "hybrid"}, 7),
        ({"model": "pretrained", "input_size": 32}, 0),
        ({"members": 2}, 0),
        ({"select_pixels": 50}, 0),
    ],
)
def test_shapes_of_weights_are_told_without_weights(keras_started, changed, n_features):
    settings = replace(TrainingSettings(), **changed)
    built = networks.named_weights(networks.build(settings, 3, n_features))
    found = networks.weight_shapes(settings, 3, n_features)
    assert found == {name: tuple(weight.shape) for name, weight in built.items()}


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_card_that_is_missing_is_a_sentence(toy, tmp_path, content):
    pytest.importorskip("bioimageio.spec")
    if content:
        (toy.path / CARD).write_bytes(content)
    with pytest.raises(MarrowError, match=rf"{CARD} can't be read"):
        run_export(ExportJob(toy, tmp_path / "model", "bioimage"))


def test_a_model_of_features_is_no_network(bundle, tmp_path):
    other = replace(bundle, info=replace(bundle.info, kind="classical"))
    for to in ("keras", "bioimage"):
        with pytest.raises(MarrowError, match=r"is no network.*export it to onnx"):
            run_export(ExportJob(other, tmp_path / "model", to))
    assert list(tmp_path.iterdir()) == []


def test_names_of_classes_become_identifiers():
    assert identifiers(["ALL", "no ALL", "no-ALL", "2"]) == ["ALL", "no_ALL", "no_ALL_3", "n2"]
    assert all(name.isidentifier() for name in identifiers(["μ-cell", "a b", "", "1 2"]))
