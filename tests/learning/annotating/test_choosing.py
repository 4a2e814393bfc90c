"""The next cell to ask, from a project; and what its annotations are worth."""

from dataclasses import replace

import numpy as np
import pytest

from napari_marrow.data.project.annotations import Annotations, ClassColour
from napari_marrow.learning.annotating.cells import CellAnswers
from napari_marrow.learning.annotating.choosing import choose
from napari_marrow.learning.annotating.codes import UNKNOWN
from napari_marrow.learning.annotating.review import review
from napari_marrow.learning.annotating.unseen import accepted_together
from napari_marrow.learning.counting.result import CountSettings

COLOURS = [ClassColour(x, "#000000") for x in ("ALL", "MM", "other")]


class Person:
    """Answers what is asked with the true class, and keeps a journal."""

    def __init__(self, known, truth, journal):
        self.known = replace(known, given=np.full(len(truth), UNKNOWN))
        self.truth, self.journal, self.asked = truth, journal, []

    @property
    def numbers(self):
        """Each pixel of these cells has the number before it."""
        return {place: place.y + 1 for place in self.journal.cells}

    def choose(self, **options):
        return choose(self.known, self.journal.entries, self.numbers, **options)

    def answer(self, chosen, code=None, **kind):
        cells = self.known.cells
        row = cells.row_of(chosen.field, chosen.index)
        code = self.truth[row] if code is None else code
        name = self.known.classes[code]
        self.journal.give(chosen.index - 1, name, chosen.why, image=chosen.field, **kind)
        self.known.given[row] = code
        self.asked.append(chosen)


@pytest.fixture
def person(make_known, journal):
    known, truth = make_known(fields=7, size=20)
    return Person(known, truth, journal)


def test_questions_go_on_after_the_project_was_closed(person):
    for _ in range(42):
        person.answer(person.choose())
    whys = [x.why for x in person.asked]
    assert whys[0] == "typical"
    assert [k + 1 for k, x in enumerate(whys) if x == "random"] == [10, 20, 30, 40]
    assert [k + 1 for k, x in enumerate(whys) if x == "again"] == [25]
    places = [(x.field, x.index) for x in person.asked]
    assert places[24] in places[:14]
    again = replace(person.known, given=person.known.given.copy())
    assert choose(again, person.journal.entries, person.numbers) == person.choose()


def test_why_a_cell_is_asked_is_in_words(person):
    for _ in range(9):
        person.answer(person.choose())
    assert person.choose().reason == "drawn at random, to judge the model"
    person.answer(person.choose())
    while (chosen := person.choose()).why != "margin":
        person.answer(chosen)
    row = person.known.cells.row_of(chosen.field, chosen.index)
    two = np.argsort(person.known.probabilities[row])[1:].tolist()
    first, second = (person.known.classes[k] for k in sorted(two))
    assert chosen.reason == f"between {first} and {second}"


def test_cells_that_were_passed_come_last(person):
    chosen = person.choose()
    passed = {(chosen.field, chosen.index)}
    other = person.choose(passed=passed)
    assert (other.field, other.index) not in passed
    cells = person.known.cells
    everything = {(cells.fields[f], int(n)) for f, n in zip(cells.field, cells.index, strict=True)}
    assert person.choose(passed=everything) == chosen


def test_all_can_be_drawn_at_random(person):
    drawn = []
    for _ in range(25):
        chosen = person.choose(at_random=True)
        person.answer(chosen)
        drawn.append((chosen.field, chosen.index))
        assert chosen.why == "random"
    assert len(set(drawn)) == 25
    assert len({field for field, _ in drawn}) == 7


def test_once_all_have_a_class_nothing_is_asked(person):
    person.known.given[:] = 0
    assert person.choose() is None
    assert person.choose(at_random=True) is None


def reviewed(person):
    annotations = Annotations(COLOURS, person.journal.cells)
    together = accepted_together(person.journal.entries)
    known = CellAnswers.unanswered(person.known.cells, annotations, person.numbers, together)
    known = known.answered_as(person.known)
    return review(known, annotations, person.journal.entries, person.numbers)


def test_a_review_judges_what_was_drawn_and_counts_the_rest(person):
    for k in range(60):
        person.answer(person.choose(at_random=k % 2 == 1))
    found = reviewed(person)
    drawn = [x for x in person.asked if x.why == "random"]
    assert found.estimate.drawn == len(drawn) == found.estimate.evaluation.units
    assert found.agreement.cells == sum(x.why == "again" for x in person.asked)
    assert found.errors is found.estimate.errors is not None
    assert replace(found, known=replace(found.known, model="dcnn")).errors is None
    settings = CountSettings(class_name="MM")
    assert found.count(settings, None).cells == 140
    assert found.count(settings, "3.bmp").cells == 20


def test_answers_accepted_together_are_neither_judged_by_nor_learnt_from(person):
    for _ in range(40):
        person.answer(person.choose(at_random=True))
    before = reviewed(person).estimate
    rows = np.flatnonzero(person.known.given == UNKNOWN)
    cells = person.known.cells
    for field in cells.fields:
        own = rows[np.isin(rows, cells.rows_of(field))]
        person.journal.give(cells.index[own] - 1, "MM", who="live model", image=field)
    person.known.given[rows] = 1  # wrong as a rule
    assert reviewed(person).estimate == before


def test_what_was_looked_at_again_is_not_doubted_until_it_changes(make_known, journal):
    known, truth = make_known(gap=8)
    person = Person(known, truth, journal)
    for _ in range(60):
        person.answer(person.choose(at_random=True))
    wrong = person.asked[5]
    row = person.known.cells.row_of(wrong.field, wrong.index)
    person.answer(wrong, 1 - truth[row])
    (doubt,) = reviewed(person).doubts.found
    assert doubt.row == row
    person.answer(replace(wrong, why="doubtful"), 1 - truth[row])
    assert reviewed(person).doubts.found == ()
    person.answer(replace(wrong, why=""), 1 - truth[row])
    assert len(reviewed(person).doubts.found) == 1
