"""Training settings: defaults that work, bounds that are said, a label and help for each."""

import dataclasses

import pytest

from napari_marrow.data.options import settings_from_dict
from napari_marrow.learning.registry import models_of_kind
from napari_marrow.learning.settings import CompareSettings, Preprocessing, TrainingSettings

FIELDS = {f.name: f for f in dataclasses.fields(TrainingSettings)}


def test_defaults_have_no_problem_and_are_honest():
    settings = TrainingSettings()
    assert settings.problems() == []
    assert settings.protocol == "honest"
    assert settings.heldout == 0.25  # the published 75/25
    assert settings_from_dict(TrainingSettings, dataclasses.asdict(settings)) == settings


@pytest.mark.parametrize("name", FIELDS)
def test_every_option_has_label_and_help(name):
    meta = FIELDS[name].metadata
    assert meta["label"]
    assert meta["help"].endswith(".")


BOUNDED = [name for name, f in FIELDS.items() if f.metadata["low"] is not None]


@pytest.mark.parametrize("name", BOUNDED)
def test_bounds(name):
    meta = FIELDS[name].metadata
    for value, problems in (
        (meta["low"], 0),
        (meta["high"], 0),
        (meta["low"] - 1, 1),
        (meta["high"] + 1, 1),
    ):
        found = TrainingSettings(**{name: value}).problems()
        assert len(found) == problems, found
        assert all(meta["label"] in sentence for sentence in found)


@pytest.mark.parametrize("name", ["model", "unit", "device", "protocol"])
def test_choices(name):
    (said,) = TrainingSettings(**{name: "nonsense"}).problems()
    assert "'nonsense'; choose one of" in said


def test_unknown_families():
    (said,) = TrainingSettings(model="svm", families=("smell",)).problems()
    assert said.startswith("Families has 'smell'; choose from ")
    assert TrainingSettings(families=["colour"]).families == ("colour",)


def test_the_preprocessing_of_a_network_measures_nothing():
    assert Preprocessing.of(TrainingSettings()).families == ()
    own = Preprocessing.of(TrainingSettings(model="svm", families=("colour",), unit="cell"))
    assert (own.families, own.unit) == (("colour",), "cell")
    assert (
        settings_from_dict(Preprocessing, dataclasses.asdict(own) | {"families": ["colour"]}) == own
    )


def test_automatic_families_are_the_default_ones_without_what_a_camera_changes():
    settings = TrainingSettings(model="svm")
    assert settings.problems() == []
    assert Preprocessing.of(settings).families == ("morphology", "lobes", "colour")
    assert Preprocessing.of(settings, leave_out=True).families == ("morphology", "lobes")
    more = dataclasses.replace(settings, families=("auto", "texture"))
    assert Preprocessing.of(more, leave_out=True).families == ("morphology", "lobes", "texture")
    own = dataclasses.replace(settings, families=("colour", "morphology"))
    assert Preprocessing.of(own, leave_out=True).families == ("colour", "morphology")
    stored = settings_from_dict(TrainingSettings, dataclasses.asdict(settings))
    assert stored == settings


def test_a_comparison_trains_each_model_as_it_says():
    settings = CompareSettings(
        models=["svm", "dcnn", "svm"],
        protocol="both",
        folds=4,
        unit="cell",
        families=["colour"],
        select=7,
        epochs=3,
        device="cpu",
        seed=9,
    )
    assert settings.problems() == []
    assert (settings.models, settings.families) == (("svm", "dcnn"), ("colour",))
    found = settings.training("dcnn", "paper")
    assert (found.model, found.protocol, found.unit, found.families) == (
        "dcnn",
        "paper",
        "cell",
        ("colour",),
    )
    assert (found.select, found.epochs, found.device, found.seed) == (7, 3, "cpu", 9)


def test_defaults_of_a_comparison_are_honest():
    settings = CompareSettings()
    assert settings.problems() == []
    assert settings.protocol == "honest"
    assert settings.models == models_of_kind("classical")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"models": ()}, "Models is empty; choose at least one."),
        ({"models": ("resnet", "svm")}, "Models has 'resnet'; choose from dcnn, paper, paper"),
        ({"families": ()}, "Families is empty"),
        ({"folds": 1}, "Folds is 1; it must be at least 2."),
        ({"protocol": "none"}, "Protocol is 'none'; choose one of honest, paper, both."),
    ],
)
def test_a_comparison_that_can_not_work(changes, says):
    (said,) = CompareSettings(**changes).problems()
    assert said.startswith(says)


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"copies": 1, "simulate_acquisitions": True}, "one copy"),
        ({"copies": 1, "augmentation": "published"}, "one copy"),
        ({"input_size": 32, "select_pixels": 1024}, "32 px has 1024 places"),
        ({"model": "vgg16", "fine_tune": False}, "keep random"),
        ({"model": "pretrained", "weights": "a.onnx", "application": "VGG16"}, "no Keras"),
    ],
)
def test_options_without_effect_are_reported(chosen, words):
    (sentence,) = TrainingSettings(**chosen).without_effect
    assert words in sentence


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"copies": 1},
        {"copies": 2, "augmentation": "published", "simulate_acquisitions": True},
        {"input_size": 32, "select_pixels": 1023},
        {"model": "svm", "copies": 1, "simulate_acquisitions": True},
        {"model": "vgg16", "weights": "a.h5", "fine_tune": False},
        {"model": "pretrained", "application": "VGG16"},
    ],
)
def test_no_other_is(chosen):
    assert TrainingSettings(**chosen).without_effect == []
