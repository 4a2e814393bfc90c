"""Images a second while a network trains, against a bare ``model.fit`` on arrays in memory.

    python benchmarks/training.py [--images 512] [--epochs 3] [--repeats 3]

The same network and batch, on the same images. napari-marrow shuffles, rotates and recolours each
image, weights the classes, records, and keeps a checkpoint; ``model.fit`` does nothing but fit. In
each round all run once, in random order; the ratio is napari-marrow's images a second to those of
the bare fit. The first epoch, in which the network is compiled, does not count.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from napari_marrow.learning.network_training.import_keras import start_keras
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.learning.units.samples import Units

CLASSES = ("ALL", "MM")


def units(count: int, side: int) -> Units:
    """Return random images of two classes."""
    images = np.random.default_rng(0).integers(0, 256, (count, side, side, 3)).astype(np.uint8)
    table = pd.DataFrame({"class": np.resize(CLASSES, count)})
    return Units(images, np.arange(count), table)


def rate_of_program(side: Units, settings: TrainingSettings) -> float:
    """Return images a second of a training by napari-marrow, after the first epoch."""
    from napari_marrow.learning.network_training.fit import FitCallbacks, train_network

    ends: list[float] = []
    heard = FitCallbacks(lambda row: ends.append(time.perf_counter()))
    train_network(side, None, CLASSES, settings, heard)
    return len(side.images) * settings.copies * (len(ends) - 1) / (ends[-1] - ends[0])


def rate_of_fit(side: Units, settings: TrainingSettings) -> float:
    """Return images a second of Keras's fit on arrays, after the first epoch."""
    import keras

    from napari_marrow.learning.network_training.fit import one_hot
    from napari_marrow.learning.networks import build

    class Ends(keras.callbacks.Callback):
        times: list[float]

        def on_train_begin(self, logs=None):
            self.times = []

        def on_epoch_end(self, epoch, logs=None):
            self.times.append(time.perf_counter())

    ends = Ends()
    images = np.repeat(side.images, settings.copies, axis=0).astype(np.float32)
    targets = np.repeat(one_hot(side, CLASSES), settings.copies, axis=0)
    network = build(settings, len(CLASSES))
    how = {"batch_size": settings.batch_size, "epochs": settings.epochs, "verbose": 0}
    network.fit(images, targets, callbacks=[ends], **how)
    return len(images) * (len(ends.times) - 1) / (ends.times[-1] - ends.times[0])


def main() -> None:
    """Print a row for each model and number of copies."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--models", default="dcnn,cnn7,dct")
    args = parser.parse_args()
    start_keras()
    rng = np.random.default_rng()
    print("| network, copies | napari-marrow, images a second | bare fit | ratio |")
    print("|---|---|---|---|")
    for model in args.models.split(","):
        for copies in (1, 4):
            settings = TrainingSettings(
                model=model, epochs=args.epochs + 1, patience=0, copies=copies, device="cpu"
            )
            side = units(args.images // copies, settings.input_size)
            rounds = []
            for _ in range(args.repeats):
                own = replace(settings, seed=int(rng.integers(2**31)))
                runs: list[Callable[[Units, TrainingSettings], float]] = [
                    rate_of_program,
                    rate_of_fit,
                ]
                found = {runs[j]: runs[j](side, own) for j in rng.permutation(2)}
                rounds.append([found[run] for run in runs])
            ours, bare = np.median(rounds, axis=0)
            ratios = np.divide(*np.transpose(rounds))
            print(
                f"| {model}, {copies} | {ours:.0f} | {bare:.0f} | {np.median(ratios):.2f} "
                f"({ratios.min():.2f} to {ratios.max():.2f}) |",
                flush=True,
            )


if __name__ == "__main__":
    main()
