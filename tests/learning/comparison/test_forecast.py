"""The forecast: a curve that is known is found, and what can't be foretold is not."""

import re

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from napari_marrow.learning.comparison.folds import Fold
from napari_marrow.learning.comparison.forecast import (
    WIDTH,
    expected_point,
    fit_power_law,
    forecast,
    foretell,
    more_sources,
    part_of,
)
from napari_marrow.learning.scores.findings import ForecastPoint
from napari_marrow.learning.settings import TrainingSettings

SIZES = (4, 7, 11, 16, 22, 28)


def points(error, half=0.04, sizes=SIZES):
    return [ForecastPoint(n, 1 - error(n), 1 - error(n) - half, 1 - error(n) + half) for n in sizes]


def law(n):
    return 0.08 + 0.6 / n


def test_a_power_law_is_found_again():
    found, _ = fit_power_law(points(law))
    assert found == pytest.approx([0.08, 0.6, 1], abs=1e-3)
    assert expected_point(60, fit_power_law(points(law))).estimate == pytest.approx(
        1 - law(60), abs=1e-3
    )


def test_a_curve_that_goes_on_is_checked_and_foretold():
    found = foretell("svm", points(law, 0.1), 35, "photograph")
    assert found.checked is True
    assert (found.model, found.metric, found.width) == ("svm", "balanced_accuracy", WIDTH)
    assert len(found.measured) == 6
    assert len(found.expected) == 7
    assert f"{found.more_sources} more photographs of each class" in found.sentences[0]
    # by half with four times as many where the score stays; it rises, and less than that is needed
    assert 35 < found.more_sources < 3 * 35


def test_the_number_is_that_of_wilsons_interval():
    """With no more to learn, the width is that of a constant share: statsmodels' Wilson."""
    flat = points(lambda n: 0.1, 0.1)
    more = more_sources(fit_power_law(flat), flat[-1], 35)

    def below(count):
        return 0.9 - proportion_confint(0.9 * count, count, method="wilson")[0]

    scale = 0.1 / below(35)
    needed = next(n for n in range(35, 1000) if scale * below(n) <= WIDTH)
    assert more == pytest.approx(needed - 35, rel=0.15)  # Student's t in place of the normal


def test_the_number_has_a_range_as_wide_as_the_score_that_is_expected():
    """Wilson's interval of statsmodels for the ends of the curve's band."""
    flat = points(lambda n: 0.1, 0.12)
    found = foretell("svm", flat, 35)
    then = found.expected[-1]
    least, most = (
        int(x) for x in re.search(r"(\d+) to (\d+) more are", found.sentences[0]).groups()
    )
    assert least < found.more_sources < most
    assert f"{then.low:.2f} to {then.high:.2f}" in found.sentences[0]

    def below(share, count):
        return share - proportion_confint(share * count, count, method="wilson")[0]

    scale = flat[-1].estimate - flat[-1].low
    for more, end in ((least, "high"), (most, "low")):
        share = getattr(expected_point((35 + more) * 28 / 35, fit_power_law(flat[:-1])), end)
        assert scale * below(share, 35 + more) / below(0.9, 35) == pytest.approx(WIDTH, rel=0.1)


def test_an_end_that_takes_too_many_is_told_so():
    found = foretell("svm", points(lambda n: 0.1, 0.25), 35)
    assert found.more_sources < 19 * 35
    assert "to more than 665 more are needed" in found.sentences[0]


def test_a_curve_that_tells_nothing_gives_no_single_number():
    few = foretell("svm", points(law, 0.1, SIZES[-4:]), 35)  # three points for three numbers
    assert (few.checked, few.more_sources) == (True, None)
    assert len(few.expected) == len(few.measured)
    assert re.search(r"does not tell.* \d+ to \d+ more of each class are needed", few.sentences[0])


def test_no_forecast_of_a_class_with_too_few_sources():
    class Learner:
        table = pd.DataFrame({"source": range(45), "class": ["ALL"] * 40 + ["MM"] * 5})

    found = forecast(Learner(), TrainingSettings(model="svm"), [], None)  # nothing is fitted
    assert (found.measured, found.more_sources) == ((), None)
    assert "MM has 5 sources" in found.sentences[0]


def test_a_curve_that_breaks_off_is_no_forecast():
    bent = points(law, 0.02)
    bent[-1] = ForecastPoint(28, 0.6, 0.5, 0.7)
    found = foretell("svm", bent, 35)
    assert (found.checked, found.more_sources) == (False, None)
    assert found.sentences[0].startswith("No forecast")


def test_a_narrow_interval_needs_no_more():
    found = foretell("svm", points(law, 0.03), 35)
    assert (found.checked, found.more_sources) == (True, None)
    assert "no more" in found.sentences[0]


def test_too_few_parts_or_too_much_to_ask():
    found = foretell("svm", points(law, 0.1, SIZES[-3:]), 35)
    assert (found.checked, found.expected) == (None, ())
    assert "Too few" in found.sentences[0]
    wide = foretell("svm", points(lambda n: 0.45, 0.4), 5)
    assert wide.more_sources is None
    assert "more than 95 more sources" in wide.sentences[0]


def test_more_photographs_do_not_narrow_an_interval_over_acquisitions():
    rows = np.arange(4)
    folds = [Fold(k, 1, rows[:2], rows[2:], name) for k, name in enumerate("ab", 1)]
    found = forecast(None, TrainingSettings(model="svm"), folds, None)  # nothing is fitted
    assert (found.measured, found.expected, found.more_sources) == ((), (), None)
    assert "acquisitions" in found.sentences[0]


def test_parts_hold_whole_sources_of_each_class_and_each_other():
    table = pd.DataFrame(
        {
            "source": np.repeat([f"s{k}" for k in range(30)], 4),
            "class": np.repeat(["ALL", "MM", "MM"], 40),
        }
    )
    rows = np.arange(0, 120, 2)
    kept: set[int] = set()
    for part in (0.2, 0.5, 1.0):
        found = part_of(table, rows, part, np.random.default_rng([0, 1]))
        own = table.iloc[found]
        assert own.groupby("class")["source"].nunique().tolist() == [10 * part, 20 * part]
        assert set(own["source"].value_counts()) == {2}
        assert kept <= set(found) <= set(rows)
        kept = set(found)
    assert len(kept) == len(rows)
