"""An exported model that answers something else, or would not be opened, is never kept."""

import numpy as np
import pytest

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.onnx import export as onnx_export
from napari_marrow.learning.onnx import sizes
from napari_marrow.learning.onnx.sizes import refusal
from napari_marrow.learning.settings import TrainingSettings


def test_a_network_that_exports_to_something_else_is_never_kept(keras_started, monkeypatch):
    """Also where the answers are no numbers at all."""
    from napari_marrow.learning.networks import build

    class Session:
        def get_inputs(self):
            return [type("Input", (), {"name": "image"})]

        def run(self, *_):
            return [np.full((3, 2), np.nan)]

    monkeypatch.setattr(onnx_export, "open_onnx", lambda model: Session())
    network = build(TrainingSettings(input_size=32), 2)
    monkeypatch.setattr(network, "export", lambda path, **_: path.write_bytes(b"x"), raising=False)
    with pytest.raises(RuntimeError, match="differs"):
        onnx_export.export_network(network, np.zeros((3, 32, 32, 3), np.uint8))


@pytest.mark.parametrize("model", ["paper", "paper-relu", "dct"])
def test_the_file_of_a_network_is_one_that_is_opened(keras_started, model):
    """Others are exported by other tests; the Keras applications by benchmarks/operators.py."""
    from napari_marrow.learning.networks import build

    network = build(TrainingSettings(model=model, input_size=32, select_pixels=50), 3)
    found = onnx_export.export_network(network, np.zeros((3, 32, 32, 3), np.uint8))
    assert refusal(found) == ""


def test_a_model_that_would_not_be_opened_is_one_sentence(keras_started, monkeypatch):
    from napari_marrow.learning.networks import build

    monkeypatch.setattr(sizes, "MAX_VALUES", -(10**6))
    network = build(TrainingSettings(input_size=32), 2)
    with pytest.raises(MarrowError, match="would not be opened; choose a smaller input size"):
        onnx_export.export_network(network, np.zeros((3, 32, 32, 3), np.uint8))
