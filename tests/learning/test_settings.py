"""Training settings: defaults that work, bounds that are said, a label and help for each."""

import dataclasses

import pytest

from napari_marrow.data.options import settings_from_dict
from napari_marrow.learning.settings import TrainingSettings

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
