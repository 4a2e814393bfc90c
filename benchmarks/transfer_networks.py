"""How well networks answer for another laboratory than those they learnt from.

    python benchmarks/transfer_networks.py FOLDER [--pairs] [--epochs 40] [--copies 4]

FOLDER, laboratories and scores are those of ``transfer.py``. The unit is the cell whose nucleus is
nearest to the centre of its picture. Each network is trained with and without adaptation, and with
and without simulated acquisitions: minutes for three laboratories to the fourth, an hour with
``--pairs``, which prints the whole matrix.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from transfer import LABS, Laboratories, collect, print_matrix

from napari_marrow.data.failures import Failures
from napari_marrow.data.fields import Collection
from napari_marrow.learning.learners import SILENT
from napari_marrow.learning.network_training.learner import NetworkLearner
from napari_marrow.learning.settings import TrainingSettings


class NetworkLaboratories(Laboratories):
    """The central cells of all laboratories, cut once, and scores of one network."""

    def __init__(self, collection: Collection, settings: TrainingSettings):
        self.settings = settings
        self.learner = NetworkLearner(collection, settings, SILENT, Failures(strict=True))
        table, fields = self.learner.table, {collection.label(f): f for f in collection.fields}
        sizes = {name: np.array(f.image().shape[:2]) for name, f in fields.items()}
        away = np.linalg.norm(
            table[["y", "x"]].to_numpy() - np.stack([sizes[x] / 2 for x in table["image"]]), axis=1
        )
        central = away == pd.Series(away).groupby(table["image"].to_numpy()).transform("min")
        if central.sum() < len(fields):
            raise SystemExit(f"{len(fields) - central.sum()} pictures are without a nucleus.")
        labs = np.array([fields[x].acquisition for x in table["image"]])
        self.lab = np.where(central, labs, "")
        self.truth = table["class"].to_numpy(str)
        self.missing = np.zeros(len(table), bool)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="dcnn")
    parser.add_argument("--epochs", type=int, default=TrainingSettings.epochs)
    parser.add_argument("--copies", type=int, default=TrainingSettings.copies)
    parser.add_argument("--input-size", type=int, default=TrainingSettings.input_size)
    parser.add_argument("--pairs", action="store_true", help="also from one to another")
    arguments = parser.parse_args()
    settings = TrainingSettings(
        model=arguments.model,
        unit="cell",
        epochs=arguments.epochs,
        copies=arguments.copies,
        input_size=arguments.input_size,
    )
    labs = NetworkLaboratories(collect(arguments.folder), settings)
    for adapt in ("none", "auto"):
        for simulates in (False, True):
            labs.settings = replace(settings, adapt=adapt, simulate_acquisitions=simulates)
            how = "standardised" if adapt == "auto" else "pixels as they are"
            title = f"{settings.model}, {how}{', simulated acquisitions' if simulates else ''}"
            if arguments.pairs:
                print_matrix(labs, title)
                continue
            rest = [labs.right(labs.rows(*(x for x in LABS if x != o)), labs.rows(o)) for o in LABS]
            scores = ", ".join(f"{o} {x:.2f}" for o, x in zip(LABS, rest, strict=True))
            print(f"{title}: three to the fourth {np.mean(rest):.3f} ({scores})", flush=True)


if __name__ == "__main__":
    main()
