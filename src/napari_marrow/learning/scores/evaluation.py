"""The result of an evaluation, as bundles store it and reports show it. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field
from itertools import chain
from math import inf

MIN_SOURCES = 6
"""Sources of a class, below which an interval is a guess."""
SIGNED = frozenset({"mcc"})
"""Scores from -1 to 1; all others are from 0."""
MAX_ROUNDING = 1e-6
"""What computing a score may be out of its range."""


def find_few_sources(
    units: Iterable[tuple[str, Hashable]], classes: Sequence[str]
) -> dict[str, int]:
    """Return the number of sources of each class that has too few for an interval.

    Parameters
    ----------
    units
        Class and source of each unit.
    classes
        All that there are.
    """
    sources: dict[str, set[Hashable]] = {name: set() for name in classes}
    for name, source in units:
        sources[name].add(source)
    return {name: len(own) for name, own in sources.items() if len(own) < MIN_SOURCES}


@dataclass(frozen=True)
class Score:
    """An estimate with its 95 % interval.

    Attributes
    ----------
    estimate, low, high
        From 0 to 1; of the Matthews correlation from -1.
    chance
        What guessing by the shares of the classes gives; for accuracy, always giving the most
        frequent class.
    """

    estimate: float
    low: float
    high: float
    chance: float

    @property
    def is_above_chance(self) -> bool:
        """Whether the whole interval is above chance."""
        return self.low > self.chance


def score_columns(
    metrics: Mapping[str, Score], spread: Mapping[str, float | None] | None = None
) -> dict[str, float | None]:
    """Return scores as columns: the estimate, its interval, chance and spread over the folds."""
    columns: dict[str, float | None] = {}
    for name, score in metrics.items():
        columns |= {name: score.estimate, f"{name}_low": score.low, f"{name}_high": score.high}
        columns |= {f"{name}_chance": score.chance}
        columns |= {f"{name}_spread": spread[name]} if spread else {}
    return columns


def few_column(few_sources: Mapping[str, int]) -> str:
    """Return which classes have too few sources, as in a cell of a table."""
    return ", ".join(f"{name} {count}" for name, count in few_sources.items())


@dataclass(frozen=True)
class Evaluation:
    """How good a model is on held-out units.

    Attributes
    ----------
    metrics
        Score by its name; what can't be computed is left out.
    confusion
        Number of units; rows are the true class, columns the predicted one.
    classes
        In the order of the rows and columns.
    positive
        The class that precision, recall, F1 and AUC are about.
    units, sources
        How many were held out.
    design_effect
        By how much units of one source reduce the effective number of units.
    colour_only
        Accuracy of a model of nothing but the mean colour, where it could be trained.
    few_sources
        Number of sources of each class that has too few for an interval: those of all scores are
        guesses then.
    """

    metrics: Mapping[str, Score]
    confusion: list[list[int]]
    classes: tuple[str, ...]
    positive: str
    units: int
    sources: int
    design_effect: float
    colour_only: Score | None = None
    few_sources: Mapping[str, int] = field(default_factory=dict)

    def check(self) -> None:
        """Check that the values can be those of an evaluation.

        Raises
        ------
        ValueError
            When a score or a number is out of its range, or they do not fit the classes.
        """
        colour = {} if self.colour_only is None else {"colour_only": self.colour_only}
        for name, score in {**self.metrics, **colour}.items():
            lowest = -1 if name in SIGNED else 0
            if not all(lowest - MAX_ROUNDING <= x <= 1 + MAX_ROUNDING for x in astuple(score)):
                raise ValueError(f"its {name} is not from {lowest} to 1")
        size = len(self.classes)
        if not size or [len(row) for row in self.confusion] != [size] * size:
            raise ValueError("its confusion matrix has not a row and a column for each class")
        if len(set(self.classes)) < size or not set(self.few_sources) <= set(self.classes):
            raise ValueError("its classes are not those of its sources, or one is there twice")
        if self.positive not in self.classes:
            raise ValueError("its positive class is none of its classes")
        if any(number >= MIN_SOURCES for number in self.few_sources.values()):
            raise ValueError("a class with enough sources is named as one with too few")
        counts = [*chain(*self.confusion), self.units, self.sources, *self.few_sources.values()]
        if min(counts) < 0 or not 0 < self.design_effect < inf:
            raise ValueError("a number of units or sources, or its design effect, is out of range")

    def to_dict(self) -> dict[str, object]:
        """Return the evaluation as JSON."""
        return asdict(self) | {"classes": list(self.classes)}

    @classmethod
    def from_dict(cls, values: Mapping) -> Evaluation:
        """Return the evaluation that :meth:`to_dict` stored."""
        colour = values.get("colour_only")
        return cls(
            {name: Score(**score) for name, score in values["metrics"].items()},
            values["confusion"],
            tuple(values["classes"]),
            values["positive"],
            values["units"],
            values["sources"],
            values["design_effect"],
            None if colour is None else Score(**colour),
            dict(values.get("few_sources", {})),
        )


@dataclass(frozen=True)
class AcquisitionScores:
    """How good a model is on an acquisition that it did not learn from.

    Attributes
    ----------
    name
        As given, or its number by the audit.
    photograph
        One of its photographs, as the collection calls it.
    evaluation
        Scores on its units.
    """

    name: str
    photograph: str
    evaluation: Evaluation

    def to_dict(self) -> dict[str, str | float | None]:
        """Return its columns in ``acquisitions.csv``."""
        own = self.evaluation
        row: dict[str, str | float | None] = {"acquisition": self.name, "such_as": self.photograph}
        row |= {"units": own.units, "sources": own.sources, **score_columns(own.metrics)}
        return row | {"few_sources": few_column(own.few_sources)}
