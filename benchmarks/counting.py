"""How often the 95 % interval of a count holds the true share, in simulated counts.

    python benchmarks/counting.py [--repeats 400] [--choose]

A count is of so many cells in so many fields. The shares of the classes in a field are drawn from a
Dirichlet distribution, so that two cells of a field have the given correlation; so are the errors
of the model, with a correlation of their own. The errors are known from held-out cells of each
class in half as many, a tenth or a twentieth as many sources, with the same correlation. A new
model is held out for every count.

Beside the interval of the program are that of Lang and Reiczigel (2014), which knows the errors but
not that cells are clustered, and Wilson's of the answers as they are, with neither.

Then the number of cells that would tell: how often a count with that many more does, where the
number is that for the true share, and where it is as printed, from a first count that did not tell.

--choose prints what ASSUMED_SOURCES, ASSUMED_CORRELATION and ADDED_UNITS were chosen by, at other
settings: of those that cover no setting less than 0.93 beyond chance the one with a mean coverage
nearest to 0.96, a margin for settings that are harder.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from unittest import mock

import numpy as np
import pandas as pd
from interval_coverage import print_markdown
from numpy.typing import NDArray
from scipy.stats import binom, norm

from napari_marrow.learning.counting import adjusted, heldout
from napari_marrow.learning.counting.adjusted import AdjustedShare, ErrorModel, adjusted_share
from napari_marrow.learning.counting.heldout import HeldOutErrors
from napari_marrow.learning.scores.intervals import wilson

Values = NDArray[np.float64]
Codes = NDArray[np.intp]

ERRORS: Mapping[str, Sequence[Sequence[float]]] = {
    "0.97, 0.99": ((0.97, 0.03), (0.01, 0.99)),
    "0.9, 0.95": ((0.9, 0.1), (0.05, 0.95)),
    "0.8, 0.9": ((0.8, 0.2), (0.1, 0.9)),
    "three classes": ((0.9, 0.07, 0.03), (0.06, 0.9, 0.04), (0.01, 0.07, 0.92)),
    "0.85, 0.93": ((0.85, 0.15), (0.07, 0.93)),
    "0.95, 0.97": ((0.95, 0.05), (0.03, 0.97)),
}
"""True class by answer; of two classes sensitivity and specificity for the one that is counted."""
OTHERS = {2: (1.0,), 3: (0.7, 0.3)}
"""Of the classes that are not counted, by the number of classes."""


@dataclass(frozen=True)
class Setting:
    """A kind of count.

    Attributes
    ----------
    share
        True share of the class.
    cells, fields
        How many are counted.
    correlation, error_correlation
        Of two cells of a field to be of the class, and of their errors.
    errors
        Key of ``ERRORS``.
    heldout
        Held-out cells of each class, and their sources.
    """

    share: float
    cells: int
    fields: int
    correlation: float
    errors: str
    heldout: tuple[int, int]
    error_correlation: float = 0.05

    @property
    def matrix(self) -> Values:
        """The true errors."""
        return np.array(ERRORS[self.errors])

    @property
    def true(self) -> Values:
        """The true shares of all classes."""
        rest = np.array(OTHERS[len(self.matrix)])
        return np.array([self.share, *(1 - self.share) * rest])


JUDGED = {
    "share": (0.02, 0.05, 0.1, 0.2, 0.4),
    "cells": (100, 500),
    "fields": (10, 25),
    "correlation": (0.01, 0.05, 0.2),
    "errors": ("0.97, 0.99", "0.9, 0.95", "0.8, 0.9", "three classes"),
    "heldout": ((50, 10), (200, 20), (800, 40)),
}
CHOSEN_BY = {
    "share": (0.03, 0.08, 0.15, 0.3),
    "cells": (150, 600),
    "fields": (8, 20),
    "correlation": (0.02, 0.1),
    "errors": ("0.85, 0.93", "0.95, 0.97"),
    "heldout": ((60, 10), (240, 20)),
}
CHOICES = (
    (1e-9, 0.0, 1.0),
    (1e-9, 0.0, 2.0),
    (1.0, 0.05, 2.0),
    (1.0, 0.1, 2.0),
    (2.0, 0.1, 2.0),
    (0.5, 1.0, 2.0),
)
"""ASSUMED_SOURCES, ASSUMED_CORRELATION and ADDED_UNITS; the last are those of scores."""
PLANS = (
    Setting(0.14, 150, 10, 0.02, "0.97, 0.99", (800, 40)),
    Setting(0.14, 150, 10, 0.05, "0.9, 0.95", (800, 40)),
    Setting(0.06, 100, 10, 0.02, "0.97, 0.99", (800, 40)),
    Setting(0.25, 150, 10, 0.05, "0.9, 0.95", (800, 40)),
)
CUTOFFS = (0.1, 0.1, 0.1, 0.2)


def draw_shares(mean: Values, correlation: float, count: int, rng: np.random.Generator) -> Values:
    """Draw shares of classes, (count, classes), with a correlation of the units of each."""
    return rng.dirichlet(np.maximum(mean, 1e-9) * (1 - correlation) / correlation, count)


def pick(shares: Values, rng: np.random.Generator) -> Codes:
    """Draw a class for each row of shares, (n, classes)."""
    return (shares.cumsum(axis=1) < rng.random(len(shares))[:, None]).sum(axis=1)


def draw_answers(true: Codes, sources: Codes, setting: Setting, rng: np.random.Generator) -> Codes:
    """Draw the answers of a model whose errors differ between sources."""
    count = int(sources.max()) + 1
    rows = [draw_shares(row, setting.error_correlation, count, rng) for row in setting.matrix]
    return pick(np.stack(rows)[true, sources], rng)


def draw_heldout(setting: Setting, rng: np.random.Generator) -> HeldOutErrors:
    """Simulate the held-out answers of a model: each source is of one class."""
    (cells, sources), classes = setting.heldout, len(setting.matrix)
    true = np.repeat(np.arange(classes), cells)
    source = true * sources + np.tile(np.arange(cells) % sources, classes)
    answers = draw_answers(true, source, setting, rng)
    # numbers in place of names, which take longer to compare
    return HeldOutErrors.of_answers(true, answers, source, range(classes))


def draw_count(setting: Setting, rng: np.random.Generator) -> tuple[Codes, Codes]:
    """Simulate a count: the answer and the field of each cell."""
    fields = np.arange(setting.cells) % setting.fields
    shares = draw_shares(setting.true, setting.correlation, setting.fields, rng)
    return draw_answers(pick(shares[fields], rng), fields, setting, rng), fields


def lang_reiczigel(errors: HeldOutErrors, answers: Codes) -> tuple[float, float]:
    """Return their interval, with all other classes as one (their equations 4, 7, 16 and 17)."""
    counts, z = np.array(errors.confusion), norm.ppf(0.975)
    n, own, other = len(answers), counts[0].sum(), counts[1:].sum()
    sensitivity = (counts[0, 0] + 1) / (own + 2)
    specificity = (counts[1:, 1:].sum() + 1) / (other + 2)
    apparent = ((answers == 0).sum() + z**2 / 2) / (n + z**2)
    youden = sensitivity + specificity - 1
    share = (apparent + specificity - 1) / youden
    of_own = sensitivity * (1 - sensitivity) / (own + 2)
    of_other = specificity * (1 - specificity) / (other + 2)
    variance = apparent * (1 - apparent) / (n + z**2)
    variance += share**2 * of_own + (1 - share) ** 2 * of_other
    middle = share + 2 * z**2 * (share * of_own - (1 - share) * of_other)
    half = z * np.sqrt(variance) / abs(youden)
    return float(np.clip(middle - half, 0, 1)), float(np.clip(middle + half, 0, 1))


def cover(setting: Setting, repeats: int, rng: np.random.Generator) -> Iterator[dict[str, object]]:
    """Return for each method how often it holds the share, and its mean width."""
    ends: dict[str, list[tuple[float, float]]] = {}
    for _ in range(repeats):
        errors = draw_heldout(setting, rng)
        answers, fields = draw_count(setting, rng)
        found = adjusted_share(ErrorModel.of_errors(errors, 0), answers, fields)
        own = {"napari-marrow": found.interval()}
        own["Lang and Reiczigel"] = lang_reiczigel(errors, answers)
        own["Wilson"] = wilson((answers == 0).sum(), len(answers), norm.ppf(0.975))
        for name, interval in own.items():
            ends.setdefault(name, []).append(interval)
    for name, all_ends in ends.items():
        low, high = np.array(all_ends).T
        held = ((low <= setting.share) & (setting.share <= high)).mean()
        yield {**vars(setting), "method": name, "covered": held, "width": (high - low).mean()}


def study(grid: Mapping[str, Sequence], repeats: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return a row for each setting and method."""
    settings = [Setting(*values) for values in itertools.product(*grid.values())]
    return pd.DataFrame([row for one in settings for row in cover(one, repeats, rng)])


def print_coverage(table: pd.DataFrame, names: Sequence[str]) -> None:
    """Print mean coverage, range over the settings and width, by each level of each factor."""
    titles = {
        "share": "true share",
        "correlation": "correlation in a field",
        "errors": "sensitivity, specificity",
        "heldout": "held-out cells of a class, sources",
    }
    methods, rows = list(table["method"].unique()), []
    for name in names:
        for level, own in table.groupby(name, sort=False):
            text = f"{level[0]}, {level[1]}" if isinstance(level, tuple) else str(level)
            row = {"": titles.get(name, name), "level": text}
            rows.append(row | {method: _text(own, method) for method in methods})
    everything = {"": "all", "level": ""} | {method: _text(table, method) for method in methods}
    print_markdown(pd.DataFrame([*rows, everything]))


def _text(table: pd.DataFrame, method: str) -> str:
    own = table[table["method"] == method]
    covered, width = own["covered"], own["width"].mean()
    return f"{covered.mean():.3f} ({covered.min():.2f} to {covered.max():.2f}; {width:.2f})"


def _by_chance(settings: int, repeats: int) -> str:
    """Say what the lowest coverage of so many settings is by chance."""
    lowest = binom.ppf(1 / settings, repeats, 0.95) / repeats
    return (
        f"\nThe lowest of {settings} settings is about {lowest:.2f} by chance where each is "
        "covered with 0.95.\n"
    )


def expected(setting: Setting, rng: np.random.Generator) -> AdjustedShare:
    """Return the share that a count would find on average, by one of 2000 fields."""
    many = replace(setting, fields=2000, cells=2000 * setting.cells // setting.fields)
    model = ErrorModel.of_errors(draw_heldout(setting, rng), 0)
    model = replace(model, answers=setting.matrix)
    model = replace(model, weights=np.linalg.inv(setting.matrix)[:, 0])
    answers, fields = draw_count(many, rng)
    found = adjusted_share(model, answers, fields)
    return replace(
        found, shares=setting.true @ setting.matrix, cells=setting.cells, clusters=setting.fields
    )


def tells(found: AdjustedShare, share: float, cutoff: float) -> bool:
    """Whether a count tells on which side of the cut-off the true share is."""
    low, high = found.interval()
    return low > cutoff if share > cutoff else high < cutoff


def draw_more(setting: Setting, more: int, rng: np.random.Generator) -> tuple[Codes, Codes]:
    """Simulate more cells in new fields of the same size."""
    fields = max(2, round(setting.fields * more / setting.cells))
    answers, own = draw_count(replace(setting, cells=more, fields=fields), rng)
    return answers, own + setting.fields


def print_plans(repeats: int, rng: np.random.Generator) -> None:
    """Print how often the number of cells that would tell does."""
    rows = []
    for setting, cutoff in zip(PLANS, CUTOFFS, strict=True):
        share, planned = setting.share, expected(setting, rng).more_cells(cutoff)
        assert planned is not None
        told, printed, then = [], [], []
        for _ in range(repeats):
            model = ErrorModel.of_errors(draw_heldout(setting, rng), 0)
            first, fields = draw_count(setting, rng)
            counted = [(first, fields), draw_more(setting, planned, rng)]
            both = adjusted_share(model, *map(np.concatenate, zip(*counted, strict=True)))
            told.append(tells(both, share, cutoff))
            found = adjusted_share(model, first, fields)
            low, high = found.interval()
            more = found.more_cells(cutoff) if low <= cutoff <= high else None
            if more is not None:
                counted[1] = draw_more(setting, more, rng)
                both = adjusted_share(model, *map(np.concatenate, zip(*counted, strict=True)))
                printed.append(more)
                then.append(tells(both, share, cutoff))
        low, middle, high = np.quantile(printed, [0.25, 0.5, 0.75])
        rows.append({
            "true share, cut-off": f"{share}, {cutoff}",
            "cells": setting.cells,
            "correlation": setting.correlation,
            "sensitivity, specificity": setting.errors,
            "more by the true share": planned,
            "tell": f"{np.mean(told):.2f}",
            "counts that print a number": f"{len(printed) / repeats:.2f}",
            "more as printed (quartiles)": f"{middle:.0f} ({low:.0f} to {high:.0f})",
            "tell then": f"{np.mean(then):.2f}",
        })  # fmt: skip
    print_markdown(pd.DataFrame(rows))


def choose(repeats: int) -> None:
    """Print the coverage for each choice of the two constants."""
    rows = []
    low, high = binom.ppf([0.01, 0.99], repeats, [0.93, 0.98]) / repeats
    for assumed, correlation, added in CHOICES:
        with (
            mock.patch.object(heldout, "ASSUMED_SOURCES", assumed),
            mock.patch.object(heldout, "ASSUMED_CORRELATION", correlation),
            mock.patch.object(adjusted, "ADDED_UNITS", added),
        ):
            found = study(CHOSEN_BY, repeats, np.random.default_rng(1))
        found = found[found["method"] == "napari-marrow"]
        covered = found["covered"]
        rows.append({
            "ASSUMED_SOURCES": f"{assumed:g}",
            "ASSUMED_CORRELATION": correlation,
            "ADDED_UNITS": added,
            "lowest": f"{covered.min():.3f}",
            "mean": f"{covered.mean():.3f}",
            "under 0.93": f"{(covered < low).mean():.2f}",
            "over 0.98": f"{(covered > high).mean():.2f}",
            "width": f"{found['width'].mean():.3f}",
        })  # fmt: skip
    print_markdown(pd.DataFrame(rows))


def main() -> None:
    """Print coverage and width, and how often a planned count tells."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--choose", action="store_true")
    options = parser.parse_args()
    if options.choose:
        choose(options.repeats)
        return
    rng = np.random.default_rng(0)
    table = study(JUDGED, options.repeats, rng)
    print(
        f"{options.repeats} counts for each of {len(table) // 3} settings; mean coverage (lowest "
    )
    print("to highest of the settings; mean width).\n")
    print_coverage(table, list(JUDGED))
    print(_by_chance(len(table) // 3, options.repeats))
    print("Cells that would tell:\n")
    print_plans(options.repeats, rng)


if __name__ == "__main__":
    main()
