"""How often the 95 % intervals of scores hold the true score, in simulated evaluations.

    python benchmarks/interval_coverage.py [--repeats 250] [--all] [--choose] [--others]

Two classes of 6, 10 or 30 sources each, 5 to 35 cells a source. A source is of one class, or of
both. Its share of right answers is drawn from a beta distribution, with the true accuracy as mean
and the given correlation of two cells of a source. For the area under the curve the scores are
normal, with that correlation. The intervals of the program stand beside those with the plain design
effect of the accuracy and the normal quantile, as in version 0.1, beside those with Student's t in
its place, and beside the percentile bootstrap of whole sources.

Printed are the lowest coverage and the mean width over correlations of 0.05 and 0.3 and true scores
of 0.9 and 0.97; with --all those of each setting. --choose prints what ASSUMED_SOURCES was chosen
by: of 0, 1/4, 1/2 and 1 the smallest with which accuracy and recall are covered with 0.95, at 8, 15
and 20 sources, correlations of 0.1 and 0.2 and accuracies of 0.85 and 0.95. --others prints all
scores at these settings, by which the kinds of interval were chosen.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from unittest import mock

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.integrate import trapezoid
from scipy.special import expit
from scipy.stats import norm, rankdata

from napari_marrow.learning.scores import intervals
from napari_marrow.learning.scores.agreement import macro_f1, matthews, score_by_recalls
from napari_marrow.learning.scores.evaluation import Evaluation, Score
from napari_marrow.learning.scores.intervals import newcombe, t_quantile, wilson
from napari_marrow.learning.scores.metrics import score_units
from napari_marrow.learning.scores.recalibration import brier_score, cox

CLASSES = ("ALL", "MM")
SHARES = ("accuracy", "balanced_accuracy", "recall", "mcc", "macro_f1")
RANKED = ("auc", "average_precision", "brier", "slope", "intercept")
JUDGED = ((6, 10, 30), (0.05, 0.3), (0.9, 0.97))
OTHERS = ((8, 15, 20), (0.1, 0.2), (0.85, 0.95))
ASSUMED = (1e-9, 0.25, 0.5, 1.0)
MIN_CELLS, MAX_CELLS, N_RESAMPLES = 5, 35, 400


@dataclass(frozen=True)
class Setting:
    """Sources of a class, correlation within a source, true score, whether sources hold both."""

    sources: int
    correlation: float
    truth: float
    shared: bool


@dataclass(frozen=True)
class Units:
    """Source of each cell, from 0, whether it is ALL, and its probability of ALL, (n,)."""

    source: NDArray[np.intp]
    positive: NDArray[np.bool_]
    probability: NDArray[np.float64]

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether each answer is right."""
        return (self.probability > 0.5) == self.positive

    @property
    def sides(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """The cells of each class."""
        return self.positive, ~self.positive


Ends = Mapping[str, tuple[float, float] | None]
Method = Callable[[Units], Ends]


def draw(setting: Setting, ranked: bool, rng: np.random.Generator) -> Units:
    """Simulate the answers of a model, its true area given if ``ranked``, else its accuracy."""
    count = setting.sources if setting.shared else 2 * setting.sources
    source = np.repeat(np.arange(count), rng.integers(MIN_CELLS, MAX_CELLS + 1, count))
    positive = rng.random(len(source)) < 0.5 if setting.shared else source < setting.sources
    within = setting.correlation
    if ranked:
        value = np.sqrt(within) * rng.normal(size=count)[source]
        value += np.sqrt(1 - within) * rng.normal(size=len(source))
        distance = norm.ppf(setting.truth) * np.sqrt(2)
        value += distance * (positive - 0.5)
        return Units(source, positive, expit(distance * value))
    total = (1 - within) / within
    shares = rng.beta(setting.truth * total, (1 - setting.truth) * total, count)
    right = rng.random(len(source)) < shares[source]
    return Units(source, positive, np.where(right == positive, 0.9, 0.1))


def true_value(name: str, setting: Setting, units: Units) -> float:
    """Return the true value of a score, at the shares of the classes that were drawn."""
    share, right = float(units.positive.mean()), setting.truth
    counts = np.array([[share * right, share * (1 - right)], [0, 0]])
    counts[1] = (1 - share) * (1 - right), (1 - share) * right
    if name in ("mcc", "macro_f1"):
        return {"mcc": matthews, "macro_f1": macro_f1}[name](counts)
    if name in ("slope", "intercept"):
        return 1.0 if name == "slope" else float(np.log(share / (1 - share)))
    distance = norm.ppf(right) * np.sqrt(2)
    value = np.linspace(-10, 10, 4001)
    own = norm.pdf(value - distance / 2)
    if name == "average_precision":
        above, above_other = (norm.sf(value - sign * distance / 2) for sign in (1, -1))
        called = share * above + (1 - share) * above_other
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = np.where(called > 0, share * above / called, 1)
        return float(trapezoid(precision * own, value))
    if name == "brier":
        error = (1 - expit(distance * value)) ** 2
        return float(trapezoid(error * own, value))  # and by symmetry of the other class
    return right


def of_program(units: Units) -> Ends:
    """Return the intervals of the program."""
    names = np.where(units.positive, *CLASSES)
    table = pd.DataFrame({"class": names, "source": units.source})
    both = np.column_stack([units.probability, 1 - units.probability])
    scored = score_units(table, both, CLASSES)
    found = scored.metrics | {"macro_f1": _macro_f1(scored, units)}
    asked = units.positive, units.probability, units.source
    found |= dict(zip(("slope", "intercept"), cox(*asked), strict=True))
    found |= {"brier": brier_score(*asked)}
    return {name: None if x is None else (x.low, x.high) for name, x in found.items()}


def _macro_f1(scored: Evaluation, units: Units) -> Score:
    """Score macro-F1, which is reported of more than two classes only."""
    recalls = [scored.metrics["recall"], scored.metrics["specificity"]]
    sources = [units.source[side] for side in units.sides]
    counts = np.array(scored.confusion, float)
    return score_by_recalls(macro_f1, counts, recalls, sources, 0.0, 0.5)


def of_assumed(assumed: float, units: Units) -> Ends:
    """Return the intervals of proportions with another number of assumed sources."""
    ends = {}
    for name, rows in (("accuracy", slice(None)), ("recall", units.positive)):
        right, source = units.right[rows], units.source[rows]
        with mock.patch.object(intervals, "ASSUMED_SOURCES", assumed):
            effect = intervals.design_effect(right, source)
        quantile = t_quantile(len(np.unique(source)))
        ends[name] = wilson(right.sum() / effect, len(right) / effect, quantile)
    return ends


def of_plain_effect(student: bool, units: Units) -> Ends:
    """Return the intervals with the design effect of the accuracy for all scores."""
    right, source = units.right, units.source
    sums, counts = np.bincount(source, right), np.bincount(source)
    share, n, m = right.mean(), len(right), len(counts)
    effect = n / m
    if 0 < share < 1:
        variance = m / (m - 1) * ((sums - share * counts) ** 2).sum() / n**2
        effect = float(np.clip(variance / (share * (1 - share) / n), 1, counts.max()))

    def quantile(rows: NDArray[np.bool_]) -> float:
        return t_quantile(len(np.unique(source[rows]))) if student else float(norm.ppf(0.975))

    def proportion(rows: NDArray[np.bool_]) -> tuple[float, float]:
        return wilson(right[rows].sum() / effect, rows.sum() / effect, quantile(rows))

    ends = np.array([proportion(side) for side in units.sides])
    middles = np.array([right[side].mean() for side in units.sides])
    below, above = np.linalg.norm(ends - middles[:, None], axis=0) / 2
    worth = [max(1.0, float(side.sum()) / effect) for side in units.sides]
    return {
        "accuracy": proportion(np.full(n, True)),
        "balanced_accuracy": (middles.mean() - below, middles.mean() + above),
        "recall": proportion(units.positive),
        "auc": newcombe(area(units), worth[0], worth[1], quantile(units.positive)),
    }


def area(units: Units) -> float:
    """Return the area under the ROC curve, from ranks."""
    ranks, count = rankdata(units.probability)[units.positive], int(units.positive.sum())
    return float((ranks.mean() - (count + 1) / 2) / (len(units.source) - count))


def of_bootstrap(rng: np.random.Generator, units: Units) -> Ends:
    """Return percentile intervals over resampled sources, where both classes were drawn."""
    source, count = units.source, int(units.source.max()) + 1
    drawn = rng.multinomial(count, np.full(count, 1 / count), N_RESAMPLES).astype(float)
    (tp, p), (tn, n) = (
        [drawn @ np.bincount(source[side], w[side], count) for w in (units.right, side)]
        for side in units.sides
    )
    own, other = (units.probability[side] for side in units.sides)
    above = np.sign(own[:, None] - other) / 2 + 0.5
    of_own, of_other = (np.eye(count)[source[side]] for side in units.sides)
    pairs = of_own.T @ above @ of_other
    whole = (p > 0) & (n > 0)
    with np.errstate(invalid="ignore"):
        values = {
            "accuracy": (tp + tn) / (p + n),
            "balanced_accuracy": (tp / p + tn / n) / 2,
            "recall": tp / p,
            "auc": ((drawn @ pairs) * drawn).sum(axis=1) / (p * n),
        }
    ends = {name: np.quantile(value[whole], [0.025, 0.975]) for name, value in values.items()}
    return {name: (float(low), float(high)) for name, (low, high) in ends.items()}


def coverage(
    setting: Setting,
    methods: Mapping[str, Method],
    studies: Sequence[tuple[bool, Sequence[str]]],
    repeats: int,
    rng: np.random.Generator,
) -> list[dict[str, object]]:
    """Return the share of intervals that hold the truth, and their mean width, of each score."""
    found = []
    for ranked, names in studies:
        ends: dict[str, list[Ends]] = {method: [] for method in methods}
        drawn = [draw(setting, ranked, rng) for _ in range(repeats)]
        for units in drawn:
            for method, intervals_of in methods.items():
                ends[method].append(intervals_of(units))
        for name in names:
            for method, all_ends in ends.items():
                known = [k for k, one in enumerate(all_ends) if one.get(name) is not None]
                if not known:
                    continue
                low, high = np.array([all_ends[k][name] for k in known]).T
                true = np.array([true_value(name, setting, drawn[k]) for k in known])
                held = ((low <= true) & (true <= high)).mean()
                row = {"score": name.replace("_", " "), **vars(setting), "method": method}
                found.append(row | {"covered": held, "width": (high - low).mean()})
    return found


def print_markdown(table: pd.DataFrame) -> None:
    """Print a table of text."""
    print("| " + " | ".join(table.columns) + " |")
    print("|---" * len(table.columns) + "|")
    for row in table.itertuples(index=False):
        print("| " + " | ".join(map(str, row)) + " |")


def main() -> None:
    """Print coverage and width."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--repeats", type=int, default=250)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--choose", action="store_true")
    parser.add_argument("--others", action="store_true")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    methods: dict[str, Method] = {
        "napari-marrow": of_program,
        "normal": partial(of_plain_effect, False),
        "Student's t": partial(of_plain_effect, True),
        "bootstrap": partial(of_bootstrap, rng),
    }
    studies: list[tuple[bool, Sequence[str]]] = [(False, SHARES), (True, RANKED)]
    if options.choose:
        studies = [(False, ("accuracy", "recall"))]
        methods = {f"{assumed:g} assumed": partial(of_assumed, assumed) for assumed in ASSUMED}
    parameters = OTHERS if options.choose or options.others else JUDGED
    settings = itertools.product(*parameters, (False, True))
    rows = [
        row
        for setting in itertools.starmap(Setting, settings)
        for row in coverage(setting, methods, studies, options.repeats, rng)
    ]
    table = pd.DataFrame(rows).replace({"shared": {False: "one class", True: "both classes"}})
    over = ["score", "shared", "sources", *(["correlation", "truth"] if options.all else [])]
    groups = table.groupby([*over, "method"], sort=False)
    shown = groups["covered"].min().map("{:.3f}".format)
    shown += groups["width"].mean().map(" ({:.2f})".format)
    shown = shown.unstack(fill_value="")[list(methods)].sort_index().reset_index()
    print(f"{options.repeats} simulated evaluations each; coverage (width).\n")
    names = {"shared": "sources hold", "sources": "sources a class", "truth": "true score"}
    print_markdown(shown.rename(columns=names))


if __name__ == "__main__":
    main()
