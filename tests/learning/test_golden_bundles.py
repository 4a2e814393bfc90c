"""Bundles of each schema, written once and kept: every later version opens and uses them.

``golden/MODEL.csv`` is what the version that trained the model answered for the cells of
``sample_data/ALL/ALL_1.jpg``, with the nuclei of the mask beside it.
"""

from pathlib import Path

import pandas as pd
import pytest

from napari_marrow.data.layouts import scan
from napari_marrow.data.samples import sample_folder
from napari_marrow.learning.bundle import load_bundle

GOLDEN = Path(__file__).parent / "golden"
PROBABILITIES = ["probability_ALL", "probability_MM"]


@pytest.mark.parametrize(("model", "tolerance"), [("dcnn", 1e-4), ("svm", 0.01)])
def test_a_bundle_of_schema_1_answers_as_when_it_was_made(model, tolerance):
    """The support vector machine measures the cytoplasm, which later versions segment better."""
    bundle = load_bundle(GOLDEN / f"{model}_schema1.marrow")
    field = next(f for f in scan(sample_folder()).fields if f.name == "ALL_1")
    found, expected = bundle.predict_field(field).table, pd.read_csv(GOLDEN / f"{model}.csv")
    assert found["index"].tolist() == expected["index"].tolist()
    assert found["class"].tolist() == expected["class"].tolist()
    assert found["uncertain"].tolist() == expected["uncertain"].tolist()
    pd.testing.assert_frame_equal(found[["y", "x"]], expected[["y", "x"]], rtol=0, atol=0.01)
    pd.testing.assert_frame_equal(
        found[PROBABILITIES], expected[PROBABILITIES], rtol=0, atol=tolerance
    )
