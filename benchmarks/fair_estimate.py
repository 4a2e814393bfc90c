"""How fair the estimate of "Annotate cells" is, against the truth and beside other scores.

    python benchmarks/fair_estimate.py [--seeds 20] [--cells 200]

Simulated cells of three classes, the rarest a tenth of all, in fields that differ: each has a shift
of its own in all features. Of them so many are asked about as in the widget, and answered with the
true class. The truth is the accuracy of the live model for cells of fields that it did not learn
from, 2000 in 20 fields. Beside the fair estimate are the accuracy of models without the field on
all cells with a class, which were asked for and are no sample, and that of the live model on what
it learnt from.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
import pandas as pd
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
from napari_marrow.learning.annotating.cells import CellAnswers, MeasuredCells, MeasuredField
from napari_marrow.learning.annotating.choosing import choose
from napari_marrow.learning.annotating.codes import UNKNOWN, Codes
from napari_marrow.learning.annotating.cross_validated import cross_validate
from napari_marrow.learning.annotating.live import fit_live
from napari_marrow.learning.annotating.review import review

CLASSES = ("a", "b", "c")
SHARES = (0.6, 0.3, 0.1)
N_FEATURES, CELLS_OF_FIELD, N_OTHER_FIELDS = 20, 100, 20


def cells_of(
    fields: int, gap: float, shift: float, rng: np.random.Generator
) -> tuple[CellAnswers, Codes]:
    """Return cells without a class, and their true classes."""
    truth, measured = [], {}
    for k in range(fields):
        own = rng.choice(len(CLASSES), CELLS_OF_FIELD, p=SHARES)
        values = rng.normal(size=(len(own), N_FEATURES)) + shift * rng.normal(size=N_FEATURES)
        values[np.arange(len(own)), own] += gap
        keys = pd.DataFrame({"index": np.arange(1, len(own) + 1), "y": 0.0, "x": 0.0})
        table = pd.concat([keys, pd.DataFrame(values).add_prefix("f")], axis=1)
        places = np.stack([np.arange(len(own)), np.zeros(len(own), int)], axis=1)
        measured[f"{k}.png"] = MeasuredField(table, places)
        truth.append(own)
    classes = tuple(ClassColour(x, "#000000") for x in CLASSES)
    known = CellAnswers.unanswered(MeasuredCells.of(measured), Annotations(classes), {})
    return known, np.concatenate(truth)


def annotate(known: CellAnswers, truth: Codes, count: int) -> tuple[CellAnswers, list[Entry]]:
    """Answer so many questions; the cells with their classes, and the journal."""
    entries: list[Entry] = []
    given, before = known.given.copy(), dict[Place, Given]()
    for number in range(1, count + 1):
        chosen = choose(replace(known, given=given), entries, {x: x.y + 1 for x in before})
        assert chosen is not None
        row = known.cells.row_of(chosen.field, chosen.index)
        assert row is not None
        place = Place(chosen.field, chosen.index - 1, 0)
        after = Given(known.classes[truth[row]], asked=chosen.why)
        entries.append(Entry(number, "", "annotate", (Change(place, before.get(place), after),)))
        given[row], before[place] = truth[row], after
    return replace(known, given=given), entries


def scores(fields: int, gap: float, shift: float, count: int, seed: int) -> list[float] | None:
    """Return truth, fair estimate, the two other scores, the number drawn, and whether it holds."""
    known, truth = cells_of(fields + N_OTHER_FIELDS, gap, shift, np.random.default_rng(seed))
    is_asked: NDArray[np.bool_] = known.cells.field < fields
    values = known.cells.values
    part, own = cells_part(known, is_asked), truth[is_asked]
    part, entries = annotate(part, own, count)
    given = np.full(len(truth), UNKNOWN)
    given[is_asked] = part.given
    live = fit_live(values, given)
    numbers = {x.place: x.place.y + 1 for entry in entries for x in entry.changes}
    evaluation = review(part, Annotations(), entries, numbers).estimate.evaluation
    if live is None or evaluation is None:
        return None
    right, fair = live.answers == truth, evaluation.metrics["accuracy"]
    other = cross_validate(part)
    correct = float(right[~is_asked].mean())
    return [
        correct,
        fair.estimate,
        float((other.probabilities.argmax(axis=1) == own[other.rows]).mean()),
        float(right[given != UNKNOWN].mean()),
        evaluation.units,
        fair.low <= correct <= fair.high,
    ]


def cells_part(known: CellAnswers, rows: NDArray[np.bool_]) -> CellAnswers:
    """Return the first fields, whose cells these are."""
    cells = known.cells
    part = replace(
        cells,
        fields=cells.fields[: int(cells.field[rows].max()) + 1],
        field=cells.field[rows],
        index=cells.index[rows],
        places=cells.places[rows],
        acquisitions=cells.acquisitions[rows],
        features=cells.features[rows],
    )
    return CellAnswers(
        part,
        known.classes,
        known.given[rows],
        known.origins[rows],
        "",
        known.probabilities[rows],
        known.reasons[rows],
    )


def main() -> None:
    """Print a row a setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--cells", type=int, default=200)
    args = parser.parse_args()
    rows = []
    for fields, gap, shift in ((8, 3.0, 0.0), (8, 3.0, 1.0), (20, 3.0, 1.0), (20, 2.0, 1.0)):
        tries = (scores(fields, gap, shift, args.cells, seed) for seed in range(args.seeds))
        means = np.mean([x for x in tries if x is not None], axis=0)
        names = ("truth", "fair estimate", "all that were asked", "learnt from")
        rows.append(
            {
                "fields": fields,
                "gap of the classes": gap,
                "shift of fields": shift,
                "cells drawn": f"{means[4]:.0f}",
                **{name: f"{x:.2f}" for name, x in zip(names, means[:4], strict=True)},
                "interval holds the truth": f"{means[5]:.2f}",
            }
        )
    print_markdown(pd.DataFrame(rows))


if __name__ == "__main__":
    main()
