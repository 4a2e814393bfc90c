"""Train a network: images in, weights, history and ONNX file out. Imports Keras."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight

from napari_marrow.data.cache import checksum
from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.progress import ignore, never
from napari_marrow.learning.learners import OnEpoch
from napari_marrow.learning.network_training.batches import Batches, next_multiple
from napari_marrow.learning.network_training.callbacks import (
    AnswerRecorder,
    BestEpoch,
    EpochRecorder,
    answer,
    rate_callbacks,
)
from napari_marrow.learning.network_training.checkpoint import Checkpoint
from napari_marrow.learning.network_training.compiled import CompiledNetwork
from napari_marrow.learning.network_training.devices import choose_devices, on_device, running_on
from napari_marrow.learning.network_training.export_apart import export_apart
from napari_marrow.learning.network_training.precision import choose_precision, computing_in
from napari_marrow.learning.network_training.rebuild import rebuild
from napari_marrow.learning.networks import build, join, named_weights
from napari_marrow.learning.networks.common import EXACT, FEATURE_SCALE, embedding_of, network_input
from napari_marrow.learning.networks.mask import PIXEL_MASK, find_layer
from napari_marrow.learning.onnx.export import export_network
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.learning.units.samples import Units, class_codes
from napari_marrow.learning.units.watched import Watched, WatchedAnswers

OUT_OF_MEMORY = (
    "resourceexhausted",
    "resource_exhausted",
    "out of memory",
    "outofmemory",
    "could not create a primitive",  # of oneDNN, which TensorFlow has for the CPU
    "could not execute a primitive",
)
"""What TensorFlow, JAX and PyTorch call it, in the kind or the text of an error."""

VALIDATION_BATCH_SIZE = 32
_last = CompiledNetwork()


@dataclass(frozen=True)
class FitCallbacks:
    """How the caller of a training hears of it and ends it.

    Attributes
    ----------
    on_epoch
        Called after each epoch with ``epoch`` (from 1), ``loss``, ``accuracy``, with validation
        ``val_loss`` and ``val_accuracy``, and ``learning_rate``.
    should_stop
        Called after every step; True ends the training.
    message
        Called with a sentence for the user.
    watched, on_answers
        Images that the network is asked about now and then, and what is called with its answers.
    """

    on_epoch: OnEpoch = ignore
    should_stop: Callable[[], bool] = never
    message: Callable[[str], None] = ignore
    watched: Watched | None = None
    on_answers: Callable[[WatchedAnswers], None] = ignore

    def of_member(self, number: int) -> FitCallbacks:
        """Return callbacks that hear of which member of an ensemble epochs and answers are."""
        return replace(
            self,
            on_epoch=lambda row: self.on_epoch(row | {"member": number}),
            on_answers=lambda answers: self.on_answers(replace(answers, member=number)),
        )


@dataclass(frozen=True)
class TrainedNetwork:
    """A trained network.

    Attributes
    ----------
    weights
        Array by name, in the order of the layers.
    onnx
        The network as an ONNX file's bytes.
    history
        A row an epoch: ``epoch``, ``loss``, ``accuracy``, ``val_loss``, ``val_accuracy``,
        ``learning_rate``; of an ensemble also ``member``.
    parameters
        Number of weights.
    device
        Where it ran, as the backend names it; several with commas. In brackets what it computed
        in, if not in float32.
    note
        From which embedding it learnt; "" of all that learn from pixels.
    """

    weights: dict[str, NDArray[np.float32]]
    onnx: bytes
    history: pd.DataFrame
    parameters: int
    device: str
    note: str = ""


def train_network(
    train: Units,
    validation: Units | None,
    classes: tuple[str, ...],
    settings: TrainingSettings,
    callbacks: FitCallbacks,
) -> TrainedNetwork:
    """Train the network that the settings name, from fresh weights.

    The same training that was stopped before, or was cut off, goes on after its last epoch. Where
    memory does not suffice for a batch, it goes on with half of it. Several GPUs share each batch.

    Parameters
    ----------
    train, validation
        The two sides; without validation the training loss decides when to stop.
    classes
        Names of the network's outputs, in order.
    settings
        See :class:`TrainingSettings`.
    callbacks
        Hear of it and can end it.

    Raises
    ------
    Stopped
        When ``should_stop`` returned True.
    MarrowError
        When a GPU is asked for and none is found, or memory does not suffice for one image.
    """
    devices = choose_devices(settings.device)
    if settings.has_embedding and settings.fine_tune:
        callbacks.message("The ONNX embedding keeps its weights; the layers after it learn.")
    policy = choose_precision(settings.precision, devices[0])
    with running_on(devices), computing_in(policy):
        found = []
        for k in range(settings.members):
            own = replace(settings, seed=settings.seed + k, members=1)
            heard = callbacks
            if settings.members > 1:
                heard = callbacks.of_member(k + 1)
            found.append(_fit_halving(train, validation, classes, own, heard, devices))
        networks, histories = zip(*found, strict=True)
        network, history = networks[0], histories[0]
        if settings.members > 1:
            network = join(networks)
            _report_joined(network, settings, callbacks, max(len(x) for x in histories))
            history = pd.concat([x.assign(member=k) for k, x in enumerate(histories, 1)])
        weights = {
            name: np.asarray(keras.ops.convert_to_numpy(weight))
            for name, weight in named_weights(network).items()
        }
    if settings.members == 1:
        _last.keep(network)
    onnx, parameters = _exported(train, classes, settings, weights)
    where = ", ".join(devices) + (f" ({policy})" if policy != EXACT else "")
    note = _embedding_note(settings)
    return TrainedNetwork(weights, onnx, history, parameters, where, note)


def _exported(
    train: Units,
    classes: tuple[str, ...],
    settings: TrainingSettings,
    weights: dict[str, NDArray[np.float32]],
) -> tuple[bytes, int]:
    """Return the ONNX file of a trained network, and its number of weights.

    It is built again on the CPU, in float32: ONNX Runtime answers there, and one of several devices
    or of mixed precision can't be exported.
    """
    features, embedding = train.image_features, embedding_of(settings)
    known, n_values = None if features is None else features[:16], _n_values(train, settings)

    def with_tensorflow(_: keras.Model) -> bytes:
        return export_apart(settings, len(classes), weights, n_values)

    convert = None if keras.backend.backend() == "tensorflow" else with_tensorflow
    with on_device("cpu:0"):
        network = rebuild(settings, len(classes), weights, n_values)
        onnx = export_network(network, train.images[:16], known, embedding, convert)
    frozen = 0 if embedding is None else embedding.n_weights
    return onnx, network.count_params() + frozen


def _embedding_note(settings: TrainingSettings) -> str:
    """Name the embedding that a network learnt from."""
    if (embedding := embedding_of(settings)) is None:
        return ""
    name = Path(settings.weights).name
    return (
        f"The network learnt from the ONNX embedding {name} (SHA-256 {embedding.digest}), which "
        "kept its weights."
    )


def _n_values(train: Units, settings: TrainingSettings) -> int:
    """Return how many numbers a network takes of each image, beside or in place of its pixels."""
    embedding = embedding_of(settings)
    return train.n_features if embedding is None else embedding.n_values


def _report_joined(
    network: keras.Model, settings: TrainingSettings, callbacks: FitCallbacks, epoch: int
) -> None:
    """Report what an ensemble answers for the images that are watched."""
    if (watched := callbacks.watched) is not None:
        given = network_input(settings, watched.images, watched.features)
        callbacks.on_answers(WatchedAnswers(answer(network, given), epoch, member=0))


def _fit_halving(
    train: Units,
    validation: Units | None,
    classes: tuple[str, ...],
    settings: TrainingSettings,
    callbacks: FitCallbacks,
    devices: tuple[str, ...],
) -> tuple[keras.Model, pd.DataFrame]:
    """Fit with as large a batch as memory holds, which is at most the one asked for."""
    sides = [x for x in (train, validation) if x is not None]
    arrays = [y for x in sides for y in (x.images, one_hot(x, classes), x.features)]
    parts = [repr(asdict(settings)), checksum(*arrays)]  # the same also with smaller batches
    if (embedding := embedding_of(settings)) is not None:
        parts.append(embedding.digest)
    elif settings.weights and Path(settings.weights).is_file():
        with open(settings.weights, "rb") as file:  # another one may have its name by now
            parts.append(hashlib.file_digest(file, "sha256").hexdigest())
    n_devices = len(devices)
    size = next_multiple(settings.batch_size, n_devices)
    while True:
        try:
            own = replace(settings, batch_size=size)
            return _fit(train, validation, classes, own, callbacks, parts, devices)
        except Stopped:
            raise
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            if size == n_devices:
                raise MarrowError(
                    "Memory does not suffice to train with one image a step; choose a smaller "
                    "input size or another network, or close other programs."
                ) from error
            keras.utils.clear_session()
            before, size = size, next_multiple(size // 2, n_devices)
            callbacks.message(
                f"Memory does not suffice for {before} images a step: goes on with {size}."
            )


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error of any backend says that memory does not suffice."""
    text = f"{type(error).__name__} {error}".lower()
    return isinstance(error, MemoryError) or any(words in text for words in OUT_OF_MEMORY)


def _fit(
    train: Units,
    validation: Units | None,
    classes: tuple[str, ...],
    settings: TrainingSettings,
    callbacks: FitCallbacks,
    parts: list[str],
    devices: tuple[str, ...],
) -> tuple[keras.Model, pd.DataFrame]:
    """Fit a network, or go on with what is kept of the same training under ``parts``."""
    # Keras keeps the seed by thread: it is set here, where the training runs.
    keras.utils.set_random_seed(settings.seed)
    fresh = build(settings, len(classes), _n_values(train, settings))
    network, n_devices = _last.with_state_of(fresh, settings, devices), len(devices)
    if (scale := find_layer(network, FEATURE_SCALE)) is not None:
        embedded = settings.has_embedding
        scale.adapt(network_input(settings, train.images) if embedded else train.features)
    if (mask := find_layer(network, PIXEL_MASK)) is not None:
        codes = class_codes(train.table, classes)[train.owner]
        mask.choose(train.images, codes, settings.select_pixels)
    recorder = EpochRecorder(callbacks.on_epoch, callbacks.should_stop)
    stopping = BestEpoch(settings, "loss" if validation is None else "val_loss")
    first_rate = keras.ops.convert_to_numpy(network.optimizer.learning_rate).item()
    rates = rate_callbacks(settings, first_rate)
    checkpoint = Checkpoint(parts, recorder, stopping)
    hearing: list[keras.callbacks.Callback] = [*rates, recorder, stopping, checkpoint]
    if callbacks.watched is not None:
        given = network_input(settings, callbacks.watched.images, callbacks.watched.features)
        hearing.append(AnswerRecorder(given, callbacks.on_answers, stopping))
    done = checkpoint.load(network)
    if stopping.had_ended(done):
        callbacks.message(f"Takes the network of the same training, which had {done} epochs.")
        stopping.take_best(network)
        checkpoint.end()
        return network, pd.DataFrame(recorder.rows)
    if done:
        callbacks.message(f"Goes on after epoch {done} of the same training, which was stopped.")
    targets, watched = one_hot(train, classes), None
    if validation is not None:
        watched = _arrays(validation, classes, settings, n_devices)
    shown = smoothed(targets, settings.label_smoothing)
    with Batches(train, shown, settings, done, n_devices) as batches:
        network.fit(
            batches,
            validation_data=watched,
            validation_batch_size=next_multiple(VALIDATION_BATCH_SIZE, n_devices),
            initial_epoch=done,
            epochs=settings.epochs,
            class_weight=_class_weights(targets) if settings.balance else None,
            callbacks=hearing,
            shuffle=False,
            verbose=0,
        )
    checkpoint.end()
    return network, pd.DataFrame(recorder.rows)


def _arrays(
    units: Units, classes: tuple[str, ...], settings: TrainingSettings, n_devices: int
) -> tuple:
    """Return input and targets, filled up with the first ones so that devices can share them."""
    count = len(units.images)
    rows = np.resize(np.arange(count), next_multiple(count, n_devices))
    features = units.image_features
    known = None if features is None else features[rows]
    return network_input(settings, units.images[rows], known), one_hot(units, classes)[rows]


def smoothed(targets: NDArray[np.float32], amount: float) -> NDArray[np.float32]:
    """Return targets, (n, classes), with this fraction shared out evenly among the classes.

    C. Szegedy et al., "Rethinking the Inception architecture for computer vision", 2016.
    """
    return ((1 - amount) * targets + amount / targets.shape[1]).astype(np.float32)


def one_hot(units: Units, classes: tuple[str, ...]) -> NDArray[np.float32]:
    """Return the class of each image of the units, (n, classes)."""
    codes = class_codes(units.table, classes)[units.owner]
    return np.eye(len(classes), dtype=np.float32)[codes]


def _class_weights(targets: NDArray[np.float32]) -> dict[int, float]:
    codes = targets.argmax(axis=1)
    found = np.unique(codes)
    weights = compute_class_weight("balanced", classes=found, y=codes)
    return dict(zip(found.tolist(), weights.tolist(), strict=True))
