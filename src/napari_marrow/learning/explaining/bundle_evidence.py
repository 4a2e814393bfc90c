"""The features that speak for and against the answer of a trained classical model for a cell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.annotating.codes import Values
from napari_marrow.learning.bundles.bundle import Bundle
from napari_marrow.learning.bundles.classical_predictor import ClassicalPredictor
from napari_marrow.learning.confidence.calibration import apply_temperature
from napari_marrow.learning.explaining.evidence import Evidence, omission_evidence


def bundle_evidence(
    bundle: Bundle, image: NDArray[np.uint8], nuclei: NDArray[np.integer], index: int
) -> Evidence:
    """Return what changes where one feature of a cell is put to the median of its photograph.

    Parameters
    ----------
    bundle
        A classical model of cells.
    image
        RGB photograph, (height, width, 3), uint8.
    nuclei
        Instance labels of all its nuclei.
    index
        The number of the cell.

    Raises
    ------
    MarrowError
        When the model is another one, or there is no such cell.
    """
    predictor, info = bundle.predictor, bundle.info
    if not isinstance(predictor, ClassicalPredictor) or info.preprocessing.unit != "cell":
        raise MarrowError(
            f"{bundle.path} is no classical model of cells; choose one that learnt from measured "
            "features of cells."
        )
    numbers, values = predictor.inputs(image, nuclei)
    rows = np.flatnonzero(numbers == index)
    if not len(rows):
        raise MarrowError(f"The photograph has no cell {index}; choose another one.")

    def ask(features: Values) -> Values:
        return apply_temperature(predictor.ask(features), info.confidence.temperature)

    return omission_evidence(ask, values, int(rows[0]), info.features)
