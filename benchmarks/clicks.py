"""Thirty clicks in three myeloma fields: how well the cells of eleven others are told apart.

    python benchmarks/clicks.py REAL [--clicks 30] [--seeds 10]

The fields are those of SegPC-2021 in ``REAL/segpc``. Their nuclei are segmented; one that lies for
the larger part in the published masks of whole plasma cells is a plasma cell, every other nucleus
is not. For each seed three fields are drawn, cells in them are asked one by one, and the model is
judged on the cells of all other fields.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.metrics import precision_score, recall_score

from napari_marrow.data.images import read_image
from napari_marrow.imaging.segmentation import segment_nuclei
from napari_marrow.learning.annotating.asking import Question, next_question
from napari_marrow.learning.annotating.codes import UNKNOWN
from napari_marrow.learning.annotating.live import Live, fit_live, standardized
from napari_marrow.learning.units.feature_table import measure
from napari_marrow.measure.settings import DEFAULT_FAMILIES, FeatureSettings

N_FIELDS = 3
MASK_LEVEL = 128


def cells_of(folder: Path) -> tuple[NDArray, NDArray, NDArray]:
    """Return measurements, the field and the class (1 is a plasma cell) of all nuclei."""
    settings = FeatureSettings(families=DEFAULT_FAMILIES, unit="cell")
    values, fields, truth = [], [], []
    masks = {path.stem: path for path in (folder / "cell_masks").iterdir()}
    for number, path in enumerate(sorted((folder / "images").iterdir())):
        image = read_image(path)
        nuclei = segment_nuclei(image)
        inside = read_image(masks[path.stem])[..., 0] >= MASK_LEVEL
        table = measure(image, nuclei, settings)
        share = ndimage.mean(inside, nuclei, table["index"])
        values.append(table.drop(columns=["index", "y", "x"]).to_numpy(np.float64))
        fields.append(np.full(len(table), number))
        truth.append((share >= 0.5).astype(np.intp))
    return np.concatenate(values), np.concatenate(fields), np.concatenate(truth)


def clicked(
    values: NDArray, truth: NDArray, pool: NDArray, clicks: int, seed: int, *, at_random: bool
) -> NDArray:
    """Return the answers for all cells after so many cells of the pool were given their class."""
    given = np.full(len(values), UNKNOWN)
    places, asked = np.full(len(pool), "", str), list[Question]()
    order = np.random.default_rng(seed).permutation(len(pool))
    for k in range(min(clicks, len(pool))):
        live = fit_live(values, given)
        seen = None if live is None else Live(live.codes, live.probabilities[pool])
        question = Question(int(order[k]), "random")
        if not at_random:
            found = next_question(values[pool], places, given[pool], 2, seen, asked, seed)
            if found is None:
                break
            question = found
        asked.append(question)
        given[pool[question.row]] = truth[pool[question.row]]
    live = fit_live(values, given)
    return np.full(len(values), UNKNOWN) if live is None else live.answers


def main() -> None:
    """Print a row for each way of asking, of medians over the seeds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clicks", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=10)
    args = parser.parse_args()
    features, fields, truth = cells_of(args.folder / "segpc")
    values = standardized(features, np.full(len(features), ""))
    names = np.unique(fields)
    print(
        f"{len(names)} fields, {len(truth)} nuclei, {truth.sum()} of them in plasma cells.\n\n"
        "| cells asked | balanced accuracy, median (lowest to highest) | recall of plasma cells | "
        f"precision | recall of others |\n|{'---|' * 5}"
    )
    ways = (("one by one", args.clicks), ("at random", args.clicks), ("all of three fields", None))
    for how, clicks in ways:
        rows = []
        for seed in range(args.seeds):
            chosen = np.random.default_rng(seed).choice(names, N_FIELDS, replace=False)
            in_pool = np.isin(fields, chosen)
            pool = np.flatnonzero(in_pool)
            count, at_random = clicks or len(pool), how != "one by one"
            answers = clicked(values, truth, pool, count, seed, at_random=at_random)
            known, said = truth[~in_pool], answers[~in_pool]
            recalls = [recall_score(known == k, said == k, zero_division=0) for k in (1, 0)]
            precision = precision_score(known == 1, said == 1, zero_division=0)
            rows.append([np.mean(recalls), recalls[0], precision, recalls[1]])
        middle, low, high = np.median(rows, 0), np.min(rows, 0), np.max(rows, 0)
        first = f"{middle[0]:.2f} ({low[0]:.2f} to {high[0]:.2f})"
        print(f"| {how} | {first} | {' | '.join(f'{x:.2f}' for x in middle[1:])} |")


if __name__ == "__main__":
    main()
