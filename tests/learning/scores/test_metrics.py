"""Scores against scikit-learn and SciPy, intervals against published values."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, norm, t
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    matthews_corrcoef,
    precision_score,
    recall_score,
    roc_auc_score,
)

from napari_marrow.learning.scores.evaluation import Evaluation
from napari_marrow.learning.scores.metrics import colour_baseline, score_units
from napari_marrow.measure.colour import MEAN_COLOUR


def wilson_of_sources(right, count, sources):
    """SciPy's interval at the level whose normal quantile is Student's of the sources."""
    level = 2 * norm.cdf(t.ppf(0.975, sources - 1)) - 1
    return tuple(binomtest(int(right), int(count)).proportion_ci(level, "wilson"))


def units(truth, sources=None):
    names = [f"s{k}" for k in range(len(truth))] if sources is None else sources
    return pd.DataFrame({"class": truth, "source": names})


@pytest.fixture
def scored():
    """40 units of 40 sources: 18 ALL, 22 MM, some wrong."""
    rng = np.random.default_rng(5)
    truth = np.array(["ALL"] * 18 + ["MM"] * 22)
    chance = np.clip(np.where(truth == "ALL", 0.62, 0.38) + rng.normal(0, 0.2, 40), 0.01, 0.99)
    return (
        truth,
        chance,
        score_units(units(truth), np.column_stack([chance, 1 - chance]), ("ALL", "MM")),
    )


def test_metrics_are_those_of_scikit_learn(scored):
    truth, chance, result = scored
    answer = np.where(chance > 0.5, "ALL", "MM")
    found = {name: score.estimate for name, score in result.metrics.items()}
    assert found == pytest.approx(
        {
            "balanced_accuracy": balanced_accuracy_score(truth, answer),
            "accuracy": (answer == truth).mean(),
            "precision": precision_score(truth, answer, pos_label="ALL"),
            "recall": recall_score(truth, answer, pos_label="ALL"),
            "specificity": recall_score(truth, answer, pos_label="MM"),
            "f1": f1_score(truth, answer, pos_label="ALL"),
            "mcc": matthews_corrcoef(truth, answer),
            "auc": roc_auc_score(truth == "ALL", chance),
            "average_precision": average_precision_score(truth == "ALL", chance),
        },
        abs=1e-9,
    )
    tp, fn = (
        ((truth == "ALL") & (answer == "ALL")).sum(),
        ((truth == "ALL") & (answer == "MM")).sum(),
    )
    fp, tn = ((truth == "MM") & (answer == "ALL")).sum(), ((truth == "MM") & (answer == "MM")).sum()
    assert result.confusion == [[tp, fn], [fp, tn]]
    assert (result.units, result.sources, result.positive) == (40, 40, "ALL")
    assert result.design_effect == 1


def test_intervals_are_wilsons_of_scipy(scored):
    _, _, result = scored
    (tp, fn), (fp, tn) = result.confusion
    expected = {
        "accuracy": (tp + tn, 40),
        "precision": (tp, tp + fp),
        "recall": (tp, tp + fn),
        "specificity": (tn, tn + fp),
    }
    for name, (right, count) in expected.items():
        interval = wilson_of_sources(right, count, count)  # each unit is a source
        score = result.metrics[name]
        assert (score.low, score.high) == pytest.approx(interval, abs=1e-6), name
    # F1 = 2 J / (1 + J) of J = TP / (TP + FP + FN)
    overlap = wilson_of_sources(tp, tp + fp + fn, tp + fp + fn)
    f1 = result.metrics["f1"]
    assert (f1.low, f1.high) == pytest.approx([2 * j / (1 + j) for j in overlap], abs=1e-6)


def test_interval_of_the_balanced_accuracy_is_of_both_recalls(scored):
    _, _, result = scored
    score, sides = result.metrics["balanced_accuracy"], ("recall", "specificity")
    recall, specificity = (result.metrics[name] for name in sides)
    below = np.hypot(recall.estimate - recall.low, specificity.estimate - specificity.low) / 2
    above = np.hypot(recall.high - recall.estimate, specificity.high - specificity.estimate) / 2
    expected = (score.estimate - below, score.estimate + above)
    assert (score.low, score.high) == pytest.approx(expected, abs=1e-9)


def test_classes_of_the_same_sources_are_not_taken_as_independent():
    """Where each source holds both classes their shares may go together, and the widths add up."""
    truth = np.array(["ALL", "MM"] * 20)
    answers = np.where(np.arange(40) < 6, truth[::-1], truth)  # of three sources, all wrong
    both = np.column_stack([answers == "ALL", answers == "MM"]).astype(float)
    found = score_units(units(truth, np.repeat(np.arange(20), 2)), both, ("ALL", "MM")).metrics
    low, high = wilson_of_sources(17, 20, 20)
    for name in ("recall", "specificity", "balanced_accuracy"):
        assert (found[name].low, found[name].high) == pytest.approx((low, high), abs=1e-6), name


def test_precision_counts_the_sources_that_are_called():
    truth = ["ALL"] * 8 + ["MM"] * 8
    called = np.zeros(16)
    called[[0, 1, 8]] = 1  # of two sources of ALL and one of MM
    result = score_units(units(truth), np.column_stack([called, 1 - called]), ("ALL", "MM"))
    precision = result.metrics["precision"]
    expected = wilson_of_sources(2, 3, 3)
    assert (precision.low, precision.high) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("count", "few"), [(5, {"MM": 5}), (6, {})])
def test_a_class_of_five_sources_is_too_few_to_tell(count, few):
    truth = np.array(["ALL"] * 40 + ["MM"] * 3 * count)
    sources = np.concatenate([np.arange(40), 100 + np.arange(3 * count) % count])
    chance = np.where(truth == "ALL", 0.9, 0.1)
    both = np.column_stack([chance, 1 - chance])
    result = score_units(units(truth, sources), both, ("ALL", "MM"))
    assert result.few_sources == few
    assert Evaluation.from_dict(json.loads(json.dumps(result.to_dict()))) == result


def test_a_class_that_was_not_asked_about_has_no_source():
    both = np.tile([0.2, 0.8], (7, 1))
    assert score_units(units(["MM"] * 7), both, ("ALL", "MM")).few_sources == {"ALL": 0}


def test_auc_takes_the_sources_of_the_smaller_class(scored):
    """Newcombe's method 5 at its own limits, with Student's t for the 18 of ALL."""
    truth, chance, result = scored
    auc, quantile = result.metrics["auc"], t.ppf(0.975, 17)
    area = roc_auc_score(truth == "ALL", chance)
    for limit in (auc.low, auc.high):
        q1, q2 = (1 - limit) / (2 - limit), limit / (1 + limit)
        variance = limit * (1 - limit) * (1 + 19 * (q1 + q2)) / (18 * 22)
        assert abs(area - limit) == pytest.approx(quantile * np.sqrt(variance), abs=1e-6)


def test_chance_is_guessing_by_the_shares(scored):
    metrics = scored[2].metrics
    # 18 of 40 are ALL. Guessing ALL for 45 %: precision and recall .45, F1 .45, specificity .55.
    expected = {"accuracy": 0.55, "precision": 0.45, "recall": 0.45, "specificity": 0.55}
    expected |= {"f1": 0.45, "auc": 0.5, "balanced_accuracy": 0.5}
    expected |= {"mcc": 0, "average_precision": 0.45}
    assert {name: s.chance for name, s in metrics.items()} == pytest.approx(expected, abs=1e-9)


def test_units_of_one_source_widen_the_interval():
    truth = np.array(["ALL"] * 20 + ["MM"] * 20)
    chance = np.where(np.arange(40) % 20 < 15, 0.9, 0.1)  # of each class three sources of four
    chance[20:] = 1 - chance[20:]
    both = np.column_stack([chance, 1 - chance])
    alone = score_units(units(truth), both, ("ALL", "MM"))
    grouped = score_units(units(truth, np.repeat(np.arange(8), 5)), both, ("ALL", "MM"))
    assert alone.metrics["accuracy"].estimate == 0.75
    assert grouped.metrics["accuracy"].estimate == 0.75
    # all five of a source go together: 40 units are worth 8
    assert grouped.design_effect == pytest.approx(5, abs=1e-9)
    accuracy, recall = (grouped.metrics[name] for name in ("accuracy", "recall"))
    expected = wilson_of_sources(6, 8, 8)
    assert (accuracy.low, accuracy.high) == pytest.approx(expected, abs=1e-6)
    expected = wilson_of_sources(3, 4, 4)  # those of the class
    assert (recall.low, recall.high) == pytest.approx(expected, abs=1e-6)
    assert (alone.few_sources, grouped.few_sources) == ({}, {"ALL": 4, "MM": 4})
    assert alone.metrics["accuracy"].low > accuracy.low


def test_without_a_positive_answer_there_is_no_precision():
    """A network that always says MM: no NaN gets into the JSON."""
    both = np.tile([0.2, 0.8], (10, 1))
    result = score_units(units(["ALL"] * 4 + ["MM"] * 6), both, ("ALL", "MM"))
    assert "precision" not in result.metrics
    assert result.metrics["recall"].estimate == 0
    assert result.metrics["f1"].estimate == 0
    stored = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert Evaluation.from_dict(stored) == result


def test_one_class_only_on_the_judging_side():
    result = score_units(units(["MM"] * 5), np.tile([0.2, 0.8], (5, 1)), ("ALL", "MM"))
    assert set(result.metrics) == {"balanced_accuracy", "accuracy", "specificity"}
    json.dumps(result.to_dict(), allow_nan=False)


def test_positive_class_is_all_and_else_the_first():
    both = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    assert score_units(units(["x", "y", "y"]), both, ("x", "y")).positive == "x"
    later = score_units(units(["AA", "ALL", "ALL"]), both, ("AA", "ALL"))
    assert later.positive == "ALL"
    assert later.metrics["recall"].estimate == 0.5
    assert later.metrics["auc"].estimate == 1


def test_three_classes_have_scores_of_all_of_them():
    probabilities = np.eye(3)[[0, 1, 1, 2]]
    result = score_units(units(list("aabc")), probabilities, ("a", "b", "c"))
    assert list(result.metrics) == ["balanced_accuracy", "accuracy", "macro_f1", "mcc"]
    assert result.metrics["accuracy"].chance == 0.5
    assert result.metrics["balanced_accuracy"].chance == pytest.approx(1 / 3, abs=1e-9)
    assert result.confusion == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]


@pytest.mark.parametrize("classes", ["abc", "abcd"])  # of d there is no unit
def test_scores_of_three_classes_are_those_of_scikit_learn(classes):
    rng = np.random.default_rng(3)
    truth = rng.choice(list("abc"), 90, p=(0.6, 0.3, 0.1))
    answer = np.where(rng.random(90) < 0.3, rng.choice(list("abc"), 90), truth)
    both = (answer[:, None] == np.array(list(classes))).astype(float)
    found = score_units(units(truth), both, tuple(classes)).metrics
    assert found["macro_f1"].estimate == pytest.approx(f1_score(truth, answer, average="macro"))
    assert found["mcc"].estimate == pytest.approx(matthews_corrcoef(truth, answer), abs=1e-9)
    for name in ("macro_f1", "mcc"):
        assert found[name].low < found[name].estimate < found[name].high < 1


def test_interval_of_the_correlation_moves_each_recall_to_its_ends(scored):
    _, _, result = scored
    found, ((tp, _), (_, tn)) = result.metrics, result.confusion
    mcc = found["mcc"]

    def correlation(recall, specificity):
        tp, fn, fp, tn = 18 * recall, 18 * (1 - recall), 22 * (1 - specificity), 22 * specificity
        return (tp * tn - fp * fn) / np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))

    recall, specificity = tp / 18, tn / 22
    assert mcc.estimate == pytest.approx(correlation(recall, specificity), abs=1e-9)
    below = np.hypot(
        mcc.estimate - correlation(found["recall"].low, specificity),
        mcc.estimate - correlation(recall, found["specificity"].low),
    )
    assert mcc.low == pytest.approx(mcc.estimate - below, abs=1e-9)


def test_interval_of_the_average_precision_is_wilsons(scored):
    """Of the 18 positive units, which are as many sources."""
    score = scored[2].metrics["average_precision"]
    quantile, found = t.ppf(0.975, 17), score.estimate
    for end in (score.low, score.high):  # where the normal statistic is the quantile
        assert abs(found - end) == pytest.approx(quantile * np.sqrt(end * (1 - end) / 18), abs=1e-9)


def test_a_perfect_score_of_a_correlation_has_a_width():
    both = np.eye(2)[[0] * 10 + [1] * 10]
    found = score_units(units(["ALL"] * 10 + ["MM"] * 10), both, ("ALL", "MM")).metrics
    for name in ("mcc", "average_precision"):
        assert (found[name].estimate, found[name].high) == (1, 1)
        assert found[name].low < 0.9


def test_a_model_that_answers_one_class_has_no_correlation():
    both = np.tile([0.2, 0.7, 0.1], (6, 1))
    found = score_units(units(list("aabbcc")), both, ("a", "b", "c")).metrics
    assert found["mcc"].estimate == matthews_corrcoef(list("aabbcc"), ["b"] * 6) == 0
    assert found["macro_f1"].estimate == pytest.approx(1 / 6, abs=1e-9)  # of b 0.5


def coloured(classes, reds):
    table = units(classes)
    table[list(MEAN_COLOUR)] = np.column_stack(
        [reds, np.full(len(reds), 90), np.full(len(reds), 9)]
    )
    return table


def test_yardstick_knows_classes_that_differ_in_colour():
    train = coloured(
        ["ALL"] * 6 + ["MM"] * 6, [200, 201, 202, 203, 204, 205, 150, 151, 152, 153, 154, 155]
    )
    score = colour_baseline(train, coloured(["ALL", "MM", "MM"], [199, 149, 156]))
    assert score.estimate == 1
    assert score.chance == pytest.approx(2 / 3, abs=1e-9)
    assert score.low == pytest.approx(wilson_of_sources(3, 3, 3)[0], abs=1e-6)
    # and its answers follow the colour, not the truth
    assert colour_baseline(train, coloured(["ALL", "MM"], [149, 199])).estimate == 0


def test_yardstick_of_one_class_is_none():
    train = coloured(["ALL"] * 3, [1, 2, 3])
    assert colour_baseline(train, train) is None
