"""What happens beside a training: reports, asking whether to stop, the learning rate, the end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

import keras
import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.errors import Stopped
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.learning.units.watched import WatchedAnswers

MIN_ANSWER_INTERVAL_S = 0.5
MAX_ANSWER_TIME = 0.02
"""Fraction of the time of a training that is spent on images that are watched."""


class EpochRecorder(keras.callbacks.Callback):
    """Report every epoch; after every step ask whether to go on.

    Parameters
    ----------
    on_epoch, should_stop
        Called with the losses of an epoch, and after each step.
    """

    def __init__(
        self,
        on_epoch: Callable[[dict[str, float]], None],
        should_stop: Callable[[], bool],
    ):
        super().__init__()
        self._on_epoch, self._should_stop = on_epoch, should_stop
        self.rows: list[dict[str, float]] = []

    def on_train_batch_end(self, batch, logs=None):
        """Stop if asked to."""
        self._stop_if_asked()

    def on_test_batch_end(self, batch, logs=None):
        """Stop if asked to."""
        self._stop_if_asked()

    def on_epoch_end(self, epoch, logs=None):
        """Report the losses, and the learning rate of the epoch."""
        row = {"epoch": epoch + 1} | {name: float(value) for name, value in (logs or {}).items()}
        rate = keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        row["learning_rate"] = float(rate)
        self.rows.append(row)
        self._on_epoch(row)

    def _stop_if_asked(self) -> None:
        # An exception, as `stop_training` would still run the validation.
        if self._should_stop():
            raise Stopped


class BestEpoch(keras.callbacks.EarlyStopping):
    """Stop where the loss no longer improves, and take the best epoch's weights.

    They are taken also where all epochs ran. What it knows can be stored, so that a training that
    was stopped goes on.
    """

    def __init__(self, settings: TrainingSettings, monitor: str):
        patience = settings.patience or settings.epochs
        super().__init__(monitor, mode="min", patience=patience, restore_best_weights=True)
        self._epochs = settings.epochs
        self._before: tuple[float, int, int, list[NDArray]] | None = None

    def on_train_begin(self, logs=None):
        """Begin, or go on with what was known."""
        super().on_train_begin(logs)
        if self._before is not None:
            self.best, self.best_epoch, self.wait, self.best_weights = self._before

    def state(self) -> dict[str, NDArray]:
        """Return the best loss, its epoch and how many followed, and the weights then."""
        weights = {f"best_{k:06}": np.asarray(x) for k, x in enumerate(self.best_weights or ())}
        return {"stopping": np.array([self.best, self.best_epoch, self.wait])} | weights

    def load(self, state: Mapping[str, NDArray]) -> None:
        """Go on with what :meth:`state` returned."""
        best, epoch, wait = state["stopping"].tolist()
        weights = [state[name] for name in sorted(state) if name.startswith("best_")]
        self._before = best, int(epoch), int(wait), weights

    def had_ended(self, n_epochs: int) -> bool:
        """Whether the training that :meth:`load` was given the state of had ended by then."""
        if self._before is None:
            return False
        return n_epochs >= self._epochs or self._before[2] >= self.patience

    def take_best(self, network: keras.Model) -> None:
        """Give a network the best epoch's weights of the state that was loaded."""
        assert self._before is not None
        _, self.best_epoch, _, weights = self._before
        if weights:
            network.set_weights(weights)


class AnswerRecorder(keras.callbacks.Callback):
    """Report what the network answers for a few images, as often as costs next to nothing.

    Parameters
    ----------
    given
        The images, as the network takes them.
    on_answers
        Called after the first epoch, after some of the others, and at the end with the answers of
        the best epoch's weights.
    stopping
        Knows the best epoch; it must be an earlier callback of the training.
    """

    def __init__(
        self,
        given: NDArray | tuple[NDArray, ...],
        on_answers: Callable[[WatchedAnswers], None],
        stopping: BestEpoch,
    ):
        super().__init__()
        self._input = given
        self._on_answers, self._stopping = on_answers, stopping
        self._warm, self._not_before = False, 0.0

    def on_epoch_end(self, epoch, logs=None):
        """Report the answers, unless the last time was just now."""
        begun = time.monotonic()
        if begun < self._not_before:
            return
        self._report(epoch + 1)
        ended = time.monotonic()
        # the first time takes longer than all others
        pause = (ended - begun) / MAX_ANSWER_TIME if self._warm else 0.0
        self._warm, self._not_before = True, ended + max(MIN_ANSWER_INTERVAL_S, pause)

    def on_train_end(self, logs=None):
        """Report the answers of the weights that are kept."""
        self._report(self._stopping.best_epoch + 1)

    def _report(self, epoch: int) -> None:
        self._on_answers(WatchedAnswers(answer(self.model, self._input), epoch))


def answer(network: keras.Model, given) -> NDArray[np.float32]:
    """Return a network's probabilities, (n, classes), for a few images in its present state."""
    if hasattr(network, "jax_state_sync"):
        network.jax_state_sync()
    # Called, not `predict`: that would compile a function, which takes longer than all answers.
    return np.asarray(keras.ops.convert_to_numpy(network(given, training=False)), np.float32)


def rate_callbacks(settings: TrainingSettings, first_rate: float) -> list[keras.callbacks.Callback]:
    """Return what changes the learning rate; nothing for a constant one.

    ``cosine`` falls from the first epoch to the last as half a cosine (I. Loshchilov and F. Hutter,
    "SGDR: stochastic gradient descent with warm restarts", 2017, without a restart).
    """
    if settings.schedule == "constant":
        return []

    def rate(epoch: int, current: float) -> float:
        return first_rate * (1 + math.cos(math.pi * epoch / settings.epochs)) / 2

    return [keras.callbacks.LearningRateScheduler(rate)]
