"""Shares while annotating: statsmodels' interval, and Rogan and Gladen worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from napari_marrow.learning.annotating.live import UNKNOWN
from napari_marrow.learning.annotating.shares import count_classes
from napari_marrow.learning.counting.heldout import HeldOutErrors
from napari_marrow.learning.counting.result import CountSettings

MM = CountSettings(cutoff=60.0, class_name="MM")


def errors_of(rows, sources=8):
    return HeldOutErrors(("ALL", "MM"), rows, (1.0, 1.0), (sources, sources))


def share_of(counts, name="MM"):
    return next(x for x in counts.shares if x.class_name == name)


def test_of_one_field_all_given_it_is_wilsons_interval(make_known):
    known, truth = make_known(fields=1, size=40, every=1)
    found = count_classes(known, np.arange(40), None, MM)
    share = share_of(found)
    expected = proportion_confint(int(truth.sum()), 40, method="wilson")
    assert (share.low, share.high) == pytest.approx(expected, abs=1e-9)
    assert (found.basis, found.given, found.remark) == ("given", 40, "")
    assert sum(x.counted for x in found.shares) == 40
    assert f"of {40} cells in this field: " in found.sentence


def test_given_cells_count_as_they_are_and_answers_are_adjusted(make_known):
    known, _ = make_known(gap=1.0)
    rows = np.arange(len(known.cells))
    found = count_classes(known, rows, errors_of(((45, 5), (12, 38))), MM)
    assert found.basis == "corrected"
    assert found.remark == ""
    is_given = known.given != UNKNOWN
    answered = float((known.answers[~is_given] == 1).mean())
    sensitivity, specificity = 38 / 50, 45 / 50
    adjusted = (answered + specificity - 1) / (sensitivity + specificity - 1)
    by_hand = (is_given.mean() * (known.given[is_given] == 1).mean()) + (
        (1 - is_given.mean()) * adjusted
    )
    assert share_of(found).estimate == pytest.approx(by_hand, abs=1e-9)
    assert share_of(found, "ALL").estimate == pytest.approx(1 - by_hand, abs=1e-9)
    assert share_of(found, "other").estimate == 0
    plain = count_classes(known, rows, None, MM)
    assert plain.basis == "answered"
    assert share_of(plain).estimate == pytest.approx((known.final == 1).mean())
    assert "% of 240 cells in 8 fields as answered: too few to tell." in plain.sentence
    assert "6 fields" in plain.remark
    assert width(found) > width(plain)  # what is not known of the errors is in it


def width(counts):
    share = share_of(counts)
    return share.high - share.low


def test_the_more_is_given_the_less_the_errors_count(make_known):
    errors, widths = errors_of(((40, 10), (12, 38))), []
    for every in (50, 2, 1):
        known, _ = make_known(fields=10, size=100, gap=6.0, every=every)
        widths.append(width(count_classes(known, np.arange(1000), errors, MM)))
    assert widths == sorted(widths, reverse=True)
    known, _ = make_known(fields=10, size=100, gap=6.0, every=1)
    exact = count_classes(known, np.arange(1000), None, MM)
    assert widths[-1] == pytest.approx(width(exact))
    nearly = replace(known, given=np.where(np.arange(1000) < 3, UNKNOWN, known.given))
    found = count_classes(nearly, np.arange(1000), errors, MM)
    assert found.basis == "corrected"
    assert width(found) == pytest.approx(width(exact), rel=0.02)


def test_answers_that_nobody_looked_at_count_as_answers(make_known):
    known, _ = make_known(gap=1.0)
    rows, errors = np.arange(240), errors_of(((45, 5), (12, 38)))
    before = count_classes(known, rows, errors, MM)
    unseen = known.given == UNKNOWN
    accepted = replace(known, given=known.final, unseen=unseen)
    assert count_classes(accepted, rows, errors, MM) == before
    assert count_classes(accepted, rows, None, MM).verdict == "too few"
    assert count_classes(replace(accepted, unseen=None), rows, None, MM).basis == "given"


def test_a_share_that_is_corrected_says_so_beside_the_number_of_cells(make_known):
    known, _ = make_known(gap=1.0)
    found = count_classes(known, np.arange(240), errors_of(((45, 5), (12, 38))), MM)
    share = share_of(found)
    assert share.estimate != pytest.approx(share.counted / 240, abs=0.01)
    assert found.texts["MM"] == f"{share.counted}, corrected {100 * share.estimate:.0f} %"
    assert found.texts["other"] == "0, corrected 0 %"
    assert "corrected for errors: " in found.sentence
    assert "corrected for errors: " in found.lines[1]
    plain = count_classes(known, np.arange(240), None, MM)
    assert plain.texts["MM"] == f"{share.counted} ({100 * share.counted / 240:.0f} %)"


def test_all_shares_are_corrected_or_none(make_known):
    """A model that tells one of three classes worse than chance, and the others better."""
    known, truth = make_known(gap=3.0, every=3)
    probabilities = np.zeros((240, 3))
    probabilities[np.arange(240), np.where(np.arange(240) % 5 == 0, 2, truth)] = 1
    known = replace(known, probabilities=probabilities)
    rows = ((33, 26, 37), (21, 25, 39), (30, 26, 22))
    errors = HeldOutErrors(("ALL", "MM", "other"), rows, (1.0,) * 3, (8,) * 3)
    for name in ("ALL", "MM", "other"):
        found = count_classes(known, np.arange(240), errors, CountSettings(class_name=name))
        assert found.basis == "answered"
        for x in found.shares:
            assert x.estimate == pytest.approx(x.counted / 240)


def test_errors_known_from_few_fields_are_not_used(make_known):
    known, _ = make_known(gap=1.0)
    found = count_classes(known, np.arange(240), errors_of(((9, 1), (2, 8)), sources=5), MM)
    assert found.basis == "answered"


@pytest.mark.parametrize(
    ("cutoff", "fields", "verdict"),
    [(10.0, 8, "above 10 %"), (90.0, 8, "below 90 %"), (50.0, 8, "neither"), (10.0, 4, "too few")],
)
def test_verdicts(make_known, cutoff, fields, verdict):
    known, _ = make_known(fields=fields, every=1)
    rows = np.arange(len(known.cells))
    found = count_classes(known, rows, None, CountSettings(cutoff=cutoff, class_name="MM"))
    assert verdict in found.sentence
    assert verdict in found.lines[1]
    assert (" to " in found.lines[1].split(":")[0]) == (verdict != "too few")  # the interval
    first = found.lines[0]
    assert first.startswith(f"ALL {share_of(found, 'ALL').counted}, MM")
    assert "other" not in first


def test_cells_without_an_answer_give_no_share(make_known):
    known, _ = make_known(fields=2)
    nothing = replace(known, probabilities=np.full_like(known.probabilities, np.nan))
    found = count_classes(nothing, np.arange(60), None, MM)
    assert found.shares == ()
    assert found.verdict is None
    assert found.lines == ("", "")
    assert "30 of 60 cells in 2 fields have a class" in found.sentence
    empty = count_classes(known, np.arange(0), None, MM)
    assert (empty.sentence, empty.lines) == ("", ("", ""))
