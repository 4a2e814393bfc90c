"""Fixtures for every test: small made-up folders, a bundle computed by hand, a trained one."""

import gc
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper
from PIL import Image

from napari_marrow.data.cache import FOLDER_VARIABLE
from napari_marrow.data.fields import Collection
from napari_marrow.data.layouts import scan
from napari_marrow.data.layouts.table_above import MAX_LEVELS_ABOVE
from napari_marrow.learning.bundles.bundle import Bundle, write_bundle
from napari_marrow.learning.bundles.info import BundleInfo
from napari_marrow.learning.onnx.choice import ENGINE_VARIABLE
from napari_marrow.learning.settings import Preprocessing, TrainingSettings

REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "real-data"
BACKGROUND, NUCLEUS, RED_CELL = (226, 214, 222), (96, 40, 130), (222, 186, 186)


def pytest_collection_finish(session) -> None:
    """Stop before a crash: Qt and TensorFlow do not live in one process."""
    with_qt = tuple(Path(__file__).parent / name for name in ("viewer", "widgets"))
    uses_qt = {any(x in item.path.parents for x in with_qt) for item in session.items}
    if uses_qt == {True, False} and not session.config.option.collectonly:
        text = "Run tests/viewer and tests/widgets apart from the rest, as `make test` does."
        pytest.exit(f"{text} Qt and TensorFlow crash in one process.", returncode=4)


def pytest_collection_modifyitems(items) -> None:
    """Skip what TensorFlow alone does where Keras has another backend."""
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    for item in items:
        if backend != "tensorflow" and item.get_closest_marker("tensorflow"):
            item.add_marker(pytest.mark.skip(reason=f"of TensorFlow alone; this is {backend}"))


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory) -> Iterator[Path]:
    """Folders for cache and data that are not the user's, also of child processes."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(folder))
        patch.setenv("XDG_DATA_HOME", str(folder / "data"))  # of Linux: the last model is noted
        patch.setenv(ENGINE_VARIABLE, "onnxruntime")  # else answers go by what was fast just now
        yield folder


@pytest.fixture(scope="module", autouse=True)
def frozen_imports() -> None:
    """What modules before this one imported and left is looked through for garbage once more."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def new_folders(tmp_path_factory) -> Iterator[Path]:
    """Folders that are not there yet, one after the other.

    pytest numbers folders by reading the names of all others, which takes longer with every test.
    """
    parent = tmp_path_factory.mktemp("tests")
    return (parent / str(k) for k in count())


@pytest.fixture
def tmp_path(new_folders, request) -> Path:
    """A new folder that no folder of another test lies beside or above.

    A scan reads tables above a folder and beside it: without this, those of all other tests.
    """
    name = re.sub(r"\W", "_", request.node.name)[:30]
    folder = next(new_folders).joinpath(*["apart"] * MAX_LEVELS_ABOVE, name)
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(autouse=True)
def recovery_folder(new_folders, monkeypatch) -> Path:
    """A folder for models that nobody saved that is not the user's."""
    folder = next(new_folders)
    folder.mkdir()
    where = "napari_marrow.widgets.components.training.unsaved_model.recovery_folder"
    if "qtpy" in sys.modules:
        monkeypatch.setattr(where, lambda: folder)
    return folder


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real photographs; the test is skipped where it is missing."""
    folder = Path(os.environ.get("MARROW_REAL_DATA", REAL_DATA))
    if not (folder / "README.md").is_file():
        pytest.skip("no real photographs: set MARROW_REAL_DATA to their folder")
    return folder


def _field(class_name: str, seed: int, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Draw a field: ALL has many small nuclei, MM one large one. Image and nucleus mask.

    Pale red cells lie about, which tell apart the fields of a class.
    """
    height, width = size
    rng = np.random.default_rng([ord(class_name[0]), seed])
    image = np.full((height, width, 3), BACKGROUND, np.int16)
    rows, columns = np.indices(size)
    pale = np.random.default_rng([ord(class_name[0]), seed, 1])
    for y, x in pale.uniform(0, size, (5, 2)):
        image[(rows - y) ** 2 + (columns - x) ** 2 < (height * 0.15) ** 2] = RED_CELL
    mask = np.zeros(size, bool)
    if class_name == "ALL":
        radius = height * 0.07
        steps = [(y, x) for y in (0.2, 0.5, 0.8) for x in (0.15, 0.38, 0.62, 0.85)]
        centres = [(height * y, width * x) for y, x in steps]
    else:
        radius, centres = height * 0.3, [(height * 0.5, width * 0.5)]
    for y, x in centres:
        y, x = y + rng.uniform(-2, 2), x + rng.uniform(-2, 2)
        mask |= (rows - y) ** 2 + (columns - x) ** 2 < radius**2
    image[mask] = NUCLEUS
    image += rng.integers(-4, 5, image.shape)
    return image.clip(0, 254).astype(np.uint8), mask


@pytest.fixture(scope="session")
def draw() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """A function that draws a field of a class: image and nucleus mask."""
    return lambda class_name="ALL", seed=0, size=(48, 64): _field(class_name, seed, size)


@pytest.fixture(scope="session")
def write_mask() -> Callable[..., None]:
    """A function that writes a mask in one of the two encodings in circulation."""

    def write(path: Path, mask: np.ndarray, photograph: np.ndarray | None = None) -> None:
        rest = np.zeros((*mask.shape, 3), np.uint8) if photograph is None else photograph
        out = np.minimum(rest, 254)
        out[mask] = 255
        Image.fromarray(out).save(path)

    return write


@pytest.fixture(scope="session")
def make_snam(write_mask) -> Callable[..., Path]:
    """A function that writes a folder in the shape of SN-AM and returns its root."""

    def make(
        out: Path, fields: int = 3, *, size=(48, 64), wrapped: bool = True, masks: bool = True
    ) -> Path:
        root = out / "PKG - SN-AM" if wrapped else out
        for class_name in ("ALL", "MM"):
            folder = root / class_name
            folder.mkdir(parents=True)
            for k in range(1, fields + 1):
                image, mask = _field(class_name, k, size)
                Image.fromarray(image).save(folder / f"{class_name}_{k}.bmp")
                if not masks:
                    continue
                copied = image if k % 2 else None
                write_mask(folder / f"{class_name}_{k}_nucleus_mask.bmp", mask, copied)
                write_mask(folder / f"{class_name}_{k}_background_mask.bmp", ~mask, copied)
        return root

    return make


@pytest.fixture(scope="session")
def snam(tmp_path_factory, make_snam) -> Path:
    """A made-up SN-AM folder of 3 + 3 fields. Look, don't touch."""
    return make_snam(tmp_path_factory.mktemp("snam")).parent


@pytest.fixture
def collection(snam) -> Collection:
    """What :func:`snam` holds."""
    return scan(snam)


def _redness_network(size: int) -> bytes:
    """An ONNX network by hand: softmax of (mean red - mean blue) / 64 and its opposite."""
    weights = np.array([[1, -1], [0, 0], [-1, 1]], np.float32) / 64
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["image", "axes"], ["means"], keepdims=0),
            helper.make_node("MatMul", ["means", "weights"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
        ],
        "redness",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", size, size, 3])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 2])],
        [
            onnx.numpy_helper.from_array(np.array([1, 2], np.int64), "axes"),
            onnx.numpy_helper.from_array(weights, "weights"),
        ],
    )
    opset = [helper.make_opsetid("", 18)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


@pytest.fixture(scope="session")
def make_toy() -> Callable[..., Bundle]:
    """A function that writes a bundle whose answers can be worked out by hand.

    Of two classes, ALL and MM, redder is ALL; no white balance, no Keras.
    """

    def make(folder: Path, **changes) -> Bundle:
        how = {"unit": "field", "input_size": 32, "tiles": 1, "crop_factor": 2.0}
        reference = changes.pop("reference", None)
        how |= {"white_balance": False} | {k: changes.pop(k) for k in how if k in changes}
        settings = TrainingSettings(unit=how["unit"], input_size=how["input_size"])
        info = BundleInfo(("ALL", "MM"), settings, Preprocessing(**how))
        folder.mkdir(parents=True)
        return write_bundle(
            folder,
            replace(info, **changes),
            _redness_network(how["input_size"]),
            {
                "history.csv": pd.DataFrame({"epoch": [1], "loss": [0.5]}),
                "heldout.csv": pd.DataFrame({"image": [], "class": []}),
            },
            {"matmul": np.eye(3, dtype=np.float32)},
            reference,
        )

    return make


@pytest.fixture
def toy(tmp_path, make_toy) -> Bundle:
    """A bundle that calls redder fields ALL."""
    return make_toy(tmp_path / "toy.marrow")


@pytest.fixture
def no_leftovers(tmp_path):
    """Afterwards no hidden file or folder may lie anywhere below ``tmp_path``."""
    yield
    left = [p for p in tmp_path.rglob("*") if p.name.startswith(".")]
    assert not left, f"left behind: {left}"


@pytest.fixture(scope="session")
def keras_started():
    """Keras, imported as a job imports it."""
    from napari_marrow.learning.network_training.import_keras import start_keras

    start_keras()
    import keras

    return keras


SMALL_TRAINING = TrainingSettings(
    epochs=8, device="cpu", input_size=32, tiles=1, copies=6, learning_rate=0.003, seed=3
)


@pytest.fixture(scope="session")
def trained(tmp_path_factory, make_snam, keras_started) -> dict:
    """One real training of ``dcnn``: ``folder``, ``bundle``, ``result``, ``events``, ``settings``.

    Beside some fields lies a turned copy, which must stay on the side of its source.
    """
    from napari_marrow.jobs.train import TrainJob, run_training

    base = tmp_path_factory.mktemp("trained")
    root = make_snam(base / "data", 8, masks=False)
    for path in (root / "ALL" / "ALL_1.bmp", root / "ALL" / "ALL_2.bmp", root / "MM" / "MM_3.bmp"):
        turned = Image.open(path).transpose(Image.Transpose.ROTATE_180)
        turned.save(path.with_stem(path.stem + "_rotated180"))
    events, out = [], base / "out" / "model.marrow"
    result = run_training(TrainJob(scan(root), SMALL_TRAINING, out), events.append).to_dict()
    return {
        "folder": root,
        "bundle": out,
        "result": json.loads(json.dumps(result, allow_nan=False)),  # JSON-ready, and strictly
        "events": events,
        "settings": SMALL_TRAINING,
    }


@pytest.fixture(scope="session")
def napari_started() -> Iterator[None]:
    """napari, imported, without the work that each new viewer would do again.

    That is to read the manifests of all plugins, and to look for garbage among what was imported.
    """
    import napari.window  # noqa: F401
    from npe2 import PluginManager

    manager = PluginManager.instance()
    manager.discover(include_npe1=True)
    gc.collect()
    gc.freeze()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manager, "discover", lambda *_, **__: 0)
        yield
    gc.unfreeze()


@pytest.fixture
def frozen_leftovers(napari_started) -> None:
    """Nothing that older viewers left behind is looked through for garbage again.

    Each leaves some thousand objects, and napari's fixture collects garbage with each viewer:
    that took longer with every test.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture
def make_napari_viewer(napari_started, frozen_leftovers, make_napari_viewer):
    """napari's fixture, which knows the plugins that are installed."""
    return make_napari_viewer


@pytest.fixture
def notified() -> Iterator[list[str]]:
    """What the user is told in napari's notifications, as it comes."""
    from napari.utils.notifications import notification_manager

    told: list[str] = []

    def hear(notification):
        told.append(notification.message)

    notification_manager.notification_ready.connect(hear)
    yield told
    notification_manager.notification_ready.disconnect(hear)


@pytest.fixture
def call(capsys):
    """A function that runs a command; gives its status, output and error output."""

    from napari_marrow.cli import run

    def call(*tokens):
        status = run([str(token) for token in tokens])
        out, err = capsys.readouterr()
        return status, out, err

    return call


@pytest.fixture
def refused(call, tmp_path):
    """A function that runs a command that must fail with one line and leave nothing behind."""

    def refused(status, *tokens):
        before = {p: p.is_file() and p.read_bytes() for p in tmp_path.rglob("*")}
        found, out, err = call(*tokens)
        assert found == status, err
        assert out == ""
        assert err.count("\n") == 1, err
        assert err.startswith("napari-marrow: ")
        assert "Traceback" not in err
        assert {p: p.is_file() and p.read_bytes() for p in tmp_path.rglob("*")} == before
        return err

    return refused
