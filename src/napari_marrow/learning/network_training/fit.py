"""Train a network: images in, weights, history and ONNX file out. Imports Keras."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight

from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.imaging.augment import vary
from napari_marrow.imaging.simulate_acquisition import simulate_acquisition
from napari_marrow.learning.networks import build
from napari_marrow.learning.networks.common import FEATURE_SCALE, network_input
from napari_marrow.learning.onnx.export import export_network
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.learning.units.samples import Units, class_codes


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
        A row an epoch: ``epoch``, ``loss``, ``accuracy``, ``val_loss``, ``val_accuracy``.
    parameters
        Number of weights.
    device
        Where it ran, as the backend names it.
    """

    weights: dict[str, NDArray[np.float32]]
    onnx: bytes
    history: pd.DataFrame
    parameters: int
    device: str


def list_devices() -> list[str]:
    """Return the devices that the backend finds, GPUs first: ``gpu:0`` ..., then ``cpu:0``."""
    names = {str(name).lower() for name in keras.distribution.list_devices()} | {"cpu:0"}
    names = {name.replace("cuda", "gpu") for name in names}
    return sorted(names, key=lambda name: (not name.startswith("gpu"), name))


def choose_device(wanted: str) -> str:
    """Return the device for ``auto``, ``cpu`` or ``gpu``.

    Raises
    ------
    MarrowError
        When a GPU is asked for and none is found.
    """
    for device in list_devices():
        if wanted == "auto" or device.startswith(wanted):
            return device
    raise MarrowError(
        f"No GPU was found by the backend {keras.backend.backend()}; choose the device cpu or "
        "auto, or install the extra napari-marrow[gpu]."
    )


def train_network(
    train: Units,
    validation: Units | None,
    classes: tuple[str, ...],
    settings: TrainingSettings,
    on_epoch: Callable[[dict[str, float]], None],
    should_stop: Callable[[], bool],
) -> TrainedNetwork:
    """Train the network that the settings name, from fresh weights.

    Parameters
    ----------
    train, validation
        The two sides; without validation the training loss decides when to stop.
    classes
        Names of the network's outputs, in order.
    settings
        See :class:`TrainingSettings`.
    on_epoch
        Called after each epoch with ``epoch`` (from 1), ``loss``, ``accuracy`` and, with
        validation, ``val_loss`` and ``val_accuracy``.
    should_stop
        Called after every step; True ends the training.

    Raises
    ------
    Stopped
        When ``should_stop`` returned True.
    MarrowError
        When a GPU is asked for and none is found.
    """
    device = choose_device(settings.device)
    with keras.device(device):
        # Keras keeps the seed by thread: it is set here, where the training runs.
        keras.utils.set_random_seed(settings.seed)
        network = build(settings, len(classes), train.n_features)
        recorder = _EpochRecorder(on_epoch, should_stop)
        # restores the best epoch's weights, also when all epochs ran
        stopping = keras.callbacks.EarlyStopping(
            monitor="loss" if validation is None else "val_loss",
            mode="min",
            patience=settings.patience or settings.epochs,
            restore_best_weights=True,
        )
        if train.features is not None:
            network.get_layer(FEATURE_SCALE).adapt(train.features)
        targets, watched = one_hot(train, classes), None
        if validation is not None:
            known = network_input(validation.images, validation.image_features)
            watched = known, one_hot(validation, classes)
        network.fit(
            _Batches(train, targets, settings),
            validation_data=watched,
            epochs=settings.epochs,
            class_weight=_class_weights(targets) if settings.balance else None,
            callbacks=[recorder, stopping],
            shuffle=False,
            verbose=0,
        )
        known_features = train.image_features
        first_features = None if known_features is None else known_features[:16]
        return TrainedNetwork(
            weights={w.path: np.asarray(keras.ops.convert_to_numpy(w)) for w in network.weights},
            onnx=export_network(network, train.images[:16], first_features),
            history=pd.DataFrame(recorder.rows),
            parameters=network.count_params(),
            device=device,
        )


def one_hot(units: Units, classes: tuple[str, ...]) -> NDArray[np.float32]:
    """Return the class of each image of the units, (n, classes)."""
    codes = class_codes(units.table, classes)[units.owner]
    return np.eye(len(classes), dtype=np.float32)[codes]


def _class_weights(targets: NDArray[np.float32]) -> dict[int, float]:
    codes = targets.argmax(axis=1)
    found = np.unique(codes)
    weights = compute_class_weight("balanced", classes=found, y=codes)
    return dict(zip(found.tolist(), weights.tolist(), strict=True))


class _Batches(keras.utils.PyDataset):
    """The training side in a new order each epoch, each image rotated and recoloured at random."""

    def __init__(
        self,
        units: Units,
        targets: NDArray[np.float32],
        settings: TrainingSettings,
    ):
        super().__init__()
        self._images, self._targets = units.images, targets
        self._features = units.image_features
        self._size, self._copies = settings.batch_size, settings.copies
        self._simulates = settings.simulate_acquisitions
        self._generator = np.random.default_rng(settings.seed)
        self._order = self._shuffled()

    def _shuffled(self) -> NDArray[np.intp]:
        return self._generator.permutation(np.repeat(np.arange(len(self._images)), self._copies))

    def __len__(self) -> int:
        return -(-len(self._order) // self._size)

    def __getitem__(self, step: int):
        rows = self._order[step * self._size : (step + 1) * self._size]
        images = self._images[rows]
        if self._copies > 1:
            images = vary(images, self._generator)
            if self._simulates:
                images = np.stack([simulate_acquisition(x, self._generator) for x in images])
        features = None if self._features is None else self._features[rows]
        return network_input(images, features), self._targets[rows]

    def on_epoch_end(self) -> None:
        self._order = self._shuffled()


class _EpochRecorder(keras.callbacks.Callback):
    """Report every epoch; after every step ask whether to go on."""

    def __init__(self, on_epoch: Callable[[dict[str, float]], None], should_stop):
        super().__init__()
        self._on_epoch, self._should_stop = on_epoch, should_stop
        self.rows: list[dict[str, float]] = []

    def on_train_batch_end(self, batch, logs=None):
        self._stop_if_asked()

    def on_test_batch_end(self, batch, logs=None):
        self._stop_if_asked()

    def on_epoch_end(self, epoch, logs=None):
        row = {"epoch": epoch + 1} | {name: float(value) for name, value in (logs or {}).items()}
        self.rows.append(row)
        self._on_epoch(row)
        self._stop_if_asked()

    def _stop_if_asked(self) -> None:
        # An exception, as `stop_training` would still run the validation.
        if self._should_stop():
            raise Stopped
