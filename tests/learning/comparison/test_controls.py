"""Controls: chance where nothing is left to go by, and sources that stay together."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from napari_marrow.data.failures import Failures
from napari_marrow.data.layouts import scan
from napari_marrow.imaging.nuclei import separate
from napari_marrow.learning.classical.learner import ClassicalLearner
from napari_marrow.learning.comparison.controls import (
    permuted_classes,
    permuted_control,
    score_plainly,
)
from napari_marrow.learning.comparison.folds import FoldPlan
from napari_marrow.learning.comparison.remains import background, outside_cells
from napari_marrow.learning.learners import SILENT
from napari_marrow.learning.settings import CompareSettings, TrainingSettings


@pytest.fixture
def units():
    """Thirty photographs, two of each patient."""
    return pd.DataFrame(
        {
            "image": [f"{k}.png" for k in range(30)],
            "index": 0,
            "source": [f"patient {k // 2}" for k in range(30)],
            "class": ["ALL" if k // 2 % 2 else "MM" for k in range(30)],
        }
    )


def folds_of(units, repeats=1):
    settings = CompareSettings(folds=5, repeats=repeats)
    return FoldPlan.of_units(units, settings, "honest", {}).folds


def test_a_plain_score_is_that_of_scikit_learn(units):
    values = np.random.default_rng(0).normal(size=(30, 3))
    values[:, 0] += units["class"] == "ALL"
    folds, truth = folds_of(units), units["class"].to_numpy(str)
    said = np.empty(30, "U3")
    for fold in folds:
        model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced"))
        said[fold.test] = model.fit(values[fold.train], truth[fold.train]).predict(
            values[fold.test]
        )
    score = score_plainly(units, values, folds).metrics["balanced_accuracy"]
    assert score.estimate == pytest.approx(balanced_accuracy_score(truth, said), abs=1e-9)
    assert score.chance == 0.5


def test_values_that_are_missing_everywhere_tell_nothing(units):
    found = score_plainly(units, np.full((30, 2), np.nan), folds_of(units, repeats=2))
    score = found.metrics["balanced_accuracy"]
    assert score.low < 0.5 < score.high
    assert found.few_sources == {}
    few = units[units["source"].isin([f"patient {k}" for k in range(10)])]
    assert score_plainly(few, np.zeros((20, 1)), folds_of(few)).few_sources == {"ALL": 5, "MM": 5}


def test_sources_of_one_class_exchange_their_classes():
    sources = np.repeat([f"s{k}" for k in range(20)], 3)
    classes = np.repeat(["ALL", "MM"], 30)
    found = permuted_classes(classes, sources, np.random.default_rng(0))
    assert sorted(found) == sorted(classes)
    assert not np.array_equal(found, classes)
    assert all(len(set(found[sources == name])) == 1 for name in set(sources))


def test_units_of_a_mixed_source_exchange_theirs():
    sources, classes = np.repeat(["a", "b"], 40), np.tile(["ALL", "MM", "MM", "MM"], 20)
    found = permuted_classes(classes, sources, np.random.default_rng(0))
    for name in ("a", "b"):
        assert (found[sources == name] == "ALL").sum() == 10
    assert not np.array_equal(found, classes)


def test_outside_is_neither_cell_nor_the_rim_about_it(draw):
    image, mask = draw("ALL", 1, (192, 256))
    outside = outside_cells(image, separate(mask))
    assert outside.any()
    assert not (outside & mask).any()
    rows, columns = np.indices(mask.shape)
    away = [np.hypot(rows - y, columns - x) for y, x in np.argwhere(mask)[::40]]
    diameter = 2 * np.sqrt(mask.sum() / 12 / np.pi)  # of twelve nuclei
    assert np.min(away, axis=0)[outside].min() > 0.4 * diameter
    assert outside_cells(image, np.zeros_like(mask, np.uint8)).all()


def test_background_is_that_of_the_pixels_outside():
    image = np.zeros((10, 10, 3), np.uint8)
    image[:5] = (200, 100, 50)
    outside = np.zeros((10, 10), bool)
    outside[:5] = True
    found = background(image, outside)
    assert [found[f"background_mean_{k}"][0] for k in range(3)] == [200, 100, 50]
    assert [found[f"background_spread_{k}"][0] for k in range(3)] == [0, 0, 0]
    assert found["background_histogram_red_192_207"][0] == 1
    nothing = background(image, np.zeros((10, 10), bool))
    assert all(np.isnan(value).all() for value in nothing.values())


def test_a_learner_with_other_classes_learns_these(tmp_path, make_snam):
    """With both classes exchanged logistic regression gives the probabilities of the other."""
    settings = TrainingSettings("logistic", families=("histogram",), select=6)
    collection = scan(make_snam(tmp_path / "in", 4, masks=False))
    learner = ClassicalLearner(collection, settings, SILENT, Failures(strict=True))
    classes = learner.table["class"].to_numpy(str)
    other = learner.relabelled(np.where(classes == "ALL", "MM", "ALL"))
    assert learner.table["class"].tolist() == classes.tolist()  # stays as it was
    rows = np.arange(0, 8, 2)
    found = [x.fit_fold(settings, rows).predict(np.arange(8)) for x in (learner, other)]
    np.testing.assert_allclose(found[0], found[1][:, ::-1], atol=1e-6)
    assert np.ptp(found[0]) > 0.2


class KnowsAll:
    """A learner that answers right whatever the classes are, as where copies are on both sides."""

    def __init__(self, table):
        self.table = table

    def relabelled(self, classes):
        return KnowsAll(self.table.assign(**{"class": classes}))

    def fit_fold(self, settings, rows):
        return self

    def predict(self, rows):
        named = self.table["class"].to_numpy(str)[rows]
        return np.stack([named == "ALL", named == "MM"], axis=1).astype(float)


@pytest.mark.parametrize(("patients", "few"), [(10, {"ALL": 5, "MM": 5}), (14, {})])
def test_permutations_do_not_add_sources(units, patients, few):
    """Where all answers are right, the interval is that of the classes as they were given."""
    own = units.iloc[: 2 * patients]
    folds = folds_of(own)
    found = permuted_control(KnowsAll(own), TrainingSettings("logistic"), folds, SILENT)
    once = score_plainly(own, (own[["class"]] == "ALL").to_numpy(float), folds)
    assert found.few_sources == once.few_sources == few
    assert found.does_well is (not few)
    assert found.score == once.metrics["balanced_accuracy"]
    assert found.score.estimate == 1
