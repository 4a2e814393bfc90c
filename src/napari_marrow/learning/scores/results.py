"""The result of an evaluation or a comparison: what the report and the widget show.

All are typed and light to import; :func:`to_json` and :func:`of_json` store and read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from napari_marrow.audit.verdict import Confounding
from napari_marrow.learning.scores.evaluation import (
    AcquisitionScores,
    Evaluation,
    few_column,
    score_columns,
)
from napari_marrow.learning.scores.findings import (
    Control,
    DataSummary,
    DoubtfulLabel,
    FoldPart,
    Forecast,
    PairedDifference,
    Protocol,
    Recalibration,
    Share,
    UnitAnswer,
)


@dataclass(frozen=True)
class Curve:
    """A curve with a 95 % band; all of the same length.

    Attributes
    ----------
    x, y
        Where it is.
    low, high
        Its band; equal to ``y`` where none could be computed.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class Curves:
    """The curves of one model.

    Attributes
    ----------
    roc
        Recall against 1 - specificity; None of more than two classes, or one in the truth.
    precision_recall
        Precision against recall; None as above.
    calibration
        Fraction of right answers (two classes: of the positive class) against the mean
        probability, in bins.
    coverage
        Accuracy of the answers that are kept against their fraction, the least certain marked
        first.
    loss, validation_loss
        Of a network by epoch: mean and range of several; None of other models.
    """

    roc: Curve | None
    precision_recall: Curve | None
    calibration: Curve | None
    coverage: Curve | None
    loss: Curve | None = None
    validation_loss: Curve | None = None


@dataclass(frozen=True)
class ModelResult:
    """How good a model is: over all folds of a comparison, or on a folder it did not learn from.

    Attributes
    ----------
    model, protocol
        What was fitted, and how the folds were made.
    evaluation
        Scores over all answers.
    curves
        Its curves; None where they were not computed.
    by_field
        Of one prediction per cell: scores of the answers for whole fields, by the rule that
        :mod:`.by_field` states.
    spread
        Standard deviation of each score over the folds; empty without folds.
    fit_seconds, parameters
        Means over the folds; None where nothing was fitted.
    model_bytes
        Size of the ONNX model, of the first fold.
    acquisitions
        The scores of each that was left out; none of folds by source.
    recalibration
        How far its probabilities can be taken at their word.
    certain
        Scores of the answers that are not marked uncertain; None where none was, or none could be.
    low_probability
        Fraction of the answers that are marked for their low probability, alone or with other
        reasons; None where answers are not marked, as in a comparison.
    """

    model: str
    protocol: Protocol
    evaluation: Evaluation
    curves: Curves | None = None
    by_field: Evaluation | None = None
    spread: Mapping[str, float | None] = field(default_factory=dict)
    fit_seconds: float | None = None
    parameters: int | None = None
    model_bytes: int | None = None
    acquisitions: tuple[AcquisitionScores, ...] = ()
    recalibration: Recalibration | None = None
    certain: Evaluation | None = None
    low_probability: float | None = None

    @property
    def clusters(self) -> str:
        """What the intervals take as independent: ``source`` or ``acquisition``."""
        return "acquisition" if self.acquisitions else "source"

    def to_row(self) -> dict[str, str | float | None]:
        """Return the row of ``comparison.csv``."""
        own = self.evaluation
        row: dict[str, str | float | None] = {"model": self.model, "protocol": self.protocol}
        row |= score_columns(own.metrics, self.spread)
        row |= {"fit_seconds": self.fit_seconds, "parameters": self.parameters}
        row |= {"model_bytes": self.model_bytes}
        return row | {"few_sources": few_column(own.few_sources)}


@dataclass(frozen=True)
class EvaluationResult:
    """All that an evaluation or a comparison found.

    Attributes
    ----------
    kind
        ``evaluate``: one bundle on a folder it has not seen; ``compare``: models on folds.
    verdict
        Sentences; the first is what the result means.
    data, folds
        What it was measured on, and how it was split.
    models
        Scores of each model under each protocol.
    differences, best
        Between models, and the one that is shown to be better than all others; None where no one
        is.
    controls, forecast, doubtful, shares, mistakes
        See their classes.
    unchecked_labels
        Why a comparison could not check the given classes; "" where it did.
    count
        What the share of a class means against a cut-off, in sentences, where one was named.
    notes, limits
        Further sentences.
    confounding
        What goes with the class in the data.
    card
        Rows of the model card, by section: item and what is known of it; "" where unknown.
    settings, versions
        How it was made, and with what.
    command
        What repeats it on the command line; "" where nothing does.
    """

    kind: Literal["evaluate", "compare"]
    verdict: tuple[str, ...]
    data: DataSummary
    models: tuple[ModelResult, ...]
    folds: tuple[FoldPart, ...] = ()
    differences: tuple[PairedDifference, ...] = ()
    best: str | None = None
    controls: tuple[Control, ...] = ()
    forecast: Forecast | None = None
    doubtful: tuple[DoubtfulLabel, ...] = ()
    unchecked_labels: str = ""
    shares: tuple[Share, ...] = ()
    count: tuple[str, ...] = ()
    mistakes: tuple[UnitAnswer, ...] = ()
    notes: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    confounding: Confounding | None = None
    card: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    command: str = ""


def to_json(result: EvaluationResult) -> str:
    """Return a result as JSON; what is not a number is null."""
    from pydantic import TypeAdapter

    return TypeAdapter(EvaluationResult).dump_json(result, indent=2).decode()


def of_json(text: str | bytes) -> EvaluationResult:
    """Return the result that :func:`to_json` stored.

    Raises
    ------
    ValueError
        When it is none.
    """
    from pydantic import TypeAdapter

    return TypeAdapter(EvaluationResult).validate_json(text, strict=True)
