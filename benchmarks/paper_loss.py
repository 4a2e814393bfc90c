"""Why the paper's network does not learn as printed, and where its final loss of 0.5034 comes from.

    python benchmarks/paper_loss.py [--out docs/images] [--iterations 1000]

Four networks learn images that are easy to separate: bright and dark discs on noise. The printed
one, with softmax inside, learns under a plain cross-entropy and under the loss that applies the
sigmoid twice; the same network with ReLU inside under both, too. Takes a minute on two cores.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from napari_marrow.learning.network_training.import_keras import start_keras
from napari_marrow.learning.settings import TrainingSettings

SIDE, N_IMAGES, BATCH = 32, 128, 16
FLOOR = (np.log(1 + np.exp(-1)) + np.log(2)) / 2
"""Of a sigmoid cross-entropy of outputs 1 and 0, the best that two sigmoids can give: 0.5032."""
PUBLISHED = 0.5034


@dataclass(frozen=True)
class Run:
    """A network, the loss that it learns by, and what became of it.

    Attributes
    ----------
    title
        As the figure and the table call it.
    losses, accuracies
        Of all images after each epoch.
    """

    title: str
    losses: list[float]
    accuracies: list[float]


def images_and_targets() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return noise with a disc, dark in one class and light in the other, and the classes."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    disc = (np.hypot(rows, columns) < SIDE / 4)[None, :, :, None]
    classes = np.arange(N_IMAGES) % 2
    level = np.where(classes, 90, 190)[:, None, None, None]
    noise = rng.normal(0, 10, (N_IMAGES, SIDE, SIDE, 3))
    pixels = np.clip(np.where(disc, level, 140) + noise, 0, 255).astype(np.float32)
    return pixels, np.eye(2, dtype=np.float32)[classes]


def run(title: str, model: str, loss: str | None, epochs: int) -> Run:
    """Train a network by its own loss, or by another."""
    import keras

    from napari_marrow.learning.networks import build

    keras.utils.set_random_seed(0)
    network = build(TrainingSettings(model=model, input_size=SIDE, tiles=1), 2)
    if loss is not None:
        network.compile(optimizer=network.optimizer, loss=loss, metrics=["accuracy"])
    pixels, targets = images_and_targets()
    found = network.fit(
        pixels,
        targets,
        batch_size=BATCH,
        epochs=epochs,
        validation_data=(pixels, targets),  # by the weights after the epoch
        verbose=0,
    ).history
    return Run(title, found["val_loss"], found["val_accuracy"])


def draw(runs: list[Run], path: Path) -> None:
    """Draw the loss and the accuracy of each run over the iterations."""
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    steps = (np.arange(len(runs[0].losses)) + 1) * (N_IMAGES // BATCH)
    for k, one in enumerate(runs):
        style = {"color": f"C{k}", "linestyle": "--" if "twice" in one.title else "-"}
        left.plot(steps, one.losses, label=one.title, **style)
        right.plot(steps, one.accuracies, **style)
    for level, name in ((np.log(2), "ln 2 = 0.693"), (PUBLISHED, "published 0.5034")):
        left.axhline(level, color="0.5", linewidth=0.8, linestyle=":")
        left.text(steps[-1], level, name, ha="right", va="bottom", fontsize=8)
    left.set(xlabel="iteration", ylabel="loss", ylim=(-0.03, 1.1))
    right.set(xlabel="iteration", ylabel="accuracy", ylim=(0.4, 1.05))
    figure.legend(loc="outside lower center", ncols=2, fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def main() -> None:
    """Print the table and draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    parser.add_argument("--iterations", type=int, default=1000)
    args = parser.parse_args()
    start_keras()
    epochs = max(1, args.iterations * BATCH // N_IMAGES)
    plain, twice = "binary_crossentropy", None
    runs = [
        run("softmax inside, sigmoid once", "paper", plain, epochs),
        run("softmax inside, sigmoid twice", "paper", twice, epochs),
        run("ReLU inside, sigmoid once", "paper-relu", plain, epochs),
        run("ReLU inside, sigmoid twice", "paper-relu", twice, epochs),
    ]
    print(f"| network, loss | loss after {args.iterations} iterations | accuracy |")
    print("|---|---|---|")
    for one in runs:
        print(f"| {one.title} | {one.losses[-1]:.4f} | {one.accuracies[-1]:.2f} |")
    print(f"\nLowest possible with the sigmoid twice: {FLOOR:.4f}; published: {PUBLISHED}.")
    draw(runs, args.out / "paper_loss.png")


if __name__ == "__main__":
    main()
