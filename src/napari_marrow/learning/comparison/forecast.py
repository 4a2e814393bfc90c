"""A learning curve over sources, and how many more would narrow the interval of the score.

A model is fitted to parts of the sources of each training side and asked about all units of the
other side. Its error falls with the number of sources as an inverse power law, which is fitted to
all parts but the largest and checked on that (R. L. Figueroa et al., "Predicting sample size
required for classification performance", BMC Medical Informatics and Decision Making 12, 2012). The
interval of the score with more sources is Wilson's, as :mod:`~napari_marrow.learning.scores`
computes it, for as many units a source and the same correlation within sources. It depends on the
score, which is not known: how many sources it takes is also given for the ends of the curve's band.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import curve_fit

from napari_marrow.learning.comparison.folds import Fold, judged
from napari_marrow.learning.learners import Callbacks, Learner
from napari_marrow.learning.listed_units import has_learnable
from napari_marrow.learning.scores.evaluation import find_few_sources
from napari_marrow.learning.scores.findings import Forecast, ForecastPoint
from napari_marrow.learning.scores.intervals import t_quantile, wilson
from napari_marrow.learning.scores.metrics import score_units
from napari_marrow.learning.scores.words import few_text
from napari_marrow.learning.settings import TrainingSettings

PARTS = (0.15, 0.25, 0.4, 0.6, 0.8, 1.0)
"""Fractions of the sources of each class in a training side."""
N_DRAWS = 3
"""Times that each smaller part is drawn; once of a network, which takes minutes a fold."""
MIN_PART_SOURCES = 3
"""Sources of each class in the smallest part."""
MIN_FITTED_POINTS = 3
"""Points that a curve of three numbers can be fitted to."""
WIDTH = 0.05
"""From the score to the lower end of its interval: what is asked for."""
MAX_BAND = 0.5
"""Width of the band of an expected score: of a wider one the curve tells nothing."""
MAX_GROWTH = 20
"""Times the present number of sources, beyond which nothing is foretold."""
METRIC = "balanced_accuracy"


def forecast(
    learner: Learner,
    settings: TrainingSettings,
    folds: Sequence[Fold],
    callbacks: Callbacks,
) -> Forecast:
    """Measure the learning curve of a model, and extrapolate it.

    Parameters
    ----------
    learner, settings
        What is fitted.
    folds
        Of protocol ``honest``, with rows of the learner's table.
    callbacks
        Hear of progress.
    """
    if any(fold.name for fold in folds):
        text = (
            "No forecast: the interval over acquisitions depends on how many of these there are, "
            "and not on the number of photographs; for that compare by source."
        )
        return _nothing(settings.model, text)
    table = learner.table
    own = zip(table["class"], table["source"], strict=True)
    if few := find_few_sources(own, sorted(table["class"].unique())):
        return _nothing(settings.model, f"No forecast: {few_text(few)}")
    first = [fold for fold in folds if fold.repeat == 1]
    measured = _measure(learner, settings, first, callbacks)
    numbers = table.groupby("class")["source"].nunique()
    what = "photograph" if _is_single(table) else "source"
    return foretell(settings.model, measured, float(numbers.mean()), what)


def _nothing(model: str, why: str) -> Forecast:
    return Forecast(model, METRIC, (), (), None, None, WIDTH, (why,))


def _is_single(table: pd.DataFrame) -> bool:
    return table["source"].nunique() == table["image"].nunique()


def _measure(
    learner: Learner, settings: TrainingSettings, folds: Sequence[Fold], callbacks: Callbacks
) -> list[ForecastPoint]:
    """Return a point for each part in which every fold has enough to learn from."""
    table, classes = learner.table, tuple(sorted(learner.table["class"].unique()))
    draws = N_DRAWS if settings.kind == "classical" else 1
    points = []
    for k, part in enumerate(PARTS):
        sizes, asked, answers = [], [], []
        for draw in range(1 if part == 1 else draws):
            rng = np.random.default_rng([settings.seed, draw])
            for fold in folds:
                rows = part_of(table, fold.train, part, rng)
                if not has_learnable(table, rows, settings):
                    break
                callbacks.progress(k / len(PARTS), f"Learning from {part:.0%} of the sources")
                model = learner.fit_fold(settings, rows)
                sizes.append(_sources_per_class(table.iloc[rows]))
                asked.append(judged(table, fold))
                answers.append(model.predict(fold.test))
        complete = len(sizes) == len(folds) * (1 if part == 1 else draws)
        if complete and min(sizes) >= MIN_PART_SOURCES:
            scored = score_units(pd.concat(asked), np.concatenate(answers), classes)
            score = scored.metrics[METRIC]
            size = float(np.mean(sizes))
            points.append(ForecastPoint(size, score.estimate, score.low, score.high))
    return points


def part_of(
    table: pd.DataFrame, rows: NDArray[np.intp], part: float, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Return the rows of a part of the sources of each class; a larger part holds a smaller one."""
    own = table.iloc[rows]
    first = own.groupby("source")["class"].agg(lambda classes: classes.mode()[0])
    kept: list[str] = []
    for name in sorted(set(first)):
        sources = rng.permutation(sorted(first.index[first == name]))
        kept += sources[: max(1, round(part * len(sources)))].tolist()
    return rows[own["source"].isin(kept).to_numpy()]


def _sources_per_class(table: pd.DataFrame) -> float:
    return float(table.groupby("class")["source"].nunique().mean())


def power_law(
    sources: NDArray[np.float64] | float, least: float, scale: float, rate: float
) -> NDArray[np.float64]:
    """Return the error that a number of sources leaves: ``least + scale * sources ** -rate``."""
    return least + scale * np.asarray(sources, float) ** -rate


def fit_power_law(points: Sequence[ForecastPoint]) -> tuple[NDArray, NDArray] | None:
    """Return least error, scale and rate, and their covariance; None where nothing fits."""
    sizes = np.array([point.sources for point in points])
    errors = np.array([1 - point.estimate for point in points])
    sigma = np.array([max(1e-3, point.high - point.low) / (2 * 1.96) for point in points])
    start = (max(1e-3, errors.min() * 0.8), max(1e-3, np.ptp(errors)) * sizes.min(), 1.0)
    try:
        found, covariance = curve_fit(
            power_law,
            sizes,
            errors,
            start,
            sigma,
            absolute_sigma=True,
            bounds=((0, 0, 0.1), (1, 50, 2)),
            max_nfev=5000,
        )
    except (RuntimeError, ValueError):
        return None
    return found, covariance


def expected_point(sources: float, fitted: tuple[NDArray, NDArray]) -> ForecastPoint:
    """Return what a curve says of a number of sources, with its 95 % band by the delta method."""
    (_, scale, rate), covariance = fitted
    power = sources**-rate
    slope = np.array([1.0, power, -scale * power * np.log(sources)])
    variance = float(slope @ covariance @ slope)
    half = 1.96 * np.sqrt(variance) if np.isfinite(variance) and variance > 0 else 1.0
    estimate = float(np.clip(1 - power_law(sources, *fitted[0]), 0, 1))
    return ForecastPoint(
        sources, estimate, float(max(0, estimate - half)), float(min(1, estimate + half))
    )


def foretell(
    model: str, measured: Sequence[ForecastPoint], sources: float, what: str = "source"
) -> Forecast:
    """Extrapolate a learning curve.

    Parameters
    ----------
    model
        Name of the model.
    measured
        The learning curve; its last point learnt from all of the training sides.
    sources
        Mean number of each class that there are, learnt from or held out.
    what
        What a source is called.
    """

    def result(
        expected: Sequence[ForecastPoint], checked: bool | None, more: int | None, *texts: str
    ) -> Forecast:
        points = tuple(measured), tuple(expected)
        return Forecast(model, METRIC, *points, checked, more, WIDTH, tuple(texts))

    fitted = fit_power_law(measured[:-1]) if len(measured) > MIN_FITTED_POINTS else None
    if fitted is None:
        return result((), None, None, f"Too few {what}s of each class for a forecast.")
    last, expected = measured[-1], [expected_point(x.sources, fitted) for x in measured]
    checked = expected[-1].low <= last.estimate <= expected[-1].high
    if not checked:
        text = (
            f"No forecast: with all {what}s {model} has {last.estimate:.2f}, and its curve through "
            f"the smaller parts says {expected[-1].estimate:.2f}."
        )
        return result(expected, False, None, text)
    if last.estimate - last.low <= WIDTH:
        text = (
            f"From the score of {model} to the lower end of its interval are "
            f"{last.estimate - last.low:.3f}, no more than the {WIDTH} asked for: no more {what}s "
            "are needed."
        )
        return result(expected, True, None, text)
    beyond = f"more than {round((MAX_GROWTH - 1) * sources)}"
    more = more_sources(fitted, last, sources)
    if more is None:
        text = (
            f"As the learning curve of {model} goes on, {beyond} more {what}s of each class are "
            f"needed to narrow its interval to {WIDTH}: it can't be told how many."
        )
        return result(expected, True, None, text)
    share = last.sources / sources
    then = expected_point((sources + more) * share, fitted)
    least = more_sources(fitted, last, sources, lambda point: point.high) or more
    most = more_sources(fitted, last, sources, widest) or beyond
    if then.high - then.low > MAX_BAND:
        text = (
            f"The learning curve of {model} does not tell what score more {what}s would give. For "
            f"an interval of {WIDTH} from the score to its lower end {least} to {most} more of "
            "each class are needed, depending on that."
        )
        return result(expected, True, None, text)
    text = (
        f"About {more} more {what}s of each class narrow the interval of {model} to {WIDTH} from "
        f"the score to its lower end, if the balanced accuracy is {then.estimate:.2f} then, as "
        f"expected; it may be {then.low:.2f} to {then.high:.2f}, for which {least} to {most} more "
        "are needed."
    )
    return result([*expected, then], True, more, text)


def widest(point: ForecastPoint) -> float:
    """Return the score within the band of a point that has the widest interval."""
    return min(point.high, max(point.low, 0.5))


def more_sources(
    fitted: tuple[NDArray, NDArray],
    last: ForecastPoint,
    sources: float,
    score: Callable[[ForecastPoint], float] = lambda point: point.estimate,
) -> int | None:
    """Return how many more of each class are needed, to two digits; None beyond MAX_GROWTH.

    Parameters
    ----------
    fitted
        The learning curve and its covariance.
    last
        What all of the training sides give.
    sources
        Mean number of each class that there are.
    score
        Which score is taken of those that a point of the curve allows.
    """
    share, now = last.sources / sources, last.estimate - last.low

    def width(count: float, estimate: float) -> float:
        ends = wilson(estimate * count, count, t_quantile(max(2, round(count))))
        return estimate - ends[0]

    ratio = now / max(1e-6, width(sources, last.estimate))
    for count in range(int(np.ceil(sources)), int(MAX_GROWTH * sources) + 1):
        found = score(expected_point(count * share, fitted))
        if ratio * width(count, found) <= WIDTH:
            return _two_digits(max(1, int(np.ceil(count - sources))))
    return None


def _two_digits(number: int) -> int:
    """Round up to two digits, as no forecast has more."""
    step = 10 ** max(0, len(str(number)) - 2)
    return -(-number // step) * step
