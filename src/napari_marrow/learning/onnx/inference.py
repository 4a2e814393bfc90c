"""Open an ONNX model and run it on images or on features; needs no Keras and no scikit-learn."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.onnx.growth import MAX_UNITS

if TYPE_CHECKING:
    import onnxruntime

CPU_BATCH_SIZE = 8
"""Images given to a network at once by each thread: their feature maps stay in its cache."""
CPU_PROVIDERS: tuple[str | tuple[str, dict[str, str]], ...] = ("CPUExecutionProvider",)


class Engine(Protocol):
    """What runs a network that was exported to ONNX; several threads may call it at once.

    Attributes
    ----------
    name, device
        Of the engine, as users choose it, and what it runs on, ``CPU`` or ``CUDA``.
    inputs
        Names of the network's inputs: images, then the features of a network that takes them.
    n_classes
        Number of probabilities that it answers with.
    batch_size, n_threads
        Images that it is given at once, and batches that it works on at the same time.
    """

    name: str
    device: str
    inputs: tuple[str, ...]
    n_classes: int
    batch_size: int
    n_threads: int

    def run(self, given: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return the probabilities for one batch, (n, classes), from inputs by name."""


class OnnxRuntime:
    """ONNX Runtime: the engine that every other must agree with, on the CPU.

    A batch takes one thread. So answers do not depend on the number of processors, and threads do
    not wait for each other within an operation.
    """

    name = "onnxruntime"

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        device: str = "CPU",
        batch_size: int = CPU_BATCH_SIZE,
        n_threads: int = 0,
    ):
        self._session, self.device, self.batch_size = session, device, batch_size
        self.inputs = tuple(x.name for x in session.get_inputs())
        self.n_classes = session.get_outputs()[0].shape[-1]
        self.n_threads = n_threads or count_processors()

    def run(self, given: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return the probabilities for one batch."""
        return run_session(self._session, None, given)[0]


def open_onnx(
    model: Path | bytes, providers: tuple[str | tuple[str, dict[str, str]], ...] = CPU_PROVIDERS
) -> onnxruntime.InferenceSession:
    """Open an ONNX model, from a file or from its bytes; on the CPU unless told otherwise."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # errors are raised, too: they are reported in a sentence
    options.intra_op_num_threads = 1
    options.use_deterministic_compute = True
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=list(providers))


def open_network(model: Path | bytes) -> OnnxRuntime:
    """Open a network in ONNX Runtime on the CPU."""
    return OnnxRuntime(open_onnx(model))


def count_processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_network(
    engine: Engine,
    images: NDArray[np.uint8],
    features: NDArray[np.float32] | None = None,
) -> NDArray[np.float64]:
    """Return a network's probabilities for each image, (n, classes), rows normalised to 1.

    ``features``, (n, features), are those of a network that takes them, too.
    """
    found = run_batches(engine, images, features).astype(np.float64)
    # The paper network has independent sigmoid outputs; they are made to add up to 1.
    return found / np.maximum(found.sum(axis=1, keepdims=True), 1e-12)


def run_batches(
    engine: Engine,
    images: NDArray[np.uint8],
    features: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Return what an engine answers for each image, in batches that its threads share.

    The batches are the same whatever the number of threads, and so are the answers.
    """
    out = np.zeros((len(images), engine.n_classes), np.float32)

    def answer(start: int) -> None:
        part = slice(start, start + engine.batch_size)
        given = [images[part].astype(np.float32)]
        given += [] if features is None else [features[part]]
        out[part] = engine.run(dict(zip(engine.inputs, given, strict=True)))

    starts = range(0, len(images), engine.batch_size)
    threads = min(engine.n_threads, len(starts))
    if threads > 1:
        with ThreadPoolExecutor(threads, "network") as pool:
            list(pool.map(answer, starts))  # raises what a thread did
    else:
        for start in starts:
            answer(start)
    return out


def run_classical(
    session: onnxruntime.InferenceSession, features: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return a classical model's probabilities for each row of features, (n, classes)."""
    rows = features
    if not len(features):  # ONNX Runtime refuses an empty input
        rows = np.full((1, features.shape[1]), np.nan, np.float32)
    starts = range(0, len(rows), MAX_UNITS)
    found = [
        run_session(session, ["probabilities"], {"features": rows[start : start + MAX_UNITS]})[0]
        for start in starts
    ]
    return np.concatenate(found)[: len(features)].astype(np.float64)


def run_session(
    session: onnxruntime.InferenceSession,
    outputs: list[str] | None,
    given: Mapping[str, NDArray],
) -> list[NDArray]:
    """Return the outputs of a session.

    Raises
    ------
    MarrowError
        When memory does not suffice, or the model is damaged.
    """
    try:
        return session.run(outputs, dict(given))
    except Exception as error:  # ONNX Runtime's own kinds have nothing else in common
        raise cannot_run(error) from error


def cannot_run(error: Exception) -> MarrowError:
    """Return the error for a model that an engine can't run."""
    return MarrowError(
        "The model can't be run: memory does not suffice, or its file is damaged; copy the "
        f"whole bundle again ({str(error).splitlines()[0]})."
    )
