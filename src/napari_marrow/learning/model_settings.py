"""Options that only some models take, in groups.

A new group is one class here, and one more base of :class:`ModelSettings`; form, command line and
bundle then have its options.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from napari_marrow.data.options import Settings, option
from napari_marrow.measure.settings import AUTO, DEFAULT_FAMILIES, FAMILIES

Adapt: TypeAlias = Literal["auto", "none", "batch"]
EmbeddingInput: TypeAlias = Literal["imagenet", "unit", "signed", "levels"]
EngineName: TypeAlias = Literal["auto", "onnxruntime", "cuda", "openvino"]
MIN_ERROR_RATE = 0.001
"""Smallest fraction of unmarked wrong answers that can be asked for: it takes 999 answers."""


@dataclass(frozen=True)
class OptionGroup(Settings):
    """Options that some of the models take."""

    title: ClassVar[str]
    """Stands above them in ``--help``."""


@dataclass(frozen=True)
class AdaptationSettings(OptionGroup):
    """Options of models that adapt to another acquisition."""

    title = "Other acquisitions"
    adapt: Literal["auto", "none", "batch"] = option(
        "auto",
        "Adapt",
        "Standardise what the model takes (features; the strength of the stain in pixels) by the "
        "acquisition (microscope, camera, stain) that it comes from, and that of a new one by its "
        "own cells: auto, unless each acquisition holds one class only, which it would remove; "
        "batch refuses then; none never does.",
        advanced=True,
    )


@dataclass(frozen=True)
class NetworkSettings(AdaptationSettings):
    """Options of networks, which learn from pixels."""

    title = "Networks"
    epochs: int = option(
        40, "Epochs", "Maximum number of passes over the training images.", low=1, high=10000
    )
    device: Literal["auto", "cpu", "gpu"] = option(
        "auto", "Device", "auto uses a GPU if the backend finds one."
    )
    precision: Literal["auto", "float32", "mixed"] = option(
        "auto",
        "Precision",
        "Floating-point numbers: mixed multiplies in 16 bits, the model that is written has 32; "
        "auto is mixed on a GPU of NVIDIA that is faster so, else float32.",
        advanced=True,
    )
    batch_size: int = option(
        16, "Batch size", "Images per optimisation step.", low=1, high=1024, advanced=True
    )
    learning_rate: float = option(
        0.0,
        "Learning rate",
        "Step size of Adam; 0 uses the network's own (dcnn 0.001, paper 0.01).",
        low=0,
        high=1,
        lowest="automatic",
        decimals=6,
        advanced=True,
    )
    schedule: Literal["constant", "cosine"] = option(
        "constant",
        "Schedule",
        "Learning rate over the epochs: constant, or falling to 0 as half a cosine.",
        advanced=True,
    )
    label_smoothing: float = option(
        0.0,
        "Label smoothing",
        "Fraction of the target that is shared out among all classes, so that the network learns "
        "to be less certain.",
        low=0,
        high=0.5,
        lowest="none",
        advanced=True,
    )
    members: int = option(
        1,
        "Members",
        "Networks that are trained from different seeds; the answer is the mean of theirs.",
        low=1,
        high=20,
        advanced=True,
    )
    validation: float = option(
        0.2,
        "Validation",
        "Fraction of the training sources that decides when to stop.",
        low=0.05,
        high=0.5,
        advanced=True,
    )
    patience: int = option(
        12,
        "Patience",
        "Stop when the validation loss has not improved for this many epochs; 0 never stops.",
        unit="epochs",
        low=0,
        high=10000,
        lowest="never stops",
        advanced=True,
    )
    copies: int = option(
        8,
        "Copies",
        "Randomly augmented copies of each training image per epoch; 1 uses the image as it is.",
        low=1,
        high=64,
        advanced=True,
    )
    augmentation: Literal["auto", "standard", "published"] = option(
        "auto",
        "Augmentation",
        "What a copy goes through: standard turns, mirrors, zooms and recolours it; published does "
        "one of those of the network cnn7 (equalise, mirror, shift, rotate, blur, distort) or "
        "none; auto is published for cnn7, standard for all others.",
        advanced=True,
    )
    simulate_acquisitions: bool = option(
        False,
        "Simulate acquisitions",
        "Each copy looks as if another microscope, stain and camera had made it: stain, tone "
        "curve, light, resolution, blur, sharpening and JPEG are drawn at random.",
        advanced=True,
    )
    balance: bool = option(
        True,
        "Balance classes",
        "Weight the loss by the inverse frequency of the class.",
        advanced=True,
    )
    input_size: int = option(
        96,
        "Input size",
        "Side of the network's input, in pixels.",
        unit="px",
        low=32,
        high=512,
        advanced=True,
    )
    select_pixels: int = option(
        0,
        "Select pixels",
        "Number of places of the input that the network sees, by chi-square score on the training "
        "side; the others are white. 0 shows all.",
        low=0,
        high=512 * 512,
        lowest="all",
        advanced=True,
    )
    tiles: int = option(
        2,
        "Tiles",
        "Rows of square tiles per field; the answer for the field is the mean over its tiles.",
        low=1,
        high=8,
        advanced=True,
    )
    crop_factor: float = option(
        2.5,
        "Crop factor",
        "Side of the square crop of a cell, in diameters of its nucleus.",
        low=1,
        high=8,
        advanced=True,
    )


@dataclass(frozen=True)
class WeightsSettings(NetworkSettings):
    """Options of networks that begin with weights of another training."""

    title = "Networks with weights of another training"
    weights: str = option(
        "",
        "Weights",
        "Local file of weights, as Keras saves them of an application without its top (.h5); "
        "without one they are drawn at random. Nothing is downloaded. pretrained also takes the "
        "ONNX file of an embedding (.onnx), a vector or feature maps for each image.",
    )
    fine_tune: bool = option(
        True,
        "Fine-tune",
        "Train all layers; else those of the file keep their weights, and the new head learns.",
    )


@dataclass(frozen=True)
class PretrainedSettings(WeightsSettings):
    """Options of the network that can be any Keras application, or a head on an embedding."""

    title = "Keras applications and ONNX embeddings"
    application: str = option(
        "MobileNetV2",
        "Application",
        "Keras application whose feature maps the network takes, such as MobileNetV2 or ResNet50.",
    )
    embedding_input: Literal["imagenet", "unit", "signed", "levels"] = option(
        "imagenet",
        "Embedding input",
        "Levels that an ONNX embedding takes: imagenet has them from 0 to 1, less the mean of "
        "ImageNet and divided by its deviation; unit from 0 to 1; signed from -1 to 1; levels from "
        "0 to 255.",
        advanced=True,
    )


@dataclass(frozen=True)
class ClassicalSettings(AdaptationSettings):
    """Options of classical models, which learn from measured features."""

    title = "Classical models"
    families: tuple[str, ...] = option(
        (AUTO,),
        "Families",
        f"Feature families that are measured, of {', '.join(FAMILIES)}; {AUTO}: "
        f"{', '.join(DEFAULT_FAMILIES)}, without what a stain, a camera or a magnification changes "
        "where these go with the class.",
        advanced=True,
        choices=(AUTO, *FAMILIES),
    )
    select: int = option(
        40,
        "Select",
        "Number of features kept, by chi-square score.",
        low=1,
        high=5000,
        advanced=True,
    )

    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(self, "families", tuple(dict.fromkeys(self.families)))


@dataclass(frozen=True)
class HybridSettings(ClassicalSettings, NetworkSettings):
    """Options of the network that learns from pixels and from measured features."""


@dataclass(frozen=True)
class ModelSettings(
    HybridSettings,
    ClassicalSettings,
    PretrainedSettings,
    WeightsSettings,
    NetworkSettings,
    AdaptationSettings,
):
    """The options of all models; a model ignores those that it does not take."""


@dataclass(frozen=True)
class CutoffSettings(Settings):
    """What a share is compared with."""

    cutoff: float = option(
        10.0,
        "Cut-off",
        "The share to compare with, such as 10 for plasma cells or 20 for blasts.",
        unit="%",
        low=0.1,
        high=99.9,
        decimals=1,
    )
