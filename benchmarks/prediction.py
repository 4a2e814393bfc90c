"""Cells a second of a network: the engines of napari-marrow against Keras.

    python benchmarks/prediction.py [--cells 512] [--repeats 5]

The same crops, in memory, through the same weights on the CPU: what labelling does after cells are
cut out. Keras is ``model.predict`` in batches of 64; the others are the engines that are installed
and can read the network. Answers must agree to 0.0001. In each round all run once, in random order.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from napari_marrow.learning.network_training.import_keras import start_keras
from napari_marrow.learning.onnx.choice import choose_engine
from napari_marrow.learning.onnx.engines import ENGINES, installed_engines
from napari_marrow.learning.onnx.export import export_network
from napari_marrow.learning.onnx.inference import open_network, run_network
from napari_marrow.learning.settings import TrainingSettings

MAX_DIFFERENCE = 1e-4
KERAS_BATCH_SIZE = 64
Run = Callable[[NDArray[np.uint8]], NDArray]


def engines(model: str) -> dict[str, Run]:
    """Return a function of each engine, all of the same network with random weights."""
    import keras

    from napari_marrow.learning.networks import build

    settings = TrainingSettings(model=model)
    keras.utils.set_random_seed(0)
    network = build(settings, 2)
    side = settings.input_size
    onnx = export_network(network, np.zeros((2, side, side, 3), np.uint8))
    reference = open_network(onnx)

    def by_keras(images: NDArray[np.uint8]) -> NDArray:
        return network.predict(images.astype(np.float32), batch_size=KERAS_BATCH_SIZE, verbose=0)

    found: dict[str, Run] = {"Keras": by_keras}
    for name in installed_engines():
        choice = choose_engine(onnx, reference, [[side, side, 3]], name)
        if choice.note:
            print(choice.note)
        else:
            spec = ENGINES[name]
            found[f"{spec.title}, {spec.device}"] = partial(run_network, choice.engine)
    return found


def main() -> None:
    """Print a row for each network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--models", default="dcnn,sd-layer,cnn7")
    args = parser.parse_args()
    start_keras()
    rng = np.random.default_rng(0)
    side = TrainingSettings().input_size
    images = rng.integers(0, 256, (args.cells, side, side, 3)).astype(np.uint8)
    print("| network | engine | cells a second | ratio to Keras |\n|---|---|---|---|")
    for model in args.models.split(","):
        runs = engines(model)
        answers = {name: run(images) for name, run in runs.items()}  # and warm
        for name, found in answers.items():
            difference = np.abs(found - answers["Keras"]).max()
            assert difference <= MAX_DIFFERENCE, f"{name} differs by {difference}"
        seconds: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(args.repeats):
            for name in rng.permutation([*runs]):
                begun = time.perf_counter()
                runs[name](images)
                seconds[name].append(time.perf_counter() - begun)
        for name in runs:
            ratios = np.divide(seconds["Keras"], seconds[name])
            print(
                f"| {model} | {name} | {args.cells / np.median(seconds[name]):.0f} | "
                f"{np.median(ratios):.2f} ({ratios.min():.2f} to {ratios.max():.2f}) |",
                flush=True,
            )


if __name__ == "__main__":
    main()
