"""Predictors: a photograph and its nuclei in, a :class:`Prediction` out, through ONNX Runtime.

There is one class for each kind of model, which the registry names. Nothing here needs Keras, and
what is slow to import is imported when the first photograph is classified.
"""

from __future__ import annotations

import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.bundle_files import REFERENCE
from napari_marrow.learning.bundles.info import BundleInfo
from napari_marrow.learning.confidence.calibration import apply_temperature
from napari_marrow.learning.model_settings import Adapt, EngineName
from napari_marrow.learning.onnx.choice import Choice, asked_engine
from napari_marrow.learning.onnx.inference import open_onnx
from napari_marrow.learning.onnx.sizes import refusal
from napari_marrow.learning.registry import KINDS

if TYPE_CHECKING:
    import onnxruntime
    import pandas as pd

    from napari_marrow.learning.adaptation.photographs import PhotographModel
    from napari_marrow.learning.adaptation.reference import Reference
    from napari_marrow.learning.adaptation.shift import Adaptation
    from napari_marrow.learning.confidence.conformal import Conformal
    from napari_marrow.learning.units.samples import Units

MAX_MISSING_FRACTION = 0.25
"""A unit of which a larger fraction of the features is missing is uncertain."""
OTHER_TEMPERATURE = 2.0
"""Factor on the temperature for another acquisition: assumed, as nothing shows a better one."""
MAX_ROUNDING = 1e-3
"""What a model's probabilities may be below 0 or above 1."""
LOW_PROBABILITY = "low probability"
FEATURES_MISSING = "features missing"
NO_NUCLEUS = "no nucleus"
NO_CERTAIN_CELL = "no certain cell"
UNLIKE = "unlike the training pictures"
OTHER_ACQUISITION = "other acquisition"
NEITHER = "unlike every class"
INSEPARABLE = "class goes with camera"
MAX_UNLIKE_FRACTION = 0.5
"""A field of which a larger fraction of the cells is unlike those learnt from is uncertain."""


@dataclass(frozen=True)
class Prediction:
    """The answer of a model for one photograph.

    Attributes
    ----------
    table
        A row a unit: ``index`` (0 for a field, else the instance), ``y``, ``x`` (pixels),
        ``class``, one ``probability_<class>`` a class, ``uncertain`` and the ``reason``, "" where
        it is certain.
    class_name, probability, uncertain
        The answer for the whole field: the mean over its cells where cells are classified. None
        where no nucleus was found and the model needs some.
    labels
        The instances that were classified, (height, width), or None for a field.
    reason
        Why the answer for the whole field is uncertain.
    copy_of
        Names of the photographs in the bundle that this one shows, of the training or held out.
    """

    table: pd.DataFrame
    class_name: str | None
    probability: float
    uncertain: bool
    labels: NDArray[np.integer] | None
    reason: str = ""
    copy_of: tuple[str, ...] = ()

    def without_labels(self) -> Prediction:
        """Return the prediction without the label image, to keep or send many of them."""
        return replace(self, labels=None)


@dataclass(frozen=True)
class Observation:
    """What a model sees of one photograph, before the answer; it can be pickled.

    Attributes
    ----------
    units
        ``index``, ``y`` and ``x`` of each unit.
    values
        (n, features) of a model of features; of a network its features, if it takes some, and
        what :func:`.measure_density` gives; or (n, classes) the probabilities of one of pixels
        alone that does not adapt.
    missing
        (n,) fraction of the features that could not be measured.
    labels
        The instances that are classified, (height, width), or None for a field.
    photograph
        (9,) what tells its acquisition, see :func:`.measure_photograph`.
    unlike
        (n,) whether each unit looks like none that was learnt from.
    copy_of
        Names of the photographs in the bundle that this one shows.
    no_nucleus
        Whether no nucleus was found.
    samples
        What a network is to see, and classes are compared in: 28 kB a cell.
    """

    units: pd.DataFrame
    values: NDArray[np.float64]
    missing: NDArray[np.float64]
    labels: NDArray[np.integer] | None
    photograph: NDArray[np.float32]
    unlike: NDArray[np.bool_]
    copy_of: tuple[str, ...]
    no_nucleus: bool
    samples: Units | None = None

    def without_labels(self) -> Observation:
        """Return the observation without the label image, to keep or send many of them."""
        return replace(self, labels=None)


class Predictor(ABC):
    """Classifies photographs with one trained model; there is a subclass for each kind.

    Parameters
    ----------
    path
        The ONNX model.
    info
        The description in its bundle.
    reference
        What it learnt from; None of a bundle by a version that did not keep it.
    engine
        What runs it, of a network.
    """

    def __init__(
        self,
        path: Path,
        info: BundleInfo,
        reference: Reference | None = None,
        engine: EngineName = "auto",
    ):
        self._path, self._info, self._reference = path, info, reference
        self._wanted = asked_engine(engine)
        self._model, self._session = _opened(path)
        inputs = [x.shape[1:] for x in self._session.get_inputs()]
        outputs, expected = self._session.get_outputs(), self._input_shapes()
        if inputs != expected or outputs[-1].shape[-1] != len(info.classes):
            raise MarrowError(
                f"{path} has inputs of shape {inputs} and {outputs[-1].shape[-1]} classes, but "
                f"its bundle says {expected} and {len(info.classes)}; train again."
            )

    @property
    @abstractmethod
    def engine(self) -> Choice:
        """What runs the model; chosen when it is first asked for, which is not for a viewer."""

    @abstractmethod
    def _input_shapes(self) -> list[list[int]]:
        """Return the shape of each input of the model, for one unit."""

    @abstractmethod
    def _observe(
        self, image: NDArray[np.uint8], nuclei: NDArray[np.integer] | None
    ) -> tuple[pd.DataFrame, NDArray[np.float64], NDArray[np.float64], Units | None]:
        """Return units with index, y and x, values, fraction of missing values, and samples."""

    @abstractmethod
    def _probabilities(self, seen: Observation, adaptation: Adaptation) -> NDArray[np.float64]:
        """Return the probabilities of the classes, (n, classes), without temperature."""

    @abstractmethod
    def _measurements(self, seen: Observation, adaptation: Adaptation) -> NDArray[np.float64]:
        """Return the measurements of units in which classes are compared, (n, measurements)."""

    def _measure(
        self, image: NDArray[np.uint8], nuclei: NDArray[np.integer] | None
    ) -> pd.DataFrame:
        """Return units with ``index``, ``y``, ``x`` and the features that the model takes.

        Raises
        ------
        MarrowError
            When it takes a feature that this version does not measure.
        """
        from napari_marrow.learning.units.feature_table import measure

        units = measure(image, nuclei, self._info.preprocessing.features)
        if unknown := sorted(set(self._info.features) - set(units.columns)):
            raise MarrowError(
                f"{self._path.parent} takes the feature {unknown[0]}, which this version does not "
                "measure; use the version of napari-marrow that made it, or train again."
            )
        return units

    def _is_neither(self, seen: Observation, adaptation: Adaptation) -> NDArray[np.bool_]:
        """Tell which units, (n,), are of none of the classes; none is where that is not known."""
        conformal = self._conformal
        if conformal is None:
            return np.zeros(len(seen.units), bool)
        measured, expected = self._measurements(seen, adaptation), conformal.model.centres.shape[1]
        if measured.shape[1] != expected:
            raise MarrowError(
                f"{self._path.parent / REFERENCE} is of units of {expected} measurements, not "
                f"{measured.shape[1]}; copy the whole bundle again."
            )
        return conformal.is_neither(measured)

    def predict(
        self, image: NDArray[np.uint8], nuclei: NDArray[np.integer] | None = None
    ) -> Prediction:
        """Classify one photograph, or the cells in it, by itself.

        Parameters
        ----------
        image
            RGB photograph, (height, width, 3), uint8.
        nuclei
            Instance labels of its nuclei; found in the image when None. A field without any is
            uncertain, whatever the model says of it.
        """
        return self.predict_batch([self.observe(image, nuclei)])[0]

    def predict_batch(
        self, batch: Sequence[Observation], adapt: Adapt = "auto"
    ) -> list[Prediction]:
        """Classify photographs that are of one acquisition."""
        adaptation = self.adaptation(batch, adapt)
        return [self.answer(one, adaptation) for one in batch]

    def observe(
        self, image: NDArray[np.uint8], nuclei: NDArray[np.integer] | None = None
    ) -> Observation:
        """Measure what the model takes of one photograph; see :meth:`predict`."""
        from napari_marrow.imaging.segmentation import found_nuclei
        from napari_marrow.learning.adaptation.reference import PictureSummary

        info = self._info
        nuclei = found_nuclei(image) if nuclei is None else nuclei
        empty = not np.any(nuclei)
        summary = PictureSummary.of(image, nuclei, info.preprocessing)
        if info.needs_nuclei and empty:
            # also of a field: the model would answer from medians in place of its cells
            units, values, missing = _empty_table(info.classes), np.empty((0, 0)), np.empty(0)
            samples = None
        else:
            units, values, missing, samples = self._observe(image, nuclei)
        reference, unlike = self._reference, np.zeros(len(units), bool)
        found: tuple[int, ...] = () if reference is None else reference.copies(summary)
        copies = tuple(tuple(info.fingerprints)[k] for k in found)
        if reference is not None:
            unlike = reference.is_unlike(summary) if len(units) else unlike
        labels = nuclei if info.preprocessing.unit == "cell" else None
        known = units[["index", "y", "x"]].copy()
        return Observation(
            known, values, missing, labels, summary.photograph, unlike, copies, empty, samples
        )

    def adaptation(self, batch: Sequence[Observation], adapt: Adapt = "auto") -> Adaptation:
        """Return how the features of photographs of one acquisition are standardised."""
        from napari_marrow.learning.adaptation.shift import Adaptation

        values = [one.values for one in batch if len(one.values)]
        photographs = np.array([one.photograph for one in batch])
        acquisitions = self._info.acquisitions
        joined = np.concatenate(values) if values else np.empty((0, len(self._info.features)))
        return Adaptation.of_batch(
            acquisitions, self._photograph_models, joined, photographs, adapt
        )

    @property
    def _photograph_models(self) -> tuple[PhotographModel, ...]:
        return () if self._reference is None else self._reference.photograph_models

    @property
    def _conformal(self) -> Conformal | None:
        return None if self._reference is None else self._reference.conformal

    def _is_other(self, seen: Observation) -> bool:
        """Whether a photograph by itself is of another acquisition than those learnt from."""
        from napari_marrow.learning.adaptation.shift import are_unusual

        return bool(are_unusual(self._photograph_models, seen.photograph[None])[0])

    def answer(self, seen: Observation, adaptation: Adaptation) -> Prediction:
        """Return the prediction for a photograph."""
        info, labels = self._info, seen.labels
        is_cells = info.preprocessing.unit == "cell"
        if not len(seen.units):
            none = _empty_table(info.classes)
            return Prediction(none, None, float("nan"), True, labels, NO_NUCLEUS, seen.copy_of)
        other, unlike = adaptation.is_other or self._is_other(seen), seen.unlike
        confidence, elsewhere = info.confidence, info.elsewhere
        if other and elsewhere is not None and adaptation.can_stand(seen.photograph, elsewhere):
            confidence, other, unlike = elsewhere, False, np.zeros_like(unlike)
        elif other:
            temperature = max(1.0, confidence.temperature) * OTHER_TEMPERATURE
            confidence = replace(confidence, temperature=temperature)
        raw = self._probabilities(seen, adaptation)
        if not ((raw > -MAX_ROUNDING) & (raw < 1 + MAX_ROUNDING)).all():  # also of no number
            raise MarrowError(
                f"{self._path} answers with values that are no probabilities; train again."
            )
        probabilities = apply_temperature(raw, confidence.temperature)
        table = seen.units.copy()
        table["class"] = [info.classes[k] for k in probabilities.argmax(axis=1)]
        table[_probability_columns(info.classes)] = probabilities
        low = probabilities.max(axis=1, initial=0) < confidence.abstain_below
        neither = self._is_neither(seen, adaptation)
        missing = seen.missing > MAX_MISSING_FRACTION
        doubts = zip(unlike, neither, low, missing, strict=True)
        names = (UNLIKE, NEITHER, LOW_PROBABILITY, FEATURES_MISSING)
        of_all = {NO_NUCLEUS: seen.no_nucleus, OTHER_ACQUISITION: other}
        of_all[INSEPARABLE] = info.inseparable
        reasons = [_reason(of_all | dict(zip(names, row, strict=True))) for row in doubts]
        table["uncertain"], table["reason"] = [reason != "" for reason in reasons], reasons
        mean = probabilities.mean(axis=0)
        top = int(mean.argmax())
        reason = reasons[0]
        if is_cells:
            mostly = [x.mean() > MAX_UNLIKE_FRACTION for x in (unlike, neither)]
            unsure, none_sure = mean[top] < confidence.abstain_below, table["uncertain"].all()
            doubt = {UNLIKE: mostly[0], NEITHER: mostly[1], LOW_PROBABILITY: unsure}
            doubt[NO_CERTAIN_CELL] = none_sure and not any(of_all.values())
            reason = _reason(of_all | doubt)
        answer = info.classes[top], float(mean[top])
        return Prediction(table, *answer, reason != "", labels, reason, seen.copy_of)


def _opened(path: Path) -> tuple[bytes, onnxruntime.InferenceSession]:
    """Return a model and its session; from its bytes, so it can't name files for its weights."""
    try:
        model = path.read_bytes()
        reason = refusal(model)
        if not reason:
            return model, open_onnx(model)
    except Exception as error:  # ONNX Runtime's own kinds have nothing else in common
        raise MarrowError(f"{path} is no ONNX model; train again.") from error
    raise MarrowError(f"{path} {reason}, as no model does that was trained here; train again.")


def predictor_class(kind: str) -> type[Predictor]:
    """Return the predictor of a kind of model, by its name in the registry."""
    found: type[Predictor] = pkgutil.resolve_name(KINDS[kind].predictor)
    return found


def _empty_table(classes: tuple[str, ...]) -> pd.DataFrame:
    """Return the table of a prediction without units, with the types of one with some."""
    import pandas as pd

    numbers = dict.fromkeys(_probability_columns(classes), 0.0)
    row = {"index": 0, "y": 0.0, "x": 0.0, "class": "", **numbers, "uncertain": True, "reason": ""}
    return pd.DataFrame([row]).iloc[:0]


def _reason(doubts: Mapping[str, bool]) -> str:
    return "; ".join(doubt for doubt, holds in doubts.items() if holds)


def _probability_columns(classes: tuple[str, ...]) -> list[str]:
    return [f"probability_{name}" for name in classes]


def joined_tables(names: Sequence[str | int], tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Join the tables of predictions into one.

    Parameters
    ----------
    names
        Name, or number, of each photograph.
    tables
        The table of each :class:`Prediction`.

    Returns
    -------
    DataFrame
        Columns ``image, index, y, x, class, probability_<class>..., uncertain, reason``.
    """
    import pandas as pd

    named = [table.assign(image=name) for name, table in zip(names, tables, strict=True)]
    table = pd.concat(named, ignore_index=True)
    return table[["image", *(name for name in table.columns if name != "image")]]
