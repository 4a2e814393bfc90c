"""What was asked is found again in the journal; agreement with oneself, against scikit-learn."""

from dataclasses import replace

import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.proportion import proportion_confint

from napari_marrow.data.project.annotations import (
    Annotations,
    Change,
    ClassColour,
    Entry,
    Given,
    Place,
)
from napari_marrow.learning.annotating.questions import (
    SelfAgreement,
    answered_questions,
    corrected,
)
from napari_marrow.learning.annotating.unseen import accepted_together


def test_questions_are_found_again_without_those_taken_back(journal):
    journal.give(1, "ALL", "typical")
    journal.give(2, "ALL")
    journal.give(3, "MM", "random")
    journal.give(4, "MM", "margin")
    journal.undo(4)
    journal.give(3, "ALL", "again")
    found = answered_questions(journal.entries)
    assert [(x.place.y, x.why) for x in found] == [(1, "typical"), (3, "random"), (3, "again")]
    assert (found[2].before.class_name, found[2].after.class_name) == ("MM", "ALL")


def test_corrections_are_those_of_accepted_answers(journal):
    journal.give(1, "ALL", who="live")
    journal.give(2, "ALL", who="live")
    journal.give(3, "ALL", who="live")
    journal.give(4, "ALL")
    journal.give(1, "MM")
    journal.give(2, "ALL")  # confirmed
    journal.give(4, "MM")  # a change of mind
    journal.give(3, "MM")
    assert {x.y for x in corrected(journal.entries)} == {1, 3}
    journal.undo(8)
    assert {x.y for x in corrected(journal.entries)} == {1}
    journal.give(1, "ALL", who="live")
    assert not corrected(journal.entries)


def test_agreement_with_oneself(journal):
    """The share is statsmodels' with Wilson's interval where each cell is of a field of its own."""
    pairs = [("ALL", "ALL")] * 5 + [("MM", "MM")] * 11 + [("ALL", "MM"), ("MM", "ALL")] * 2
    for k, (first, second) in enumerate(pairs):
        journal.give(k, first, "typical", image=f"{k}")
        journal.give(k, second, "again", image=f"{k}")
    found = SelfAgreement.of(answered_questions(journal.entries))
    assert (found.cells, found.same, found.fields) == (20, 16, 20)
    kappa = cohen_kappa_score(*zip(*pairs, strict=True))
    observed, chance = found.score.estimate, found.score.chance
    assert (observed - chance) / (1 - chance) == pytest.approx(kappa)
    low, high = proportion_confint(16, 20, method="wilson")
    assert found.score.low == pytest.approx(low, abs=0.02)  # Student's t in place of z
    assert found.score.high == pytest.approx(high, abs=0.02)
    assert "16 of 20 cells asked twice: 80 %" in found.text
    assert "too few" not in found.text


def test_agreement_of_few_fields_has_no_interval(journal):
    assert SelfAgreement.of(answered_questions(journal.entries)) is None
    for k in range(30):
        journal.give(k, "MM", "margin")
        journal.give(k, "MM", "again")
    found = SelfAgreement.of(answered_questions(journal.entries))
    assert "30 of 30 cells asked twice: 100 % (too few to tell)" in found.text


def test_answers_that_were_accepted_together_were_not_looked_at(journal):
    journal.give([1, 2, 3], "ALL", who="live")
    journal.give(4, "ALL", who="live")
    journal.give([5, 6], "MM")
    journal.give(2, "MM")
    journal.give(3, "ALL", who="live")
    assert {x.y for x in accepted_together(journal.entries)} == {1}


def test_another_name_of_a_class_is_no_answer(journal):
    """Cell 1 was asked, 2 is a correction, 3 was accepted alone, 4 and 5 together."""
    journal.give(1, "ALL", "typical")
    journal.give(2, "MM", who="live")
    journal.give(2, "ALL")
    journal.give(3, "ALL", who="live")
    journal.give([4, 5], "ALL", who="live")
    now = Annotations().after(journal.entries).cells
    changes = [Change(x, given, replace(given, class_name="blast")) for x, given in now.items()]
    new = (ClassColour("blast", "#123456"),)
    journal.entries.append(Entry(len(journal.entries) + 1, "", "classes", tuple(changes), new))
    journal.cells |= {x.place: x.after for x in changes}
    assert [x.place.y for x in answered_questions(journal.entries)] == [1]
    assert {x.y for x in corrected(journal.entries)} == {2}
    assert {x.y for x in accepted_together(journal.entries)} == {4, 5}
    journal.give(1, "blast", "again")
    assert SelfAgreement.of(answered_questions(journal.entries)).same == 1
    after = Annotations().after(journal.entries)
    assert set(after.counts) == {"blast"}
    assert [x.y for x in after.cells] == [2, 3, 4, 5, 1]  # what was given last stands last


def test_an_answer_accepted_for_joined_nuclei_is_one_that_was_looked_at():
    """The class of one of the two places goes in the same step."""
    gone = Change(Place("a", 1, 1), Given("ALL"), None)
    entry = Entry(1, "", "annotate", (gone, Change(Place("a", 2, 2), None, Given("MM", "live"))))
    assert not accepted_together([entry])
