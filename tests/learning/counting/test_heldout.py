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
from napari_marrow.learning.counting.heldout import HeldOutErrors, read_evaluation
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
    with pytest.raises(MarrowError, match=r"svm_schema1.*no held-out"):
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


def result_of(*evaluations, unit="cell", kind="evaluate"):
    models = tuple(ModelResult("svm", "honest", one) for one in evaluations)
    data = DataSummary("set", unit, (), "photograph", 1)
    return EvaluationResult(kind, ("Good.",), data, models)


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
    path.write_text(to_json(result_of(EVALUATION, unit="field")))
    assert read_evaluation(path).unit == "photograph"


def test_a_comparison_is_of_the_photographs_that_were_learnt_from(tmp_path):
    path = tmp_path / "comparison.json"
    path.write_text(to_json(result_of(EVALUATION, kind="compare")))
    errors = read_evaluation(path)
    assert errors.evaluated == ""
    assert not any("evaluation of" in caution for caution in errors.cautions)


def damaged(**values):
    return to_json(result_of(replace(EVALUATION, **values)))


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
    ],
    ids=["missing", "other", "several", "row", "column", "negative", "effect", "empty"],
)
def test_what_is_no_evaluation_of_one_model_is_refused(tmp_path, text, words):
    path = tmp_path / "evaluation.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(MarrowError, match=rf"evaluation\.json.*{words}"):
        read_evaluation(path)
