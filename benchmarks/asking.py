"""How many cells have to be given a class until a model is good: asked one by one, or at random.

    python benchmarks/asking.py REAL [--seeds 10] [--score 0.9]

Of each laboratory (see ``transfer.py``) half of the cells can be asked about, drawn by seed, and
the model of what was given is judged on the other half, after each. The classes are the known ones.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import transfer
from numpy.typing import NDArray
from sklearn.metrics import recall_score
from sklearn.model_selection import train_test_split

from napari_marrow.learning.annotating.asking import Question, next_question
from napari_marrow.learning.annotating.codes import UNKNOWN
from napari_marrow.learning.annotating.live import Live, fit_live, standardized


def scores(values: NDArray, truth: NDArray, seed: int, *, at_random: bool) -> list[float]:
    """Return the balanced accuracy on one half after each cell of the other that was asked."""
    rows = np.arange(len(values))
    pool, judged = train_test_split(rows, test_size=0.5, stratify=truth, random_state=seed)
    given, places = np.full(len(values), UNKNOWN), np.full(len(pool), "", str)
    asked: list[Question] = []
    order = np.random.default_rng(seed).permutation(len(pool))
    n_classes = len(np.unique(truth))
    found: list[float] = []
    for k in range(len(pool)):
        live = fit_live(values, given)
        if at_random:
            question = Question(int(order[k]), "random")
        else:
            seen = None if live is None else Live(live.codes, live.probabilities[pool])
            question = next_question(
                values[pool], places, given[pool], n_classes, seen, asked, seed
            )
        asked.append(question)
        given[pool[question.row]] = truth[pool[question.row]]
        live = fit_live(values, given)
        answers = np.full(len(judged), UNKNOWN) if live is None else live.answers[judged]
        found.append(
            float(
                recall_score(
                    truth[judged],
                    answers,
                    average="macro",
                    labels=range(n_classes),
                    zero_division=0,
                )
            )
        )
    return found


def needed(curves: list[list[float]], score: float) -> str:
    """Return after how many cells the median over the seeds is the score, and stays there."""
    below = np.flatnonzero(np.median(curves, axis=0) < score)
    count = int(below[-1]) + 2 if len(below) else 1
    return str(count) if count <= len(curves[0]) else f"more than {len(curves[0])}"


def main() -> None:
    """Print a row a laboratory, of medians over the seeds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--score", type=float, default=0.9)
    args = parser.parse_args()
    labs = transfer.Laboratories(transfer.collect(args.folder), "logistic", "none")
    features = labs.learner.table[list(labs.learner._columns)].to_numpy(np.float64)
    codes = np.unique(labs.truth, return_inverse=True)[1]
    print(
        "| laboratory | cells to ask | asked one by one | at random | mean score of the first 50, "
        f"one by one | at random | score of all |\n|{'---|' * 7}"
    )
    for lab in transfer.LABS:
        own = labs.lab == lab
        values = standardized(features[own], labs.lab[own])
        asked, drawn = (
            [scores(values, codes[own], seed, at_random=at_random) for seed in range(args.seeds)]
            for at_random in (False, True)
        )
        last = np.median([curve[-1] for curve in drawn])
        means = [f"{np.mean(np.median(x, axis=0)[:50]):.3f}" for x in (asked, drawn)]
        cells = [lab, len(drawn[0]), needed(asked, args.score), needed(drawn, args.score), *means]
        print("| " + " | ".join(map(str, [*cells, f"{last:.2f}"])) + " |", flush=True)


if __name__ == "__main__":
    main()
