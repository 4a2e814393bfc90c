"""Images a second in training, on whatever backend and accelerator there is.

    KERAS_BACKEND=jax python benchmarks/gpu.py [--model dcnn] [--batch 64] [--images 4096]

Side by side: a training by napari-marrow, with and without augmented copies; Keras's bare fit on
arrays in memory; and a step of the same network and batch that is written by hand and compiled
(`jax.jit`, `torch.compile`, `tf.function(jit_compile=True)`), on data that lie on the device. The
first epoch, in which networks are compiled, does not count. Utilisation is what nvidia-smi says.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from training import CLASSES, rate_of_fit, units

from napari_marrow.data.cache import FOLDER_VARIABLE
from napari_marrow.data.errors import Stopped
from napari_marrow.learning.network_training.import_keras import start_keras
from napari_marrow.learning.settings import TrainingSettings

SAMPLES_A_SECOND = 5
Step = Callable[[int], object]
"""Trains on one batch, by its number, and returns its loss, which is ready when it is read."""


def rate_of_program(count: int, settings: TrainingSettings, epochs: int) -> float:
    """Return images a second of a training by napari-marrow, which ends before the export."""
    from napari_marrow.learning.network_training.fit import FitCallbacks, train_network

    ends: list[float] = []
    heard = FitCallbacks(
        lambda row: ends.append(time.perf_counter()), lambda: len(ends) == epochs + 1
    )
    side = units(count // settings.copies, settings.input_size)
    with contextlib.suppress(Stopped):
        train_network(side, None, CLASSES, replace(settings, epochs=epochs + 2), heard)
    return len(side.images) * settings.copies * epochs / (ends[-1] - ends[0])


def rate_by_hand(count: int, settings: TrainingSettings, epochs: int) -> float:
    """Return images a second of a compiled step that is written by hand."""
    import keras

    from napari_marrow.learning.networks import build

    rng = np.random.default_rng(0)
    size, shape = settings.batch_size, (settings.input_size, settings.input_size, 3)
    targets = np.eye(len(CLASSES), dtype=np.float32)
    batches = []
    for _ in range(count // size):
        images = rng.integers(0, 256, (size, *shape)).astype(np.float32)
        batches.append((images, targets[rng.integers(len(CLASSES), size=size)]))
    make = {"jax": jax_step, "torch": torch_step, "tensorflow": tensorflow_step}
    step = make[keras.backend.backend()](build(settings, len(CLASSES)), batches)

    def run_epoch() -> None:
        for number in range(len(batches)):
            loss = step(number)
        float(loss)  # type: ignore[arg-type]  # waits for the device

    run_epoch()
    start = time.perf_counter()
    for _ in range(epochs):
        run_epoch()
    return len(batches) * size * epochs / (time.perf_counter() - start)


def jax_step(network, batches) -> Step:
    """Return a step of JAX."""
    import jax
    import jax.numpy as jnp

    optimizer = network.optimizer
    optimizer.build(network.trainable_variables)
    lying = [tuple(map(jax.device_put, batch)) for batch in batches]
    state = [
        [x.value for x in variables]
        for variables in (
            network.trainable_variables,
            network.non_trainable_variables,
            optimizer.variables,
        )
    ]

    def loss_of(weights, others, images, targets):
        answers, others = network.stateless_call(weights, others, images, training=True)
        return -(targets * jnp.log(answers + 1e-7)).sum(axis=1).mean(), others

    @jax.jit
    def train(weights, others, moments, images, targets):
        gradient = jax.value_and_grad(loss_of, has_aux=True)
        (loss, others), slopes = gradient(weights, others, images, targets)
        weights, moments = optimizer.stateless_apply(moments, slopes, weights)
        return loss, (weights, others, moments)

    def step(number):
        loss, state[:] = train(*state, *lying[number])
        return loss

    return step


def torch_step(network, batches) -> Step:
    """Return a step of PyTorch."""
    import torch

    device = next(network.parameters()).device
    lying = [tuple(torch.from_numpy(x).to(device) for x in batch) for batch in batches]
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)

    @torch.compile
    def loss_of(images, targets):
        return -(targets * torch.log(network(images, training=True) + 1e-7)).sum(dim=1).mean()

    def step(number):
        optimizer.zero_grad()
        loss = loss_of(*lying[number])
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def tensorflow_step(network, batches) -> Step:
    """Return a step of TensorFlow."""
    import tensorflow as tf

    lying = [tuple(map(tf.constant, batch)) for batch in batches]
    optimizer = network.optimizer
    optimizer.build(network.trainable_variables)

    @tf.function(jit_compile=True)
    def train(images, targets):
        with tf.GradientTape() as tape:
            answers = network(images, training=True)
            losses = -tf.reduce_sum(targets * tf.math.log(answers + 1e-7), axis=1)
            loss = tf.reduce_mean(losses)
        weights = network.trainable_variables
        optimizer.apply(tape.gradient(loss, weights), weights)
        return loss

    return lambda number: train(*lying[number])


class Utilisation:
    """How busy the GPUs are while a block runs, in percent, as nvidia-smi says; None without it."""

    def __enter__(self) -> Utilisation:
        self._tool, self._samples = shutil.which("nvidia-smi"), list[float]()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        query = ["--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
        while self._tool is not None and not self._ended.wait(1 / SAMPLES_A_SECOND):
            done = subprocess.run([self._tool, *query], capture_output=True, text=True)
            if done.returncode == 0:
                self._samples += map(float, done.stdout.split())

    def __exit__(self, *_) -> None:
        self._ended.set()
        self._thread.join()

    def __str__(self) -> str:
        return f"{np.mean(self._samples):.0f} %" if self._samples else "not measured"


def rows(args: argparse.Namespace) -> Iterator[tuple[str, Callable[[], float]]]:
    """Yield what is measured, and what measures it."""
    settings = TrainingSettings(
        model=args.model,
        input_size=args.side,
        batch_size=args.batch,
        patience=0,
        copies=1,
        precision="float32",
    )
    side = units(args.images, args.side)
    for precision in ("float32", "mixed"):
        for copies in (1, 4):
            own = replace(settings, copies=copies, precision=precision)
            yield (
                f"napari-marrow, copies {copies}, {precision}",
                lambda own=own: rate_of_program(args.images, own, args.epochs),
            )
    bare = replace(settings, epochs=args.epochs + 1)
    yield "bare fit, float32", lambda: rate_of_fit(side, bare)
    yield "step by hand, float32", lambda: rate_by_hand(args.images, settings, args.epochs)


def main() -> None:
    """Print where it runs, and a row for each way of training."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="dcnn")
    parser.add_argument("--images", type=int, default=4096)
    parser.add_argument("--side", type=int, default=96)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=3)
    args = parser.parse_args()
    start_keras()
    import keras

    from napari_marrow.learning.network_training.devices import choose_devices
    from napari_marrow.learning.network_training.gpu_advice import nvidia_cards

    backend = keras.backend.backend()
    version = importlib.metadata.version(backend)
    print(f"Keras {keras.__version__}, {backend} {version}, {', '.join(choose_devices('auto'))}")
    print(", ".join(nvidia_cards()) or f"no GPU; {os.cpu_count()} processors")
    print(f"{args.model}, {args.side} px, {args.batch} images a step\n")
    print("| training | images a second | GPU utilisation |\n|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ[FOLDER_VARIABLE] = folder  # no training goes on from another
        for name, measure in rows(args):
            with Utilisation() as used:
                rate = measure()
            print(f"| {name} | {rate:.0f} | {used} |", flush=True)


if __name__ == "__main__":
    main()
