"""Explaining one cell: through the registry, as the child process runs it, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.nuclei import field_labels
from napari_marrow.jobs.explain import ExplainJob, run_explanation
from napari_marrow.jobs.registry import run_job
from napari_marrow.learning.bundle_files import WEIGHTS
from napari_marrow.learning.bundles.bundle import load_bundle, predict_one, write_bundle
from napari_marrow.learning.bundles.info import BundleInfo
from napari_marrow.learning.explaining.bundle_evidence import bundle_evidence
from napari_marrow.learning.explaining.cell_maps import CellMaps
from napari_marrow.learning.settings import Preprocessing, TrainingSettings

SETTINGS = TrainingSettings(unit="cell", input_size=32, crop_factor=2.5)
TABLES = {
    "history.csv": pd.DataFrame({"epoch": [1], "loss": [0.5]}),
    "heldout.csv": pd.DataFrame({"image": [], "class": []}),
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, keras_started):
    """A network that was not trained."""
    from napari_marrow.learning.networks import build, named_weights
    from napari_marrow.learning.onnx.export import export_network

    keras_started.utils.set_random_seed(0)
    network = build(SETTINGS, 2)
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    onnx = export_network(network, images)
    to_numpy = keras_started.ops.convert_to_numpy
    weights = {name: to_numpy(x) for name, x in named_weights(network).items()}
    folder = tmp_path_factory.mktemp("explained") / "cells.marrow"
    folder.mkdir()
    info = BundleInfo(("ALL", "MM"), SETTINGS, Preprocessing.of(SETTINGS))
    return write_bundle(folder, info, onnx, TABLES, weights)


@pytest.fixture
def picture(draw, tmp_path):
    """A file of a photograph with two cells, 3 and 7."""
    image, mask = draw("MM", 1, (96, 128))
    nuclei = np.zeros(mask.shape, np.uint16)
    nuclei[mask] = 7
    nuclei[4:14, 4:14] = 3
    path = tmp_path / "picture.npz"
    np.savez(path, image=image, nuclei=nuclei)
    return path


def test_the_maps_of_a_cell_are_written_and_read(bundle, picture, tmp_path):
    events = []
    job = ExplainJob(bundle.path, picture, 7, tmp_path / "maps.npz")
    run_job("explain", job.to_dict(), events.append, lambda: False)
    assert events[-1].kind == "finished", events[-1]
    found = CellMaps.read(tmp_path / "maps.npz")
    with np.load(picture) as stored:
        expected = predict_one(bundle, stored["image"], stored["nuclei"]).table
    row = expected.set_index("index").loc[7]
    assert found.probabilities[0] == pytest.approx(row["probability_ALL"], abs=1e-6)
    assert found.grad_cam.shape == found.occlusion.shape == (32, 32)
    assert found.grad_cam.max() in (0, 1)
    fractions = [x.fraction for x in events if x.kind == "progress"]
    assert fractions == sorted(fractions)
    assert len(found.sentences) == 4


def test_without_grad_cam_occlusion_stands_alone(bundle, picture, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "napari_marrow.learning.network_training.grad_cam.last_spatial_layer", lambda _: None
    )
    found = run_explanation(ExplainJob(bundle.path, picture, 7, tmp_path / "maps.npz"))
    assert found.grad_cam is None
    assert "no convolution that keeps places apart" in found.check_sentence


def test_weights_of_another_network_are_one_sentence(picture, tmp_path, make_toy, keras_started):
    toy = make_toy(tmp_path / "toy.marrow", unit="cell")
    with pytest.raises(MarrowError, match=r"do not fit the network dcnn"):
        run_explanation(ExplainJob(toy.path, picture, 7, tmp_path / "maps.npz"))
    assert (toy.path / WEIGHTS).is_file()


def test_a_classical_model_looks_at_no_pixels(svm, picture, tmp_path):
    bundle = load_bundle(svm["bundle"])
    with pytest.raises(MarrowError, match="is no network but svm"):
        run_explanation(ExplainJob(bundle.path, picture, 7, tmp_path / "maps.npz"))
    assert not (tmp_path / "maps.npz").exists()


def test_features_of_a_classical_model_speak_for_its_answer(svm, phantom):
    bundle, field = load_bundle(svm["bundle"]), phantom.fields[0]
    table = predict_one(bundle, field).table.set_index("index")
    index = table.index[0]
    found = bundle_evidence(bundle, field.image(), field_labels(field), index)
    probabilities = table.loc[index, [f"probability_{x}" for x in bundle.info.classes]]
    assert bundle.info.classes[found.answer] == table.loc[index, "class"]
    assert {x.feature for x in found.reasons} == {*bundle.info.features}
    expected = np.log(probabilities.max() / probabilities.min())
    assert found.log_odds == pytest.approx(expected, abs=1e-3)
    with pytest.raises(MarrowError, match="no cell 999"):
        bundle_evidence(bundle, field.image(), field_labels(field), 999)
