"""What a training needs to go on after it was stopped, kept in the cache after every epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.cache import MAX_CACHE_BYTES, recall, remember
from napari_marrow.learning.network_training.callbacks import BestEpoch, EpochRecorder
from napari_marrow.learning.network_training.compiled import all_variables
from napari_marrow.learning.network_training.unfinished import has_trained

MAX_CHECKPOINT_BYTES = MAX_CACHE_BYTES // 4
"""Of weights and optimizer; larger networks start anew, as writing would take as long as an
epoch."""
MAX_BYTES_PER_NUMBER = 4


class Checkpoint(keras.callbacks.Callback):
    """Keep the state of a training after each epoch, and take it up again.

    Parameters
    ----------
    parts
        What tells the training: its settings and a checksum of all that it learns from.
    """

    def __init__(self, parts: Sequence[str], recorder: EpochRecorder, stopping: BestEpoch):
        super().__init__()
        self._parts = ["training", *parts]
        self._recorder, self._stopping = recorder, stopping

    def load(self, network: keras.Model) -> int:
        """Take up what was kept of the same training; return how many epochs it had."""
        network.optimizer.build(network.trainable_variables)
        state = recall(self._parts)
        if state is None:
            return 0
        for k, variable in enumerate(all_variables(network)):
            variable.assign(state[f"variable_{k:06}"])
        names = state["columns"].tolist()
        self._recorder.rows = [
            dict(zip(names, row, strict=True)) | {"epoch": int(row[0])}
            for row in state["rows"].tolist()
        ]
        self._stopping.load(state)
        return len(self._recorder.rows)

    def on_epoch_end(self, epoch, logs=None):
        """Keep weights, the optimizer's state, losses and the best epoch."""
        variables = all_variables(self.model)
        n_bytes = sum(math.prod(x.shape) * MAX_BYTES_PER_NUMBER for x in variables)
        if n_bytes > MAX_CHECKPOINT_BYTES:
            return
        state = {f"variable_{k:06}": _array(x) for k, x in enumerate(variables)}
        rows = self._recorder.rows
        state["columns"] = np.array([*rows[0]])
        state["rows"] = np.array([[*row.values()] for row in rows], np.float64)
        remember(self._parts, state | self._stopping.state())

    def end(self) -> None:
        """Report that the training has ended, so that what was kept is removed in time."""
        has_trained(self._parts)


def _array(variable: keras.Variable) -> NDArray:
    return np.asarray(keras.ops.convert_to_numpy(variable))
