"""Counts of tables of answers: shares, what is independent, the verdict, and when to doubt it."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.counting.count import count_cells
from napari_marrow.learning.counting.heldout import HeldOutErrors
from napari_marrow.learning.counting.result import CountSettings

SETTINGS = CountSettings(class_name="MM", cutoff=10)


def answers(counted=45, cells=300, fields=10, reason="", doubted=0, unit="cell"):
    """A table of answers: those of MM are spread over the fields as evenly as they can be."""
    names = np.where(np.arange(cells) < counted, "MM", "ALL")
    reasons = np.where(np.arange(cells) < doubted, reason, "")
    return pd.DataFrame({
        "image": [f"{k % fields}.png" for k in range(cells)],
        "index": 0 if unit == "field" else np.arange(cells) + 1,
        "class": names,
        "probability_ALL": 0.5,
        "probability_MM": 0.5,
        "uncertain": reasons != "",
        "reason": reasons,
    })  # fmt: skip


def heldout(right=(950, 960), cells=1000, sources=50, **more):
    """Errors of a model, spread over the sources as evenly as they can be."""
    truth = np.repeat(["ALL", "MM"], cells)
    is_right = np.concatenate([np.arange(cells) < n for n in right])
    answered = np.where(is_right, truth, np.where(truth == "ALL", "MM", "ALL"))
    source = np.tile(np.arange(cells) % sources, 2) + sources * (truth == "MM")
    return HeldOutErrors.of_answers(truth, answered, source, ("ALL", "MM"), **more)


def test_share_without_errors_is_that_of_the_answers():
    result = count_cells(answers(), SETTINGS)
    share = result.share
    assert (share.cells, share.counted, share.estimate) == (300, 45, 0.15)
    assert share.low < 0.10 < share.high or result.verdict == "above"
    assert not result.is_adjusted
    assert "errors are not in it" in " ".join(result.sentences)


def test_share_is_adjusted_for_the_errors():
    result = count_cells(answers(), SETTINGS, heldout())
    # (0.15 + 0.95 - 1) / (0.96 + 0.95 - 1): specificity is that of ALL, sensitivity that of MM
    assert result.share.estimate == pytest.approx(0.10 / 0.91)
    assert result.is_adjusted
    assert "45 cells (15 %) are answered MM" in " ".join(result.sentences)


def test_cells_of_a_field_are_taken_as_independent_in_that_field():
    result = count_cells(answers(), SETTINGS)
    assert len(result.fields) == 10
    first = result.fields[0]
    expected = binomtest(first.counted, first.cells).proportion_ci(0.95, "wilson")
    assert (first.image, first.cells) == ("0.png", 30)
    assert (first.low, first.high) == pytest.approx(tuple(expected), abs=1e-9)


def test_clustered_fields_widen_the_interval_in_all():
    even = count_cells(answers(), SETTINGS).share
    table = answers()
    table["image"] = [f"{k // 30}.png" for k in range(300)]  # all MM are in the first two fields
    clustered = count_cells(table, SETTINGS).share
    assert clustered.estimate == even.estimate
    assert clustered.high - clustered.low > 2 * (even.high - even.low)


def test_several_sources_are_what_is_independent():
    sources = {f"{k}.png": f"patient {k % 7}" for k in range(10)}
    result = count_cells(answers(), SETTINGS, sources=sources)
    assert result.clusters == 7
    assert [share.source for share in result.sources] == [f"patient {k}" for k in range(7)]
    assert sum(share.cells for share in result.sources) == 300
    assert result.fields[8].source == "patient 1"


def test_one_source_is_as_its_fields():
    alone = count_cells(answers(), SETTINGS)
    result = count_cells(answers(), SETTINGS, sources={f"{k}.png": "a" for k in range(10)})
    assert result.share == alone.share
    assert result.clusters == 10


@pytest.mark.parametrize(
    ("counted", "verdict", "words"),
    [
        (90, "above", "above 10 % is shown"),
        (3, "below", "below 10 % is shown"),
        (36, "open", "above 10 % is not shown; about"),
        (27, "open", "below 10 % is not shown; about"),
    ],
)
def test_verdict(counted, verdict, words):
    result = count_cells(answers(counted), SETTINGS)
    assert result.verdict == verdict
    assert (result.more_cells is not None) == (verdict == "open")
    assert words in result.sentences[0]


def test_few_fields_are_too_few_to_tell():
    result = count_cells(answers(200, fields=5), SETTINGS)
    assert result.verdict == "too few"
    assert result.more_cells is None
    assert "too few photographs" in result.sentences[0]
    assert count_cells(answers(200, fields=6), SETTINGS).verdict == "above"


def test_a_cutoff_is_written_in_full_and_shares_are_seen_to_be_beside_it():
    table = answers(215, cells=1000, fields=1000, unit="field")
    low = 100 * count_cells(table, SETTINGS).share.low
    settings = CountSettings(class_name="MM", cutoff=19.05)
    assert 19.05 < low < 19.5
    result = count_cells(table, settings)
    assert "above 19.05 % is shown" in result.sentences[0]
    text = result.sentences[0].split("(")[1].split(" to ")[0]
    assert float(text) > 19.05
    almost = count_cells(table, CountSettings(class_name="MM", cutoff=99.9))
    assert "below 99.9 % is shown" in almost.sentences[0]


def test_few_held_out_sources_are_too_few_to_tell():
    result = count_cells(answers(200), SETTINGS, heldout(sources=5))
    assert result.verdict == "too few"
    first, *others = result.sentences
    assert first.startswith("MM: 68 % of 300 cells in 10 photographs: ")
    assert first.endswith("too few held-out sources to tell whether it is above 10 % (at least 6).")
    assert "shown" not in first
    assert "interval covers" not in " ".join(others)
    evaluated = replace(heldout(sources=5), evaluated="labs")
    first = count_cells(answers(200), SETTINGS, evaluated).sentences[0]
    assert "too few evaluated sources" in first
    assert count_cells(answers(200), SETTINGS, heldout(sources=6)).verdict == "above"


def test_a_model_that_can_not_tell_the_class_is_doubted():
    result = count_cells(answers(200), SETTINGS, heldout((400, 500)))
    assert "no better than chance" in result.sentences[0]
    assert "adjusted" not in " ".join(result.sentences)


def test_one_is_written_in_the_singular():
    table = answers(1, cells=7, fields=7, unit="field", reason="other acquisition", doubted=1)
    errors = heldout(unit="photograph")
    text = " ".join(count_cells(table, SETTINGS, errors).sentences)
    assert "1 of 7 photographs is of another" in text
    assert "1 photograph (14 %) is answered MM" in text
    assert "1 of the answers (14 %) is uncertain" in text
    assert "It counts as it was answered, as in the held-out set." in text
    alone = answers(1, cells=1, fields=1, unit="field", reason="low probability", doubted=1)
    text = " ".join(count_cells(alone, SETTINGS).sentences)
    assert "1 of 1 answer has" in text
    assert "1 photograph (one unit): too few photographs" in text


def test_errors_that_are_not_known_well_enough_are_named():
    few = heldout((16, 16), 20, 20)
    result = count_cells(answers(90), SETTINGS, few)
    assert result.verdict == "open"
    assert result.is_limited_by_errors
    assert "errors are not known well enough" in result.sentences[0]


def test_a_share_at_the_cutoff_can_not_be_told():
    result = count_cells(answers(30), SETTINGS)
    assert result.more_cells is None
    assert not result.is_limited_by_errors
    assert "more than 20000 cells" in result.sentences[0]


@pytest.mark.parametrize(
    ("reason", "doubted", "is_doubted"),
    [
        ("class goes with camera", 300, True),
        ("other acquisition", 300, True),
        ("other acquisition", 20, False),
        ("low probability; other acquisition", 100, True),
        ("unlike the training pictures", 60, True),
        ("unlike every class", 60, True),
        ("unlike every class", 15, False),  # as many as conformal tests mark of known classes
        ("features missing", 60, True),
        ("low probability", 60, True),
        ("low probability", 15, False),
        ("", 0, False),
    ],
)
def test_a_count_that_can_not_be_trusted_says_so_first(reason, doubted, is_doubted):
    result = count_cells(answers(reason=reason, doubted=doubted), SETTINGS)
    assert bool(result.doubts) == is_doubted
    assert ("can't be trusted" in result.sentences[0]) == is_doubted
    assert result.share.uncertain == doubted
    assert sum(result.reasons.values()) == doubted * len(reason.split("; "))


def test_low_probabilities_are_usual_where_they_are_in_the_held_out_set():
    table = answers(reason="low probability", doubted=75)
    assert count_cells(table, SETTINGS, heldout(uncertain=0.05)).doubts
    assert not count_cells(table, SETTINGS, heldout(uncertain=0.2)).doubts
    assert "is not known" in count_cells(table, SETTINGS, heldout()).doubts[0]
    evaluated = replace(heldout(uncertain=0.05), evaluated="labs")
    assert "against 5 % of those evaluated" in count_cells(table, SETTINGS, evaluated).doubts[0]


def test_sentences_name_the_evaluation_that_errors_are_of():
    errors = replace(heldout(), evaluated="labs")
    table = answers(reason="low probability", doubted=2)
    text = " ".join(count_cells(table, SETTINGS, errors).sentences)
    assert "errors on evaluated units" in text
    assert "as in the evaluated set" in text
    assert "held" not in text


def test_errors_in_another_acquisition_are_known_from_an_evaluation():
    table = answers(reason="other acquisition", doubted=300)
    assert count_cells(table, SETTINGS, heldout()).doubts
    errors = replace(heldout(), evaluated="labs", cautions=("Of labs.",))
    result = count_cells(table, SETTINGS, errors)
    assert result.doubts == ()
    assert result.sentences[0].startswith("MM: 11 %")
    unlike = answers(reason="other acquisition; unlike the training pictures", doubted=300)
    assert "unlike" in count_cells(unlike, SETTINGS, errors).sentences[0]


def test_an_inseparable_model_is_doubted_and_cautions_are_passed_on():
    result = count_cells(answers(), SETTINGS, heldout(inseparable=True, cautions=("Careful.",)))
    assert "camera" in result.sentences[0]
    assert "Careful." in result.sentences


def test_uncertain_cells_count_as_they_were_answered():
    certain = count_cells(answers(), SETTINGS).share
    doubted = count_cells(answers(reason="low probability", doubted=20), SETTINGS).share
    assert (doubted.estimate, doubted.low, doubted.high) == (
        certain.estimate,
        certain.low,
        certain.high,
    )


def test_fewer_answers_than_errors_alone_give_are_doubted():
    result = count_cells(answers(1, cells=1000), SETTINGS, heldout((900, 950)))
    assert (result.share.estimate, result.share.high) == (0, 0)
    assert "errors are others here" in result.sentences[0]


def test_photographs_of_one_cell_each_are_independent():
    table = answers(cells=300, fields=300, unit="field")
    result = count_cells(table, SETTINGS)
    expected = binomtest(45, 300).proportion_ci(0.95, "wilson")
    assert result.unit == "photograph"
    assert (result.share.low, result.share.high) == pytest.approx(tuple(expected), abs=2e-3)
    assert result.fields == ()
    assert "300 photographs" in result.sentences[0]
    assert "covers that photographs were drawn. The" in result.sentences[1]


@pytest.mark.parametrize("reason", ["other acquisition", "unlike the training pictures"])
def test_doubts_name_what_is_counted(reason):
    table = answers(fields=300, unit="field", reason=reason, doubted=300)
    assert count_cells(table, SETTINGS).doubts[0].startswith("300 of 300 photographs are ")
    table["index"] += 1
    assert count_cells(table, SETTINGS).doubts[0].startswith("300 of 300 cells are ")


def test_misfit_names_what_is_counted():
    table = answers(1, cells=1000, fields=1000, unit="field")
    result = count_cells(table, SETTINGS, heldout((900, 950), unit="photograph"))
    assert result.sentences[0].startswith("Fewer photographs are answered MM")


def test_a_table_of_version_0_1_has_no_reasons():
    table = answers(reason="low probability", doubted=100).drop(columns="reason")
    result = count_cells(table, SETTINGS)
    assert result.reasons == {"low probability": 100}
    assert result.doubts


def test_result_is_plain_json():
    content = count_cells(answers(), SETTINGS, heldout()).to_dict()
    read = json.loads(json.dumps(content), parse_constant=pytest.fail)
    assert read["share"]["estimate"] == pytest.approx(0.10 / 0.91)
    assert read["settings"] == {"class_name": "MM", "cutoff": 10}


@pytest.mark.parametrize(
    ("settings", "change", "words"),
    [
        (CountSettings(class_name="", cutoff=10), {}, "Class is empty"),
        (CountSettings(class_name="MM", cutoff=0), {}, "Cut-off is 0"),
        (CountSettings(class_name="AML", cutoff=10), {}, "AML"),
        (SETTINGS, {"class": "AML"}, "AML"),
    ],
)
def test_what_can_not_be_counted_is_refused(settings, change, words):
    with pytest.raises(MarrowError, match=words):
        count_cells(answers().assign(**change), settings)


def test_errors_of_another_unit_are_refused():
    fields = answers(cells=300, fields=300, unit="field")
    with pytest.raises(MarrowError, match=r"per cell.*per photograph"):
        count_cells(fields, SETTINGS, heldout())
    with pytest.raises(MarrowError, match=r"per photograph.*per cell"):
        count_cells(answers(), SETTINGS, heldout(unit="photograph"))
    assert count_cells(fields, SETTINGS, heldout(unit="photograph")).is_adjusted


def test_another_models_errors_are_refused():
    table = answers().rename(columns={"probability_ALL": "probability_AML"})
    with pytest.raises(MarrowError, match="AML"):
        count_cells(table, SETTINGS, heldout())
    with pytest.raises(MarrowError, match="no cell"):
        count_cells(answers().iloc[:0], SETTINGS)
