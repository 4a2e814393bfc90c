"""The models that can be trained: name, kind, options and builder of each.

This is the only list of models. A new model is one entry here and one builder; a new kind of model
also needs a predictor (:mod:`.predictor`) and a learner (:mod:`.learners`).
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from napari_marrow.learning.model_settings import ClassicalSettings, NetworkSettings

ModelKind = Literal["network", "classical"]


@dataclass(frozen=True)
class ModelSpec:
    """A model that can be trained.

    Attributes
    ----------
    name
        As the user writes it.
    kind
        ``network`` learns from pixels, ``classical`` from measured features.
    settings
        The options that this kind of model takes beside those of every training.
    builder
        ``module:function`` that makes the untrained model, imported when it is first needed.
    description
        One sentence for forms and ``--help``, without the full stop.
    min_units
        How many units of each class it needs to learn from.
    """

    name: str
    kind: ModelKind
    settings: type[NetworkSettings] | type[ClassicalSettings]
    builder: str
    description: str
    min_units: int = 1

    def load_builder(self) -> Callable[..., object]:
        """Import and return the function that makes the untrained model."""
        return pkgutil.resolve_name(self.builder)


def _network(name: str, module: str, description: str) -> ModelSpec:
    builder = f"napari_marrow.learning.networks.{module}:build"
    return ModelSpec(name, "network", NetworkSettings, builder, description)


def _classical(name: str, function: str, description: str, min_units: int = 1) -> ModelSpec:
    builder = f"napari_marrow.learning.classical:{function}"
    return ModelSpec(name, "classical", ClassicalSettings, builder, description, min_units)


MODELS = {
    spec.name: spec
    for spec in (
        _network("dcnn", "dcnn", "the published layout of the network with ReLU, which learns"),
        _network("paper", "paper", "the network as published, with softmax, which does not learn"),
        _classical("svm", "svm", "support vector machine on measured features", 2),
        _classical("naive-bayes", "naive_bayes", "Gaussian naive Bayes on measured features"),
        _classical("decision-tree", "decision_tree", "one decision tree on measured features"),
        _classical("random-forest", "random_forest", "300 decision trees on measured features"),
        _classical("logistic", "logistic", "logistic regression on measured features"),
    )
}
"""Every model by its name."""


def models_of_kind(kind: ModelKind) -> tuple[str, ...]:
    """Return the names of the models of a kind."""
    return tuple(name for name, spec in MODELS.items() if spec.kind == kind)
