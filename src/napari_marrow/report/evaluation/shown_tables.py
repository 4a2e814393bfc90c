"""The tables of a report as its page shows them: texts, and few enough columns for paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from napari_marrow.data.text import counted
from napari_marrow.learning.scores.evaluation import AcquisitionScores, Evaluation, Score
from napari_marrow.learning.scores.findings import Estimate, Recalibration, Share
from napari_marrow.learning.scores.results import EvaluationResult, ModelResult
from napari_marrow.learning.scores.verdict import protocol_gaps
from napari_marrow.learning.scores.words import TOO_FEW
from napari_marrow.report.evaluation.leading import (
    main_metric,
    metric_name,
    shown_models,
)
from napari_marrow.report.rendering import Table
from napari_marrow.report.tables import score_text

MAX_MODEL_COLUMNS = 5
"""Models side by side: more would be cut off on paper."""
MAX_SHARE_ROWS = 100
"""Fields whose shares the page lists; the CSV has all."""
MEBIBYTE = 2**20
_CALIBRATION: dict[str, Callable[[Recalibration], Score | Estimate | None]] = {
    "Brier score (0 is best)": lambda own: own.brier,
    "calibration slope (1 is best)": lambda own: own.slope,
    "calibration intercept (0 is best)": lambda own: own.intercept,
}


def classes_table(result: EvaluationResult) -> Table:
    """Return how much there is of each class."""
    cells = ("cells",) if result.data.unit == "cell" else ()
    columns = ("class", "photographs", "sources", *cells)
    rows = [
        (one.name, str(one.fields), str(one.sources), str(one.units))[: len(columns)]
        for one in result.data.classes
    ]
    return Table("What it was measured on", columns, rows)


def score_tables(result: EvaluationResult, protocol: str) -> list[Table]:
    """Return all scores under a protocol; models are side by side, a few in a table."""
    own = [model for model in result.models if model.protocol == protocol]
    count = -(-len(own) // MAX_MODEL_COLUMNS)
    starts = [round(k * len(own) / count) for k in range(count + 1)] if count else []
    return [_scores(own[start:end], result) for start, end in pairwise(starts)]


def _scores(models: Sequence[ModelResult], result: EvaluationResult) -> Table:
    evaluations = [model.evaluation for model in models]
    names = dict.fromkeys(name for own in evaluations for name in own.metrics)
    rows = [
        [
            metric_name(name),
            *(_score(own, name) for own in evaluations),
            next(f"{own.metrics[name].chance:.2f}" for own in evaluations if name in own.metrics),
        ]
        for name in names
    ]
    rows += _calibration_rows(models)
    own = evaluations[0]
    clusters = counted(own.sources, models[0].clusters)
    what = f"one answer per {_unit(models[0], result)}, {counted(own.units, 'answer')}, {clusters}"
    positive = f"; positive class {own.positive}" if len(own.classes) == 2 else ""
    protocol = "" if result.kind == "evaluate" else f", protocol {models[0].protocol}"
    caption = f"Scores with their 95 % intervals{protocol}: {what}{positive}"
    return Table(caption, ("score", *(model.model for model in models), "chance"), rows)


def _unit(model: ModelResult, result: EvaluationResult) -> str:
    """Return of what each answer is; the published protocol asks about copies, too."""
    unit = result.data.unit
    return f"copy of a {unit}" if model.protocol == "paper" else unit


def _score(evaluation: Evaluation, name: str) -> str:
    score = evaluation.metrics.get(name)
    return "" if score is None else score_text(score, evaluation.few_sources)


def _calibration_rows(models: Sequence[ModelResult]) -> list[list[str]]:
    """Return how far probabilities can be taken at their word; no guess has a slope."""
    rows = []
    for name, value in _CALIBRATION.items():
        own = [None if m.recalibration is None else value(m.recalibration) for m in models]
        if any(own):
            texts = [
                "" if one is None else score_text(one, model.evaluation.few_sources)
                for one, model in zip(own, models, strict=True)
            ]
            rows.append([name, *texts, ""])
    return rows


def protocol_table(result: EvaluationResult) -> Table | None:
    """Return a score of each model under both protocols, and their difference."""
    gaps = protocol_gaps(result.models)
    rows = [
        (
            gap.model,
            score_text(gap.honest, gap.honest_few),
            score_text(gap.paper, gap.paper_few),
            f"{gap.difference:+.2f}",
        )
        for gap in gaps
    ]
    if not rows:
        return None
    columns = ("model", "honest", "paper", "paper minus honest")
    return Table(f"Both protocols: {metric_name(gaps[0].metric)}", columns, rows)


def by_field_table(result: EvaluationResult) -> Table | None:
    """Return the main score of whole fields, of models that answer for cells."""
    metric = main_metric(result)
    rows = [
        [model.model, _score(own, metric), str(own.units)]
        for model in shown_models(result)
        if (own := model.by_field) is not None
    ]
    columns = ("model", "estimate (95 % interval)", "photographs")
    return _of_metric("Answers for whole photographs, from their cells", result, columns, rows)


def certain_table(result: EvaluationResult) -> Table | None:
    """Return the main score of the answers that are not marked uncertain, and how many stand."""
    metric = main_metric(result)
    rows = [
        [model.model, _score(own, metric), f"{own.units} of {model.evaluation.units}"]
        for model in shown_models(result)
        if (own := model.certain) is not None
    ]
    columns = ("model", "estimate (95 % interval)", "answers that stand")
    return _of_metric("Answers that are not marked uncertain", result, columns, rows)


def acquisition_table(result: EvaluationResult) -> Table | None:
    """Return the main score on each acquisition that was left out."""
    metric = main_metric(result)
    rows = [
        [_named(one), model.model, _score(one.evaluation, metric), str(one.evaluation.units)]
        for model in shown_models(result)
        for one in model.acquisitions
    ]
    rows.sort(key=lambda row: row[0])
    columns = ("left out", "model", "estimate (95 % interval)", "answers")
    return _of_metric("Acquisitions that were not learnt from", result, columns, rows)


def _named(one: AcquisitionScores) -> str:
    """Return the name of an acquisition; with a photograph where it is but a number."""
    return f"{one.name}, such as {one.photograph}" if one.name.isdigit() else one.name


def _of_metric(
    caption: str, result: EvaluationResult, columns: tuple[str, ...], rows: list[list[str]]
) -> Table | None:
    """Return a table of the main score, whose name the caption has; None without rows."""
    name = metric_name(main_metric(result))
    return Table(f"{caption}: {name}", columns, rows) if rows else None


def difference_table(result: EvaluationResult) -> Table | None:
    """Return the paired differences between models."""
    rows = [
        (
            f"{one.first} − {one.second}",
            metric_name(one.metric),
            f"{one.estimate:+.3f} ({one.low:+.3f} to {one.high:+.3f})"
            if not one.is_guess
            else f"{one.estimate:+.3f} ({TOO_FEW})",
            "" if one.is_guess else _p_value(one.p_value),
            "yes" if one.is_shown else "no",
        )
        for one in result.differences
    ]
    protocols = {one.protocol for one in result.differences}
    if len(protocols) > 1:
        rows = [
            (f"{row[0]} ({one.protocol})", *row[1:])
            for row, one in zip(rows, result.differences, strict=True)
        ]
    columns = ("models", "score", "difference (95 % interval)", "adjusted p", "shown")
    return Table("Differences on the same folds", columns, rows) if rows else None


def _p_value(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"


def cost_table(result: EvaluationResult) -> Table | None:
    """Return how long each model took to fit in a fold, and its size."""
    rows = [
        (
            model.model,
            "" if model.fit_seconds is None else f"{model.fit_seconds:.1f} s",
            "" if model.parameters is None else f"{model.parameters:,}",
            "" if model.model_bytes is None else f"{model.model_bytes / MEBIBYTE:.2f} MiB",
        )
        for model in shown_models(result)
        if model.fit_seconds is not None
    ]
    columns = ("model", "time to fit in a fold", "parameters", "size of the file")
    return Table("What each model costs", columns, rows) if rows else None


def control_table(result: EvaluationResult) -> Table | None:
    """Return the negative controls."""
    rows = [
        (
            control.text,
            score_text(control.score, control.few_sources),
            f"{control.score.chance:.2f}",
            TOO_FEW if control.few_sources else "yes" if control.does_well else "no",
        )
        for control in result.controls
    ]
    columns = ("what was left", "balanced accuracy (95 % interval)", "chance", "above chance")
    return Table("Negative controls", columns, rows) if rows else None


def _share_interval(share: Share) -> str:
    return TOO_FEW if share.is_guess else f"{share.low:.1%} to {share.high:.1%}"


def share_tables(result: EvaluationResult) -> list[Table]:
    """Return the share of each class that was counted, in all, by source and by field."""
    tables = []
    for name in dict.fromkeys(one.class_name for one in result.shares):
        own = [one for one in result.shares if one.class_name == name]
        shown = sorted(own, key=lambda one: (one.image != "", one.source != ""))[:MAX_SHARE_ROWS]
        rows = [
            (
                one.image or one.source or "all photographs",
                f"{one.counted} of {one.cells}",
                f"{one.uncertain}",
                f"{one.estimate:.1%} ({_share_interval(one)})",
            )
            for one in shown
        ]
        left = len(own) - len(shown)
        more = f"; {left} more are in tables/counts.csv" if left else ""
        columns = ("counted in", "cells answered so", "uncertain", "share (95 % interval)")
        tables.append(Table(f"Share of {name} among the cells{more}", columns, rows))
    return tables
