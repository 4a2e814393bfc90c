"""The registry of models: every entry can be built, and everything else is derived from it."""

import dataclasses
import json
import subprocess
import sys
from importlib.util import find_spec

import pytest

from napari_marrow.learning.learners import Learner, learner_class
from napari_marrow.learning.predictor import Predictor, predictor_class
from napari_marrow.learning.registry import KINDS, MODELS
from napari_marrow.learning.settings import CommonSettings, FoldSettings, TrainingSettings


def option_names(settings):
    return {f.name for f in dataclasses.fields(settings)}


@pytest.mark.parametrize("name", MODELS)
def test_an_entry_is_whole(name):
    spec = MODELS[name]
    assert spec.name == name
    module, function = spec.builder.split(":")
    assert find_spec(module)
    if spec.kind == "classical":  # a network would import Keras
        assert spec.load_builder().__name__ == function
    assert spec.kind in KINDS
    assert option_names(spec.settings) <= option_names(TrainingSettings)
    assert spec.description
    assert not spec.description.endswith(".")


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_is_whole(name):
    assert KINDS[name].name == name
    assert issubclass(learner_class(name), Learner)
    assert issubclass(predictor_class(name), Predictor)
    assert {"model.onnx", "heldout.csv"} < KINDS[name].files


THIRD_KIND = """
import json, sys
from dataclasses import dataclass, fields, replace
from pathlib import Path

import pandas as pd

from napari_marrow.learning import registry
from napari_marrow.learning.model_settings import ClassicalSettings, NetworkSettings


@dataclass(frozen=True)
class HybridSettings(ClassicalSettings, NetworkSettings):
    pass


files = frozenset({"features.csv", "history.csv"})
classes = "__main__:HybridLearner", "__main__:HybridPredictor"
registry.KINDS["hybrid"] = registry.ModelKind("hybrid", *classes, files)
builder = registry.MODELS["naive-bayes"].builder
spec = registry.ModelSpec("hybrid", "hybrid", HybridSettings, builder, "a third kind")
registry.MODELS["hybrid"] = spec

from napari_marrow.cli.models import _report_unused
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.layouts import scan
from napari_marrow.jobs.train import train
from napari_marrow.learning.bundle import load_bundle, predict_one
from napari_marrow.learning.learners import ClassicalLearner
from napari_marrow.learning.predictor import ClassicalPredictor
from napari_marrow.learning.settings import TrainingSettings


class HybridLearner(ClassicalLearner):
    def fit_calibrated(self, settings, split):
        model, temperature = super().fit_calibrated(settings, split)
        history = pd.DataFrame({"epoch": [1, 2], "loss": [0.7, 0.5]})
        return replace(model, tables={**model.tables, "history.csv": history}), temperature


class HybridPredictor(ClassicalPredictor):
    pass


collection, out = scan(sys.argv[1]), Path(sys.argv[2])
settings = TrainingSettings(model="hybrid", families=("histogram",), select=4, epochs=2)
_report_unused(["hybrid"], NetworkSettings(epochs=2), ClassicalSettings(select=4))
train(collection, settings, out)
bundle = load_bundle(out)
answers = [predict_one(out, field).class_name for field in collection.fields]
(out / "history.csv").unlink()
try:
    error = str(load_bundle(out))
except MarrowError as missing:
    error = str(missing)
found = {"predictor": type(bundle.predictor).__name__, "kind": bundle.info.kind}
known = {f.name for f in fields(TrainingSettings)}
found |= {"unknown options": [f.name for f in fields(HybridSettings) if f.name not in known]}
found |= {"families": bundle.info.preprocessing.families, "answers": answers, "error": error}
print(json.dumps(found | {"figures": sorted(x.name for x in (out / "figures").iterdir())}))
"""


def test_a_third_kind_of_model_is_one_entry_and_its_classes(tmp_path, make_snam):
    """It is trained, its files are asked for, it predicts; and its options are all used."""
    root = make_snam(tmp_path / "in", 4, masks=False)
    (tmp_path / "third.py").write_text(THIRD_KIND)
    ran = subprocess.run(
        [sys.executable, tmp_path / "third.py", root, tmp_path / "hybrid.marrow"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "Not used" not in ran.stderr
    found = json.loads(ran.stdout)
    assert (found["predictor"], found["kind"]) == ("HybridPredictor", "hybrid")
    assert found["unknown options"] == []  # as of every entry
    assert found["families"] == ["histogram"]
    assert found["answers"] == ["ALL"] * 4 + ["MM"] * 4
    assert "history.csv is missing" in found["error"]
    assert {"history.png", "importances.png"} <= set(found["figures"])


def test_forms_and_commands_offer_all_models():
    fields = {f.name: f for f in (*dataclasses.fields(CommonSettings), *FOLDS)}
    assert fields["model"].metadata["choices"] == tuple(MODELS)
    assert fields["models"].metadata["choices"] == tuple(MODELS)


FOLDS = dataclasses.fields(FoldSettings)
