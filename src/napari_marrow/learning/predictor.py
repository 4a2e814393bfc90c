"""Prediction from a bundle through ONNX Runtime: no Keras, no TensorFlow, fit for the viewer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Field
from napari_marrow.imaging.nuclei import field_labels
from napari_marrow.imaging.segmentation import segment_nuclei
from napari_marrow.learning.bundle import Bundle
from napari_marrow.learning.calibration import soften
from napari_marrow.learning.feature_table import measure
from napari_marrow.learning.samples import Units, batches, cut_units, mean_by_unit

if TYPE_CHECKING:
    import onnxruntime

MUCH = 0.25
"""An answer of which a larger part of the features is missing is made up of medians: uncertain."""


@dataclass(frozen=True)
class Prediction:
    """What a bundle says of one photograph.

    Attributes
    ----------
    table
        A row a unit: ``index`` (0 for a field, else the instance), ``y``, ``x`` (pixels),
        ``class``, one ``probability_<class>`` a class, ``uncertain``.
    class_name, probability, uncertain
        The answer for the whole field: the mean over its cells where cells are classified. None
        where no nucleus was found and the model needs some.
    labels
        The instances that were classified, (height, width), or None for a field.
    """

    table: pd.DataFrame
    class_name: str | None
    probability: float
    uncertain: bool
    labels: NDArray[np.integer] | None


def unit_probabilities(bundle: Bundle, units: Units) -> NDArray[np.float64]:
    """Class probabilities of each unit, (n, classes): the mean over its images, softened."""
    raw = run_network(bundle.session, units.images)
    means = mean_by_unit(raw, units.owner, len(units.table))
    return soften(means, bundle.info.temperature)


def run_network(
    session: onnxruntime.InferenceSession, images: NDArray[np.uint8]
) -> NDArray[np.float64]:
    """A network's output for each image, (n, classes), rows adding up to 1."""
    name, classes = session.get_inputs()[0].name, session.get_outputs()[0].shape[-1]
    out = np.zeros((len(images), classes), np.float64)
    for part in batches(len(images), 64):
        out[part] = session.run(None, {name: images[part].astype(np.float32)})[0]
    # The paper network has independent sigmoid outputs; they are made to add up to 1.
    return out / np.maximum(out.sum(axis=1, keepdims=True), 1e-12)


def run_features(session: onnxruntime.InferenceSession, table: pd.DataFrame) -> NDArray[np.float64]:
    """A classical model's probabilities for each row of its features, (n, classes)."""
    values = table.to_numpy(np.float32)
    if not len(values):  # a photograph without a cell; ONNX Runtime can't be asked nothing
        nothing = np.full((1, values.shape[1]), np.nan, np.float32)
        return session.run(["probabilities"], {"features": nothing})[0][:0].astype(np.float64)
    return session.run(["probabilities"], {"features": values})[0].astype(np.float64)


def predict_image(
    bundle: Bundle, image: NDArray[np.uint8], labels: NDArray[np.integer] | None = None
) -> Prediction:
    """Classify one photograph, or the cells in it.

    Parameters
    ----------
    bundle
        The model.
    image
        RGB photograph, (height, width, 3), uint8.
    labels
        Instance labels of its nuclei; found in the image when None and needed.
    """
    how, classes, limit = bundle.info.preprocessing, bundle.info.classes, bundle.info.abstain_below
    if bundle.info.needs_nuclei and labels is None:
        labels = segment_nuclei(image)
    if bundle.info.needs_nuclei and not np.any(labels):
        # also of a field: the model would answer from medians in place of its cells
        return Prediction(_nothing(classes), None, float("nan"), True, labels)
    if bundle.info.features:
        units = measure(image, labels, how.features)
        taken = _taken(bundle, units)
        probabilities = soften(run_features(bundle.session, taken), bundle.info.temperature)
        absent = taken.isna().mean(axis=1).to_numpy()
    else:
        cut = cut_units(image, labels, how)
        units, probabilities = cut.table, unit_probabilities(bundle, cut)
        absent = np.zeros(len(units))
    table = units[["index", "y", "x"]].copy()
    best = probabilities.max(axis=1, initial=0)
    table["class"] = [classes[k] for k in probabilities.argmax(axis=1)]
    table[_probabilities(classes)] = probabilities
    table["uncertain"] = (best < limit) | (absent > MUCH)
    mean = probabilities.mean(axis=0)
    top = int(mean.argmax())
    cells = labels if how.unit == "cell" else None
    unsure = bool(mean[top] < limit or table["uncertain"].all())
    return Prediction(table, classes[top], float(mean[top]), unsure, cells)


def _nothing(classes: tuple[str, ...]) -> pd.DataFrame:
    """A table of no unit, with the types of one of some."""
    numbers = dict.fromkeys(_probabilities(classes), 0.0)
    row = {"index": 0, "y": 0.0, "x": 0.0, "class": "", **numbers, "uncertain": True}
    return pd.DataFrame([row]).iloc[:0]


def _probabilities(classes: tuple[str, ...]) -> list[str]:
    return [f"probability_{name}" for name in classes]


def _taken(bundle: Bundle, units: pd.DataFrame) -> pd.DataFrame:
    """The columns that a classical model takes, in its order."""
    unknown = sorted(set(bundle.info.features) - set(units.columns))
    if unknown:
        raise MarrowError(
            f"{bundle.path} takes the feature {unknown[0]}, which this version does not measure; "
            "use the version of napari-marrow that made it, or train again."
        )
    return units[list(bundle.info.features)]


def predict_field(bundle: Bundle, field: Field) -> Prediction:
    """Classify a field from its files: its own instances or nucleus mask where there are some."""
    labels = field_labels(field) if bundle.info.needs_nuclei else None
    return predict_image(bundle, field.image(), labels)


def predictions_table(
    names: Sequence[str | int], predictions: Sequence[Prediction]
) -> pd.DataFrame:
    """One table of many predictions, with the name (or number) of each photograph.

    Returns
    -------
    DataFrame
        Columns ``image, index, y, x, class, probability_<class>..., uncertain``.
    """
    return joined_tables(names, [p.table for p in predictions])


def joined_tables(names: Sequence[str | int], tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The tables of :class:`Prediction` as one, the photograph's name (or number) in front."""
    named = [table.assign(image=name) for name, table in zip(names, tables, strict=True)]
    table = pd.concat(named, ignore_index=True)
    return table[["image", *(name for name in table.columns if name != "image")]]
