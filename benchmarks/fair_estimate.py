"""How fair the estimate of "Annotate cells" is, against the truth and beside other scores.

    python benchmarks/fair_estimate.py REAL [--seeds 10] [--cells 200]

Of each laboratory (see ``transfer.py``) half of the cells can be asked about, drawn by seed, each
of a field of its own. So many are asked, and answered with the known class. The truth is the
accuracy of the live model on those that then have no class. Beside the fair estimate are the
accuracy of models without the field on all cells with a class, which were asked for and are no
sample, and that of the live model on what it learnt from.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import transfer
from interval_coverage import print_markdown
from numpy.typing import NDArray

from napari_marrow.data.project.annotations import (
    Annotations,
    Change,
    ClassColour,
    Entry,
    Given,
    Place,
)
from napari_marrow.learning.annotating.answering import with_live_answers
from napari_marrow.learning.annotating.cells import CellAnswers, MeasuredCells, MeasuredField
from napari_marrow.learning.annotating.choosing import choose
from napari_marrow.learning.annotating.codes import UNKNOWN
from napari_marrow.learning.annotating.cross_validated import cross_validate
from napari_marrow.learning.annotating.review import review


def cells_of(features: pd.DataFrame) -> CellAnswers:
    """Return cells without a class, each in a field of its own."""
    keys = pd.DataFrame({"index": [1], "y": [0.0], "x": [0.0]})
    fields = {
        f"{k}.png": MeasuredField(
            pd.concat([keys, features.iloc[[k]].reset_index(drop=True)], axis=1), np.zeros((1, 2))
        )
        for k in range(len(features))
    }
    classes = tuple(ClassColour(x, "#000000") for x in transfer.CLASSES)
    return CellAnswers.unanswered(MeasuredCells.of(fields), Annotations(classes), {})


def annotate(known: CellAnswers, truth: NDArray[np.intp], count: int) -> tuple[CellAnswers, list]:
    """Answer so many questions; the cells with the live model's answers, and the journal."""
    entries: list[Entry] = []
    given, before = known.given.copy(), dict[Place, Given]()
    for number in range(1, count + 1):
        numbers = dict.fromkeys(before, 1)
        chosen = choose(replace(known, given=given), entries, numbers)
        if chosen is None:
            break
        row, place = int(chosen.field.removesuffix(".png")), Place(chosen.field, 0, 0)
        after = Given(known.classes[truth[row]], asked=chosen.why)
        entries.append(Entry(number, "", "annotate", (Change(place, before.get(place), after),)))
        given[row], before[place] = truth[row], after
    return with_live_answers(replace(known, given=given)), entries


def main() -> None:
    """Print a row a laboratory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--cells", type=int, default=200)
    args = parser.parse_args()
    labs = transfer.Laboratories(transfer.collect(args.folder), "logistic", "none")
    features = labs.learner.table[list(labs.learner._columns)]
    codes = np.array([transfer.CLASSES.index(x) for x in labs.truth])
    rows = []
    for lab in transfer.LABS:
        found = []
        own = np.flatnonzero(labs.lab == lab)
        for seed in range(args.seeds):
            pool = np.random.default_rng(seed).permutation(own)[: len(own) // 2]
            unanswered, truth = cells_of(features.iloc[pool]), codes[pool]
            known, entries = annotate(unanswered, truth, min(args.cells, len(pool) // 2))
            numbers = {x.place: 1 for entry in entries for x in entry.changes}
            score = review(known, Annotations(), entries, numbers).estimate.evaluation
            if score is None:
                continue
            is_open, fair = known.given == UNKNOWN, score.metrics["accuracy"]
            asked = cross_validate(known)
            correct = float((known.answers == truth)[is_open].mean())
            found.append(
                (
                    correct,
                    fair.estimate,
                    float((asked.probabilities.argmax(axis=1) == truth[asked.rows]).mean()),
                    float((known.answers == truth)[~is_open].mean()),
                    score.units,
                    fair.low <= correct <= fair.high,
                )
            )
        means = np.mean(found, axis=0)
        names = ("truth", "fair estimate", "all that were asked", "learnt from")
        rows.append(
            {
                "laboratory": lab,
                "cells drawn": f"{means[4]:.0f}",
                **{name: f"{x:.2f}" for name, x in zip(names, means[:4], strict=True)},
                "interval holds the truth": f"{means[5]:.2f}",
            }
        )
    print_markdown(pd.DataFrame(rows))


if __name__ == "__main__":
    main()
