"""Parts of the log-odds: of a linear model exactly, of any other by leaving features out."""

import numpy as np
import pytest
from scipy.special import expit

from napari_marrow.learning.annotating.live import fit_discriminant, fit_live
from napari_marrow.learning.explaining.evidence import linear_evidence, omission_evidence


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_parts_of_the_live_model_add_up_to_its_log_odds(rng, n_classes):
    given = np.full(80, -1)
    given[:18] = np.arange(18) % n_classes
    values = rng.normal(size=(80, 5)) + 0.7 * np.arange(80)[:, None] % n_classes
    live, model = fit_live(values, given), fit_discriminant(values, given)
    names = [f"f{k}" for k in range(5)]
    for row in (0, 40, 79):
        found = linear_evidence(model, values, row, names)
        order = np.argsort(-live.probabilities[row])
        assert [found.answer, found.other] == order[:2].tolist()
        expected = np.log(live.probabilities[row, order[0]] / live.probabilities[row, order[1]])
        assert found.log_odds == pytest.approx(expected, abs=1e-6)
        assert sum(x.log_odds for x in found.reasons) == pytest.approx(expected, abs=1e-6)
        sizes = [abs(x.log_odds) for x in found.reasons]
        assert sizes == sorted(sizes, reverse=True)


def test_the_class_with_the_code_two_keeps_it(rng):
    values = rng.normal(size=(12, 2)) + np.repeat([[0], [5]], 6, axis=0)
    given = np.repeat([0, 2], 6)
    model = fit_discriminant(values, given)
    found = linear_evidence(model, values, 11, ["a", "b"])
    assert (found.answer, found.other) == (2, 0)


def test_what_tells_the_classes_apart_comes_first_and_its_copies_with_it(rng):
    given = np.array([0, 1] * 20)
    tells = 4.0 * given + rng.normal(size=40) / 2
    values = np.column_stack([rng.normal(size=40), tells, -2 * tells, rng.normal(size=40)])
    model = fit_discriminant(values, given)
    found = linear_evidence(model, values, 1, ["noise", "area", "smallness", "more noise"])
    first = found.reasons[0]
    assert (first.feature, first.along) == ("area", ("smallness",))
    assert first.log_odds > 0.8 * found.log_odds
    assert first.value == pytest.approx(values[1, 1])
    assert len(found.reasons) == 3


def test_of_any_model_a_part_is_what_is_lost_without_the_feature(rng):
    """Logistic in two features, blind to the third: worked out by hand."""
    values = rng.normal(size=(31, 3))
    values[4] = 2.0, -1.0, 7.0
    usual = np.median(values, axis=0)

    def ask(x):
        positive = expit(3 * x[:, 0] + x[:, 1])
        return np.column_stack([positive, 1 - positive])

    found = omission_evidence(ask, values, 4, ["a", "b", "c"])
    assert (found.answer, found.other, found.adds_up) == (0, 1, False)
    assert found.log_odds == pytest.approx(5)
    parts = {x.feature: x.log_odds for x in found.reasons}
    assert parts["a"] == pytest.approx(3 * (2 - usual[0]))
    assert parts["b"] == pytest.approx(-1 - usual[1])
    assert parts["c"] == pytest.approx(0, abs=1e-9)
    assert found.reasons[0].feature == "a"


def test_what_no_cell_has_speaks_for_nothing(rng):
    values = np.column_stack([rng.normal(size=9), np.full(9, np.nan)])

    def ask(x):
        positive = expit(np.nan_to_num(x).sum(axis=1))
        return np.column_stack([positive, 1 - positive])

    parts = {x.feature: x for x in omission_evidence(ask, values, 0, ["a", "none"]).reasons}
    assert parts["none"].log_odds == 0
