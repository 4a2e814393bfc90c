"""Export a trained network, or a classical pipeline, to ONNX and check that it answers the same."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.onnx.inference import open_onnx, run_classical
from napari_marrow.learning.onnx.sizes import refusal

if TYPE_CHECKING:
    import keras
    from sklearn.pipeline import Pipeline

    from napari_marrow.learning.onnx.embedding import Embedding

MAX_DIFFERENCE_NETWORK, MAX_DIFFERENCE_CLASSICAL = 1e-4, 1e-5
"""Largest difference in probability between the trained model and its ONNX file."""


def export_network(
    network: keras.Model,
    images: NDArray[np.uint8],
    features: NDArray[np.float32] | None = None,
    embedding: Embedding | None = None,
    convert: Callable[[keras.Model], bytes] | None = None,
) -> bytes:
    """Export a network; a few images, (n, size, size, 3), and their features check it.

    With an embedding, which the network takes in place of images, both become one model. The ONNX
    file of the network is made by ``convert``, by Keras when it is None.

    Raises
    ------
    RuntimeError
        When the exported network answers something else.
    MarrowError
        When it would not be opened.
    """
    import keras

    seen = images.astype(np.float32) if embedding is None else embedding.run(images)
    given = seen if features is None else (seen, features)
    # Calling the network is also what makes it exportable: Keras refuses one never called.
    expected = keras.ops.convert_to_numpy(network(given))
    model = (convert or convert_by_keras)(network)
    if embedding is not None:
        model = embedding.joined(model)
    session = open_onnx(model)
    names = [x.name for x in session.get_inputs()]
    listed = [images.astype(np.float32), *([] if features is None else [features])]
    found = session.run(None, dict(zip(names, listed, strict=True)))[0]
    _check_agreement(found, expected, MAX_DIFFERENCE_NETWORK)
    _check_opens(model)
    return model


def convert_by_keras(network: keras.Model) -> bytes:
    """Return the ONNX file of a network that was called before, as Keras exports it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        with warnings.catch_warnings():  # Keras's exporter asks numpy for a name it dropped
            warnings.simplefilter("ignore", FutureWarning)
            network.export(path, format="onnx", verbose=False)
        return path.read_bytes()


def export_classical(
    pipeline: Pipeline, kept: NDArray[np.intp], values: NDArray[np.float64]
) -> bytes:
    """Export the part of a pipeline that follows the selection of columns.

    Parameters
    ----------
    pipeline
        Fitted, with the steps ``missing``, ``scale`` and ``model`` after the selection.
    kept
        Numbers of the selected columns: the inputs of the ONNX model.
    values
        (n, columns) that the pipeline was fitted on, which check the result.

    Raises
    ------
    RuntimeError
        When the exported pipeline answers something else.
    MarrowError
        When it would not be opened.
    """
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType
    from skl2onnx.sklapi import CastTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.naive_bayes import GaussianNB
    from sklearn.pipeline import make_pipeline

    selected, model = values[:, kept], pipeline["model"]
    # medians are column by column: those of the selected ones stay what they were
    steps = [SimpleImputer(strategy="median").fit(selected)]
    if pipeline["scale"] != "passthrough":
        # Differences of large numbers need the digits, of naive Bayes's logarithms too.
        last = np.float64 if isinstance(model, GaussianNB) else np.float32
        steps += [CastTransformer(dtype=np.float64), pipeline["scale"], CastTransformer(dtype=last)]
    with warnings.catch_warnings():  # the converter looks at attributes that scikit-learn drops
        warnings.simplefilter("ignore", FutureWarning)
        exported = convert_sklearn(
            make_pipeline(*steps, model),
            initial_types=[("features", FloatTensorType([None, len(kept)]))],
            options={id(model): {"zipmap": False}},
        ).SerializeToString()
    found = run_classical(open_onnx(exported), selected.astype(np.float32))
    _check_agreement(found, pipeline.predict_proba(values), MAX_DIFFERENCE_CLASSICAL)
    _check_opens(exported)
    return exported


def _check_agreement(found: NDArray, expected: NDArray, limit: float) -> None:
    difference = float(np.abs(found - expected).max())
    if not difference <= limit:  # also where it is not a number
        raise RuntimeError(
            f"The exported model differs from the trained one by {difference:.1e} "
            f"(at most {limit} is right)."
        )


def _check_opens(model: bytes) -> None:
    if reason := refusal(model):
        raise MarrowError(
            f"The trained model {reason}, so that its bundle would not be opened; choose a smaller "
            "input size, fewer members, or another model."
        )
