"""The tables of a report as CSV files for other programs, one line a value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from napari_marrow.data.outputs import table_kind, write_csv
from napari_marrow.data.text import printable
from napari_marrow.learning.scores.evaluation import Evaluation, few_column
from napari_marrow.learning.scores.findings import (
    ClassCount,
    DoubtfulLabel,
    FoldPart,
    PairedDifference,
    Share,
    UnitAnswer,
)
from napari_marrow.learning.scores.results import EvaluationResult

Row = Sequence[object]
_OF_MODEL, _OF_SCORE = ("model", "protocol"), ("metric", "estimate", "low", "high", "chance")


@dataclass(frozen=True)
class CsvTable:
    """A CSV file of a report: its columns, and what gives its rows."""

    columns: tuple[str, ...]
    rows: Callable[[EvaluationResult], Iterator[Row]]


def _scores(evaluation: Evaluation) -> Iterator[Row]:
    for name, score in evaluation.metrics.items():
        yield name, score.estimate, score.low, score.high, score.chance


def _score_rows(result: EvaluationResult) -> Iterator[Row]:
    for model in result.models:
        answers = {
            result.data.unit: model.evaluation,
            "field by cells": model.by_field,
            "not uncertain": model.certain,
        }
        for name, evaluation in answers.items():
            for row in _scores(evaluation) if evaluation else ():
                yield model.model, model.protocol, name, *row
        for metric, one in vars(model.recalibration).items() if model.recalibration else ():
            if metric != "of" and one is not None:
                values = metric, one.estimate, one.low, one.high, getattr(one, "chance", None)
                yield model.model, model.protocol, result.data.unit, *values


def _acquisition_rows(result: EvaluationResult) -> Iterator[Row]:
    for model in result.models:
        for one in model.acquisitions:
            for row in _scores(one.evaluation):
                yield model.model, model.protocol, one.name, *row


def _confusion_rows(result: EvaluationResult) -> Iterator[Row]:
    for model in result.models:
        own = model.evaluation
        for truth, counts in zip(own.classes, own.confusion, strict=True):
            for answer, count in zip(own.classes, counts, strict=True):
                yield model.model, model.protocol, truth, answer, count


def _curve_rows(result: EvaluationResult) -> Iterator[Row]:
    for model in result.models:
        for name, curve in vars(model.curves).items() if model.curves else ():
            points = zip(curve.x, curve.y, curve.low, curve.high, strict=True) if curve else ()
            for point in points:
                yield model.model, model.protocol, name, *point


def _forecast_rows(result: EvaluationResult) -> Iterator[Row]:
    if result.forecast is not None:
        own = {"measured": result.forecast.measured, "expected": result.forecast.expected}
        for origin, points in own.items():
            for point in points:
                yield origin, *astuple(point)


def _as_they_are(kind: type, rows: Callable[[EvaluationResult], Iterable[Any]]) -> CsvTable:
    """Return the table of dataclasses of a kind: a column a field, ``class`` for ``class_name``."""
    names = tuple(field.name.removesuffix("_name") for field in fields(kind))
    return CsvTable(names, lambda result: map(astuple, rows(result)))


TABLES = {
    "classes.csv": _as_they_are(ClassCount, lambda r: r.data.classes),
    "folds.csv": _as_they_are(FoldPart, lambda r: r.folds),
    "scores.csv": CsvTable((*_OF_MODEL, "answers", *_OF_SCORE), _score_rows),
    "acquisitions.csv": CsvTable((*_OF_MODEL, "acquisition", *_OF_SCORE), _acquisition_rows),
    "training.csv": CsvTable(
        (*_OF_MODEL, "fit_seconds", "parameters", "model_bytes"),
        lambda r: (
            (m.model, m.protocol, m.fit_seconds, m.parameters, m.model_bytes)
            for m in r.models
            if m.fit_seconds is not None
        ),
    ),
    "differences.csv": _as_they_are(PairedDifference, lambda r: r.differences),
    "confusion.csv": CsvTable((*_OF_MODEL, "truth", "answer", "units"), _confusion_rows),
    "curves.csv": CsvTable((*_OF_MODEL, "curve", "x", "y", "low", "high"), _curve_rows),
    "mistakes.csv": _as_they_are(UnitAnswer, lambda r: r.mistakes),
    "doubtful.csv": _as_they_are(DoubtfulLabel, lambda r: r.doubtful),
    "controls.csv": CsvTable(
        ("name", "text", *_OF_SCORE[1:], "does_well", "few_sources"),
        lambda r: (
            (c.name, c.text, *astuple(c.score), c.does_well, few_column(c.few_sources))
            for c in r.controls
        ),
    ),
    "forecast.csv": CsvTable(("origin", "sources", "estimate", "low", "high"), _forecast_rows),
    "counts.csv": _as_they_are(Share, lambda r: r.shares),
}
"""By the name of the file."""
CSV_KINDS = {
    name: table_kind("a table of a report", table.columns) for name, table in TABLES.items()
}


def write_tables(folder: Path, result: EvaluationResult) -> None:
    """Write those of :data:`TABLES` that have rows into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in TABLES.items():
        rows = [
            [printable(value) if isinstance(value, str) else value for value in row]
            for row in table.rows(result)
        ]
        if rows:
            write_csv(pd.DataFrame(rows, columns=list(table.columns)), folder / name)
