"""Negative controls of a trained model: what it scores where there is nothing to know.

It is asked about the same photographs with their cells blanked, with nothing but outlines, and with
nothing but mean colours (:mod:`~napari_marrow.imaging.hide_cells`), in the same way as about the
photographs themselves. And its answers are judged with given classes that were permuted (M. Ojala
and G. C. Garriga, "Permutation tests for studying classifier performance", Journal of Machine
Learning Research 11, 2010). A control does well where its 95 % interval is above chance;
where a class has too few sources for an interval, that can't be told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_marrow.data.fields import Field
from napari_marrow.imaging.hide_cells import (
    Picture,
    background_only,
    mean_colours,
    nucleus_diameters,
    one_colour,
    silhouettes,
)
from napari_marrow.imaging.nuclei import field_labels
from napari_marrow.learning.bundles.bundle import Bundle
from napari_marrow.learning.evaluation.asked import Asked, answers_for
from napari_marrow.learning.learners import Callbacks
from napari_marrow.learning.scores.agreement import mean_recall
from napari_marrow.learning.scores.evaluation import Evaluation, Score, find_few_sources
from napari_marrow.learning.scores.findings import Control
from napari_marrow.learning.scores.metrics import score_units
from napari_marrow.learning.settings import EvaluateSettings
from napari_marrow.learning.units.samples import cells_of

N_PERMUTATIONS = 500
MIN_PROBABILITY = 1e-9
"""Probabilities below are taken for this, as their logarithm has no end."""
Alter = Callable[[Field, NDArray[np.uint8], NDArray[np.integer]], Picture]


def ask_controls(
    bundle: Bundle,
    asked: Asked,
    scored: pd.DataFrame,
    settings: EvaluateSettings,
    callbacks: Callbacks,
) -> tuple[Control, ...]:
    """Ask a model about what is left of photographs without their cells.

    Parameters
    ----------
    bundle, asked, scored
        The model, the photographs, and its answers that have a score.
    settings
        How it was asked.
    callbacks
        Hear of progress and can end the work.
    """
    diameter = _usual_diameter(asked)
    altered = _alterations(bundle.info.settings.unit, diameter)
    found = [_permuted(scored, bundle.info.classes)]
    for k, (name, (text, alter)) in enumerate(altered.items()):
        part = callbacks.part(k / len(altered), (k + 1) / len(altered))
        if (scored := _ask(bundle, asked, alter, settings, text, part)) is not None:
            score = scored.metrics["balanced_accuracy"]
            found.append(Control.of_score(name, text, score, scored.few_sources))
    return tuple(found)


def _usual_diameter(asked: Asked) -> float:
    """Return the median diameter of the nuclei of all photographs, in pixels."""
    found = [
        nucleus_diameters(cells_of(x.field.image(), field_labels(x.field)))
        for x in asked.photographs
    ]
    diameters = np.concatenate(found)
    return float(np.median(diameters)) if len(diameters) else 1.0


def _alterations(unit: str, diameter: float) -> Mapping[str, tuple[str, Alter]]:
    """Return what photographs are altered to, by the name of the control."""

    def background(field: Field, image: NDArray, nuclei: NDArray) -> Picture:
        return background_only(image, nuclei, field.mask("cytoplasm"), diameter)

    def shape(field: Field, image: NDArray, nuclei: NDArray) -> Picture:
        return silhouettes(image, nuclei)

    def colour(field: Field, image: NDArray, nuclei: NDArray) -> Picture:
        if unit == "field":
            return one_colour(image, diameter)
        return mean_colours(image, nuclei, diameter)

    return {
        "background": ("the background", background),
        "shape": ("the outlines of nuclei", shape),
        "colour": ("mean colours", colour),
    }


def _ask(
    bundle: Bundle,
    asked: Asked,
    alter: Alter,
    settings: EvaluateSettings,
    text: str,
    callbacks: Callbacks,
) -> Evaluation | None:
    """Return the scores on altered photographs; None where there is no answer."""
    photographs = []
    for k, one in enumerate(asked.photographs):
        callbacks.progress(k / len(asked.photographs), f"Control, {text}: {one.field.name}")
        image = one.field.image()
        nuclei = cells_of(image, field_labels(one.field))
        seen = bundle.predictor.observe(*alter(one.field, image, nuclei)).without_labels()
        truth = seen.units[["index"]].merge(one.truth, "left", "index")
        photographs.append(replace(one, seen=seen, truth=truth))
    answers, _ = answers_for(bundle, photographs, settings.adapt)
    classes = bundle.info.classes
    answers = answers[answers["class"].isin(classes)]
    if answers.empty:
        return None
    names = [f"probability_{name}" for name in classes]
    probabilities = centred(answers[names].to_numpy(np.float64))
    return score_units(answers, probabilities, classes)


def centred(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return probabilities, (n, classes), without what is the same of all units.

    What is left of a photograph is like nothing that was learnt from, and most models answer one
    class for all of it. The logarithm of each class's probability has its median taken off, so that
    the order of the units counts. It knows nothing of the given classes: without information the
    balanced accuracy stays at chance.
    """
    logarithms = np.log(np.maximum(probabilities, MIN_PROBABILITY))
    odds = np.exp(logarithms - np.median(logarithms, axis=0))
    return odds / odds.sum(axis=1, keepdims=True)


def _permuted(scored: pd.DataFrame, classes: tuple[str, ...]) -> Control:
    """Judge the answers with classes that were permuted over sources.

    The interval holds 95 % of the scores with permuted classes. Sources with units of several
    classes have these permuted among themselves.
    """
    truth, given = (
        pd.Categorical(scored[name], categories=list(classes)).codes.astype(int)
        for name in ("class", "predicted")
    )
    source = np.unique(scored["source"].to_numpy(str), return_inverse=True)[1]
    rows = [np.flatnonzero(source == number) for number in range(source.max() + 1)]
    pure = [own for own in rows if np.ptp(truth[own]) == 0]
    mixed = [own for own in rows if np.ptp(truth[own]) > 0]
    rng = np.random.default_rng(0)
    recall = partial(_recall, given, len(classes))
    found = np.array([recall(_shuffled(truth, pure, mixed, rng)) for _ in range(N_PERMUTATIONS)])
    low, high = np.quantile(found, [0.025, 0.975])
    score = Score(float(found.mean()), float(low), float(high), 1 / len(classes))
    few = find_few_sources(zip(scored["class"], source, strict=True), classes)
    return Control.of_score("permuted", "classes permuted over sources", score, few)


def _shuffled(
    truth: NDArray[np.intp],
    pure: list[NDArray[np.intp]],
    mixed: list[NDArray[np.intp]],
    rng: np.random.Generator,
) -> NDArray[np.intp]:
    found = truth.copy()
    for own, other in zip(pure, rng.permutation(len(pure)), strict=True):
        found[own] = truth[pure[other][0]]
    for own in mixed:
        found[own] = rng.permutation(truth[own])
    return found


def _recall(given: NDArray[np.intp], count: int, truth: NDArray[np.intp]) -> float:
    counts = np.bincount(truth * count + given, minlength=count**2).reshape(count, count)
    return mean_recall(counts.astype(float))
