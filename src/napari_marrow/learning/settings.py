"""Options of a training and of a comparison; form, command line and bundle are made from them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from napari_marrow.data.options import Settings, option
from napari_marrow.learning.model_settings import (
    MIN_ERROR_RATE,
    Adapt,
    CutoffSettings,
    EngineName,
    ModelSettings,
)
from napari_marrow.learning.registry import MODELS, models_of_kind
from napari_marrow.measure.settings import FeatureSettings, chosen_families

Unit = Literal["field", "cell"]


@dataclass(frozen=True)
class CommonSettings(Settings):
    """Options of every training, whatever the model."""

    model: str = option(
        "dcnn",
        "Model",
        f"{'; '.join(f'{name}: {spec.description}' for name, spec in MODELS.items())}.",
        choices=tuple(MODELS),
    )
    unit: Unit = option("field", "Unit", "What is classified: a whole field or each cell.")
    protocol: Literal["honest", "paper"] = option(
        "honest",
        "Protocol",
        "honest splits by source, then augments; paper augments before splitting, which leaks.",
        advanced=True,
    )
    seed: int = option(
        0, "Seed", "The same seed gives the same split and start.", low=0, high=2**31 - 1
    )
    heldout: float = option(
        0.25,
        "Held out",
        "Fraction of the sources that is kept out of training and used for the scores.",
        low=0.05,
        high=0.5,
        advanced=True,
    )
    max_error: float = option(
        0.05,
        "Error rate",
        "Largest fraction of all answers that may be wrong without being marked uncertain; answers "
        "of so low a probability are marked that it is kept to.",
        low=MIN_ERROR_RATE,
        high=0.5,
        advanced=True,
    )


@dataclass(frozen=True)
class TrainingSettings(ModelSettings, CommonSettings):
    """All options of a training."""

    @property
    def kind(self) -> str:
        """Name of the kind of the chosen model."""
        return MODELS[self.model].kind

    @property
    def without_effect(self) -> list[str]:
        """Sentences on options that were chosen and change nothing, given the others."""
        if "epochs" not in MODELS[self.model].option_names:
            return []
        found = []
        if self.copies == 1 and (self.simulate_acquisitions or self.augmentation != "auto"):
            found.append(
                "With one copy each image is used as it is: neither augmentation nor simulated "
                "acquisitions have an effect; choose more copies."
            )
        takes_weights = "weights" in MODELS[self.model].option_names
        if takes_weights and not self.weights and not self.fine_tune:
            found.append(
                "Without a file of weights the layers before the head keep random ones: name one "
                "under weights, or choose fine-tune."
            )
        if self.has_embedding and self.application != type(self).application:
            found.append("The ONNX embedding is used, and no Keras application.")
        if self.select_pixels >= self.input_size**2:
            found.append(
                f"An input of {self.input_size} px has {self.input_size**2} places: to select "
                f"{self.select_pixels} shows all."
            )
        return found

    @property
    def has_embedding(self) -> bool:
        """Whether the network learns from the embedding of an ONNX file."""
        takes = "embedding_input" in MODELS[self.model].option_names
        return takes and self.weights.lower().endswith(".onnx")


@dataclass(frozen=True)
class FoldSettings(Settings):
    """Options of a comparison that do not depend on the models."""

    models: tuple[str, ...] = option(
        models_of_kind("classical"),
        "Models",
        f"Of {', '.join(MODELS)}; a network takes minutes per fold.",
        choices=tuple(MODELS),
    )
    protocol: Literal["honest", "paper", "both"] = option(
        "honest", "Protocol", "honest splits by source; paper augments and selects features first."
    )
    folds: int = option(
        5,
        "Folds",
        "Number of folds; of paper there are four, each with 75 % to learn from.",
        low=2,
        high=50,
    )
    repeats: int = option(
        1,
        "Repeats",
        "How often other folds are made; more tell smaller differences between models, and cost "
        "seconds each of classical models.",
        low=1,
        high=100,
    )
    by: Literal["source", "acquisition"] = option(
        "source",
        "Folds by",
        "source shares the sources out among the folds; acquisition leaves out one microscope, "
        "camera or stain batch at a time, whatever the number of folds.",
    )
    unit: Unit = option("field", "Unit", "What is classified: a whole field or each cell.")
    controls: bool = option(
        False,
        "Controls",
        "Also ask what is reached without cells: permuted classes, background, shape and mean "
        "colour alone.",
    )
    forecast: bool = option(
        False,
        "Forecast",
        "Also measure how the score grows with the number of sources, and how many more would "
        "narrow its interval.",
    )
    seed: int = option(
        0, "Seed", "The same seed gives the same folds and starts.", low=0, high=2**31 - 1
    )


@dataclass(frozen=True)
class CompareSettings(ModelSettings, FoldSettings):
    """All options of a comparison."""

    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(self, "models", tuple(dict.fromkeys(self.models)))

    def problems(self) -> list[str]:
        """Return a sentence for each setting that can't work."""
        problems = super().problems()
        if self.protocol == "paper" and (self.controls or self.forecast):
            problems.append(
                "Controls and forecast are made on honest folds; choose the protocol honest or "
                "both."
            )
        return problems

    def training(self, model: str, protocol: str) -> TrainingSettings:
        """Return the settings with which one of the models is trained."""
        shared = {f.name for f in fields(self)} & {f.name for f in fields(TrainingSettings)}
        values = {name: getattr(self, name) for name in shared}
        return TrainingSettings(**values | {"model": model, "protocol": protocol})


@dataclass(frozen=True)
class Preprocessing:
    """How pixels become a model's input; stored in the bundle, so that prediction does the same.

    Attributes
    ----------
    unit, input_size, tiles, crop_factor, white_balance
        How a network's images are cut.
    families
        What is measured; empty for a network of pixels alone.
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
        """What is measured; no families for a network of pixels alone."""
        return FeatureSettings(self.families, self.unit)

    @classmethod
    def of(cls, settings: TrainingSettings, *, leave_out: bool = False) -> Preprocessing:
        """Return the preprocessing that the settings of a training ask for.

        ``leave_out`` is that of :func:`.chosen_families`.
        """
        families: tuple[str, ...] = ()
        if MODELS[settings.model].takes_features:
            families = chosen_families(settings.families, leave_out=leave_out)
        return cls(
            settings.unit, settings.input_size, settings.tiles, settings.crop_factor, True, families
        )


@dataclass(frozen=True)
class PredictSettings(Settings):
    """How a trained model answers for photographs."""

    adapt: Adapt = option(
        "auto",
        "Adapt",
        "Standardise what the model takes by the cells of these photographs: auto, where they are "
        "of another acquisition (microscope, camera, stain) than those learnt from; none never; "
        "batch always: choose it where they are one acquisition with cells of all classes, so that "
        "certain answers for it can stand.",
    )
    engine: EngineName = option(
        "auto",
        "Engine",
        "What runs a network: ONNX Runtime on the CPU, or on an NVIDIA card (cuda), or OpenVINO; "
        "auto measures those that are installed, once for each network, and takes the first unless "
        "another is at least 1.25 times as fast. All agree to 0.0001.",
        advanced=True,
    )


@dataclass(frozen=True)
class EvaluateSettings(CutoffSettings, PredictSettings):
    """How a trained model is judged on photographs with classes."""

    controls: bool = option(
        False,
        "Controls",
        "Ask also about the same photographs without their cells, with nothing but outlines and "
        "with nothing but mean colours, and judge with permuted classes: where the model does well "
        "there, its score may not be about cells.",
    )
    count: str = option(
        "",
        "Count",
        "A class whose share is compared with the cut-off, as napari-marrow count does; none where "
        "it is empty.",
        advanced=True,
    )

    def problems(self) -> list[str]:
        """Return a sentence for each option that can't work."""
        unused = not self.count and self.cutoff != CutoffSettings.cutoff
        missing = [f"Cut-off is {self.cutoff:g} %, but Count is empty; name the class to count."]
        return (missing if unused else []) + super().problems()
