"""What an evaluation finds beside scores: differences, controls, a forecast, doubts, shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Self

from napari_marrow.learning.scores.evaluation import Score

Protocol = Literal["honest", "paper"]
SIGNIFICANCE = 0.05
"""Adjusted p value below which a difference is shown."""


@dataclass(frozen=True)
class Estimate:
    """An estimate of any size, with its 95 % interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Recalibration:
    """How far probabilities can be taken at their word.

    Attributes
    ----------
    of
        The class whose probability it is; of more than two classes "the answered class".
    brier
        Mean squared error of the probability: 0 is best.
    slope, intercept
        Of logistic recalibration: 1 and 0 are best; None where they have no end, as when the
        probabilities tell the classes without error.
    """

    of: str
    brier: Score
    slope: Estimate | None
    intercept: Estimate | None


@dataclass(frozen=True)
class PairedDifference:
    """By how much one model is better than another on the same folds, under one protocol.

    Attributes
    ----------
    first, second, protocol, metric
        What is compared.
    estimate
        Score of the first minus that of the second.
    low, high
        95 % interval, corrected for the training sides that the folds share.
    p_value
        Of no difference, adjusted for the number of pairs.
    is_guess
        Whether a class has too few sources for an interval, and so for a p value.
    """

    first: str
    second: str
    protocol: Protocol
    metric: str
    estimate: float
    low: float
    high: float
    p_value: float
    is_guess: bool = False

    @property
    def is_shown(self) -> bool:
        """Whether one model is shown to be better on photographs that none has learnt from.

        The interval is of one pair and not adjusted: it can exclude 0 where nothing is shown.
        """
        tells = self.protocol == "honest" and not self.is_guess
        return tells and self.p_value < SIGNIFICANCE and self.estimate != 0


@dataclass(frozen=True)
class Control:
    """The score that is reached without what the result should come from.

    Attributes
    ----------
    name
        ``permuted``, ``background``, ``shape`` or ``colour``.
    text
        What was left of the data, in a few words.
    score
        Balanced accuracy.
    does_well
        Whether it is clearly above chance, so that the score may not be about cells; never where
        a class has too few sources to tell.
    few_sources
        Number of sources of each class that has too few for an interval.
    """

    name: str
    text: str
    score: Score
    does_well: bool
    few_sources: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of_score(cls, name: str, text: str, score: Score, few_sources: Mapping[str, int]) -> Self:
        """Return a control that does well where the interval of its score is above chance."""
        does_well = not few_sources and score.is_above_chance
        return cls(name, text, score, does_well, few_sources)


@dataclass(frozen=True)
class ForecastPoint:
    """A score and its interval for a number of sources of each class.

    Attributes
    ----------
    sources
        Mean number of each class that is learnt from.
    estimate, low, high
        The score.
    """

    sources: float
    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Forecast:
    """A learning curve over sources, and what more of them would give.

    Attributes
    ----------
    model, metric
        What it is of.
    measured
        On parts of the training sides.
    expected
        What the curve that was fitted to all but the largest part says of each, and beyond.
    checked
        Whether the largest part, which the curve was not fitted to, lies in its band.
    more_sources
        How many more of each class narrow the interval to ``width``; None where it can't be told,
        or none are needed.
    width
        From the score to an end of its interval.
    sentences
        The same in words.
    """

    model: str
    metric: str
    measured: tuple[ForecastPoint, ...]
    expected: tuple[ForecastPoint, ...]
    checked: bool | None
    more_sources: int | None
    width: float
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class UnitAnswer:
    """The answer for one unit.

    Attributes
    ----------
    image, index, y, x
        The unit, as tables have it; ``y`` and ``x`` in pixels.
    truth, answer, probability
        Given class, answered class, and its probability.
    reason
        Why it is uncertain. In a comparison, which marks none, why it may be wrong: a low
        probability, and what those of the other models answer that err at most half as often as
        guessing. "" where nothing is known.
    model
        Which answered.
    """

    image: str
    index: int
    y: float
    x: float
    truth: str
    answer: str
    probability: float
    reason: str = ""
    model: str = ""


@dataclass(frozen=True)
class DoubtfulLabel:
    """A unit whose given class the models doubt that did not learn from it.

    Attributes
    ----------
    image, index, y, x
        The unit.
    given, suggested
        Its class in the data, and what the models answer.
    probability
        Mean probability of the given class.
    votes, models
        How many of the models answer with the suggested class.
    """

    image: str
    index: int
    y: float
    x: float
    given: str
    suggested: str
    probability: float
    votes: int
    models: int


@dataclass(frozen=True)
class Share:
    """The share of a class among the cells, of a field, of a source or in all.

    Attributes
    ----------
    class_name, image
        What is counted, and where; the image is "" of a source and in all.
    cells, counted
        Number of cells, and of those that were answered with the class.
    estimate, low, high
        The share, adjusted for the model's errors where they are known, with its 95 % interval.
    source
        Whose cells they are; "" in all, and where sources are not known.
    uncertain
        How many of the cells have an uncertain answer.
    is_guess
        Whether too few sources tell the model's errors, so that the interval is a guess.
    """

    class_name: str
    image: str
    cells: int
    counted: int
    estimate: float
    low: float
    high: float
    source: str = ""
    uncertain: int = 0
    is_guess: bool = False


@dataclass(frozen=True)
class ClassCount:
    """How much there is of a class."""

    name: str
    fields: int
    sources: int
    units: int


@dataclass(frozen=True)
class DataSummary:
    """What was evaluated on.

    Attributes
    ----------
    name
        Of the folder.
    unit
        ``field`` or ``cell``.
    classes
        Their numbers.
    grouped_by
        What a source is: "photograph", "groups.csv" and the like.
    acquisitions
        How many are known.
    known
        Photographs left out, as the model learnt from them.
    held_out
        Photographs left out, as the model was judged by them when it was trained.
    same_source
        Photographs left out, as they are of the same source as one that the model learnt from.
    failed
        Photographs that can't be used, each with the reason.
    findings
        Sentences of the audit.
    """

    name: str
    unit: Literal["field", "cell"]
    classes: tuple[ClassCount, ...]
    grouped_by: str
    acquisitions: int
    known: int = 0
    failed: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    held_out: int = 0
    same_source: int = 0


@dataclass(frozen=True)
class FoldPart:
    """How many sources and units of a class are held out in a fold."""

    protocol: Protocol
    fold: int
    name: str
    class_name: str
    sources: int
    units: int
