"""The errors of a model, from a bundle, from an evaluation, and from answers."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_marrow.audit.verdict import Confounding
from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.bundles.bundle import load_bundle
from napari_marrow.learning.counting.heldout import (
    HeldOutErrors,
    NothingHeldOutError,
    read_evaluation,
)
from napari_marrow.learning.scores.evaluation import Evaluation
from napari_marrow.learning.scores.findings import DataSummary
from napari_marrow.learning.scores.results import EvaluationResult, ModelResult, to_json

GOLDEN = Path(__file__).parents[1] / "bundles" / "golden" / "svm_schema1.marrow"
EVALUATION = Evaluation(
    {}, [[18, 2], [1, 9]], ("ALL", "MM"), "ALL", 30, 20, 1.5, few_sources={"MM": 4}
)


def test_of_a_bundle_they_are_those_of_its_held_out_units():
    bundle = load_bundle(GOLDEN)
    errors = HeldOutErrors.of_bundle(bundle)
    assert [list(row) for row in errors.confusion] == bundle.info.evaluation.confusion
    assert errors.sources == (2, 2)
    assert errors.unit == "cell"
    assert "2 of ALL, 2 of MM" in errors.cautions[-1]


def test_what_goes_with_the_class_and_leaks_is_passed_on():
    bundle = load_bundle(GOLDEN)
    settings = replace(bundle.info.settings, protocol="paper", unit="field")
    confounding = Confounding(("camera",), 0.9, 1e-9)
    info = replace(bundle.info, settings=settings, confounding=confounding, inseparable=True)
    errors = HeldOutErrors.of_bundle(replace(bundle, info=info))
    assert errors.inseparable
    assert errors.unit == "photograph"
    assert errors.cautions[0] == confounding.sentence
    assert "protocol paper" in errors.cautions[1]


def test_a_bundle_without_held_out_units_is_refused():
    bundle = load_bundle(GOLDEN)
    with pytest.raises(NothingHeldOutError, match=r"svm_schema1.*no held-out"):
        HeldOutErrors.of_bundle(replace(bundle, info=replace(bundle.info, evaluation=None)))


@pytest.mark.parametrize("column", ["class", "predicted"])
def test_a_table_of_other_classes_is_refused(column, tmp_path):
    path = shutil.copytree(GOLDEN, tmp_path / "svm.marrow")
    table = pd.read_csv(path / "heldout.csv")
    table.loc[0, column] = "zz"
    table.to_csv(path / "heldout.csv")
    with pytest.raises(MarrowError, match=r"heldout\.csv can't be read"):
        HeldOutErrors.of_bundle(replace(load_bundle(GOLDEN), path=path))


def test_design_effect_is_that_of_each_class():
    truth = np.repeat(["a", "b"], 40)
    source = np.repeat(np.arange(8), 10)
    answered = truth.copy()
    answered[:10] = "b"  # all of one source wrong
    answered[40::10] = "a"  # one of each source wrong
    errors = HeldOutErrors.of_answers(truth, answered, source, ("a", "b"))
    assert errors.confusion == ((30, 10), (4, 36))
    # ten units a source. All wrong in one, correlation 1; beside it one source of 0.05 is assumed
    assert errors.effects[0] == pytest.approx(1 + 9 * (1 + 0.05) / 2)
    # one wrong in each of four: less than chance together, so 0
    assert errors.effects[1] == pytest.approx(1 + 9 * (4 * 0 + 0.05) / 5)


def test_a_class_without_a_held_out_unit_is_refused():
    names = np.array(["a", "a"])
    with pytest.raises(MarrowError, match="class b"):
        HeldOutErrors.of_answers(names, names, np.arange(2), ("a", "b"))


CONFOUNDING = Confounding(("camera",), 0.9, 1e-9)


def result_of(*evaluations, unit="cell", kind="evaluate", low_probability=None, **values):
    models = tuple(
        ModelResult(name, "honest", one, low_probability=low_probability)
        for name, one in zip(("svm", "logistic"), evaluations, strict=False)
    )
    data = DataSummary("set", unit, (), "photograph", 1)
    return EvaluationResult(kind, ("Good.",), data, models, **values)


def test_an_evaluation_is_read(tmp_path):
    path = tmp_path / "evaluation.json"
    path.write_text(to_json(result_of(EVALUATION)))
    errors = read_evaluation(path)
    assert errors.confusion == ((18, 2), (1, 9))
    assert errors.effects == (1.5, 1.5)
    assert errors.sources == (10, 4)
    assert "evaluation of set" in errors.cautions[0]
    assert "4 of MM" in errors.cautions[1]
    assert errors.unit == "cell"
    assert errors.units == "evaluated"
    assert errors.uncertain is None
    path.write_text(to_json(result_of(EVALUATION, low_probability=0.25)))
    assert read_evaluation(path).uncertain == 0.25
    path.write_text(to_json(result_of(EVALUATION, unit="field")))
    assert read_evaluation(path).unit == "photograph"


def test_a_comparison_is_of_the_photographs_that_were_learnt_from(tmp_path):
    path = tmp_path / "comparison.json"
    path.write_text(to_json(result_of(EVALUATION, kind="compare")))
    errors = read_evaluation(path)
    assert errors.evaluated == ""
    assert not any("evaluation of" in caution for caution in errors.cautions)
    assert errors.cautions[0].startswith("The errors are those of svm in the comparison of set: ")


def test_a_bundle_that_held_nothing_of_a_class_out_is_refused():
    bundle = load_bundle(GOLDEN)
    classes = (*bundle.info.classes, "AML")
    with pytest.raises(MarrowError, match=r"svm_schema1.*class AML"):
        HeldOutErrors.of_bundle(replace(bundle, info=replace(bundle.info, classes=classes)))


def test_what_leaks_or_goes_with_the_class_in_a_comparison_is_passed_on(tmp_path):
    path = tmp_path / "comparison.json"
    found = result_of(EVALUATION, kind="compare", confounding=CONFOUNDING)
    paper = replace(found.models[0], protocol="paper", evaluation=replace(EVALUATION, units=99))
    path.write_text(to_json(replace(found, models=(paper,))))
    cautions = read_evaluation(path).cautions
    assert "protocol paper" in cautions[0]
    assert CONFOUNDING.sentence in cautions
    both = replace(EVALUATION, confusion=[[20, 0], [0, 10]])
    path.write_text(
        to_json(replace(found, models=(replace(paper, evaluation=both), *found.models)))
    )
    errors = read_evaluation(path)
    assert errors.confusion == ((18, 2), (1, 9))
    assert "protocol paper" not in " ".join(errors.cautions)


def test_class_and_camera_that_go_together_in_an_evaluation_are_passed_on(tmp_path):
    path = tmp_path / "evaluation.json"
    path.write_text(to_json(result_of(EVALUATION, confounding=CONFOUNDING)))
    assert "in the set evaluated" in read_evaluation(path).cautions[1]


def damaged(**values):
    return to_json(result_of(replace(EVALUATION, **values)))


DAMAGED = damaged()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "No such file"),
        ("{}", "not the result"),
        (to_json(result_of(EVALUATION, EVALUATION)), "2 models"),
        (damaged(confusion=[[18, 2], [1, 9], [1, 1]]), "not the result"),
        (damaged(confusion=[[18, 2], [1, 9, 1]]), "not the result"),
        (damaged(confusion=[[18, 2], [-1, 9]]), "not the result"),
        (damaged(design_effect=0.0), "not the result"),
        (damaged(confusion=[], classes=()), "not the result"),
        (damaged(sources=-1), "not the result"),
        (damaged(few_sources={"MM": 400}), "not the result"),
        (damaged(few_sources={"AML": 4}), "not the result"),
        (damaged(classes=("ALL", "ALL")), "not the result"),
        (damaged(confusion=[[18, 2], [0, 0]]), "no unit of the class MM"),
        (DAMAGED.replace("1.5", "Infinity"), "not the result"),
        (DAMAGED.replace('"cell"', '"banana"'), "not the result"),
        (DAMAGED.replace("30", '"30"'), "not the result"),
        (to_json(result_of(EVALUATION, low_probability=3.0)), "not the result"),
    ],
    ids=[
        *("missing", "other", "several", "row", "column", "negative", "effect", "empty"),
        *("sources", "few", "few class", "class twice", "no unit", "endless", "unit", "text"),
        "fraction",
    ],
)
def test_what_is_no_evaluation_of_one_model_is_refused(tmp_path, text, words):
    path = tmp_path / "evaluation.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(MarrowError, match=rf"evaluation\.json.*{words}"):
        read_evaluation(path)
