"""What a reader asks first is answered from the result, or told to be unknown."""

from dataclasses import replace

import pytest

from napari_marrow.audit.verdict import Confounding
from napari_marrow.learning.scores.evaluation import Score
from napari_marrow.learning.scores.findings import Control
from napari_marrow.learning.settings import CompareSettings
from napari_marrow.report.evaluation.questions import (
    answered_questions,
    leads_text,
    scope_text,
    sources_text,
)
from napari_marrow.report.evaluation.shown_tables import (
    acquisition_table,
    control_table,
    difference_table,
    protocol_table,
    share_tables,
)


def answer(result, word):
    """The answer to the one question with a word in it."""
    (found,) = [one.answer for one in answered_questions(result) if word in one.question]
    return found


@pytest.mark.parametrize(
    ("word", "part"),
    [
        ("judged", "svm and logistic, each trained anew on parts of set"),
        ("patients", "Unknown: nothing says"),
        (
            "How good",
            "Accuracy of svm: 0.87. With so many",
        ),
        ("chance", "Yes: the interval of accuracy begins at 0.74, chance is 0.50"),
        ("Which model", "No model is shown to be better"),
        ("worst", "ALL/a.png, cell 3: ALL was called MM with probability 0.91."),
        ("classes right", "first ALL/a.png, cell 3: given as ALL, while 4 of 5"),
        ("cells", "It may not: mean colour alone is enough"),
        ("microscope", "Not shown: training and held-out photographs"),
        ("more photographs", "About 20 more."),
        ("repeated", "napari-marrow compare set"),
    ],
)
def test_each_is_answered(result, word, part):
    assert part in answer(result, word)


def test_the_published_protocol_is_told_of_where_models_are_under_both(result):
    honest = tuple(one for one in result.models if one.protocol == "honest")
    alone = replace(result, models=honest)
    assert "add" not in " ".join(one.question for one in answered_questions(alone))
    score = Score(0.98, 0.93, 0.99, 0.5)
    for shown, expected in ((score, "is leakage or chance"), (None, "Nothing that can be told")):
        of_svm = honest[0]
        metrics = of_svm.evaluation.metrics
        metrics = metrics | {"balanced_accuracy": shown or metrics["balanced_accuracy"]}
        paper = replace(
            of_svm, protocol="paper", evaluation=replace(of_svm.evaluation, metrics=metrics)
        )
        found = replace(result, models=(*honest, paper))
        assert expected in answer(found, "add")


def test_patients_are_known_by_a_table_only(result):
    grouped = replace(result, data=replace(result.data, grouped_by="groups.csv"))
    assert "there are 8 of ALL and 8 of MM, by groups.csv." in answer(grouped, "patients")


def changed(result, **changes):
    """The result of the first model alone, with another evaluation."""
    first = result.models[0]
    return replace(
        result, models=(replace(first, evaluation=replace(first.evaluation, **changes)),)
    )


def test_only_a_trained_model_marks_answers(result):
    found = answer(replace(result, kind="evaluate"), "worst")
    assert found.endswith("with probability 0.91, and not marked uncertain.")
    second = replace(result, mistakes=result.mistakes[1:])
    assert answer(second, "worst").endswith("with probability 0.55; low probability.")
    marked = answer(replace(second, kind="evaluate"), "worst")
    assert "marked uncertain (low probability)" in marked


def test_of_a_trained_model(result):
    data = replace(result.data, known=2, held_out=1)
    asked = replace(result, kind="evaluate", data=data, doubtful=(), forecast=None)
    assert answer(asked, "judged").endswith(
        "Left out: 2 photographs that it learnt from and 1 photograph that it was judged by before."
    )
    assert "Not checked: compare" in answer(asked, "classes right")
    assert "compare --forecast" in answer(asked, "more photographs")
    unseen = replace(asked, data=result.data)
    assert answer(unseen, "judged").endswith("of each cell of set that it has not seen.")


def test_sources_that_were_learnt_from_are_told_of_a_trained_model(result):
    data = replace(result.data, grouped_by="groups.csv", same_source=3)
    asked = replace(result, kind="evaluate", data=data)
    assert "3 photographs of the same source as one that it learnt from" in answer(asked, "judged")
    told = sources_text(asked)
    assert "of others this can't be known" in told
    assert "never" not in told
    assert "never are on both sides" in sources_text(replace(asked, kind="compare"))
    published = replace(asked, kind="compare", models=asked.models[2:])
    assert "are on both sides" in sources_text(published)
    assert "never" not in sources_text(published)


def test_few_acquisitions_are_no_answer_whatever_the_number_of_sources(result, left_out):
    few = changed(result, few_sources={"MM": 2})
    few = replace(few, models=(replace(few.models[0], acquisitions=left_out),))
    assert "too few acquisitions" in answer(few, "chance")
    known = replace(result, models=(replace(result.models[0], acquisitions=left_out),))
    assert "With so many acquisitions" in answer(known, "How good")


def test_few_sources_are_no_answer(result):
    few = changed(result, few_sources={"MM": 3})
    assert "can't be told: MM has 3 sources" in answer(few, "How good")
    assert "too few sources" in answer(few, "chance")
    both = replace(few, models=(*few.models, result.models[1]))
    assert leads_text(both) == "The confusion matrix is that of svm, which has the highest score."


def test_an_interval_with_chance_is_not_above_it(result):
    scores = dict.fromkeys(("balanced_accuracy", "accuracy"), Score(0.6, 0.45, 0.7, 0.5))
    found = changed(result, metrics=scores)
    assert answer(found, "chance").startswith("Not shown")
    calm = replace(found, controls=(replace(found.controls[0], does_well=False),))
    assert "can't be told" in answer(calm, "cells").lower()


def test_the_published_protocol_alone_is_no_answer(result):
    published = replace(result, models=(replace(result.models[0], protocol="paper"),))
    assert "nothing about new photographs" in answer(published, "How good")
    assert answer(published, "chance").startswith("Not shown")


def test_the_published_protocol_alone_promises_nothing(result):
    """Whatever is called the best; and what is advised is not refused under paper."""
    published = replace(
        result, models=result.models[2:], best="svm", controls=(), forecast=None, doubtful=()
    )
    assert answer(published, "Which model").startswith("Can't be told")
    assert "--protocol both --controls" in answer(published, "cells")
    assert "--protocol both --forecast" in answer(published, "more photographs")
    assert answer(published, "microscope").startswith("Not shown: the published")
    assert "all other copies of each cell" in answer(published, "judged")
    assert "best" not in leads_text(published)
    assert "best" in leads_text(replace(result, best="svm"))
    assert "hold for no other" in scope_text(published)
    assert scope_text(result).startswith("Scores hold for photographs made like these")
    CompareSettings(protocol="both", controls=True, forecast=True).check()
    assert CompareSettings(protocol="paper", controls=True).problems()


@pytest.mark.parametrize(
    ("known", "text"),
    [(0, "is not known"), (1, "of one acquisition"), (3, "the same acquisitions")],
)
def test_folds_by_source_tell_nothing_of_acquisitions(result, known, text):
    found = answer(replace(result, data=replace(result.data, acquisitions=known)), "microscope")
    assert text in found
    assert ("--by acquisition" in found) == (known != 1)


def test_all_classes_that_can_be_answered_are_named(result):
    """Also one that no photograph of this folder has."""
    three = changed(result, classes=("ALL", "CLL", "MM"))
    assert "class (ALL, CLL and MM)" in answer(replace(three, kind="evaluate"), "judged")


def test_the_best_is_named_only_where_it_is_shown(result):
    assert answer(replace(result, best="svm"), "Which model").startswith("svm: it is shown")


def test_another_microscope(result, left_out):
    confounded = replace(result, confounding=Confounding(("camera",), 0.9, 1e-9))
    assert answer(confounded, "microscope").startswith("No: Class and camera go together")
    models = (replace(result.models[0], acquisitions=left_out),)
    found = answer(replace(result, models=models), "microscope")
    assert "accuracy was 0.61 to 0.83" in found
    assert "not learnt from" in scope_text(replace(result, models=models))


def test_an_acquisition_that_is_but_a_number_is_named_by_a_photograph(result, left_out):
    numbered = (replace(left_out[0], name="1"), left_out[1])
    models = (replace(result.models[0], acquisitions=numbered),)
    rows = acquisition_table(replace(result, models=models)).rows
    assert [row[0] for row in rows] == ["1, such as a/1.png", "lab b"]


def test_controls_of_few_sources_tell_nothing(result):
    few = Control.of_score("colour", "mean colour alone", Score(0.9, 0.8, 0.95, 0.5), {"ALL": 3})
    enough = Control.of_score("colour", "mean colour alone", Score(0.9, 0.8, 0.95, 0.5), {})
    assert (few.does_well, enough.does_well) == (False, True)
    found = replace(result, controls=(few,))
    assert answer(found, "cells").startswith("Unknown: the controls can't tell. ALL has 3 sources")
    rows = control_table(found).rows
    assert rows == [("mean colour alone", "0.90 (too few to tell)", "0.50", "too few to tell")]


def test_controls_that_see_cells_are_no_alarm(result):
    shape = replace(result.controls[0], name="shape", text="the masks' shape")
    found = answer(replace(result, controls=(shape, result.controls[1])), "cells")
    assert found.startswith("Nothing else was found")
    assert found.endswith("Of the masks' shape alone the classes can be told.")


def test_what_was_not_done_is_told(result):
    bare = replace(result, controls=(), forecast=None, doubtful=(), mistakes=(), command="")
    assert "--controls" in answer(bare, "cells")
    assert "--forecast" in answer(bare, "more photographs")
    assert "No given class is listed" in answer(bare, "classes right")
    assert "were not listed" in answer(bare, "worst")
    assert answer(bare, "repeated").startswith("Unknown")
    right = changed(bare, confusion=[[20, 0], [0, 20]])
    assert answer(right, "worst") == "No answer was wrong."


def test_given_classes_that_were_not_checked_are_not_called_right(result):
    found = replace(result, doubtful=(), unchecked_labels="no model is good enough")
    assert answer(found, "classes right") == "Not checked: no model is good enough."
    checked = replace(found, unchecked_labels="")
    assert answer(checked, "classes right").startswith("No given class is listed")


def test_both_protocols_have_no_intervals_of_too_few_sources(result):
    """Three acquisitions are too few, while there are enough photographs under the other."""
    assert protocol_table(result).rows[0][1:3] == ("0.87 (0.74 to 0.95)", "0.98 (0.90 to 0.99)")
    few = replace(result.models[0].evaluation, few_sources={"ALL": 3})
    models = (replace(result.models[0], evaluation=few), *result.models[1:])
    assert protocol_table(replace(result, models=models)).rows[0][1:3] == (
        "0.87 (too few to tell)",
        "0.98 (0.90 to 0.99)",
    )


def test_shares_whose_errors_are_a_guess_have_no_interval(result):
    (table,) = share_tables(result)
    assert table.rows[0][3] == "14.0% (8.0% to 22.0%)"
    guess = tuple(replace(one, is_guess=True) for one in result.shares)
    (table,) = share_tables(replace(result, shares=guess))
    assert [row[3] for row in table.rows] == ["14.0% (too few to tell)", "20.0% (too few to tell)"]


def test_no_forecast_is_advised_where_acquisitions_are_left_out(result, left_out):
    found = replace(result, forecast=None)
    assert "repeat with --forecast" in answer(found, "more photographs")
    models = tuple(replace(one, acquisitions=left_out) for one in found.models)
    text = answer(replace(found, models=models), "more photographs")
    assert "--forecast" not in text
    assert "compare by source" in text


def test_a_difference_is_shown_as_the_verdict_has_it(result):
    one = replace(result.differences[0], low=0.01, p_value=0.08)
    under = replace(one, p_value=0.01, protocol="paper")
    guess = replace(one, p_value=0.01, is_guess=True)
    shown = replace(one, p_value=0.01)
    rows = difference_table(replace(result, differences=(one, under, guess, shown))).rows
    assert [row[4] for row in rows] == ["no", "no", "no", "yes"]
    assert rows[2][2:4] == ("+0.030 (too few to tell)", "")
    assert rows[3][2:4] == ("+0.030 (+0.010 to +0.080)", "0.010")
