"""The registry of models: every entry can be built, and everything else is derived from it."""

import dataclasses
import json
import subprocess
import sys
from importlib.util import find_spec

import pytest

from napari_marrow.learning.bundles.predictor import Predictor, predictor_class
from napari_marrow.learning.learners import Learner, learner_class
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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal  # of the annotations of its bases

import pandas as pd

from napari_marrow.data.options import option
from napari_marrow.learning import model_settings, registry
from napari_marrow.learning.model_settings import ClassicalSettings, NetworkSettings, OptionGroup


@dataclass(frozen=True)
class BlendSettings(OptionGroup):  # as model_settings.py would hold them
    title = "Hybrids"
    blend: float = option(0.5, "Blend", "Weight of the network.", low=0, high=1)
    layers: tuple[str, ...] = option(("a",), "Layers", "Of a, b.", choices=("a", "b"))


@dataclass(frozen=True)
class ModelSettings(BlendSettings, *model_settings.ModelSettings.__bases__):
    pass


@dataclass(frozen=True)
class HybridSettings(BlendSettings, ClassicalSettings, NetworkSettings):
    pass


model_settings.ModelSettings = ModelSettings
files = frozenset({"features.csv", "history.csv"})
classes = "__main__:HybridLearner", "__main__:HybridPredictor"
registry.KINDS["hybrid"] = registry.ModelKind("hybrid", *classes, files)
builder = registry.MODELS["naive-bayes"].builder
spec = registry.ModelSpec("hybrid", "hybrid", HybridSettings, builder, "a third kind")
registry.MODELS["hybrid"] = spec

from napari_marrow.cli import run
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.layouts import scan
from napari_marrow.learning.bundles.bundle import load_bundle, predict_one
from napari_marrow.learning.classical.learner import ClassicalLearner
from napari_marrow.learning.bundles.classical_predictor import ClassicalPredictor
from napari_marrow.learning.settings import CompareSettings


class HybridLearner(ClassicalLearner):
    def fit_calibrated(self, settings, split):
        model = super().fit_calibrated(settings, split)
        history = pd.DataFrame({"epoch": [1, 2], "loss": [settings.blend, 0.5]})
        return replace(model, tables={**model.tables, "history.csv": history})


class HybridPredictor(ClassicalPredictor):
    pass


root, out = sys.argv[1], Path(sys.argv[2])
options = ["--families", "histogram", "--select", "4", "--epochs", "2"]
options += ["--blend", "0.25", "--layers", "b,a"]
status = run(["train", root, "--out", str(out), "--model", "hybrid", *options])
unused = run(["train", root, "--out", f"{out}2", "--model", "svm", "--blend", "0.25", "--epochs=0"])
helped = run(["train", "--help"]) or run(["compare", "--help"])
bundle = load_bundle(out)
settings = bundle.info.settings
answers = [predict_one(out, field).class_name for field in scan(root).fields]
history = pd.read_csv(out / "history.csv")
(out / "history.csv").unlink()
try:
    error = str(load_bundle(out))
except MarrowError as missing:
    error = str(missing)
found = {"predictor": type(bundle.predictor).__name__, "kind": bundle.info.kind}
found |= {"status": [status, unused, helped], "loss": history["loss"].tolist()}
found |= {"options": [settings.blend, settings.layers, settings.select, settings.epochs]}
found |= {"fold": CompareSettings(blend=0.75).training("hybrid", "honest").blend}
found |= {"problems": replace(settings, blend=2.0, layers=["c"]).problems()}
found |= {"card": "4 of histogram" in (out / "card.md").read_text()}
found |= {"families": bundle.info.preprocessing.families, "answers": answers, "error": error}
print(json.dumps(found | {"figures": sorted(x.name for x in (out / "figures").iterdir())}))
"""


def test_a_third_kind_of_model_is_one_entry_its_classes_and_its_options(tmp_path, make_snam):
    """It is trained, its files are asked for, it predicts; and its options reach every place."""
    root = make_snam(tmp_path / "in", 4, masks=False)
    (tmp_path / "third.py").write_text(THIRD_KIND)
    ran = subprocess.run(
        [sys.executable, tmp_path / "third.py", root, tmp_path / "hybrid.marrow"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    *shown, result = ran.stdout.splitlines()
    found = json.loads(result)
    assert (found["predictor"], found["kind"]) == ("HybridPredictor", "hybrid")
    assert found["status"] == [0, 2, 0]
    assert found["families"] == ["histogram"]
    assert found["answers"] == ["ALL"] * 4 + ["MM"] * 4
    assert "history.csv is missing" in found["error"]
    assert {"history.png", "importances.png"} <= set(found["figures"])
    assert found["options"] == [0.25, ["b", "a"], 4, 2]
    assert found["loss"] == [0.25, 0.5]
    assert found["card"]
    assert found["fold"] == 0.75
    assert [problem.split()[0] for problem in found["problems"]] == ["Blend", "Layers"]
    assert "Not used by hybrid" not in ran.stderr
    assert "Not used by svm: --epochs, --blend." in " ".join(ran.stderr.split())
    for text in "\n".join(shown).split("Usage: ")[1:]:  # of train and of compare
        groups = ("Classical models", "Hybrids", "Networks")
        titles = [text.index(f"─ {title} ─") for title in groups]
        assert titles == sorted(titles)
        assert titles[1] < text.index("--blend") < text.index("--layers") < titles[2]


def test_forms_and_commands_offer_all_models():
    fields = {f.name: f for f in (*dataclasses.fields(CommonSettings), *FOLDS)}
    assert fields["model"].metadata["choices"] == tuple(MODELS)
    assert fields["models"].metadata["choices"] == tuple(MODELS)


FOLDS = dataclasses.fields(FoldSettings)
