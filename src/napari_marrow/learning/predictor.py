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
from napari_marrow.learning.bundle_info import BundleInfo
from napari_marrow.learning.calibration import apply_temperature
from napari_marrow.learning.onnx_model import open_onnx, run_classical, run_network
from napari_marrow.learning.registry import KINDS

if TYPE_CHECKING:
    import pandas as pd

    from napari_marrow.learning.reference import Reference

MAX_MISSING_FRACTION = 0.25
"""A unit of which a larger fraction of the features is missing is uncertain."""
LOW_PROBABILITY = "low probability"
FEATURES_MISSING = "features missing"
NO_NUCLEUS = "no nucleus"
NO_CERTAIN_CELL = "no certain cell"
UNLIKE = "unlike the training pictures"
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
    """

    def __init__(self, path: Path, info: BundleInfo, reference: Reference | None = None):
        self._path, self._info, self._reference = path, info, reference
        try:
            self._session = open_onnx(path)
        except Exception as error:  # ONNX Runtime's own kinds have nothing else in common
            raise MarrowError(f"{path} is no ONNX model; train again.") from error
        inputs, outputs = self._session.get_inputs()[0].shape[1:], self._session.get_outputs()
        if inputs != self._input_shape() or outputs[-1].shape[-1] != len(info.classes):
            raise MarrowError(
                f"{path} has inputs of shape {inputs} and {outputs[-1].shape[-1]} classes, but "
                f"its bundle says {self._input_shape()} and {len(info.classes)}; train again."
            )

    @abstractmethod
    def _input_shape(self) -> list[int]:
        """Return the shape of one input of the model."""

    @abstractmethod
    def _classify(
        self, image: NDArray[np.uint8], nuclei: NDArray[np.integer] | None
    ) -> tuple[pd.DataFrame, NDArray[np.float64], NDArray[np.float64]]:
        """Return units with index, y and x, their probabilities, and fraction of missing values."""

    def predict(
        self, image: NDArray[np.uint8], nuclei: NDArray[np.integer] | None = None
    ) -> Prediction:
        """Classify one photograph, or the cells in it.

        Parameters
        ----------
        image
            RGB photograph, (height, width, 3), uint8.
        nuclei
            Instance labels of its nuclei; found in the image when None. A field without any is
            uncertain, whatever the model says of it.
        """
        from napari_marrow.imaging.segmentation import found_nuclei

        info = self._info
        nuclei = found_nuclei(image) if nuclei is None else nuclei
        empty = not np.any(nuclei)
        labels = nuclei if info.preprocessing.unit == "cell" else None
        copy_of, unlike = self._compare(image, nuclei)
        if info.needs_nuclei and empty:
            # also of a field: the model would answer from medians in place of its cells
            none = _empty_table(info.classes)
            return Prediction(none, None, float("nan"), True, labels, NO_NUCLEUS, copy_of)
        units, raw, missing = self._classify(image, nuclei)
        probabilities = apply_temperature(raw, info.temperature)
        table = units[["index", "y", "x"]].copy()
        table["class"] = [info.classes[k] for k in probabilities.argmax(axis=1)]
        table[_probability_columns(info.classes)] = probabilities
        low = probabilities.max(axis=1, initial=0) < info.abstain_below
        unlike = np.zeros(len(table), bool) if unlike is None else unlike
        doubts = zip(unlike, low, missing > MAX_MISSING_FRACTION, strict=True)
        names = (NO_NUCLEUS, UNLIKE, LOW_PROBABILITY, FEATURES_MISSING)
        reasons = [_reason(dict(zip(names, (empty, *row), strict=True))) for row in doubts]
        table["uncertain"], table["reason"] = [reason != "" for reason in reasons], reasons
        mean = probabilities.mean(axis=0)
        top = int(mean.argmax())
        reason = reasons[0]
        if labels is not None:
            others = unlike.mean() > MAX_UNLIKE_FRACTION
            unsure, none = mean[top] < info.abstain_below, table["uncertain"].all()
            reason = _reason({UNLIKE: others, LOW_PROBABILITY: unsure, NO_CERTAIN_CELL: none})
        answer = info.classes[top], float(mean[top])
        return Prediction(table, *answer, reason != "", labels, reason, copy_of)

    def _compare(
        self, image: NDArray[np.uint8], nuclei: NDArray[np.integer]
    ) -> tuple[tuple[str, ...], NDArray[np.bool_] | None]:
        """Return the photographs of the bundle that one shows, and which units are unlike them."""
        if self._reference is None:
            return (), None
        from napari_marrow.learning.reference import PictureSummary

        summary = PictureSummary.of(image, nuclei, self._info.preprocessing)
        images = tuple(self._info.fingerprints)
        copies = self._reference.copies(summary)
        return tuple(images[k] for k in copies), self._reference.is_unlike(summary)


class NetworkPredictor(Predictor):
    """Classifies by the pixels of tiles or crops."""

    def _input_shape(self) -> list[int]:
        side = self._info.preprocessing.input_size
        return [side, side, 3]

    def _classify(self, image, nuclei):
        from napari_marrow.learning.samples import cut_units

        units = cut_units(image, nuclei, self._info.preprocessing)
        probabilities = units.mean_over_images(run_network(self._session, units.images))
        return units.table, probabilities, np.zeros(len(units.table))


class ClassicalPredictor(Predictor):
    """Classifies by measured features."""

    def _input_shape(self) -> list[int]:
        return [len(self._info.features)]

    def _classify(self, image, nuclei):
        from napari_marrow.learning.feature_table import measure

        units = measure(image, nuclei, self._info.preprocessing.features)
        features = list(self._info.features)
        if unknown := sorted(set(features) - set(units.columns)):
            raise MarrowError(
                f"{self._path.parent} takes the feature {unknown[0]}, which this version does not "
                "measure; use the version of napari-marrow that made it, or train again."
            )
        values = units[features].to_numpy(np.float32)
        return units, run_classical(self._session, values), np.isnan(values).mean(axis=1)


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
