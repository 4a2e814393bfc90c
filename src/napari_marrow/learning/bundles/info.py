"""What ``bundle.json`` says of a trained model, as a dataclass and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING

from napari_marrow.audit.findings import join_names
from napari_marrow.audit.verdict import Confounding
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.options import settings_from_dict
from napari_marrow.data.text import one_line
from napari_marrow.learning.adaptation.acquisitions import Acquisition
from napari_marrow.learning.confidence.error_rate import UNKNOWN, Confidence
from napari_marrow.learning.registry import MODELS
from napari_marrow.learning.scores.evaluation import MIN_SOURCES, Evaluation
from napari_marrow.learning.settings import Preprocessing, TrainingSettings

if TYPE_CHECKING:
    from pydantic import TypeAdapter

SIZES = ("input_size", "tiles", "crop_factor")
"""Of the preprocessing; they are options of a training."""
LIMITS = ("temperature", "abstain_below")
"""Of the confidence; older versions knew no more of it."""
INVALID = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    MarrowError,
)
"""What reading a description raises where something is missing or of the wrong type."""


@dataclass(frozen=True)
class BundleInfo:
    """The description of a trained model.

    Attributes
    ----------
    classes
        Names of the model's outputs, in order.
    settings
        The options of the training.
    preprocessing
        How pixels become the model's input.
    confidence
        Temperature and smallest probability of answers for photographs like those learnt from.
    elsewhere
        Of answers for another acquisition, where features are standardised by that; None where the
        training set could not tell.
    evaluation
        Scores on the held-out units, or None where nothing was held out.
    split
        Names of the sources on each side.
    fingerprints
        SHA-256 of each training photograph by the name of its field.
    notes
        Sentences that a reader of the scores must know.
    versions
        Of what the model was made with, and the device.
    features
        Of a classical model: the features it takes, in this order.
    kind
        Name of the kind of model.
    acquisitions
        By which features are standardised, those of a new acquisition by its own cells; none
        where they stay as they are.
    observed
        What every acquisition learnt from was like, also where features stay as they are.
    confounding
        What goes with the class in the training set, which must stand before every score; None
        where nothing was found to.
    inseparable
        Whether class and acquisition go together so that features can't be standardised by
        acquisition: every answer is uncertain.
    tells_others
        Whether cells of other classes can be told from those learnt from.
    """

    classes: tuple[str, ...]
    settings: TrainingSettings
    preprocessing: Preprocessing
    confidence: Confidence = UNKNOWN
    elsewhere: Confidence | None = None
    evaluation: Evaluation | None = None
    split: dict[str, list[str]] = field(default_factory=dict)
    fingerprints: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    features: tuple[str, ...] = ()
    kind: str = "network"
    acquisitions: tuple[Acquisition, ...] = ()
    observed: tuple[Acquisition, ...] = ()
    confounding: Confounding | None = None
    inseparable: bool = False
    tells_others: bool = True

    @property
    def others_sentence(self) -> str:
        """Say that other classes can't be told from those learnt from; "" where they can."""
        if self.tells_others:
            return ""
        return (
            f"Cells of other classes than {join_names(self.classes)} can't be told apart from "
            f"these: for that a model must learn from at least {MIN_SOURCES} sources and about 20 "
            "cells of each class."
        )

    @property
    def needs_nuclei(self) -> bool:
        """Whether the answer for a photograph depends on its nuclei."""
        return self.preprocessing.features.needs_nuclei

    def check(self) -> None:
        """Check that the values can be those of a trained model.

        Raises
        ------
        MarrowError
            When a setting, or a size of the preprocessing, is out of its bounds, or another value
            is of the wrong type, out of range or does not fit the others.
        """
        self.settings.check()
        if (needed := MODELS[self.settings.model].kind) != self.kind:
            raise MarrowError(f"its model {self.settings.model} is {needed}, not {self.kind}")
        own = {name: getattr(self.preprocessing, name) for name in SIZES}
        replace(self.settings, **own).check()
        if not _are_names(self.classes) or len(set(self.classes)) != len(self.classes):
            raise MarrowError("its classes are no different names")
        if any(one_line(name) != name for name in self.classes):
            raise MarrowError("its classes have names that can't be shown")
        _check_types(self)
        if len(self.classes) < 2:
            raise MarrowError("it has fewer than two classes")
        if not _are_names(self.features) or len(set(self.features)) != len(self.features):
            raise MarrowError("its features are no different names")
        prints = self.fingerprints
        if not isinstance(prints, dict) or not _are_names(prints.values()):
            raise MarrowError("its fingerprints are no checksums by photograph")
        for one in (self.confidence, self.elsewhere):
            if one is not None and not one.is_valid:
                raise MarrowError("its confidence holds a value out of range")
        n_values = len(self.features) + (self.kind == "network")  # and the optical density
        if not all(one.is_valid(n_values) for one in (*self.acquisitions, *self.observed)):
            raise MarrowError("its acquisitions hold a value out of range, or too few or many")
        if self.confounding is not None and not self.confounding.is_valid:
            raise MarrowError("its confounding holds a value out of range")
        if self.evaluation is not None:
            self._check_evaluation(self.evaluation)

    def _check_evaluation(self, evaluation: Evaluation) -> None:
        """Raise MarrowError, or ValueError, where the scores can't be those of this model."""
        if "accuracy" not in evaluation.metrics:
            raise MarrowError("its evaluation has no accuracy")
        if evaluation.classes != self.classes:
            raise MarrowError("its evaluation is of other classes")
        evaluation.check()

    def to_dict(self) -> dict[str, object]:
        """Return the description as JSON."""
        evaluation = None if self.evaluation is None else self.evaluation.to_dict()
        confounding = None if self.confounding is None else self.confounding.to_dict()
        limits = self.confidence.temperature, self.confidence.abstain_below
        return asdict(self) | {
            "evaluation": evaluation,
            "confounding": confounding,
            "unit": self.settings.unit,
            **dict(zip(LIMITS, limits, strict=True)),
        }

    @classmethod
    def from_dict(cls, values: Mapping) -> BundleInfo:
        """Return the description that :meth:`to_dict` stored, also by a version without ``kind``.

        Raises
        ------
        Exception
            One of :data:`INVALID`, when something is missing or of the wrong type.
        """
        found, features = values["evaluation"], tuple(values.get("features", ()))
        confounding = values.get("confounding")
        elsewhere = values.get("elsewhere")
        older = asdict(UNKNOWN) | {name: values[name] for name in LIMITS}
        return cls(
            classes=tuple(values["classes"]),
            settings=settings_from_dict(TrainingSettings, values["settings"]),
            preprocessing=settings_from_dict(Preprocessing, values["preprocessing"]),
            confidence=Confidence.from_dict(values.get("confidence", older)),
            elsewhere=None if elsewhere is None else Confidence.from_dict(elsewhere),
            evaluation=None if found is None else Evaluation.from_dict(found),
            split=values["split"],
            fingerprints=values["fingerprints"],
            notes=tuple(values["notes"]),
            versions=values["versions"],
            features=features,
            kind=str(values.get("kind", "classical" if features else "network")),
            acquisitions=tuple(map(Acquisition.from_dict, values.get("acquisitions", ()))),
            observed=tuple(map(Acquisition.from_dict, values.get("observed", ()))),
            confounding=None if confounding is None else Confounding.from_dict(confounding),
            inseparable=bool(values.get("inseparable", False)),
            tells_others=bool(values.get("tells_others", True)),
        )


def _check_types(info: BundleInfo) -> None:
    """Raise MarrowError where a value, also of a part, is not of the type of its field."""
    from pydantic import ValidationError

    try:
        _types().validate_json(json.dumps(asdict(info)), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "text"
        raise MarrowError(f"its {place}: {first['msg']}") from error


@cache
def _types() -> TypeAdapter[BundleInfo]:
    from pydantic import TypeAdapter

    return TypeAdapter(BundleInfo)


def _are_names(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)
