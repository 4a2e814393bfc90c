"""Folds of a comparison: planned once over the listed units, the same for every model.

Under the protocol ``honest`` units of one source are on one side of a fold, and copies of one
photograph are one source by then: :mod:`~napari_marrow.audit.duplicates` joins them. Or one
acquisition after the other is left out. Under ``paper`` the augmented units are cut at random.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from napari_marrow.learning.listed_units import check_learnable, to_split
from napari_marrow.learning.scores.findings import FoldPart, Protocol
from napari_marrow.learning.settings import CompareSettings, TrainingSettings
from napari_marrow.learning.splits import (
    MAX_RANDOM_CUTS,
    Folds,
    Rows,
    folds_at_random,
    folds_by_acquisition,
    folds_by_source,
)

N_PUBLISHED_FOLDS = 4
"""Folds of the protocol ``paper``: each learns from 75 % and holds out 25 %, as published."""


@dataclass(frozen=True)
class Fold:
    """Rows of a learner's table on both sides.

    Attributes
    ----------
    number
        From 1 on; goes on from one repeat to the next.
    repeat
        From 1 on; the folds of a repeat hold out each unit once.
    train, test
        Rows.
    name
        Of the acquisition that is left out; "" of others.
    """

    number: int
    repeat: int
    train: Rows
    test: Rows
    name: str = ""


def judged(table: pd.DataFrame, fold: Fold) -> pd.DataFrame:
    """Return the units that a fold holds out; an acquisition that is left out is their source."""
    own = table.iloc[fold.test]
    return own.assign(source=fold.name) if fold.name else own


@dataclass(frozen=True)
class FoldPlan:
    """The folds of one protocol.

    Attributes
    ----------
    units
        A row a unit, and under ``paper`` a row for each of its copies.
    folds
        With rows of ``units``.
    acquisitions
        That of each photograph where acquisitions are left out.
    """

    protocol: Protocol
    units: pd.DataFrame
    folds: tuple[Fold, ...]
    acquisitions: Mapping[str, str]

    @classmethod
    def of_units(
        cls,
        units: pd.DataFrame,
        settings: CompareSettings,
        protocol: Protocol,
        acquisitions: Mapping[str, str],
    ) -> FoldPlan:
        """Plan the folds.

        Parameters
        ----------
        units
            As listed, a row each.
        settings, protocol
            Of the comparison.
        acquisitions
            That of each photograph, to leave out one after the other; none for folds by source.

        Raises
        ------
        MarrowError
            When there are too few sources or units for the folds, or one can't be left out.
        """
        table = to_split(units, settings.training(settings.models[0], protocol))
        table = table.reset_index(drop=True)
        classes, sources = table["class"].to_numpy(str), table["source"].to_numpy(str)
        if protocol == "honest" and acquisitions:
            own = table["image"].map(acquisitions).to_numpy(str)
            found = [folds_by_acquisition(classes, sources, own)]
            names = [str(own[test[0]]) for _, test in found[0]]
        else:
            seeds = [settings.seed + k * MAX_RANDOM_CUTS for k in range(settings.repeats)]
            found = [_cut(classes, sources, settings.folds, protocol, seed) for seed in seeds]
            names = [""] * len(found[0])
        folds = tuple(
            Fold(len(found[0]) * repeat + k + 1, repeat + 1, train, test, names[k])
            for repeat, pairs in enumerate(found)
            for k, (train, test) in enumerate(pairs)
        )
        return cls(protocol, table, folds, acquisitions if protocol == "honest" else {})

    def check(self, trainings: Sequence[TrainingSettings]) -> None:
        """Raise MarrowError where a training side has too few units of a class for a model."""
        for training in trainings:
            for fold in self.folds:
                check_learnable(self.units, fold.train, training)

    def for_table(self, table: pd.DataFrame) -> tuple[Fold, ...]:
        """Return the folds with rows of a learner's table, whatever their order there.

        What was listed and could not be measured is on no side.
        """
        keys = ["image", "index"]
        own = table[keys].assign(copy=table.groupby(keys).cumcount(), row=np.arange(len(table)))
        asked = self.units[keys].assign(copy=self.units.groupby(keys).cumcount())
        found = asked.merge(own, "left", [*keys, "copy"])["row"].fillna(-1).to_numpy(np.intp)

        def rows(listed: Rows) -> Rows:
            return np.sort(found[listed][found[listed] >= 0])

        sides = [(fold, rows(fold.train), rows(fold.test)) for fold in self.folds]
        return tuple(
            Fold(fold.number, fold.repeat, train, test, fold.name)
            for fold, train, test in sides
            if len(test)
        )

    @property
    def parts(self) -> tuple[FoldPart, ...]:
        """How many sources and units of each class are held out; of the first repeat."""
        return tuple(
            FoldPart(
                self.protocol,
                fold.number,
                fold.name or str(fold.number),
                str(name),
                own["source"].nunique(),
                len(own),
            )
            for fold in self.folds
            if fold.repeat == 1
            for name, own in self.units.iloc[fold.test].groupby("class")
        )


def _cut(
    classes: np.ndarray, sources: np.ndarray, folds: int, protocol: Protocol, seed: int
) -> Folds:
    if protocol == "paper":
        return folds_at_random(classes, N_PUBLISHED_FOLDS, seed)
    return folds_by_source(classes, sources, folds, seed)
