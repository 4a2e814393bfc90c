"""The verdict on an evaluation or a comparison: what its scores mean, in sentences.

First stands what may make a score worthless: that the published protocol leaks, or that something
other than cells gives it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from napari_marrow.data.text import counted
from napari_marrow.learning.scores.evaluation import Score
from napari_marrow.learning.scores.findings import Control
from napari_marrow.learning.scores.results import EvaluationResult, ModelResult
from napari_marrow.learning.scores.words import few_text, headline, score_text

LARGE_GAP = 0.05
"""Difference between protocols from which on it comes first: five answers of a hundred."""
OF_CELLS = frozenset({"shape"})
"""Controls that see cells themselves: where one does well, it is no alarm."""


@dataclass(frozen=True)
class ProtocolGap:
    """The same score of one model under both protocols.

    Attributes
    ----------
    model, metric
        Whose, and which.
    honest, paper
        The scores.
    honest_few, paper_few
        Number of sources of each class that has too few for their intervals.
    """

    model: str
    metric: str
    honest: Score
    paper: Score
    honest_few: Mapping[str, int] = field(default_factory=dict)
    paper_few: Mapping[str, int] = field(default_factory=dict)

    @property
    def difference(self) -> float:
        """By how much the published protocol's score is higher."""
        return self.paper.estimate - self.honest.estimate

    @property
    def leak(self) -> float:
        """How much of the published score is too good: what lies below chance differs by luck."""
        return self.paper.estimate - self._least

    @property
    def is_leak(self) -> bool:
        """Whether the published score is too good: by much, and not by noise alone.

        That is so where its interval begins above the honest score, and above chance. Of too few
        sources no interval tells that.
        """
        is_known = not self.paper_few and self.paper.low > self._least
        return self.leak >= LARGE_GAP and is_known

    @property
    def _least(self) -> float:
        return max(self.honest.estimate, self.paper.chance)


def protocol_gaps(models: Sequence[ModelResult]) -> tuple[ProtocolGap, ...]:
    """Return the balanced accuracy of each model that has one under both protocols."""
    name = "balanced_accuracy"
    by = {(one.model, one.protocol): one.evaluation for one in models}
    return tuple(
        ProtocolGap(
            model, name, own.metrics[name], paper.metrics[name], own.few_sources, paper.few_sources
        )
        for (model, protocol), own in by.items()
        if protocol == "honest" and (paper := by.get((model, "paper"))) is not None
    )


def leading_model(models: Sequence[ModelResult], best: str | None) -> ModelResult:
    """Return the best model, or where none is shown to be it, that with the highest score.

    Those under protocol ``honest`` come first, if there are any.
    """
    honest = [one for one in models if one.protocol == "honest"] or list(models)
    shown = [one for one in honest if one.model == best]
    return (shown or sorted(honest, key=lambda one: -headline(one.evaluation)[1].estimate))[0]


def verdict_of(result: EvaluationResult) -> tuple[str, ...]:
    """Return what a result means, from all its other parts."""
    lead = leading_model(result.models, result.best)
    alarms = [*_published(lead), *leaks(result), *_controls(result.controls)]
    first = "; ".join(alarms)
    sentences = [f"{first[0].upper()}{first[1:]}."] if alarms else []
    if result.confounding is not None:
        if lead.acquisitions:  # the scores are of other microscopes, then
            sentences.append(result.confounding.sentence)
        else:
            score = headline(lead.evaluation)[1]
            sentences.append(result.confounding.before_score(f"{score.estimate:.2f}"))
    sentences += _scores(result, lead)
    for control in result.controls:
        if control.does_well and control.name in OF_CELLS:
            sentences.append(
                f"Of {control.text} alone the classes can be told, too (balanced accuracy "
                f"{_range(control.score)}): look whether masks of all classes were made alike."
            )
    if result.doubtful:
        sentences.append(
            f"{counted(len(result.doubtful), 'given class is', 'given classes are')} doubted by "
            "the models; look at them again."
        )
    if result.forecast is not None:
        sentences += result.forecast.sentences
    return tuple(sentences)


def _published(lead: ModelResult) -> list[str]:
    """Say that scores are of the published protocol alone."""
    if lead.protocol != "paper":
        return []
    return [
        "these scores say nothing about new photographs: under the published protocol copies of "
        "one source are learnt from and asked about, so that they can be too good (--protocol "
        "both shows by how much)"
    ]


def is_above_chance(model: ModelResult) -> bool:
    """Whether a model is shown to be better than chance on what it did not learn from."""
    score = headline(model.evaluation)[1]
    shown = model.protocol == "honest" and not model.evaluation.few_sources
    return shown and score.is_above_chance


def leaks(result: EvaluationResult) -> list[str]:
    """Say what leaks, by the model in which most does, and in how many it does."""
    gaps = protocol_gaps(result.models)
    found = [gap for gap in gaps if gap.is_leak]
    if not found:
        return []
    most = max(found, key=lambda gap: gap.leak)
    honest = leading_model([one for one in result.models if one.model == most.model], None)
    if honest.acquisitions:
        what = "photographs of the acquisition that it is asked about, and copies of one source,"
    else:
        what = "copies of one source"
    chance = most.paper.chance
    below = f", where chance is {chance:.2f}" if most.honest.estimate < chance else ""
    models = f"; found in {len(found)} of {len(gaps)} models" if len(gaps) > 1 else ""
    return [
        f"{most.leak:.2f} of the score that the published protocol gives {most.model} "
        f"is leakage or chance: {most.paper.estimate:.2f} instead of "
        f"{most.honest.estimate:.2f}{below} (balanced accuracy{models}), as {what} are learnt "
        "from and asked about"
    ]


def _controls(controls: Sequence[Control]) -> list[str]:
    well = [one for one in controls if one.does_well and one.name not in OF_CELLS]
    if not well:
        return []
    listed = ", ".join(f"{one.text} {_range(one.score)}" for one in well)
    return [f"the score may not be about cells: balanced accuracy of {listed}"]


def _range(score: Score) -> str:
    return f"{score.estimate:.2f} ({score.low:.2f} to {score.high:.2f})"


def _scores(result: EvaluationResult, lead: ModelResult) -> list[str]:
    """Say how good the leading model is, whether that is shown, and whether it is the best."""
    evaluation = lead.evaluation
    name, score = headline(evaluation)
    what = name.replace("_", " ")
    text = f"{what} {score_text(score, evaluation.few_sources)}, chance {score.chance:.2f}"
    counts = f"{counted(evaluation.units, 'unit')} of {counted(evaluation.sources, lead.clusters)}"
    compared = {one.model for one in result.models}
    if len(compared) < 2:
        sentences = [f"{lead.model}: {text}; {counts}."]
    elif lead.protocol == "paper":
        sentences = [f"The highest of them is that of {lead.model}: {text}; {counts}."]
    elif result.best:
        sentences = [f"{lead.model} is shown to be better than all others: {text}; {counts}."]
    else:
        sentences = [
            f"No model is shown to be better than all others. The highest score is that of "
            f"{lead.model}: {text}; {counts}."
        ]
    if evaluation.few_sources:
        sentences.append(few_text(evaluation.few_sources, lead.clusters))
    elif score.low <= score.chance:
        sentences.append("The interval includes chance: the result may be luck.")
    return sentences
