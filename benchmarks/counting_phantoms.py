"""Counts of simulated photographs with a known share, from pixels to the interval.

    python benchmarks/counting_phantoms.py [--models 5] [--folders 8]

Each model learns from a simulated folder of both classes, one prediction per cell, and is held out
as usual. Then it classifies folders of fields that hold cells of both classes, of which a known
share is MM, with the true nuclei; the share in a field varies by chance alone. Printed are, by the
true share, how often the interval holds it with and without the model's errors.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
from interval_coverage import print_markdown
from numpy.typing import NDArray

from napari_marrow.data.layouts import scan
from napari_marrow.jobs.train import train
from napari_marrow.learning.bundles.bundle import Bundle
from napari_marrow.learning.bundles.predictor import joined_tables
from napari_marrow.learning.counting.count import count_cells
from napari_marrow.learning.counting.heldout import HeldOutErrors
from napari_marrow.learning.counting.result import CountSettings
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.simulation import phantom, scene
from napari_marrow.simulation.phantom import PhantomField, PhantomSettings, draw_field

SHARES = (0.02, 0.05, 0.1, 0.2, 0.4)
SIZE = {"width": 240, "height": 180}
N_LEARNT, N_COUNTED = 80, 12
"""Fields that are learnt from, and fields of a count."""
N_PLANNED = 200
"""Fields by which the share of cells that found room is known."""


@dataclass(frozen=True)
class Photograph:
    """A simulated photograph with cells of both classes.

    Attributes
    ----------
    image, nuclei
        Its pixels, and the instances.
    """

    image: NDArray[np.uint8]
    nuclei: NDArray[np.integer]


def true_share(share: float) -> float:
    """Return the share of MM among cells that found room: plasma cells are larger than blasts."""
    rng, new_cell = np.random.default_rng(0), scene.new_cell
    aspect, plans = SIZE["width"] / SIZE["height"], []

    def of_either(class_name: str, own: np.random.Generator) -> scene.CellPlan:
        return new_cell("MM" if rng.random() < share else "ALL", own)

    with mock.patch.object(scene, "new_cell", of_either):
        for own in rng.spawn(N_PLANNED):
            plans += scene.plan_white_cells("ALL", aspect, own)
    return float(np.mean([plan.kind != "blast" for plan in plans]))


def draw_mixed(share: float, index: int, seed: int) -> Photograph:
    """Draw a field in which each cell is of MM with a probability."""
    rng = np.random.default_rng([seed, index])
    new_cell = scene.new_cell

    def of_either(class_name: str, own: np.random.Generator) -> scene.CellPlan:
        return new_cell("MM" if rng.random() < share else "ALL", own)

    with mock.patch.object(scene, "new_cell", of_either):
        drawn: PhantomField = draw_field("ALL", index, PhantomSettings(**SIZE, seed=seed))
    return Photograph(drawn.image, drawn.nuclei)


def learn(folder: Path, seed: int) -> Bundle:
    """Train on a simulated folder."""
    settings = PhantomSettings(fields=N_LEARNT, **SIZE, seed=seed)
    collection = scan(phantom.write_phantom(folder, settings))
    chosen = TrainingSettings(model="logistic", unit="cell", seed=seed)
    return train(collection, chosen, folder / "model.marrow")


def answers(bundle: Bundle, photographs: Sequence[Photograph]) -> pd.DataFrame:
    """Classify the cells of photographs."""
    predictor = bundle.predictor
    seen = [predictor.observe(x.image, x.nuclei) for x in photographs]
    found = [x.table for x in predictor.predict_batch(seen)]
    return joined_tables([f"{k}.png" for k in range(len(found))], found)


def main() -> None:
    """Print coverage, by the true share."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--models", type=int, default=5)
    parser.add_argument("--folders", type=int, default=8)
    options = parser.parse_args()
    rows = []
    for number in range(options.models):
        with tempfile.TemporaryDirectory() as folder:
            bundle = learn(Path(folder), 1000 + number)
            errors = HeldOutErrors.of_bundle(bundle)
            print(f"model {number}: held-out confusion {errors.confusion}", flush=True)
            for wanted in SHARES:
                share = round(true_share(wanted), 3)
                for one in range(options.folders):
                    seed = 10_000 * (number + 1) + 100 * one + round(1000 * wanted)
                    fields = [draw_mixed(wanted, k + 1, seed) for k in range(N_COUNTED)]
                    table = answers(bundle, fields)
                    adjusted = count_cells(table, CountSettings(class_name="MM", cutoff=10), errors)
                    plain = count_cells(table, CountSettings(class_name="MM", cutoff=10))
                    rows.append({
                        "share": share,
                        "cells": adjusted.share.cells,
                        "estimate": adjusted.share.estimate,
                        "plain": plain.share.estimate,
                        "held": adjusted.share.low <= share <= adjusted.share.high,
                        "plain held": plain.share.low <= share <= plain.share.high,
                        "width": adjusted.share.high - adjusted.share.low,
                        "doubted": bool(adjusted.doubts),
                    })  # fmt: skip
    print()
    table = pd.DataFrame(rows)
    shown = []
    for level, own in [*table.groupby("share"), ("all", table)]:
        shown.append({
            "true share": level,
            "counts": len(own),
            "cells of a count": f"{own['cells'].mean():.0f}",
            "answered": f"{own['plain'].mean():.3f}",
            "adjusted": f"{own['estimate'].mean():.3f}",
            "interval holds the share": f"{own['held'].mean():.2f}",
            "width": f"{own['width'].mean():.2f}",
            "without the errors": f"{own['plain held'].mean():.2f}",
            "said not to be trusted": f"{own['doubted'].mean():.2f}",
        })  # fmt: skip
    print_markdown(pd.DataFrame(shown))


if __name__ == "__main__":
    main()
