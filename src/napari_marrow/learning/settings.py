"""What a training can be told: the form, the options and the bundle's JSON come from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from napari_marrow.data.options import bound_problems, option
from napari_marrow.measure.settings import (
    DEFAULT_FAMILIES,
    FAMILIES,
    FeatureSettings,
    family_problems,
)

Unit = Literal["field", "cell"]
CLASSICAL = ("svm", "naive-bayes", "decision-tree", "random-forest", "logistic")
"""Models that learn from measured features; the others are networks, which see pixels."""
MODELS = ("dcnn", "paper", *CLASSICAL)


@dataclass(frozen=True)
class TrainingSettings:
    """Every choice of a training, with defaults that work."""

    model: Literal[
        "dcnn", "paper", "svm", "naive-bayes", "decision-tree", "random-forest", "logistic"
    ] = option(
        "dcnn",
        "Model",
        "dcnn is a network that learns, paper the published one as printed, which does not; the "
        "others learn from measured features.",
    )
    unit: Unit = option("field", "Unit", "What gets a class: a whole field or each cell.")
    epochs: int = option(
        40, "Epochs", "Networks see all training images so often at most.", low=1, high=10000
    )
    device: Literal["auto", "cpu", "gpu"] = option(
        "auto", "Device", "auto takes the GPU where there is one."
    )
    protocol: Literal["honest", "paper"] = option(
        "honest",
        "Protocol",
        "honest splits by source before augmenting; paper augments first, which leaks.",
        advanced=True,
    )
    seed: int = option(
        0, "Seed", "The same seed gives the same split and start.", low=0, high=2**31 - 1
    )
    batch_size: int = option(16, "Batch size", "Images a step.", low=1, high=1024, advanced=True)
    learning_rate: float = option(
        0.0,
        "Learning rate",
        "Adam's step; 0 takes the network's own (dcnn 0.001, paper 0.01).",
        low=0,
        high=1,
        advanced=True,
    )
    patience: int = option(
        12,
        "Patience",
        "Stop when the validation loss has not improved for so many epochs; 0 never stops.",
        unit="epochs",
        low=0,
        high=10000,
        advanced=True,
    )
    heldout: float = option(
        0.25,
        "Held out",
        "Part of the sources never learnt from; the scores come from them.",
        low=0.05,
        high=0.5,
        advanced=True,
    )
    validation: float = option(
        0.2,
        "Validation",
        "Part of the training sources that decides when to stop.",
        low=0.05,
        high=0.5,
        advanced=True,
    )
    copies: int = option(
        8,
        "Copies",
        "How often an epoch shows each training image, turned and recoloured; 1 as it is.",
        low=1,
        high=64,
        advanced=True,
    )
    balance: bool = option(
        True, "Balance classes", "Weigh rare classes up in the loss.", advanced=True
    )
    input_size: int = option(
        96, "Input size", "Side of the network's input.", unit="px", low=32, high=512, advanced=True
    )
    tiles: int = option(
        2,
        "Tiles",
        "Rows of square tiles a field is cut into; its answer is their mean.",
        low=1,
        high=8,
        advanced=True,
    )
    crop_factor: float = option(
        2.5,
        "Crop factor",
        "Side of a cell's square in diameters of its nucleus.",
        low=1,
        high=8,
        advanced=True,
    )
    families: tuple[str, ...] = option(
        DEFAULT_FAMILIES,
        "Families",
        f"What models that are no networks learn from: {', '.join(FAMILIES)}.",
        advanced=True,
        choices=FAMILIES,
    )
    select: int = option(
        40,
        "Select",
        "So many features with the highest chi-square do they see at most.",
        low=1,
        high=5000,
        advanced=True,
    )
    abstain_below: float = option(
        0.6,
        "Uncertain below",
        "An answer with less probability than this is marked uncertain.",
        low=0,
        high=1,
        advanced=True,
    )

    def __post_init__(self):
        object.__setattr__(self, "families", tuple(self.families))  # JSON knows lists only

    @property
    def classical(self) -> bool:
        """Whether the model learns from measured features, and not from pixels."""
        return self.model in CLASSICAL

    def problems(self) -> list[str]:
        """What can't work, in a user's words; empty when all is well."""
        return bound_problems(self) + (family_problems(self.families) if self.classical else [])


@dataclass(frozen=True)
class CompareSettings:
    """Which models to compare, and how."""

    models: tuple[str, ...] = option(
        CLASSICAL,
        "Models",
        f"Of {', '.join(MODELS)}; networks take minutes a fold.",
        choices=MODELS,
    )
    protocol: Literal["honest", "paper", "both"] = option(
        "honest", "Protocol", "honest cuts folds by source; paper augments and selects first."
    )
    folds: int = option(5, "Folds", "Into so many parts the sources are cut.", low=2, high=50)
    unit: Unit = option("field", "Unit", "What gets a class: a whole field or each cell.")
    families: tuple[str, ...] = option(
        DEFAULT_FAMILIES, "Families", f"What is measured: {', '.join(FAMILIES)}.", choices=FAMILIES
    )
    select: int = option(
        40, "Select", "So many features with the highest chi-square are chosen.", low=1, high=5000
    )
    epochs: int = option(
        40, "Epochs", "Networks see all training images so often at most.", low=1, high=10000
    )
    device: Literal["auto", "cpu", "gpu"] = option(
        "auto", "Device", "auto takes the GPU where there is one."
    )
    seed: int = option(
        0, "Seed", "The same seed gives the same folds and starts.", low=0, high=2**31 - 1
    )

    def __post_init__(self):
        for name in ("models", "families"):  # JSON knows lists only
            object.__setattr__(self, name, tuple(dict.fromkeys(getattr(self, name))))

    def problems(self) -> list[str]:
        """What can't work, in a user's words; empty when all is well."""
        unknown = [repr(name) for name in self.models if name not in MODELS]
        found = bound_problems(self) + family_problems(self.families)
        if unknown:
            found.append(f"Models has {', '.join(unknown)}; choose from {', '.join(MODELS)}.")
        return found if self.models else [*found, "Models is empty; choose at least one."]

    def training(self, model: str, protocol: str) -> TrainingSettings:
        """How one of the models is trained."""
        same = ("unit", "families", "select", "epochs", "device", "seed")
        chosen = {name: getattr(self, name) for name in same}
        return TrainingSettings(model=model, protocol=protocol, **chosen)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Preprocessing:
    """How pixels become a model's input; goes into the bundle, so prediction does the same.

    Attributes
    ----------
    unit, input_size, tiles, crop_factor, white_balance
        How a network's images are cut.
    families
        What is measured for a model that is no network; empty for a network.
    """

    unit: Unit
    input_size: int
    tiles: int
    crop_factor: float
    white_balance: bool = True
    families: tuple[str, ...] = ()

    def __post_init__(self):
        object.__setattr__(self, "families", tuple(self.families))  # JSON knows lists only

    @property
    def features(self) -> FeatureSettings:
        """What is measured for a model that is no network; no families for a network."""
        return FeatureSettings(self.families, self.unit)

    @classmethod
    def of(cls, settings: TrainingSettings) -> Preprocessing:
        """The preprocessing that these settings ask for."""
        families = settings.families if settings.classical else ()
        how = (settings.unit, settings.input_size, settings.tiles, settings.crop_factor)
        return cls(*how, families=families)
