"""One definition a form: bounds in a user's words, and JSON there and back."""

import contextlib
import dataclasses
import json
from typing import Literal

import pytest

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.options import Settings, option, settings_from_dict
from napari_marrow.imaging.settings import AugmentSettings, SegmentSettings
from napari_marrow.learning.settings import TrainingSettings


@dataclasses.dataclass(frozen=True)
class Toy(Settings):
    size: int = option(3, "Size", "How big.", unit="px", low=1, high=9)
    part: float = option(0.5, "Part", "How much.", low=0, high=1)
    kind: Literal["a", "b"] = option("a", "Kind", "Which.")
    sure: bool = option(True, "Sure", "Whether.", advanced=True)
    names: tuple[str, ...] = option(("x",), "Names", "Several.", choices=("x", "y"))


def test_metadata_is_where_forms_look_for_it():
    fields = {f.name: f.metadata for f in dataclasses.fields(Toy)}
    assert fields["size"] == {
        "label": "Size",
        "help": "How big.",
        "unit": "px",
        "low": 1,
        "high": 9,
        "lowest": "",
        "decimals": 2,
        "advanced": False,
        "choices": (),
    }
    assert fields["sure"]["advanced"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, []),
        ({"size": 1, "part": 0.0}, []),
        ({"size": 9, "part": 1.0}, []),
        ({"size": 0}, ["Size is 0; it must be at least 1."]),
        ({"size": 10}, ["Size is 10; it must be at most 9."]),
        ({"part": float("nan")}, ["Part is nan; it must be at least 0."]),
        ({"part": float("inf")}, ["Part is inf; it must be at most 1."]),
        ({"kind": "c"}, ["Kind is 'c'; choose one of a, b."]),
        ({"names": ("y", "z", "a")}, ["Names has 'z', 'a'; choose from x, y."]),
        ({"names": ()}, ["Names is empty; choose at least one."]),
        (
            {"size": 0, "kind": "c"},
            ["Size is 0; it must be at least 1.", "Kind is 'c'; choose one of a, b."],
        ),
    ],
)
def test_problems_in_words(values, said):
    toy = Toy(**values)
    assert toy.problems() == said
    with pytest.raises(MarrowError) if said else contextlib.nullcontext():
        toy.check()


def test_json_there_and_back_and_newer_keys_are_passed_over():
    toy = Toy(5, 0.25, "b", False, ("y", "x"))
    written = json.loads(json.dumps(dataclasses.asdict(toy)))
    assert settings_from_dict(Toy, written | {"newer": [1]}) == toy
    assert settings_from_dict(Toy, {"part": 1}) == Toy(part=1)  # JSON writes 1.0 as 1 at times


@pytest.mark.parametrize(
    "values",
    [
        {"size": "5"},
        {"size": 5.0},
        {"size": True},
        {"part": "x"},
        {"part": None},
        {"kind": "c"},
        {"kind": ["a"]},
        {"sure": 1},
    ],
)
def test_values_of_the_wrong_kind_are_named(values):
    with pytest.raises(MarrowError, match=f"wrong kind for {next(iter(values))}"):
        settings_from_dict(Toy, values)


@pytest.mark.parametrize("kind", [AugmentSettings, SegmentSettings, TrainingSettings])
def test_the_help_of_an_option_names_its_unit(kind):
    """The command line shows the help alone; a form has the unit behind the label."""
    words = {"px": "pixels", "levels": "levels", "degrees": "degrees", "epochs": "epochs"}
    units = {f.metadata["help"]: f.metadata["unit"] for f in dataclasses.fields(kind)}
    assert any(units.values())
    for text, unit in units.items():
        assert not unit or words[unit] in text, text
