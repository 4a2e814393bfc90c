"""Bundles of each schema, written once and kept: every later version opens and uses them.

``golden/MODEL.csv`` is what the version that trained the model answered for the cells of
``sample_data/ALL/ALL_1.jpg``, with the nuclei of the mask beside it.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_marrow.data.layouts import scan
from napari_marrow.data.samples import sample_folder
from napari_marrow.jobs.predict import PredictJob, run_prediction
from napari_marrow.learning.bundles.bundle import load_bundle, predict_one
from napari_marrow.learning.onnx.inference import open_network, run_network
from napari_marrow.report.tables import verdict

GOLDEN = Path(__file__).parent / "golden"
PROBABILITIES = ["probability_ALL", "probability_MM"]


@pytest.mark.parametrize(("model", "tolerance"), [("dcnn", 1e-4), ("svm", 0.01)])
def test_a_bundle_of_schema_1_answers_as_when_it_was_made(model, tolerance):
    """The support vector machine measures the cytoplasm, which later versions segment better."""
    bundle = load_bundle(GOLDEN / f"{model}_schema1.marrow")
    field = next(f for f in scan(sample_folder()).fields if f.name == "ALL_1")
    found, expected = predict_one(bundle, field).table, pd.read_csv(GOLDEN / f"{model}.csv")
    assert found["index"].tolist() == expected["index"].tolist()
    assert found["class"].tolist() == expected["class"].tolist()
    assert found["uncertain"].tolist() == expected["uncertain"].tolist()
    pd.testing.assert_frame_equal(found[["y", "x"]], expected[["y", "x"]], rtol=0, atol=0.01)
    pd.testing.assert_frame_equal(
        found[PROBABILITIES], expected[PROBABILITIES], rtol=0, atol=tolerance
    )


@pytest.mark.parametrize("model", ["dcnn", "svm"])
def test_a_bundle_of_schema_1_knows_that_its_sources_are_few(model):
    """It did not store that: two photographs of each class were held out."""
    evaluation = load_bundle(GOLDEN / f"{model}_schema1.marrow").info.evaluation
    assert evaluation.few_sources == {"ALL": 2, "MM": 2}
    assert "too few to tell" in verdict(evaluation)[0]


@pytest.mark.parametrize("model", ["dcnn", "svm"])
def test_a_bundle_of_schema_1_does_not_know_its_photographs_and_says_so(model, tmp_path):
    bundle = load_bundle(GOLDEN / f"{model}_schema1.marrow")
    found = run_prediction(PredictJob(bundle, [scan(sample_folder())], tmp_path / "table.csv"))
    assert found.shift.startswith("Whether these photographs are of another acquisition is not")


def test_a_network_is_built_again_as_the_page_says(keras_started):
    path = GOLDEN / "dcnn_schema1.marrow"
    page = Path(__file__).parents[3] / "docs" / "bundle.md"
    code = re.search(r"```python\n(.*?)```", page.read_text("utf-8"), re.S)[1]
    made = {}
    exec(code.replace('"sample.marrow"', repr(str(path))), made)
    side = load_bundle(path).info.preprocessing.input_size
    images = np.random.default_rng(0).integers(0, 256, (4, side, side, 3)).astype(np.uint8)
    found = keras_started.ops.convert_to_numpy(made["network"](images.astype(np.float32)))
    expected = run_network(open_network(path / "model.onnx"), images)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)
