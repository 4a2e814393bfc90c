"""Open an ONNX model and run it on images or on features; needs no Keras and no scikit-learn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError

if TYPE_CHECKING:
    import onnxruntime

BATCH_SIZE = 64
"""Images given to the network at once."""


def open_onnx(model: Path | bytes) -> onnxruntime.InferenceSession:
    """Open an ONNX model on the CPU, from a file or from its bytes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def run_network(
    session: onnxruntime.InferenceSession,
    images: NDArray[np.uint8],
    features: NDArray[np.float32] | None = None,
) -> NDArray[np.float64]:
    """Return a network's probabilities for each image, (n, classes), rows normalised to 1.

    ``features``, (n, features), are those of a network that takes them, too.
    """
    names, classes = [x.name for x in session.get_inputs()], session.get_outputs()[0].shape[-1]
    out = np.zeros((len(images), classes), np.float64)
    for start in range(0, len(images), BATCH_SIZE):
        part = slice(start, start + BATCH_SIZE)
        given = [images[part].astype(np.float32)]
        given += [] if features is None else [features[part]]
        out[part] = _run(session, None, dict(zip(names, given, strict=True)))[0]
    # The paper network has independent sigmoid outputs; they are made to add up to 1.
    return out / np.maximum(out.sum(axis=1, keepdims=True), 1e-12)


def run_classical(
    session: onnxruntime.InferenceSession, features: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return a classical model's probabilities for each row of features, (n, classes)."""
    rows = features
    if not len(features):  # ONNX Runtime refuses an empty input
        rows = np.full((1, features.shape[1]), np.nan, np.float32)
    found = _run(session, ["probabilities"], {"features": rows})[0]
    return found[: len(features)].astype(np.float64)


def _run(
    session: onnxruntime.InferenceSession, outputs: list[str] | None, given: dict[str, NDArray]
) -> list[NDArray]:
    try:
        return session.run(outputs, given)
    except Exception as error:  # ONNX Runtime's own kinds have nothing else in common
        raise MarrowError(
            "The model can't be run: memory does not suffice, or its file is damaged; copy the "
            f"whole bundle again ({str(error).splitlines()[0]})."
        ) from error
