"""The ONNX file of a network of JAX or PyTorch, made by TensorFlow in a process of its own.

There Keras exports with jax2onnx, whose pooling ONNX Runtime refuses, and with PyTorch, which can't
export networks within a network. That process is
``python -m napari_marrow.learning.network_training.export_apart FOLDER``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.options import settings_from_dict
from napari_marrow.learning.network_training.import_keras import start_keras
from napari_marrow.learning.network_training.rebuild import rebuild
from napari_marrow.learning.onnx.export import convert_by_keras
from napari_marrow.learning.settings import TrainingSettings

REQUEST, WEIGHTS, ONNX = "request.json", "weights.npz", "model.onnx"


def export_apart(
    settings: TrainingSettings,
    classes: int,
    weights: Mapping[str, NDArray[np.float32]],
    n_values: int,
) -> bytes:
    """Return the ONNX file of a trained network, which :func:`.rebuild` builds of the same.

    Raises
    ------
    MarrowError
        When TensorFlow is not there, or fails.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        request = {"settings": asdict(settings), "classes": classes, "n_values": n_values}
        (folder / REQUEST).write_text(json.dumps(request), "utf-8")
        np.savez(folder / WEIGHTS, **weights)  # type: ignore[arg-type]
        done = subprocess.run(
            [sys.executable, "-m", __name__, name],
            capture_output=True,
            text=True,
            env=os.environ | {"KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"},
        )
        if done.returncode:
            (*_, why) = ["", *done.stderr.strip().splitlines()]
            raise MarrowError(
                f"TensorFlow, which makes the ONNX file, failed ({why}); install it again, or "
                "train with KERAS_BACKEND=tensorflow."
            )
        return (folder / ONNX).read_bytes()


def main(folder: Path) -> None:
    """Write the ONNX file of the network that is described in a folder."""
    start_keras()
    request = json.loads((folder / REQUEST).read_text("utf-8"))
    settings = settings_from_dict(TrainingSettings, request["settings"])
    with np.load(folder / WEIGHTS) as weights:
        network = rebuild(settings, request["classes"], weights, request["n_values"])
    given = [np.zeros((1, *x.shape[1:]), np.float32) for x in network.inputs]
    network(given if len(given) > 1 else given[0])  # Keras exports none that was never called
    (folder / ONNX).write_bytes(convert_by_keras(network))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
