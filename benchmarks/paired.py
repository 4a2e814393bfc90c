"""How often two models that are equally good are said to differ, as a table.

    python benchmarks/paired.py [--sets 400]

Each set has two groups of features that tell the classes equally well, and one linear discriminant
sees the one, one the other. What is shown to differ by the corrected resampled t test is compared
with a plain paired t test of the same folds; both claim 0.05.
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy import stats
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import RepeatedStratifiedKFold

from napari_marrow.learning.comparison.paired import corrected_t_test

N_FEATURES, SEPARATION = 4, 0.5
"""Features of each group, and distance of the classes in each, in standard deviations."""
FOLDS = 5


def fold_differences(units: int, repeats: int, gain: float, seed: int) -> np.ndarray:
    """Differences of balanced accuracy of two models over the folds of one simulated set."""
    rng = np.random.default_rng(seed)
    truth = np.repeat([0, 1], units // 2)
    values = rng.normal(size=(units, 2 * N_FEATURES))
    values[:, :N_FEATURES] += truth[:, None] * (SEPARATION + gain)
    values[:, N_FEATURES:] += truth[:, None] * SEPARATION
    cut = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=repeats, random_state=seed)
    found = []
    for train, test in cut.split(values, truth):
        scores = []
        for columns in (slice(0, N_FEATURES), slice(N_FEATURES, None)):
            model = LinearDiscriminantAnalysis().fit(values[train, columns], truth[train])
            answers = model.predict(values[test, columns])
            scores.append(balanced_accuracy_score(truth[test], answers))
        found.append(scores[0] - scores[1])
    return np.array(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=400)
    sets = parser.parse_args().sets
    print("| units | repeats of 5 folds | truth | corrected | plain t test |")
    print("|---|---|---|---|---|")
    for units in (40, 130):
        for repeats in (1, 10):
            for truth, gain in (("equal", 0.0), ("one is better", 0.5)):
                corrected = plain = 0
                for seed in range(sets):
                    own = fold_differences(units, repeats, gain, seed)
                    corrected += corrected_t_test(own, 1 / (FOLDS - 1))[2] < 0.05
                    plain += bool(stats.ttest_1samp(own, 0).pvalue < 0.05)
                shares = f"{corrected / sets:.2f} | {plain / sets:.2f}"
                print(f"| {units} | {repeats} | {truth} | {shares} |", flush=True)


if __name__ == "__main__":
    main()
