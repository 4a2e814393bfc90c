"""What is kept of the training pictures, and the limit of what is like them."""

import numpy as np
import pytest
from safetensors.numpy import load, save
from scipy.stats import norm

from napari_marrow.learning.adaptation.photographs import UNLIKE_FRACTION
from napari_marrow.learning.adaptation.reference import (
    MAX_UNITS,
    PictureSummary,
    Reference,
    limit_of,
)

SIGNATURE = np.zeros((2, 28, 28), np.float32)


def summary_of(units):
    return PictureSummary(SIGNATURE, units, np.zeros(9, np.float32))


def summaries_of(units, each=1):
    return [summary_of(units[k : k + each]) for k in range(0, len(units), each)]


def reference_of(units, each=1):
    summaries = summaries_of(units.astype(np.float32), each)
    names = [f"{k}" for k in range(len(summaries))]
    same = [""] * len(summaries)
    return Reference.of_summaries(summaries, names, [True] * len(summaries), same, same)


def drawn(rng, count):
    """Correlated measurements of two kinds of picture."""
    mixing = np.random.default_rng(1).normal(0, 12, (16, 16))
    kinds = rng.integers(0, 2, (count, 1)) * np.linspace(-90, 90, 16)
    return (128 + kinds + rng.normal(size=(count, 16)) @ mixing).astype(np.float32)


@pytest.mark.parametrize("count", [15, 40, 400])
def test_of_pictures_like_them_only_the_level_is_unlike(count):
    rng = np.random.default_rng(0)
    rates = [
        reference_of(drawn(rng, count)).is_unlike(summary_of(drawn(rng, 200))).mean()
        for _ in range(20)
    ]
    assert np.mean(rates) <= UNLIKE_FRACTION + 0.02


def test_levels_that_do_not_occur_together_are_unlike():
    """Though each is within the range of those learnt from."""
    units = drawn(np.random.default_rng(0), 400)
    reference = reference_of(units)
    broken = np.clip(units[:20, ::-1], units.min(axis=0), units.max(axis=0))
    assert reference.is_unlike(summary_of(broken)).mean() >= 0.9
    assert not reference.is_unlike(summary_of(units)).any()


def test_a_limit_of_few_is_that_of_their_normal_logarithms():
    logs = norm.ppf((np.arange(1000) + 0.5) / 1000)
    assert limit_of(np.exp(logs)) == pytest.approx(np.exp(norm.ppf(1 - UNLIKE_FRACTION)), abs=0.15)
    assert limit_of(np.array([1.0, 2.0, 3.0])) > 3  # three tell little
    heavy = np.r_[np.ones(90), np.full(10, 100.0)]
    assert limit_of(heavy) == pytest.approx(100, abs=1e-9)


def test_cells_of_one_photograph_do_not_set_the_limit():
    """They are like each other, and not like those of the next."""
    rng = np.random.default_rng(0)
    units = np.repeat(drawn(rng, 30), 10, axis=0) + rng.normal(0, 0.1, (300, 16))
    new = np.repeat(drawn(rng, 200), 10, axis=0)
    assert reference_of(units, each=10).is_unlike(summary_of(new)).mean() <= 0.1


def test_only_what_was_learnt_from_counts_and_too_few_tell_nothing():
    rng = np.random.default_rng(0)
    summaries = summaries_of(drawn(rng, 30))
    names = [f"{k}" for k in range(30)]
    half = Reference.of_summaries(summaries, names, [k < 20 for k in range(30)], *[[""] * 30] * 2)
    assert (len(half.signatures), len(half.units)) == (30, 20)
    far = summary_of(np.full((2, 16), 1e4, np.float32))
    assert half.is_unlike(far).all()
    few = Reference.of_summaries(summaries, names, [k < 2 for k in range(30)], *[[""] * 30] * 2)
    assert not few.is_unlike(far).any()
    no_cell = summary_of(np.empty((0, 16), np.float32))
    assert half.is_unlike(no_cell).shape == few.is_unlike(no_cell).shape == (0,)


def test_it_is_stored_and_large_sets_in_part():
    reference = reference_of(drawn(np.random.default_rng(0), 2 * MAX_UNITS), each=10)
    assert len(reference.units) == MAX_UNITS
    other_version = save({**load(reference.to_bytes()), "added_later": np.zeros(1)})
    again = Reference.of_bytes(other_version)
    for name in ("signatures", "units", "whitening", "limit"):
        np.testing.assert_array_equal(getattr(again, name), getattr(reference, name))


def test_equal_pictures_have_a_limit():
    """As of a drawing: what JPEG changes of it is not unlike it."""
    units = np.full((20, 16), 100, np.float32)
    reference = reference_of(units)
    assert np.isfinite(reference.limit).all()
    assert reference.is_unlike(summary_of(units[:1] + 40)).all()
