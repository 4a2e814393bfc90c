"""The models that can be trained, and their kinds.

These are the only lists of them. A new model is one entry in :data:`MODELS` and its builder, and
where it has options of its own a group in :mod:`.model_settings`; a new kind of model is one entry
in :data:`KINDS`, with its predictor (:mod:`.predictor`) and its learner (:mod:`.learners`).
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Literal

from napari_marrow.learning.bundle_files import FEATURES, HELDOUT, HISTORY, ONNX, WEIGHTS
from napari_marrow.learning.model_settings import (
    ClassicalSettings,
    HybridSettings,
    NetworkSettings,
    OptionGroup,
    PretrainedSettings,
    WeightsSettings,
)


@dataclass(frozen=True)
class ModelKind:
    """What all models of a kind have in common.

    Attributes
    ----------
    name
        As bundles store it.
    learner, predictor
        ``module:class`` of a :class:`.Learner` and a :class:`.Predictor`, imported when needed.
    own_files
        What its bundles hold beside the files of all bundles.
    needs_keras
        Whether Keras trains it, whose backend takes seconds to start.
    has_engines
        Whether other engines than ONNX Runtime run its models, too.
    """

    name: str
    learner: str
    predictor: str
    own_files: frozenset[str]
    needs_keras: bool = False
    has_engines: bool = False

    @property
    def files(self) -> frozenset[str]:
        """The files without which its bundles can't be used."""
        return self.own_files | {ONNX, HELDOUT}


KINDS = {
    kind.name: kind
    for kind in (
        ModelKind(
            "network",
            "napari_marrow.learning.network_training.learner:NetworkLearner",
            "napari_marrow.learning.bundles.network_predictor:NetworkPredictor",
            frozenset({WEIGHTS, HISTORY}),
            needs_keras=True,
            has_engines=True,
        ),
        ModelKind(
            "classical",
            "napari_marrow.learning.classical.learner:ClassicalLearner",
            "napari_marrow.learning.bundles.classical_predictor:ClassicalPredictor",
            frozenset({FEATURES}),
        ),
    )
}
"""Every kind of model by its name."""


@dataclass(frozen=True)
class ModelSpec:
    """A model that can be trained.

    Attributes
    ----------
    name
        As the user writes it.
    kind
        Name of its kind: ``network`` learns from pixels, ``classical`` from measured features.
    settings
        The options that it takes beside those of every training; each is also an option of
        :class:`.TrainingSettings`, from which form, commands and bundle are made.
    builder
        ``module:function`` that makes the untrained model, imported when it is first needed.
    description
        One sentence for forms and ``--help``, without the full stop.
    min_units
        How many units of each class it needs to learn from.
    augmentation
        Of a network: what copies go through where the user chooses ``auto``.
    """

    name: str
    kind: str
    settings: type[OptionGroup]
    builder: str
    description: str
    min_units: int = 1
    augmentation: Literal["standard", "published"] = "standard"

    @property
    def option_names(self) -> frozenset[str]:
        """The names of the options in its settings."""
        return frozenset(field.name for field in fields(self.settings))

    @property
    def takes_features(self) -> bool:
        """Whether it learns from measured features, alone or beside pixels."""
        return "families" in self.option_names

    def load_builder(self) -> Callable[..., object]:
        """Import and return the function that makes the untrained model."""
        return pkgutil.resolve_name(self.builder)


def _network(
    name: str, builder: str, description: str, settings: type[OptionGroup] = NetworkSettings
) -> ModelSpec:
    builder = f"napari_marrow.learning.networks.{builder}"
    return ModelSpec(name, "network", settings, builder, description)


def _classical(name: str, function: str, description: str, min_units: int = 1) -> ModelSpec:
    builder = f"napari_marrow.learning.classical.models:{function}"
    return ModelSpec(name, "classical", ClassicalSettings, builder, description, min_units)


MODELS = {
    spec.name: spec
    for spec in (
        _network("dcnn", "dcnn:build", "the published layout with ReLU, which learns"),
        _network("paper", "paper:build", "as published, with softmax, which does not learn"),
        _network("paper-relu", "paper:build_with_relu", "as published, with ReLU inside"),
        _network("sd-layer", "stain:build", "dcnn behind a layer that learns to separate stains"),
        replace(
            _network("cnn7", "cnn7:build", "five convolutions and two dense layers"),
            augmentation="published",
        ),
        _network("dct", "dct:build", "a network on the discrete cosine transform"),
        _network(
            "vgg16", "pretrained:build_vgg16", "VGG-16, of weights in a local file", WeightsSettings
        ),
        _network(
            "pretrained",
            "pretrained:build",
            "a Keras application, of weights in a local file, or an ONNX embedding",
            PretrainedSettings,
        ),
        _network(
            "hybrid",
            "hybrid:build",
            "a network on pixels and on measured features",
            HybridSettings,
        ),
        _classical("svm", "svm", "support vector machine on measured features", 2),
        _classical("naive-bayes", "naive_bayes", "Gaussian naive Bayes on measured features"),
        _classical("decision-tree", "decision_tree", "one decision tree on measured features"),
        _classical("random-forest", "random_forest", "300 decision trees on measured features"),
        _classical("logistic", "logistic", "logistic regression on measured features"),
    )
}
"""Every model by its name."""


def models_of_kind(kind: str) -> tuple[str, ...]:
    """Return the names of the models of a kind."""
    return tuple(name for name, spec in MODELS.items() if spec.kind == kind)
