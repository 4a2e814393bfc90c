"""What a comparison finds in the cross-validations of its models: differences, doubts, mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from napari_marrow.learning.comparison.cross_validation import CrossValidated
from napari_marrow.learning.comparison.label_errors import (
    MAX_ERROR_SHARE,
    can_doubt,
    doubtful_labels,
)
from napari_marrow.learning.comparison.mistakes import with_reasons
from napari_marrow.learning.comparison.paired import best_model, paired_differences
from napari_marrow.learning.scores.findings import PairedDifference, Protocol
from napari_marrow.learning.scores.results import EvaluationResult, ModelResult
from napari_marrow.learning.scores.summary import worst_mistakes
from napari_marrow.learning.scores.verdict import leading_model, verdict_of

ELSEWHERE = (
    "All was measured on one collection: photographs of another microscope, stain or laboratory "
    "can have far lower scores."
)
HIGHEST = "The highest of several scores can be too good by chance."
PUBLISHED_UNCHECKED = (
    "under the published protocol models learn from copies of what they are asked about. Repeat "
    "with --protocol both"
)
"""Why given classes are not checked."""


def _limits(lead: ModelResult, models: int) -> tuple[str, ...]:
    """Say what the result of some models does not tell; the published protocol tells nothing."""
    measured = lead.protocol == "paper" or lead.acquisitions
    more = "" if measured else " --by acquisition measures that where a collection has several."
    return (f"{ELSEWHERE}{more}", *([HIGHEST] if models > 1 else []))


def with_findings(result: EvaluationResult, found: Sequence[CrossValidated]) -> EvaluationResult:
    """Add what follows from the answers of all models, and the verdict.

    Parameters
    ----------
    result
        With data, folds, notes, and what was found by further fits: controls and a forecast.
    found
        Each model under each protocol.
    """
    models = tuple(one.result for one in found)
    by_protocol: dict[Protocol, list[CrossValidated]] = {}
    for one in found:
        by_protocol.setdefault(one.result.protocol, []).append(one)
    differences: list[PairedDifference] = []
    for protocol, own in by_protocol.items():
        is_guess = any(x.result.evaluation.few_sources for x in own)
        scores = {x.result.model: x.by_fold for x in own}
        differences += paired_differences(scores, protocol, is_guess=is_guess)
    judged = next(iter(by_protocol))  # honest comes first
    best = best_model([one for one in differences if one.protocol == judged])
    lead = leading_model(models, best)
    (answers,) = [one.answers for one in found if one.result is lead]
    others = [x for x in by_protocol[lead.protocol] if x.result is not lead and _can_doubt(x)]
    wrong = with_reasons(answers, [x.answers for x in others])
    honest = [x for x in by_protocol.get("honest", []) if _can_doubt(x)]
    doubtful = doubtful_labels(pd.concat([x.answers for x in honest])) if honest else ()
    result = replace(
        result,
        models=models,
        differences=tuple(differences),
        best=best,
        doubtful=doubtful,
        unchecked_labels="" if honest else _unchecked(lead),
        mistakes=worst_mistakes(wrong),
        limits=_limits(lead, len(by_protocol[judged])),
    )
    return replace(result, verdict=verdict_of(result))


def _can_doubt(one: CrossValidated) -> bool:
    return can_doubt(one.result.evaluation, one.answers["source"].nunique())


def _unchecked(lead: ModelResult) -> str:
    """Return why no given class could be doubted."""
    if lead.protocol == "paper":
        return PUBLISHED_UNCHECKED
    chance = lead.evaluation.metrics["balanced_accuracy"].chance
    return (
        f"no model errs so seldom that its doubts count, which takes a balanced accuracy of "
        f"{1 - MAX_ERROR_SHARE * (1 - chance):.2f} and sources enough to tell that from chance"
    )
