"""The model card of a report: what is known is in it, the rest is left unknown."""

from dataclasses import replace

import pytest

from napari_marrow.learning.bundles.info import BundleInfo
from napari_marrow.learning.settings import CompareSettings, Preprocessing, TrainingSettings
from napari_marrow.report.evaluation.card import ITEMS, card_of_bundle, card_of_comparison


@pytest.fixture
def info() -> BundleInfo:
    settings = TrainingSettings(model="svm", unit="cell", seed=3)
    return BundleInfo(
        ("ALL", "MM"),
        settings,
        replace(Preprocessing.of(settings), families=("morphology", "colour")),
        split={"train": ["a", "b", "c"], "validation": [], "heldout": ["d"]},
        versions={"napari-marrow": "0.1.0", "numpy": "2.4", "device": "cpu:0"},
        features=("area", "mean"),
        kind="classical",
    )


def of_data(result, **changes):
    """The result on other data."""
    return replace(result, data=replace(result.data, **changes))


def items(card):
    """All items in one."""
    assert {section: tuple(rows) for section, rows in card.items()} == ITEMS
    return {item: text for rows in card.values() for item, text in rows.items()}


def test_of_a_bundle(info, result):
    found = items(card_of_bundle(info, of_data(result, known=2, same_source=3), "mine.marrow"))
    assert found["name and version"] == "mine.marrow, by napari-marrow 0.1.0"
    assert found["type"].startswith("svm: ")
    assert found["how data were divided"] == "sources: 3 training, 0 validation, 1 held out"
    assert found["features"] == "2 of the families morphology and colour"
    assert found["hardware"] == "cpu:0"
    assert "numpy 2.4" in found["software"]
    assert "2 that the model learnt from and 3 of the same source" in found["photographs left out"]
    assert found["starting values"] == ""


def test_of_a_comparison(result):
    settings = CompareSettings(models=("svm", "dcnn"), by="acquisition", protocol="both")
    found = items(card_of_comparison(settings, result))
    assert found["name and version"] == "svm and dcnn, by napari-marrow 0.1.0"
    assert found["robustness to other microscopes"] == ""
    assert found["what never is on both sides"].startswith("honest: acquisitions; paper: nothing")
    assert "epochs 40" in found["hyperparameters"]
    assert "families auto" in found["hyperparameters"]
    assert found["number of photographs and classes"] == "20 cells of ALL and 20 cells of MM"


@pytest.mark.parametrize(
    ("options", "divided"),
    [
        ({"folds": 3, "repeats": 2}, "3 folds by source, stratified by class, made 2 times"),
        ({"by": "acquisition"}, "one acquisition after the other is left out"),
        (
            {"protocol": "paper", "by": "acquisition"},
            "4 folds at random after augmentation, stratified by class, whatever the source",
        ),
        (
            {"protocol": "both", "by": "acquisition"},
            "honest: one acquisition after the other is left out; paper: 4 folds at random after "
            "augmentation, stratified by class, whatever the source",
        ),
    ],
)
def test_the_folds_are_those_of_the_protocol(result, options, divided):
    settings = CompareSettings(models=("svm",), **options)
    assert items(card_of_comparison(settings, result))["how data were divided"] == divided


def test_other_microscopes_are_those_that_were_left_out(result, left_out):
    models = (replace(result.models[0], acquisitions=left_out),)
    settings = CompareSettings(models=("svm",), by="acquisition")
    found = items(card_of_comparison(settings, replace(result, models=models)))
    assert found["robustness to other microscopes"] == (
        "accuracy of svm 0.61 to 0.83 on 2 acquisitions, each learnt without"
    )
    assert "takes acquisitions and not single answers" in found["measures and intervals"]


def test_copies_of_the_published_training_are_on_several_sides(info, result):
    published = replace(info, settings=replace(info.settings, protocol="paper"))
    found = items(card_of_bundle(published, result, "mine.marrow"))
    assert found["how data were divided"].startswith("sources, their copies dealt at random")


def test_what_no_photograph_tells_is_unknown(info, result):
    found = items(card_of_bundle(info, result, "mine.marrow"))
    for item in (
        "number of patients", "age, sex and ethnicity of patients", "funding",
        "who gave them, with what training", "ethical approval and consent",
    ):  # fmt: skip
        assert found[item] == ""
    grouped = of_data(result, grouped_by="groups.csv")
    found = items(card_of_bundle(info, grouped, "mine.marrow"))
    assert "groups.csv" in found["number of patients"]
