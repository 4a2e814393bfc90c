"""The comparison job: several models on the same folds, in one table.

The folds are cut by source, so that no source stands on both sides (protocol ``honest``), or at
random after augmenting and choosing features of everything (``paper``), to show what that leaks.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_marrow.data.atomic import atomic_folder
from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.fields import Collection
from napari_marrow.data.outputs import FolderKind, input_files
from napari_marrow.jobs.events import Emit, Event, ShouldStop, never, silent
from napari_marrow.jobs.train import augment_as_published, check_classes, network_units
from napari_marrow.jobs.train_classical import measured_units
from napari_marrow.jobs.train_job import TrainJob
from napari_marrow.learning.bundle import open_onnx
from napari_marrow.learning.classical import choose_columns, fit_classical
from napari_marrow.learning.feature_table import feature_columns
from napari_marrow.learning.metrics import score_units
from napari_marrow.learning.predictor import run_features, run_network
from napari_marrow.learning.samples import Units, class_codes, drawn_notes, mean_by_unit
from napari_marrow.learning.settings import (
    CLASSICAL,
    CompareSettings,
    Preprocessing,
    TrainingSettings,
)
from napari_marrow.learning.splits import Rows, folds_at_random, folds_by_source, split_by_source
from napari_marrow.report.colours import RESEARCH_ONLY

TABLE, FULL, ANSWERS = "comparison.csv", "comparison.json", "predictions.csv"
OWNED = frozenset({TABLE, FULL, ANSWERS})


def _comparison_files(path: Path) -> frozenset[str]:
    try:
        content = json.loads((path / FULL).read_text(encoding="utf-8"))
        return OWNED if {"rows", "folds", "research_use_only"} <= set(content) else frozenset()
    except (OSError, ValueError, TypeError):
        return frozenset()


COMPARISON = FolderKind("a comparison", _comparison_files, OWNED)
METRICS = ("accuracy", "precision", "recall", "specificity", "f1", "auc")
Answer = tuple[NDArray[np.float64], int]
"""Probabilities of the test rows, and how many numbers were learnt."""
Contestant = Callable[[Rows, Rows], Answer]
"""Learns from the first rows and answers for the second."""


@dataclass(frozen=True)
class CompareJob:
    """Compare models on these fields; write the tables to a folder."""

    collection: Collection
    out: Path
    settings: CompareSettings = field(default_factory=CompareSettings)
    force: bool = False


def run_comparison(
    job: CompareJob, emit: Emit = silent, should_stop: ShouldStop = never
) -> dict[str, Any]:
    """Cross-validate every model and write ``comparison.csv``, ``.json`` and ``predictions.csv``.

    Returns
    -------
    dict
        ``out``; ``rows``, one a model and protocol: ``model``, ``protocol``, each metric over all
        answers (``accuracy``, with ``_low``, ``_high``, ``_chance`` and ``_spread``, the standard
        deviation over the folds), ``fit_seconds`` and ``parameters``, means over the folds;
        ``units``, ``sources``, ``folds``, ``notes``.

    Raises
    ------
    MarrowError
        When the settings can't work, or there are too few sources to cut folds of.
    Stopped
        When ``should_stop`` said so.
    """
    if problems := job.settings.problems():
        raise MarrowError(" ".join(problems))
    check_classes(job.collection)
    both = ("honest", "paper")
    protocols = both if job.settings.protocol == "both" else (job.settings.protocol,)
    with atomic_folder(job.out, COMPARISON, input_files([job.collection]), job.force) as folder:
        rows, answers = [], []
        for k, protocol in enumerate(protocols):

            def part(event: Event, k: int = k) -> None:
                done = None if event.fraction is None else (k + event.fraction) / len(protocols)
                emit(replace(event, fraction=done))

            found, said = _compare(job, protocol, part, should_stop)
            rows += found
            answers.append(said)
        table = pd.DataFrame(rows)
        table.to_csv(folder / TABLE, index=False)
        pd.concat(answers, ignore_index=True).to_csv(folder / ANSWERS, index=False)
        result = {
            "out": str(job.out),
            "rows": json.loads(table.to_json(orient="records")),  # not a number becomes null
            "units": len(answers[0]) // len(job.settings.models),
            "sources": int(answers[0]["source"].nunique()),
            "folds": job.settings.folds,
            "notes": _notes(job, protocols),
            "settings": asdict(job.settings),
            "research_use_only": RESEARCH_ONLY,
        }
        (folder / FULL).write_text(json.dumps(result, indent=2), encoding="utf-8")
    return result


def _notes(job: CompareJob, protocols: tuple[str, ...]) -> list[str]:
    notes = []
    if "paper" in protocols:
        notes.append(
            "Protocol paper: copies of one source stand on both sides, and features were chosen "
            "with the test side; its scores are too good."
        )
    for model in job.settings.models:
        how = Preprocessing.of(job.settings.training(model, protocols[0])).features
        notes += [note for note in drawn_notes(job.collection, how) if note not in notes]
    return notes


def _compare(
    job: CompareJob, protocol: str, emit: Emit, should_stop: ShouldStop
) -> tuple[list[dict[str, Any]], pd.DataFrame]:
    """Rows of all models under one protocol, and their answers."""
    rows, answers = [], []
    models = job.settings.models
    kinds = [k for k in (True, False) if any((m in CLASSICAL) == k for m in models)]
    made: dict[bool, tuple[pd.DataFrame, Callable[[TrainingSettings], Contestant]]] = {}
    for classical in kinds:
        model = next(m for m in models if (m in CLASSICAL) == classical)
        training = TrainJob(job.collection, job.settings.training(model, protocol), job.out)
        prepare = _classical if classical else _network
        made[classical] = prepare(training, _first_half(emit), should_stop)
    for k, model in enumerate(models):
        table, contestant = made[model in CLASSICAL]
        settings = job.settings.training(model, protocol)
        emit(Event("progress", f"Fitting {model}", 0.5 + 0.5 * k / len(models)))
        row, said = _cross_validate(
            table, contestant(settings), job.settings, protocol, should_stop
        )
        rows.append({"model": model, "protocol": protocol, **row})
        answers.append(said.assign(model=model, protocol=protocol))
    return rows, pd.concat(answers, ignore_index=True)


def _first_half(emit: Emit) -> Emit:
    def halved(event: Event) -> None:
        done = None if event.fraction is None else min(1.0, event.fraction) / 2
        emit(replace(event, fraction=done))

    return halved


def _classical(
    job: TrainJob, emit: Emit, should_stop: ShouldStop
) -> tuple[pd.DataFrame, Callable[[TrainingSettings], Contestant]]:
    table = measured_units(job, emit, should_stop)
    codes = class_codes(table, tuple(sorted(table["class"].unique())))
    columns = feature_columns(table)
    if job.settings.protocol == "paper":
        columns = choose_columns(table, columns, codes, job.settings.select)

    def contestant(settings: TrainingSettings) -> Contestant:
        def answer(train: Rows, test: Rows) -> Answer:
            part = table.iloc[train]
            how = (settings.select, settings.seed)
            fitted = fit_classical(settings.model, part, columns, codes[train], *how)
            session = open_onnx(fitted.onnx)
            values = table.iloc[test][list(fitted.chosen)]
            return run_features(session, values), fitted.parameters

        return answer

    return table, contestant


def _network(
    job: TrainJob, emit: Emit, should_stop: ShouldStop
) -> tuple[pd.DataFrame, Callable[[TrainingSettings], Contestant]]:
    units = network_units(job, emit, should_stop)
    if job.settings.protocol == "paper":
        units = augment_as_published(units)
    classes = tuple(sorted(units.table["class"].unique()))

    def contestant(settings: TrainingSettings) -> Contestant:
        def answer(train: Rows, test: Rows) -> Answer:
            return _train_fold(units, classes, settings, train, test, should_stop)

        return answer

    return units.table, contestant


def _train_fold(
    units: Units,
    classes: tuple[str, ...],
    settings: TrainingSettings,
    train: Rows,
    test: Rows,
    should_stop: ShouldStop,
) -> Answer:
    """Train a network on rows, some of their sources watching when to stop."""
    from napari_marrow.jobs.import_keras import start_keras
    from napari_marrow.jobs.train import network_side

    start_keras()
    from napari_marrow.learning import fit as training

    known = units.table.iloc[train]
    columns = (known["class"].to_numpy(str), known["source"].to_numpy(str))
    cut = split_by_source(*columns, settings.validation, settings.validation, settings.seed)
    rest = np.concatenate([cut.train, cut.validation])
    watched = units.take(train[cut.heldout]) if len(cut.heldout) else None
    trained = training.train_network(
        network_side(training, units.take(train[rest]), classes),
        None if watched is None else network_side(training, watched, classes),
        settings,
        lambda row: None,
        should_stop,
    )
    asked = units.take(test)
    raw = run_network(open_onnx(trained.onnx), asked.images)
    return mean_by_unit(raw, asked.owner, len(test)), trained.parameters


def _cross_validate(
    table: pd.DataFrame,
    contestant: Contestant,
    settings: CompareSettings,
    protocol: str,
    should_stop: ShouldStop,
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Scores of one model over all folds, and its answers."""
    classes = tuple(sorted(table["class"].unique()))
    names, sources = table["class"].to_numpy(str), table["source"].to_numpy(str)
    folds = (
        folds_by_source(names, sources, settings.folds, settings.seed)
        if protocol == "honest"
        else folds_at_random(names, settings.folds, settings.seed)
    )
    probabilities = np.zeros((len(table), len(classes)))
    fold_of = np.zeros(len(table), int)
    seconds, parameters, spread = [], [], []
    for k, (train, test) in enumerate(folds):
        if should_stop():
            raise Stopped
        begun = time.perf_counter()
        probabilities[test], numbers = contestant(train, test)
        seconds.append(time.perf_counter() - begun)
        parameters.append(numbers)
        fold_of[test] = k + 1
        scores = score_units(table.iloc[test], probabilities[test], classes)["metrics"]
        spread.append({name: score["estimate"] for name, score in scores.items()})
    found = score_units(table, probabilities, classes)["metrics"]
    row: dict[str, Any] = {}
    for name in (m for m in METRICS if m in found):
        row[name] = found[name]["estimate"]
        row |= {f"{name}_{what}": found[name][what] for what in ("low", "high", "chance")}
        # a fold without a positive answer has no precision: it does not count
        over = [s[name] for s in spread if name in s]
        row[f"{name}_spread"] = float(np.std(over, ddof=1)) if len(over) > 1 else np.nan
    row |= {"fit_seconds": float(np.mean(seconds)), "parameters": round(np.mean(parameters))}
    said = table[["image", "index", "y", "x", "class", "source"]].assign(fold=fold_of)
    said["predicted"] = [classes[k] for k in probabilities.argmax(axis=1)]
    for k, name in enumerate(classes):
        said[f"probability_{name}"] = probabilities[:, k]
    return row, said
