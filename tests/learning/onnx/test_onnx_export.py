"""An exported model that answers something else than the trained one is never kept."""

import numpy as np
import pytest

from napari_marrow.learning.onnx import export as onnx_export
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
