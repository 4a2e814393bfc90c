"""Scores in words, the same in verdicts, reports, the command line and the viewer."""

from __future__ import annotations

from collections.abc import Mapping

from napari_marrow.data.text import counted
from napari_marrow.learning.scores.evaluation import MIN_SOURCES, Evaluation, Score
from napari_marrow.learning.scores.findings import Estimate

TOO_FEW = "too few to tell"
MAX_EVEN_SHARE = 1.2
"""Of the largest class, in even shares; with more, accuracy alone says little."""


def score_text(score: Score | Estimate, few_sources: Mapping[str, int]) -> str:
    """Return an estimate with its 95 % interval: ``0.92 (0.65 to 0.99)``, if it can be trusted."""
    interval = TOO_FEW if few_sources else f"{score.low:.2f} to {score.high:.2f}"
    return f"{score.estimate:.2f} ({interval})"


def few_text(few_sources: Mapping[str, int], what: str = "source") -> str:
    """Return in a sentence why intervals are not given; "" where they are."""
    if not few_sources:
        return ""
    counts = (f"{name} has {counted(count, what)}" for name, count in few_sources.items())
    return f"{'; '.join(counts)}: with fewer than {MIN_SOURCES} of a class an interval is a guess."


def headline(evaluation: Evaluation) -> tuple[str, Score]:
    """Return the score that comes first, with its name: ``accuracy`` or ``balanced_accuracy``."""
    accuracy = evaluation.metrics["accuracy"]
    balanced = evaluation.metrics.get("balanced_accuracy")  # of no bundle of version 0.1
    if balanced and accuracy.chance > MAX_EVEN_SHARE * balanced.chance:
        return "balanced_accuracy", balanced
    return "accuracy", accuracy
