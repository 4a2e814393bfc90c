"""The registry of models: every entry can be built, and everything else is derived from it."""

import dataclasses
from importlib.util import find_spec

import pytest

from napari_marrow.learning.learners import LEARNERS
from napari_marrow.learning.predictor import PREDICTORS
from napari_marrow.learning.registry import MODELS
from napari_marrow.learning.settings import CommonSettings, FoldSettings, TrainingSettings


@pytest.mark.parametrize("name", MODELS)
def test_an_entry_is_whole(name):
    spec = MODELS[name]
    assert spec.name == name
    module, function = spec.builder.split(":")
    assert find_spec(module)
    if spec.kind == "classical":  # a network would import Keras
        assert spec.load_builder().__name__ == function
    assert spec.kind in PREDICTORS
    assert spec.kind in LEARNERS
    assert issubclass(TrainingSettings, spec.settings)
    assert spec.description
    assert not spec.description.endswith(".")


def test_forms_and_commands_offer_all_models():
    fields = {f.name: f for f in (*dataclasses.fields(CommonSettings), *FOLDS)}
    assert fields["model"].metadata["choices"] == tuple(MODELS)
    assert fields["models"].metadata["choices"] == tuple(MODELS)


FOLDS = dataclasses.fields(FoldSettings)
