"""A network on pixels and on measured features, from fields to a bundle and back."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from napari_marrow.jobs.predict import PredictJob, run_prediction
from napari_marrow.jobs.train import TrainJob, run_training
from napari_marrow.jobs.watched import WatchedReport
from napari_marrow.learning.bundle_files import HELDOUT
from napari_marrow.learning.bundles.bundle import load_bundle, predict_one
from napari_marrow.learning.classical.models import choose_columns
from napari_marrow.learning.network_training.rebuild import rebuild
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.learning.units.feature_table import feature_columns, measure, measure_collection
from napari_marrow.learning.units.samples import class_codes
from napari_marrow.measure.settings import FeatureSettings

FAMILIES = ("morphology", "colour")
SETTINGS = TrainingSettings(
    model="hybrid", unit="cell", families=FAMILIES, select=8, adapt="none", input_size=32,
    epochs=4, copies=2, learning_rate=0.003, device="cpu",
)  # fmt: skip
PROBABILITIES = ["probability_ALL", "probability_MM"]


@pytest.fixture(scope="module")
def collection(simulated_cells):
    return simulated_cells


@pytest.fixture(scope="module")
def events():
    """Of the training."""
    return []


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, collection, keras_started, events):
    out = tmp_path_factory.mktemp("out") / "hybrid.marrow"
    run_training(TrainJob(collection, SETTINGS, out, watch=True), events.append)
    return load_bundle(out)


def test_features_are_chosen_on_the_training_side_alone(bundle, collection):
    table = measure_collection(collection, FeatureSettings(FAMILIES, "cell"))
    known = table[table["source"].isin(bundle.info.split["train"])]
    codes = class_codes(known, bundle.info.classes)
    expected = choose_columns(known, feature_columns(table), codes, 8)
    assert bundle.info.features == expected
    assert bundle.info.preprocessing.families == FAMILIES
    assert bundle.info.settings.model == "hybrid"


def test_the_bundle_answers_as_the_training_did(bundle, collection, tmp_path):
    heldout = pd.read_csv(bundle.path / HELDOUT)
    found = run_prediction(PredictJob(bundle, [collection], tmp_path / "p.csv")).table
    both = heldout.merge(found, on=["image", "index"], suffixes=("_then", "_now"))
    assert len(both) == len(heldout) > 20
    for name in PROBABILITIES:
        np.testing.assert_allclose(both[f"{name}_then"], both[f"{name}_now"], atol=1e-5)
    assert (both["class_then"] == both["class_now"]).mean() > 0.7


def test_watched_cells_end_with_the_classes_that_the_bundle_gives_them(
    bundle, events, collection, tmp_path
):
    """The temperature of the bundle does not change which class is first."""
    reports = [report for event in events if (report := WatchedReport.of_event(event))]
    assert len(reports) >= 2
    shown = reports[0].thumbnails
    assert shown.side == "validation"
    assert not any(report.thumbnails for report in reports[1:])
    answers = run_prediction(PredictJob(bundle, [collection], tmp_path / "p.csv")).table
    names = answers["image"] + ", nucleus " + answers["index"].astype(str)
    known = dict(zip(names, answers["class"], strict=True))
    first = [shown.classes[int(np.argmax(row))] for row in reports[-1].probabilities]
    assert first == [known[name] for name in shown.names]


def test_features_are_standardised_as_they_were_measured(bundle, collection):
    """As at training, in 64 bits: in 32 a large one with a small spread would lose its digits."""
    field = collection.fields[0]
    image, nuclei = field.image(), predict_one(bundle, field).labels
    table = measure(image, nuclei, bundle.info.preprocessing.features).set_index("index")
    seen = bundle.predictor.observe(image, nuclei)
    expected = table.loc[seen.units["index"], list(bundle.info.features)].to_numpy(np.float64)
    assert (expected != expected.astype(np.float32)).any()
    np.testing.assert_array_equal(seen.values[:, :-1], expected)


def test_both_the_pixels_and_the_features_tell(bundle, collection):
    """The same cells in another colour, and of another shape, get other answers."""
    field = collection.fields[0]
    image, nuclei = field.image(), predict_one(bundle, field).labels
    before = bundle.predictor.predict(image, nuclei).table[PROBABILITIES].to_numpy()
    seen = bundle.predictor.observe(image, nuclei)
    other_features = replace(seen, values=seen.values + seen.values.std(axis=0))
    other_pixels = replace(
        seen, samples=replace(seen.samples, images=seen.samples.images[..., ::-1].copy())
    )
    for changed in (other_features, other_pixels):
        after = bundle.predictor.predict_batch([changed])[0].table[PROBABILITIES].to_numpy()
        assert np.abs(after - before).max() > 1e-3


def test_it_is_built_again_from_its_weights(bundle, collection, keras_started):
    info = bundle.info
    weights = load_file(bundle.path / "weights.safetensors")
    network = rebuild(info.settings, 2, weights, len(info.features))
    seen = bundle.predictor.observe(collection.fields[0].image())
    images = seen.samples.images.astype(np.float32)
    features = seen.values[:, :-1].astype(np.float32)
    found = keras_started.ops.convert_to_numpy(network([images, features]))
    answers = bundle.predictor._run(replace(seen.samples, features=features))
    np.testing.assert_allclose(found, answers, atol=1e-4)


def test_as_published_the_copies_are_measured_too(collection, tmp_path, keras_started):
    settings = replace(SETTINGS, protocol="paper", unit="field", epochs=1, tiles=1)
    result = run_training(TrainJob(collection, settings, tmp_path / "b.marrow"))
    info = load_bundle(result.bundle).info
    assert 1 <= len(info.features) <= 8
    assert info.evaluation.units == 12  # a quarter of 3 x 16
