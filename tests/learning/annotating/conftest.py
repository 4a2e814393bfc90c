"""Cells of two classes in several fields, of which some have a class."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from napari_marrow.data.project.annotations import Change, Entry, Given, Place
from napari_marrow.learning.annotating.cells import CellAnswers, MeasuredCells, MeasuredField
from napari_marrow.learning.annotating.live import UNKNOWN, fit_live

CLASSES = ("ALL", "MM", "other")


@pytest.fixture
def make_known():
    """Make cells with two classes that ``gap`` standard deviations are between; and their truth.

    Every ``every``th has its class; a third class is there which no cell has.
    """

    def make(fields=8, size=30, gap=3.0, every=2, seed=0):
        rng = np.random.default_rng(seed)
        truth = [rng.integers(0, 2, size) for _ in range(fields)]
        measured = {}
        for k, own in enumerate(truth):
            values = rng.normal(size=(size, 5)) + gap * own[:, None] * [1, 0, 0, 0, 0]
            table = pd.DataFrame(values, columns=list("abcde"))
            keys = pd.DataFrame({"index": np.arange(1, size + 1), "y": 1.0, "x": 2.0})
            places = np.stack([np.arange(size), np.arange(size)], axis=1)
            measured[f"{k}.bmp"] = MeasuredField(pd.concat([keys, table], axis=1), places)
        cells, classes = MeasuredCells.of(measured), np.concatenate(truth)
        given = np.where(np.arange(len(cells)) % every == 0, classes, UNKNOWN)
        return answered(CellAnswers(
            cells, CLASSES, given, np.full(len(cells), ""), "live model",
            np.full((len(cells), 3), np.nan), np.full(len(cells), ""),
        )), classes  # fmt: skip

    return make


class Journal:
    """Entries as a project has them."""

    def __init__(self):
        self.entries, self.cells = [], {}

    def give(self, k, name, asked="", who="person", image="a"):
        """Give one cell a class, or several."""
        changes = []
        for number in np.atleast_1d(k).tolist():
            place = Place(image, number, number)
            after = Given(name, who, asked)
            changes.append(Change(place, self.cells.get(place), after))
            self.cells[place] = after
        self._add("annotate", tuple(changes))

    def _add(self, action, changes=(), of=None):
        self.entries.append(Entry(len(self.entries) + 1, "", action, changes, None, of))

    def undo(self, of):
        """Take an entry back."""
        self._add("undo", tuple(x.reversed for x in self.entries[of - 1].changes), of)


@pytest.fixture
def journal():
    return Journal()


def answered(known):
    """The same with the answers of the live model."""
    live = fit_live(known.cells.values, known.given)
    probabilities = np.zeros((len(known.cells), len(known.classes)))
    probabilities[:, live.codes] = live.probabilities
    return replace(known, probabilities=probabilities)
