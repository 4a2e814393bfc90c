"""How well models answer for a laboratory of which a few annotated cells were learnt from, too.

    python benchmarks/few_labels.py FOLDER [--models logistic] [--cells 10,30] [--seeds 2]

FOLDER is that of ``transfer.py``. Each model learns from one laboratory and from so many cells of
another, drawn at random with as many of each class as can be, all under the program's default
settings: a quarter of them is held out. It is then asked about the other cells there, as one batch.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from pathlib import Path

import numpy as np
import transfer
from uncertain import Answers, Fields

from napari_marrow.data.fields import Collection
from napari_marrow.jobs.train import TrainJob, run_training
from napari_marrow.learning.bundles.bundle import load_bundle
from napari_marrow.learning.settings import TrainingSettings


def draw(fields: Fields, count: int, seed: int) -> tuple[Fields, Fields]:
    """Return some fields, as many of each class as can be, and the others."""
    rng, chosen = np.random.default_rng(seed), []
    for k, name in enumerate(transfer.CLASSES):
        own = [f for f in fields if f.class_name == name]
        size = count // len(transfer.CLASSES) + (k < count % len(transfer.CLASSES))
        chosen += [own[i] for i in rng.permutation(len(own))[:size]]
    return chosen, [f for f in fields if f not in chosen]


def main() -> None:
    """Print a row for each pair of laboratories and number of cells, over the seeds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", default="logistic")
    parser.add_argument("--cells", default="10,30")
    parser.add_argument("--seeds", type=int, default=2)
    args = parser.parse_args()
    fields = transfer.collect(args.folder).fields
    labs = {lab: [f for f in fields if f.acquisition == lab] for lab in transfer.LABS}
    for model, count in itertools.product(args.models.split(","), map(int, args.cells.split(","))):
        print(f"\n### {model}, {count} cells of the new laboratory\n")
        print("| learnt from | and some of | right | wrong, unmarked | marked |")
        print("|---|---|---|---|---|")
        rates = []
        for one, other in itertools.permutations(transfer.LABS, 2):
            found = []
            for seed in range(args.seeds):
                few, asked = draw(labs[other], count, seed)
                collection = Collection(args.folder, (*labs[one], *few))
                with tempfile.TemporaryDirectory() as folder:
                    job = TrainJob(collection, TrainingSettings(model=model), Path(folder) / "m")
                    found.append(Answers.of(load_bundle(run_training(job).bundle), asked))
            answers = Answers.join(found)
            wrong = ~answers.right & ~answers.marked
            rates.append((answers.right.mean(), wrong.mean(), answers.marked.mean()))
            row = " | ".join(f"{rate:.3f}" for rate in rates[-1])
            print(f"| {one} | {other} | {row} |", flush=True)
        mean, worst = np.mean(rates, axis=0), np.max(rates, axis=0)
        print(
            f"\nMean: right {mean[0]:.3f}, wrong and unmarked {mean[1]:.3f} (worst {worst[1]:.3f}),"
            f" marked {mean[2]:.3f}."
        )


if __name__ == "__main__":
    main()
