"""What can be asked of features: defaults that work, and sentences for what does not."""

import dataclasses

import pytest

from napari_marrow.data.options import settings_from_dict
from napari_marrow.measure.settings import (
    DEFAULT_FAMILIES,
    FAMILIES,
    ChiSquareSettings,
    FeatureSettings,
)


@pytest.mark.parametrize("kind", [FeatureSettings, ChiSquareSettings])
def test_defaults_work_and_come_back_from_json(kind):
    settings = kind()
    assert settings.problems() == []
    written = {
        k: list(v) if isinstance(v, tuple) else v for k, v in dataclasses.asdict(settings).items()
    }
    assert settings_from_dict(kind, written) == settings
    for field in dataclasses.fields(kind):
        assert field.metadata["label"]
        assert field.metadata["help"].endswith(".")


def test_families_of_the_paper_are_the_default_and_the_others_carry_over():
    assert FeatureSettings().families == ("histogram", "fourier")
    assert set(DEFAULT_FAMILIES) < set(FAMILIES)


def test_families_are_ordered_and_named_once():
    assert FeatureSettings(["texture", "histogram", "texture"]).families == ("histogram", "texture")


@pytest.mark.parametrize(
    ("families", "says"),
    [
        ((), "Families is empty; choose at least one."),
        (("smell", "colour"), "Families has 'smell'; choose from histogram, green,"),
    ],
)
def test_families_that_can_not_work(families, says):
    (problem,) = FeatureSettings(families).problems()
    assert problem.startswith(says)


def test_bounds():
    assert FeatureSettings(unit="slide").problems() == [
        "Unit is 'slide'; choose one of field, cell."
    ]
    assert ChiSquareSettings(0, -1, -1).problems() == [
        "Select is 0; it must be at least 1.",
        "Resamples is -1; it must be at least 0.",
        "Seed is -1; it must be at least 0.",
    ]
    assert len(ChiSquareSettings(5001, 1001, 2**31).problems()) == 3
