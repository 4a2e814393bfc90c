"""What a network is shown: the training side in batches, in a new order each epoch."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeAlias

import keras
import numpy as np
from numpy.typing import NDArray

from napari_marrow.imaging.augment import vary, vary_by_one_operation
from napari_marrow.imaging.simulate_acquisition import simulate_acquisition
from napari_marrow.learning.networks.common import network_input
from napari_marrow.learning.registry import MODELS
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.learning.units.samples import Units

Images: TypeAlias = NDArray[np.uint8]
AUGMENTATIONS: dict[str, Callable[[Images, np.random.Generator], Images]] = {
    "standard": vary,
    "published": vary_by_one_operation,
}
"""Functions of a batch of images and a random generator, by the names that settings have."""
N_AHEAD = 2
"""Batches that are made while the network learns from one."""


def next_multiple(number: int, factor: int) -> int:
    """Return the smallest multiple of a factor that is not below a number."""
    return -(-number // factor) * factor


class Batches(keras.utils.PyDataset):
    """The training side in a new order each epoch, each image augmented at random.

    What an epoch shows depends on the seed and on its number alone, so that a training that was
    stopped goes on as if it had not been.

    Parameters
    ----------
    units
        The training side.
    targets
        (images, classes) what the network should answer.
    settings
        Those of the training.
    epoch
        Number of epochs that were shown before.
    n_devices
        Number of devices that share each batch evenly; for it the last of an epoch is filled up
        with images of the first.
    """

    def __init__(
        self,
        units: Units,
        targets: NDArray[np.float32],
        settings: TrainingSettings,
        epoch: int = 0,
        n_devices: int = 1,
    ):
        super().__init__()
        self._images, self._targets = units.images, targets
        self._features = units.image_features
        self._settings, self._epoch, self._n_devices = settings, epoch, n_devices
        chosen = settings.augmentation
        self._vary = AUGMENTATIONS[
            MODELS[settings.model].augmentation if chosen == "auto" else chosen
        ]
        self._pool = ThreadPoolExecutor(1, "batches")
        self._ahead: dict[int, Future] = {}
        # without copies an embedding, which takes long, is the same in every epoch
        once = settings.has_embedding and settings.copies == 1
        self._embedded = network_input(settings, self._images) if once else None
        self._start_epoch()

    def __enter__(self) -> Batches:
        """Make batches ahead, in a thread, until the block ends."""
        return self

    def __exit__(self, *_) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _start_epoch(self) -> None:
        rows = np.repeat(np.arange(len(self._images)), self._settings.copies)
        order = np.random.default_rng([self._settings.seed, self._epoch]).permutation(rows)
        self._order = np.resize(order, next_multiple(len(order), self._n_devices))

    def __len__(self) -> int:
        return -(-len(self._order) // self._settings.batch_size)

    def __getitem__(self, step: int):
        made = self._ahead.pop(step, None)
        for coming in range(step + 1, min(step + 1 + N_AHEAD, len(self))):
            if coming not in self._ahead:
                self._ahead[coming] = self._pool.submit(self._make, coming)
        return self._make(step) if made is None else made.result()

    def _make(self, step: int):
        """Return a batch and its targets: of each step of each epoch always the same."""
        size = self._settings.batch_size
        rows = self._order[step * size : (step + 1) * size]
        if self._embedded is not None:
            return self._embedded[rows], self._targets[rows]
        images = self._images[rows]
        if self._settings.copies > 1:
            generator = np.random.default_rng([self._settings.seed, self._epoch, step])
            images = self._vary(images, generator)
            if self._settings.simulate_acquisitions:
                images = np.stack([simulate_acquisition(x, generator) for x in images])
        features = None if self._features is None else self._features[rows]
        return network_input(self._settings, images, features), self._targets[rows]

    def on_epoch_end(self) -> None:
        """Begin the next epoch."""
        self._ahead.clear()  # nothing is left: the last step has none after it
        self._epoch += 1
        self._start_epoch()
