"""Classical models: each step against scikit-learn's, and the ONNX file against the pipeline."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.failures import Failures
from napari_marrow.data.layouts import scan
from napari_marrow.learning.classical import learner as classical_learner
from napari_marrow.learning.classical import models as classical
from napari_marrow.learning.classical.models import choose_columns, fit_classical, fit_pipeline
from napari_marrow.learning.learners import SILENT
from napari_marrow.learning.onnx.inference import open_onnx, run_classical
from napari_marrow.learning.registry import models_of_kind
from napari_marrow.learning.settings import TrainingSettings

CLASSICAL = models_of_kind("classical")
COLUMNS = tuple("abcdefgh")


def answers_of(fitted, table):
    """Probabilities by the ONNX model of a fitted one."""
    values = table[list(fitted.chosen)].to_numpy(np.float32)
    return run_classical(open_onnx(fitted.onnx), values)


def made(kinds=2, rows=60, seed=0):
    """A table of eight features, some of which go with the class, with missing values; codes."""
    rng = np.random.default_rng(seed)
    codes = np.arange(rows) % kinds
    values = rng.normal(size=(rows, 8)) * [1, 10, 0.1, 1, 1, 1000, 1, 1] + 3
    values[:, 0] += 1.5 * codes
    values[:, 5] -= 1500 * codes
    values[:, 7] = values[:, 1] * -2 + 5  # says the same as b
    values[rng.random(values.shape) < 0.05] = np.nan
    return pd.DataFrame(values.astype(np.float32), columns=list(COLUMNS)), codes


@pytest.fixture(scope="module", params=[2, 3], ids=["2 classes", "3 classes"])
def kinds(request):
    return request.param


@pytest.fixture(scope="module")
def fitted(kinds):
    """All five models, fitted on the same rows."""
    table, codes = made(kinds)
    return {name: fit_classical(name, table, COLUMNS, codes, 5, 3) for name in CLASSICAL}


@pytest.mark.parametrize("model", CLASSICAL)
def test_onnx_answers_as_the_pipeline_on_rows_it_never_saw(fitted, kinds, model):
    table, _ = made(kinds, 200, seed=9)
    table.iloc[0] = np.nan  # nothing known at all
    table.iloc[1:100:3, 0] = np.nan
    found = answers_of(fitted[model], table)
    expected = fitted[model].probabilities(table)
    assert found.shape == (200, kinds)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert np.ptp(found[:, 0]) > 0.3  # it does answer


@pytest.mark.parametrize("model", CLASSICAL)
def test_onnx_answers_as_the_pipeline_far_from_all_it_knows(model):
    """And in the digits: one feature is a small difference of large numbers."""
    table, codes = made(rows=40)
    table["e"] += np.float32(1e5)
    one = fit_classical(model, table, COLUMNS, codes, 8, 0)
    away = np.random.default_rng(1).normal(scale=30, size=(5000, 8))
    far = pd.DataFrame(
        table.mean().to_numpy() + away * table.std().to_numpy(), columns=table.columns
    )
    found = answers_of(one, far)
    np.testing.assert_allclose(found, one.probabilities(far), atol=1e-5)


@pytest.mark.parametrize("model", CLASSICAL)
def test_one_feature_on_another_scale_does_not_drown_the_others(model):
    """As the size in pixels does at another magnification."""
    rng = np.random.default_rng(0)
    codes = np.arange(80) % 2
    values = rng.normal(size=(80, 8)) + 1.5 * codes[:, None]
    values[:, 3] = 1000 + 100 * values[:, 3]
    table = pd.DataFrame(values, columns=list(COLUMNS))
    known, other = table[:40], table[40:].assign(d=table["d"] * 9)
    one = fit_classical(model, known, COLUMNS, codes[:40], 8, 0)
    right = [one.probabilities(t).argmax(axis=1) == codes[40:] for t in (table[40:], other)]
    assert np.mean(right[0]) > 0.75
    assert np.mean(right[1]) > 0.6


@pytest.mark.parametrize("model", CLASSICAL)
def test_onnx_of_no_row_is_no_answer(fitted, kinds, model):
    """A photograph without a cell must not stop a prediction."""
    chosen = list(fitted[model].chosen)
    nothing = pd.DataFrame(np.zeros((0, len(chosen))), columns=chosen)
    assert answers_of(fitted[model], nothing).shape == (0, kinds)


BY_HAND = {
    "naive-bayes": GaussianNB(),
    "logistic": LogisticRegression(C=0.1, class_weight="balanced", max_iter=5000),
    "decision-tree": DecisionTreeClassifier(
        min_samples_leaf=2, class_weight="balanced", random_state=3
    ),
    "random-forest": RandomForestClassifier(
        300, min_samples_leaf=2, class_weight="balanced", random_state=3
    ),
}


@pytest.mark.parametrize("model", BY_HAND)
def test_is_the_pipeline_put_together_by_hand(fitted, kinds, model):
    table, codes = made(kinds)
    order = np.random.default_rng(3).permutation(len(codes))
    values, codes = table.to_numpy()[order][:, :7], codes[order]  # h says what b says
    filled = SimpleImputer(strategy="median").fit_transform(values)
    best = SelectKBest(chi2, k=5).fit(MinMaxScaler().fit_transform(filled), codes).get_support()
    assert fitted[model].chosen == tuple(np.array(COLUMNS)[:7][best])
    scale = [] if model in ("decision-tree", "random-forest") else [StandardScaler()]
    filled = filled[:, best]
    expected = make_pipeline(*scale, BY_HAND[model]).fit(filled, codes)
    asked, _ = made(kinds, 30, seed=5)
    medians = np.nanmedian(values, axis=0)
    asked_filled = np.where(asked.iloc[:, :7].isna(), medians, asked.iloc[:, :7])[:, best]
    if scale:  # what lies beyond all that was learnt from counts as the nearest of it
        asked_filled = asked_filled.clip(filled.min(axis=0), filled.max(axis=0))
    np.testing.assert_allclose(
        fitted[model].probabilities(asked),
        expected.predict_proba(asked_filled.astype(np.float32)),
        atol=1e-5,
    )


def test_svm_is_balanced_and_gives_probabilities_in_the_order_of_its_decisions(fitted, kinds):
    svm = fitted["svm"].pipeline["model"].calibrated_classifiers_[0].estimator
    assert (svm.kernel, svm.class_weight) == ("rbf", "balanced")
    if kinds == 2:
        table, _ = made(2, 100, seed=9)
        chosen = fitted["svm"].pipeline[:-1].transform(table.to_numpy())
        decisions, said = svm.decision_function(chosen), fitted["svm"].probabilities(table)[:, 1]
        assert (np.diff(said[np.argsort(decisions)]) >= -1e-9).all()


def test_what_was_dropped_and_what_counts(fitted, kinds):
    for model, found in fitted.items():
        assert found.collinear == {"h": "b"}
        assert len(found.chosen) == len(found.importance) == 5
        assert {"a", "f"} <= set(found.chosen)
        assert found.importance.sum() == pytest.approx(1, abs=1e-9), model
        assert (found.importance >= 0).all()
        best = {found.chosen[k] for k in np.argsort(-found.importance)[:2]}
        assert best & {"a", "f"}, model


def test_importances_are_impurities_and_coefficients(fitted):
    tree = fitted["decision-tree"]
    np.testing.assert_allclose(
        tree.importance, tree.pipeline["model"].feature_importances_, atol=1e-09
    )
    sizes = np.abs(fitted["logistic"].pipeline["model"].coef_).mean(axis=0)
    np.testing.assert_allclose(fitted["logistic"].importance, sizes / sizes.sum(), atol=1e-09)


def test_importance_of_the_others_is_what_shuffling_costs(fitted, kinds):
    """A feature that the model can do without counts for nothing."""
    table, codes = made(kinds)
    found = fitted["naive-bayes"]
    whole = accuracy_score(codes, found.probabilities(table).argmax(axis=1))
    costs = {}
    for name in found.chosen:
        other = table.assign(**{name: np.roll(table[name], 7)})  # 7: another class for most
        costs[name] = whole - accuracy_score(codes, found.probabilities(other).argmax(axis=1))
    counts = dict(zip(found.chosen, found.importance, strict=True))
    assert max(counts, key=counts.get) == max(costs, key=costs.get)


def test_numbers_that_were_learnt(fitted, kinds):
    found = {name: one.parameters for name, one in fitted.items()}
    lines = 1 if kinds == 2 else kinds
    assert found["logistic"] == lines * (5 + 1)
    assert found["naive-bayes"] == kinds * (5 + 5 + 1)
    nodes = fitted["decision-tree"].pipeline["model"].tree_.node_count
    assert found["decision-tree"] == nodes >= 3
    trees = fitted["random-forest"].pipeline["model"].estimators_
    assert found["random-forest"] == sum(t.tree_.node_count for t in trees)
    svm = fitted["svm"].pipeline["model"].calibrated_classifiers_[0].estimator
    vectors = len(svm.support_)
    pairs = kinds * (kinds - 1) // 2
    assert found["svm"] == vectors * 5 + vectors * (kinds - 1) + pairs


def test_the_seed_decides_and_nothing_else():
    table, codes = made()
    asked, _ = made(seed=5)
    one, again, other = (
        fit_classical("decision-tree", table, COLUMNS, codes, 5, seed) for seed in (1, 1, 2)
    )
    answers = [answers_of(f, asked) for f in (one, again, other)]
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-6)
    assert (answers[0] != answers[2]).any()


def test_choices_made_before_a_split_are_those_of_the_pipeline(fitted, kinds):
    assert choose_columns(*made(kinds)[:1], COLUMNS, made(kinds)[1], 5) == fitted["svm"].chosen


@pytest.mark.parametrize("model", CLASSICAL)
def test_features_that_never_change_are_refused(model):
    table = pd.DataFrame(np.full((8, 8), 3.5), columns=list(COLUMNS))
    with pytest.raises(MarrowError, match="None of the 8 features differs between the units"):
        fit_classical(model, table, COLUMNS, np.arange(8) % 2, 5, 0)


def test_choices_of_features_that_never_change_are_refused_too():
    table = pd.DataFrame(np.full((8, 8), 3.5), columns=list(COLUMNS))
    with pytest.raises(MarrowError, match="None of the 8 features differs between the units"):
        choose_columns(table, COLUMNS, np.arange(8) % 2, 5)


def test_svm_needs_two_units_of_each_class():
    table, codes = made(rows=9)
    codes = (codes * 0 + (np.arange(9) == 4)).astype(np.intp)
    with pytest.raises(MarrowError, match="A class has only one unit to learn from, and svm needs"):
        fit_classical("svm", table, COLUMNS, codes, 5, 0)
    assert fit_classical("naive-bayes", table, COLUMNS, codes, 5, 0).parameters == 2 * 11


def test_probabilities_are_made_with_sources_whole():
    """Each source has a look of its own and a class by chance: other sources tell nothing."""
    generator = np.random.default_rng(2)
    sources = np.repeat([f"s{k}" for k in range(12)], 20)
    codes = np.repeat(generator.permutation([0, 1] * 6), 20)
    values = np.repeat(generator.normal(size=(12, 6)), 20, axis=0)
    values += generator.normal(size=values.shape) / 4
    table = pd.DataFrame(values, columns=list("abcdef")).assign(source=sources)

    def confidence(rows):
        fitted = fit_classical("svm", rows, tuple("abcdef"), codes, 6, 0)
        return fitted.probabilities(table).max(axis=1).mean()

    assert confidence(table) < 0.85 < 0.95 < confidence(table.drop(columns="source"))


def test_folds_keep_sources_whole_and_all_classes_on_both_sides():
    codes = np.array([0, 0, 0, 1, 1, 1, 1, 0])
    groups = np.array(["a", "a", "b", "c", "d", "d", "c", "b"])
    for train, test in classical._folds(codes, groups, 0):
        assert not set(groups[train]) & set(groups[test])
        assert set(codes[train]) == {0, 1}
    alone = np.where(codes == 0, "a", groups)  # a class of one source: it has to be parted
    assert len(classical._folds(codes, alone, 0)) == 4


@pytest.mark.parametrize("protocol", ["honest", "paper"])
def test_sources_are_whole_in_calibration_but_as_published(
    tmp_path, make_snam, monkeypatch, protocol
):
    """Under ``paper`` copies of a source are learnt from and calibrated on, as in its own split."""
    found = []

    def recorded(*args):
        found.append(fit_pipeline(*args))
        return found[-1]

    monkeypatch.setattr(classical_learner, "fit_pipeline", recorded)
    collection = scan(make_snam(tmp_path / "in", 4, masks=False))
    settings = TrainingSettings("svm", families=("histogram",), select=6, protocol=protocol)
    learner = classical_learner.ClassicalLearner(
        collection, settings, SILENT, Failures(strict=True)
    )
    rows = np.arange(len(learner.table))
    learner.fit_fold(settings, rows)
    order = np.random.default_rng(settings.seed).permutation(len(rows))
    sources = learner.table["source"].to_numpy(str)[order]
    shared = [set(sources[a]) & set(sources[b]) for a, b in found[0]["model"].cv]
    assert all(shared) if protocol == "paper" else not any(shared)
