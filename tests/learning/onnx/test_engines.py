"""Engines answer as ONNX Runtime does, and one that does not, or is not there, is reported."""

import itertools

import numpy as np
import onnxruntime
import pytest

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.onnx import choice, engines
from napari_marrow.learning.onnx.choice import Choice, Probes, asked_engine, choose_engine
from napari_marrow.learning.onnx.engines import ENGINES, EngineError, EngineSpec
from napari_marrow.learning.onnx.export import export_network
from napari_marrow.learning.onnx.inference import open_network, run_network
from napari_marrow.learning.settings import TrainingSettings

pytestmark = pytest.mark.tensorflow  # which makes the files of all backends
SIDE = 32


@pytest.fixture(scope="module")
def exported(keras_started):
    """Return a network of random weights as ONNX, with images and features to ask it about."""
    from napari_marrow.learning.networks import build

    def make(model, n_images=21):
        keras_started.utils.set_random_seed(1)
        rng = np.random.default_rng(0)
        images = rng.integers(0, 256, (n_images, SIDE, SIDE, 3)).astype(np.uint8)
        features = None
        if model == "hybrid":
            features = rng.normal(size=(n_images, 5)).astype(np.float32)
        network = build(TrainingSettings(model=model, input_size=SIDE), 3, 5)
        return export_network(network, images, features), images, features

    return make


def shapes_of(features):
    return [[SIDE, SIDE, 3]] + ([] if features is None else [[features.shape[1]]])


@pytest.mark.parametrize("n_threads", [1, 3])
def test_batches_shared_out_among_threads_give_what_one_session_gives(exported, n_threads):
    model, images, features = exported("hybrid")
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    given = dict(zip(["image", "features"], [images.astype(np.float32), features], strict=True))
    engine = open_network(model)
    engine.n_threads = n_threads
    found = run_network(engine, images, features)
    np.testing.assert_allclose(found, session.run(None, given)[0], atol=1e-6)
    again = open_network(model)
    again.n_threads = 2
    np.testing.assert_array_equal(found, run_network(again, images, features))
    assert run_network(engine, images[:0], features[:0]).shape == (0, 3)


def test_what_a_thread_raises_is_raised(exported):
    model, images, _ = exported("dcnn")
    engine = open_network(model)
    engine.n_threads = 2
    with pytest.raises(MarrowError, match="can't be run"):
        run_network(engine, images[:, :16])


@pytest.mark.parametrize("model", ["dcnn", "sd-layer", "cnn7", "hybrid"])
def test_openvino_reads_the_same_file_and_agrees(exported, model):
    pytest.importorskip("openvino")
    onnx, images, features = exported(model)
    reference = open_network(onnx)
    found = choose_engine(onnx, reference, shapes_of(features), "openvino")
    assert (found.name, found.note) == ("openvino", "")
    assert found.describe().startswith("OpenVINO 20")
    answers = run_network(found.engine, images, features)
    np.testing.assert_allclose(answers, run_network(reference, images, features), atol=1e-4)


def test_a_network_that_openvino_can_not_read_runs_in_onnx_runtime(exported):
    pytest.importorskip("openvino")
    onnx, _images, features = exported("dct")
    reference = open_network(onnx)
    found = choose_engine(onnx, reference, shapes_of(features), "openvino")
    assert found.engine is reference
    assert "openvino" in found.note


def test_an_engine_that_is_not_installed_is_refused_with_what_to_install(monkeypatch):
    monkeypatch.setattr(engines.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MarrowError, match=r"openvino.*napari-marrow\[openvino\]"):
        asked_engine("openvino")
    assert "openvino" not in engines.installed_engines()
    (sentence,) = [x for x in engines.missing_engines() if "openvino" in x]
    assert "pip install napari-marrow[openvino]" in sentence


def test_a_card_that_can_not_be_used_is_reported(exported, monkeypatch):
    """ONNX Runtime lists the provider where its wheel has it, whether or not a card is there."""
    onnx, _images, _ = exported("dcnn")
    with pytest.raises(MarrowError, match="cuda is not installed"):
        asked_engine("cuda")
    known = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: known)
    assert asked_engine("cuda") == "cuda"
    assert "cuda" in engines.installed_engines()
    reference = open_network(onnx)
    found = choose_engine(onnx, reference, shapes_of(None), "cuda")
    assert found.engine is reference
    assert "in place of the engine cuda" in found.note


class Rival:
    """Answers as another engine does, but for a difference."""

    device = "CPU"

    def __init__(self, reference, difference=0.0):
        self._reference, self._difference = reference, difference
        self.inputs, self.n_classes = reference.inputs, reference.n_classes
        self.batch_size, self.n_threads = 4, 1

    def run(self, given):
        # the rows are normalised afterwards: one class gets more, another less
        found = self._reference.run(given)
        found[:, 0] += self._difference
        found[:, 1] -= self._difference
        return found


@pytest.fixture
def rival(exported, monkeypatch, tmp_path):
    """Return a function that chooses between ONNX Runtime and an engine of this speed."""
    monkeypatch.setenv("NAPARI_MARROW_CACHE", str(tmp_path))
    onnx, _, _ = exported("dcnn")
    reference, opened, timed = open_network(onnx), [], []

    def choose(gain=1.0, difference=0.0, wanted="auto", broken=False):
        def open_rival(model):
            opened.append(model)
            if broken:
                raise EngineError("it can't read this network")
            return Rival(reference, difference)

        def seconds(probes, engine):
            timed.append(engine)
            return 1.0 if engine is reference else 1.0 / gain

        spec = EngineSpec("Rival", (), "CPU", lambda: True, open_rival)
        monkeypatch.setattr(choice, "ENGINES", ENGINES | {"openvino": spec})
        monkeypatch.setattr(
            choice, "installed_engines", lambda: {"onnxruntime": "1", "openvino": "2"}
        )
        monkeypatch.setattr(Probes, "seconds", seconds)
        found = choose_engine(onnx, reference, shapes_of(None), wanted)
        assert (found.engine is reference) == (found.name == "onnxruntime")
        return found

    choose.opened, choose.timed = opened, timed
    return choose


@pytest.mark.parametrize(("gain", "name"), [(2, "openvino"), (1.2, "onnxruntime")])
def test_auto_takes_what_is_much_faster_and_remembers_it(rival, gain, name):
    assert rival(gain).name == name
    assert len(rival.timed) == 2 * choice.N_ROUNDS
    # the next one answers the same, whatever the machine is busy with
    assert rival(1 / gain).name == name
    assert len(rival.timed) == 2 * choice.N_ROUNDS
    assert len(rival.opened) == (2 if name == "openvino" else 1)


@pytest.mark.parametrize("wanted", ["auto", "openvino"])
@pytest.mark.parametrize("trouble", [{"difference": 2e-4}, {"difference": np.nan}, {"broken": 1}])
def test_an_engine_that_does_not_agree_does_not_answer(rival, wanted, trouble):
    found = rival(9, wanted=wanted, **trouble)
    assert found.name == "onnxruntime"
    assert ("openvino" in found.note) == (wanted == "openvino")


def test_an_engine_that_is_asked_for_is_not_measured(rival):
    assert rival(0.1, 5e-5, "openvino").name == "openvino"
    assert rival(9, wanted="onnxruntime").name == "onnxruntime"
    assert not rival.timed


def test_large_networks_are_not_measured(rival, monkeypatch):
    monkeypatch.setattr(choice, "MAX_MEASURED_BYTES", 1000)
    assert rival(9) == Choice("onnxruntime", rival(9).engine)
    assert not rival.opened
    assert rival(9, wanted="openvino").name == "openvino"


def test_openvino_is_safe_to_call_from_many_threads(exported):
    pytest.importorskip("openvino")
    onnx, images, _ = exported("dcnn", 120)
    engine = ENGINES["openvino"].open(onnx)
    engine.n_threads, engine.batch_size = 8, 1
    expected = run_network(open_network(onnx), images)
    for _ in itertools.repeat(None, 3):
        np.testing.assert_allclose(run_network(engine, images), expected, atol=1e-4)


def test_a_variable_names_the_engine_in_place_of_auto(monkeypatch):
    monkeypatch.setenv(choice.ENGINE_VARIABLE, "onnxruntime")
    assert asked_engine("auto") == "onnxruntime"
    monkeypatch.delenv(choice.ENGINE_VARIABLE)
    assert asked_engine("auto") == "auto"
    monkeypatch.setenv(choice.ENGINE_VARIABLE, "tensorrt")
    with pytest.raises(MarrowError, match=r"NAPARI_MARROW_ENGINE is tensorrt.*onnxruntime"):
        asked_engine("auto")
    assert asked_engine("onnxruntime") == "onnxruntime"
