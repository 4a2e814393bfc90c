"""What a comparison finds in the cross-validations of its models: differences, doubts, mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from napari_marrow.learning.comparison.cross_validation import CrossValidated
from napari_marrow.learning.comparison.label_errors import doubtful_labels
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


def _limits(lead: ModelResult, models: int) -> tuple[str, ...]:
    """Say what the result of some models does not tell; the published protocol tells nothing."""
    measured = lead.protocol == "paper" or lead.acquisitions
    more = "" if measured else " --by acquisition measures that where a collection has several."
    return (f"{ELSEWHERE}{more}", *([HIGHEST] if models > 1 else []))


def _beats_chance(model: ModelResult) -> bool:
    return model.evaluation.metrics["balanced_accuracy"].is_above_chance


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
        differences += paired_differences({x.result.model: x.by_fold for x in own}, protocol)
    judged = next(iter(by_protocol))  # honest comes first
    best = best_model([one for one in differences if one.protocol == judged == "honest"])
    lead = leading_model(models, best)
    (answers,) = [one.answers for one in found if one.result is lead]
    peers = [x for x in by_protocol[lead.protocol] if x.result is not lead]
    others = [x.answers for x in peers if _beats_chance(x.result)]
    mistakes = with_reasons(worst_mistakes(answers), pd.concat(others) if others else None)
    # what knows nothing has no doubts: models at chance would list half of the units
    honest = [x for x in by_protocol.get("honest", []) if _beats_chance(x.result)]
    doubtful = doubtful_labels(pd.concat([x.answers for x in honest])) if honest else ()
    result = replace(
        result,
        models=models,
        differences=tuple(differences),
        best=best,
        doubtful=doubtful,
        mistakes=mistakes,
        limits=_limits(lead, len(by_protocol[judged])),
    )
    return replace(result, verdict=verdict_of(result))
