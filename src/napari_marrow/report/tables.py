"""Scores in words and rows, the same in the card, the page, the command line and the viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_marrow.learning.predictor import Prediction


def score_text(score: dict[str, float]) -> str:
    """An estimate with its 95 % interval: ``0.92 (0.65 to 0.99)``."""
    return f"{score['estimate']:.2f} ({score['low']:.2f} to {score['high']:.2f})"


def score_rows(evaluation: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Name, estimate with interval, and chance, of every metric."""
    return [
        (name, score_text(score), f"{score['chance']:.2f}")
        for name, score in evaluation["metrics"].items()
    ]


def verdict(evaluation: dict[str, Any] | None) -> list[str]:
    """What the held-out result says, in sentences; the first is the result."""
    if evaluation is None:
        return ["Not measured: nothing was held out."]
    accuracy = evaluation["metrics"]["accuracy"]
    units, sources = evaluation["units"], evaluation["sources"]
    sentences = [
        f"Held-out accuracy {score_text(accuracy)}, chance {accuracy['chance']:.2f}; "
        f"{units} units of {sources} sources."
    ]
    if accuracy["low"] <= accuracy["chance"]:
        sentences.append("The interval holds chance: this may be luck.")
    colour = evaluation.get("colour_only")
    if colour:
        sentences.append(f"Mean colour alone: {score_text(colour)}.")
        if colour["estimate"] >= accuracy["estimate"] > accuracy["chance"]:
            sentences.append("It does as well: the model may know the stain, not the cells.")
    return sentences


def answer_text(prediction: Prediction) -> str:
    """The class of a whole field and how sure that is, in a few words."""
    if prediction.class_name is None:
        return "no cell found"
    text = f"{prediction.class_name} ({prediction.probability:.0%})"
    return f"{text}, uncertain" if prediction.uncertain else text
