"""Keep the network of the last training, so that the same one is not compiled again."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from dataclasses import fields, replace

import keras

from napari_marrow.learning.settings import CommonSettings, TrainingSettings

MAX_WEIGHTS = 10_000_000
"""Of a network that is kept: larger ones hold more memory than their compiling is worth."""
OTHER_OPTIONS = {f.name for f in fields(CommonSettings)} - {"model"} | {"validation"}
OTHER_OPTIONS |= {"epochs", "patience", "copies", "batch_size", "schedule", "balance"}
"""Options that change nothing in the network and how it is compiled."""


class CompiledNetwork(threading.local):
    """The last network that a thread has trained, with what the backend compiled for it.

    TensorFlow and JAX trace the steps of a network at its first batch, which takes a second or
    more. A network of the same settings on the same device takes them over: it gets the state of
    the fresh one, so that a training is the same with and without.
    """

    def __init__(self) -> None:
        self._key: Hashable = None
        self._network: keras.Model | None = None

    def with_state_of(
        self, fresh: keras.Model, settings: TrainingSettings, devices: tuple[str, ...]
    ) -> keras.Model:
        """Return the network that was kept, as fresh as another; or the other, if it is unlike.

        Parameters
        ----------
        fresh
            A network that was just built and compiled.
        settings
            Of its training.
        devices
            On which it is; of several none is kept.
        """
        defaults = {name: getattr(TrainingSettings, name) for name in OTHER_OPTIONS}
        shapes = repr((fresh.input_shape, fresh.output_shape))
        key = replace(settings, **defaults), shapes, keras.config.dtype_policy().name, devices
        known = self._network if key == self._key and len(devices) == 1 else None
        self._key, self._network = key, None  # kept again when this training has ended well
        if known is None:
            return fresh
        fresh.optimizer.build(fresh.trainable_variables)
        for variable, value in zip(all_variables(known), all_variables(fresh), strict=True):
            variable.assign(value)
        return known

    def keep(self, network: keras.Model) -> None:
        """Keep a network for the next training; its weights must be copied before that."""
        if network.count_params() <= MAX_WEIGHTS:
            self._network = network


def all_variables(network: keras.Model) -> list[keras.Variable]:
    """Return weights, states of random numbers, and those of the optimizer."""
    if hasattr(network, "jax_state_sync"):
        network.jax_state_sync()
    return [*network.variables, *network.optimizer.variables]
