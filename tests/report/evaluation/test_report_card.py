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


def items(card):
    """All items in one."""
    assert {section: tuple(rows) for section, rows in card.items()} == ITEMS
    return {item: text for rows in card.values() for item, text in rows.items()}


def test_of_a_bundle(info, result):
    found = items(card_of_bundle(info, replace(result.data, known=2), "mine.marrow"))
    assert found["name and version"] == "mine.marrow, by napari-marrow 0.1.0"
    assert found["type"].startswith("svm: ")
    assert found["how data were divided"] == "sources: 3 training, 0 validation, 1 held out"
    assert found["features"] == "2 of the families morphology and colour"
    assert found["hardware"] == "cpu:0"
    assert "numpy 2.4" in found["software"]
    assert "2 that the model learnt from" in found["photographs left out"]
    assert found["starting values"] == ""


def test_of_a_comparison(result):
    settings = CompareSettings(models=("svm", "dcnn"), by="acquisition", protocol="both")
    found = items(card_of_comparison(settings, result.data, {"napari-marrow": "0.1.0"}))
    assert found["name and version"] == "svm and dcnn, by napari-marrow 0.1.0"
    assert found["how data were divided"].startswith("one acquisition after the other")
    assert "under paper nothing" in found["what never is on both sides"]
    assert "epochs 40" in found["hyperparameters"]
    assert "families auto" in found["hyperparameters"]
    assert found["number of photographs and classes"] == "20 cells of ALL and 20 cells of MM"


def test_what_no_photograph_tells_is_unknown(info, result):
    found = items(card_of_bundle(info, result.data, "mine.marrow"))
    for item in (
        "number of patients", "age, sex and ethnicity of patients", "funding",
        "who gave them, with what training", "ethical approval and consent",
    ):  # fmt: skip
        assert found[item] == ""
    grouped = replace(result.data, grouped_by="groups.csv")
    found = items(card_of_bundle(info, grouped, "mine.marrow"))
    assert "groups.csv" in found["number of patients"]
