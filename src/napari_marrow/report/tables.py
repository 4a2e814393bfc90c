"""Scores in words and rows, the same in the card, the page, the command line and the viewer."""

from __future__ import annotations

from collections.abc import Sequence

from napari_marrow.audit.verdict import Confounding
from napari_marrow.data.text import counted, first_few
from napari_marrow.learning.adaptation.acquisitions import Acquisition
from napari_marrow.learning.bundles.predictor import Prediction
from napari_marrow.learning.scores.evaluation import Evaluation
from napari_marrow.learning.scores.words import few_text, headline, score_text

MAX_ACQUISITIONS = 10
"""Acquisitions that a card names."""


def score_rows(evaluation: Evaluation | None) -> list[tuple[str, str, str]]:
    """Return name, estimate with interval, and chance, of every metric."""
    if evaluation is None:
        return []
    return [
        (name.replace("_", " "), score_text(score, evaluation.few_sources), f"{score.chance:.2f}")
        for name, score in evaluation.metrics.items()
    ]


def verdict(evaluation: Evaluation | None, confounding: Confounding | None = None) -> list[str]:
    """Return what the held-out result means, in sentences; what it can't show comes first."""
    first = [] if confounding is None else [confounding]
    if evaluation is None:
        return [*(x.before_score("a score") for x in first), "Not measured: nothing was held out."]
    accuracy, colour = evaluation.metrics["accuracy"], evaluation.colour_only
    few = evaluation.few_sources
    text = f"accuracy {score_text(accuracy, few)}, chance {accuracy.chance:.2f}"
    name, shown = headline(evaluation)
    if name != "accuracy":
        first_score = f"balanced accuracy {score_text(shown, few)}, chance {shown.chance:.2f}"
        text = f"{first_score}; {text}"
    sentences = [x.before_score(f"{shown.estimate:.2f}") for x in first]
    sources = counted(evaluation.sources, "source")
    sentences.append(f"Held-out {text}; {counted(evaluation.units, 'unit')} of {sources}.")
    if few:
        sentences.append(few_text(few))
    elif shown.low <= shown.chance:
        sentences.append("The interval includes chance: the result may be luck.")
    if colour:
        sentences.append(f"Mean colour alone: {score_text(colour, few)}.")
        if colour.estimate >= accuracy.estimate > accuracy.chance:
            sentences.append(
                "That is as good: the model may recognise the stain and not the cells."
            )
    return sentences


def answer_text(prediction: Prediction, *, in_lines: bool = False) -> str:
    """Return the class of a whole field, its probability, and why it is uncertain.

    ``in_lines`` gives each reason a line of its own.
    """
    if prediction.class_name is None:
        return "no cell found"
    text = f"{prediction.class_name} ({prediction.probability:.0%})"
    if not prediction.uncertain:
        return text
    if in_lines:
        reasons = prediction.reason.replace("; ", ";\n")
        return f"{text}\nuncertain ({reasons})"
    return f"{text}, uncertain ({prediction.reason})"


def describe_acquisitions(acquisitions: Sequence[Acquisition]) -> str:
    """Return how many units of each class a model learnt from, by acquisition."""
    found = [
        f"{one.name or 'all'}: {', '.join(f'{n} {name}' for name, n in one.units.items())}"
        for one in acquisitions
    ]
    return "; ".join(first_few(found, MAX_ACQUISITIONS))
