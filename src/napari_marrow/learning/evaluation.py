"""The result of an evaluation, as bundles store it and reports show it. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

MIN_SOURCES = 6
"""Sources of a class, below which an interval is a guess."""


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
        From 0 to 1.
    chance
        What guessing by the shares of the classes gives; for accuracy, always giving the most
        frequent class.
    """

    estimate: float
    low: float
    high: float
    chance: float


@dataclass(frozen=True)
class CrossValidation:
    """How good a model is over all folds of a comparison.

    Attributes
    ----------
    model, protocol
        What was fitted, and how the folds were made.
    metrics
        Score by its name over all answers; what can't be computed is left out.
    spread
        Standard deviation of each estimate over the folds; not a number with fewer than two.
    fit_seconds, parameters
        Means over the folds.
    few_sources
        Number of sources of each class that has too few for an interval.
    """

    model: str
    protocol: str
    metrics: Mapping[str, Score]
    spread: Mapping[str, float]
    fit_seconds: float
    parameters: int
    few_sources: Mapping[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, str | float]:
        """Return the row of ``comparison.csv``."""
        row: dict[str, str | float] = {"model": self.model, "protocol": self.protocol}
        for name, score in self.metrics.items():
            row |= {name: score.estimate, f"{name}_low": score.low, f"{name}_high": score.high}
            row |= {f"{name}_chance": score.chance, f"{name}_spread": self.spread[name]}
        few = ", ".join(f"{name} {count}" for name, count in self.few_sources.items())
        row |= {"fit_seconds": self.fit_seconds, "parameters": self.parameters}
        return row | {"few_sources": few}


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
