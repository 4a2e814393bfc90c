"""The model card says what it is, how good, and what it is not for."""

from dataclasses import dataclass, replace

import pytest

from napari_marrow.learning.adaptation.acquisitions import Acquisition
from napari_marrow.learning.bundles.info import BundleInfo
from napari_marrow.learning.confidence.error_rate import Confidence
from napari_marrow.learning.model_settings import ClassicalSettings, NetworkSettings
from napari_marrow.learning.registry import MODELS, ModelSpec
from napari_marrow.learning.scores.evaluation import Evaluation, Score
from napari_marrow.learning.settings import Preprocessing, TrainingSettings
from napari_marrow.report.card import write_card

SCORE = Score(0.9, 0.7, 0.97, 0.5)


@pytest.fixture
def info():
    settings = TrainingSettings()
    return BundleInfo(
        ("ALL", "MM"),
        settings,
        Preprocessing.of(settings),
        confidence=Confidence(1.25, 0.6),
        evaluation=Evaluation({"accuracy": SCORE}, [], ("ALL", "MM"), "ALL", 5, 4, 1.0),
        split={"train": ["a", "b", "c"], "validation": ["d"], "heldout": ["e", "f"]},
        notes=("A note to the reader.",),
        versions={"keras": "3.15", "device": "cpu:0"},
    )


def test_card(tmp_path, info):
    write_card(tmp_path / "card.md", info, 1234567)
    text = (tmp_path / "card.md").read_text(encoding="utf-8")
    for said in (
        "# ALL against MM: dcnn on fields",
        "Research use only, never diagnosis.",
        "Held-out accuracy 0.90 (0.70 to 0.97), chance 0.50; 5 units of 4 sources.",
        "| accuracy | 0.90 (0.70 to 0.97) | 0.50 |",
        "A note to the reader.",
        "1,234,567 parameters",
        "| sources: train, validation, held out | 3, 1, 2 |",
        "1.25; 0.60",
        "| device | cpu:0 |",
    ):
        assert said in text


def test_card_of_few_sources_promises_no_interval(tmp_path, info):
    few = replace(info.evaluation, few_sources={"MM": 2})
    write_card(tmp_path / "card.md", replace(info, evaluation=few), 7)
    text = (tmp_path / "card.md").read_text(encoding="utf-8")
    assert "| accuracy | 0.90 (too few to tell) | 0.50 |" in text
    assert "MM has 2 sources" in text
    assert "0.97" not in text


@dataclass(frozen=True)
class HybridSettings(NetworkSettings, ClassicalSettings):
    """The options of a network and of measured features."""


@pytest.mark.parametrize(
    ("model", "shown"),
    [("dcnn", (True, False)), ("svm", (False, True)), ("hybrid", (True, True))],
)
def test_card_has_the_options_that_the_model_takes(tmp_path, info, monkeypatch, model, shown):
    hybrid = ModelSpec("hybrid", "hybrid", HybridSettings, "json:loads", "both")
    monkeypatch.setitem(MODELS, "hybrid", hybrid)
    settings = replace(info.settings, model=model, input_size=96)
    made = Preprocessing.of(replace(settings, families=("morphology", "colour")))
    features = ("area", "mean") if shown[1] else ()
    own = replace(info, settings=settings, preprocessing=made, features=features)
    write_card(tmp_path / "card.md", own, 7)
    text = (tmp_path / "card.md").read_text(encoding="utf-8")
    assert f"{model}, 7 parameters" in text
    assert ("96 px" in text, "2 of morphology, colour" in text) == shown


def test_card_without_a_result(tmp_path, info):
    empty = {"train": ["a"], "validation": [], "heldout": []}
    write_card(tmp_path / "card.md", replace(info, evaluation=None, split=empty), 1)
    text = (tmp_path / "card.md").read_text(encoding="utf-8")
    assert "Not measured: nothing was held out." in text
    assert "| metric |" not in text


def test_card_tells_acquisitions_and_what_is_not_told_apart(tmp_path, info):
    one = Acquisition("lab | a", {"ALL": 12, "MM": 9}, (), ())
    other = Acquisition("", {"ALL": 1}, (), ())
    elsewhere = Confidence(1.5, 0.71)
    info = replace(info, observed=(one, other), elsewhere=elsewhere, tells_others=False)
    write_card(tmp_path / "card.md", info, 1)
    text = (tmp_path / "card.md").read_text(encoding="utf-8")
    assert "| acquisitions learnt from | lab \\| a: 12 ALL, 9 MM; all: 1 ALL |" in text
    assert "| adapt | auto |" in text
    assert "| the same in another acquisition, with `--adapt batch` | 1.50; 0.71 |" in text
    assert "Cells of other classes than ALL and MM can't be told apart from these" in text
