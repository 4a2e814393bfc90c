"""Scores in words and rows, the same in the card, the page, the command line and the viewer."""

from __future__ import annotations

from napari_marrow.learning.evaluation import Evaluation, Score
from napari_marrow.learning.predictor import Prediction

MAX_EVEN_SHARE = 1.2
"""Of the largest class, in even shares; with more, accuracy alone says little."""


def score_text(score: Score) -> str:
    """Return an estimate with its 95 % interval: ``0.92 (0.65 to 0.99)``."""
    return f"{score.estimate:.2f} ({score.low:.2f} to {score.high:.2f})"


def score_rows(evaluation: Evaluation | None) -> list[tuple[str, str, str]]:
    """Return name, estimate with interval, and chance, of every metric."""
    metrics = {} if evaluation is None else evaluation.metrics
    return [
        (name.replace("_", " "), score_text(score), f"{score.chance:.2f}")
        for name, score in metrics.items()
    ]


def verdict(evaluation: Evaluation | None) -> list[str]:
    """Return what the held-out result means, in sentences; the first is the result."""
    if evaluation is None:
        return ["Not measured: nothing was held out."]
    accuracy, colour = evaluation.metrics["accuracy"], evaluation.colour_only
    first, text = accuracy, f"accuracy {score_text(accuracy)}, chance {accuracy.chance:.2f}"
    balanced = evaluation.metrics.get("balanced_accuracy")  # of no bundle of version 0.1
    if balanced and accuracy.chance > MAX_EVEN_SHARE * balanced.chance:
        first = balanced
        text = f"balanced accuracy {score_text(balanced)}, chance {balanced.chance:.2f}; {text}"
    sentences = [f"Held-out {text}; {evaluation.units} units of {evaluation.sources} sources."]
    if first.low <= first.chance:
        sentences.append("The interval includes chance: the result may be luck.")
    if colour:
        sentences.append(f"Mean colour alone: {score_text(colour)}.")
        if colour.estimate >= accuracy.estimate > accuracy.chance:
            sentences.append(
                "That is as good: the model may recognise the stain and not the cells."
            )
    return sentences


def answer_text(prediction: Prediction, before_doubt: str = ", ") -> str:
    """Return the class of a whole field, its probability, and why it is uncertain."""
    if prediction.class_name is None:
        return "no cell found"
    text = f"{prediction.class_name} ({prediction.probability:.0%})"
    return f"{text}{before_doubt}uncertain ({prediction.reason})" if prediction.uncertain else text
