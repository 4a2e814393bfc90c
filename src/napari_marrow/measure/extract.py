"""Features of a photograph or of its cells: one table, one column a feature, by families."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.nuclei import join_cytoplasm, separate
from napari_marrow.imaging.segmentation import segment_cytoplasm, segment_nuclei
from napari_marrow.imaging.validate import checked_labels, checked_photograph
from napari_marrow.measure.cells import Cells, cut
from napari_marrow.measure.colour import colour
from napari_marrow.measure.fourier import fourier
from napari_marrow.measure.histogram import green, histogram
from napari_marrow.measure.morphology import morphology
from napari_marrow.measure.settings import FeatureSettings
from napari_marrow.measure.texture import texture
from napari_marrow.measure.thumbnail_grid import pixels

if TYPE_CHECKING:
    import pandas as pd

OF_PICTURES = {"histogram": histogram, "green": green, "fourier": fourier, "pixels": pixels}
OF_EACH_CELL = {"morphology": morphology, "colour": colour, "texture": texture}
KEYS = ("index", "y", "x")
"""What stands before the features: 0 and the middle for a field, else the nucleus's own."""


def features(
    image: NDArray[np.uint8],
    masks: Mapping[str, NDArray] | None = None,
    settings: FeatureSettings | None = None,
) -> pd.DataFrame:
    """Measure a photograph, or each of its cells.

    Parameters
    ----------
    image
        RGB photograph, (height, width, 3), uint8.
    masks
        ``nucleus`` and ``cytoplasm``, (height, width): instance labels, or booleans, which are then
        taken apart and joined. What is missing and needed is found in the photograph.
    settings
        Families and unit; histogram and Fourier of the field when None.

    Returns
    -------
    DataFrame
        ``index``, ``y``, ``x``, and a column a feature; a row a unit. Of a field, what is measured
        cell by cell is given as ``<name>_mean``, weighted by the nuclei's areas, ``<name>_spread``,
        the standard deviation over cells (not a number with fewer than two), and ``nuclei_count``.
        Values are not a number where there is nothing to measure.

    Raises
    ------
    MarrowError
        When the settings can't work, the image is no colour photograph, or masks do not fit it.
    """
    import pandas as pd

    settings = settings or FeatureSettings()
    if problems := settings.problems():
        raise MarrowError(" ".join(problems))
    image = checked_photograph(image)
    cells = None
    if settings.needs_nuclei:
        cells = cut(image, *_regions(image, dict(masks or {})))
    columns: dict[str, Any] = {}
    for name in settings.families:
        if name in OF_PICTURES:
            if settings.unit == "cell" and cells is not None:
                columns |= OF_PICTURES[name](cells.pictures, cells.inside)
            else:
                columns |= OF_PICTURES[name](image[None])
        elif cells is not None:
            found = OF_EACH_CELL[name](cells)
            columns |= found if settings.unit == "cell" else _of_field(found, cells)
    keys: dict[str, Any]
    if settings.unit == "cell" and cells is not None:
        keys = {"index": cells.index, "y": cells.y, "x": cells.x}
    else:
        height, width = image.shape[:2]
        keys = {"index": [0], "y": [(height - 1) / 2], "x": [(width - 1) / 2]}
        if cells is not None:
            columns["nuclei_count"] = [float(len(cells))]
    return pd.DataFrame({**keys, **columns})


def _regions(
    image: NDArray[np.uint8], masks: dict[str, NDArray]
) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Labels of the nuclei, and their numbers in the cytoplasm."""
    if unknown := sorted(set(masks) - {"nucleus", "cytoplasm"}):
        raise MarrowError(
            f"There is no mask {', '.join(unknown)} for features; give nucleus and cytoplasm."
        )
    nuclei, cytoplasm = masks.get("nucleus"), masks.get("cytoplasm")
    if nuclei is None:
        nuclei = segment_nuclei(image)
    elif np.asarray(nuclei).dtype == bool:
        nuclei = separate(_checked_mask(nuclei, image.shape))
    nuclei = checked_labels(nuclei, image.shape)
    if cytoplasm is None:
        return nuclei, segment_cytoplasm(image, nuclei)
    if np.asarray(cytoplasm).dtype == bool:
        whole = _checked_mask(cytoplasm, image.shape, "cytoplasm values")
        return nuclei, join_cytoplasm(nuclei, whole)
    return nuclei, checked_labels(cytoplasm, image.shape, "cytoplasm values")


def _checked_mask(mask: NDArray, shape: tuple[int, ...], name: str = "nuclei") -> NDArray[np.bool_]:
    return checked_labels(np.asarray(mask).view(np.uint8), shape, name).astype(bool)


def _of_field(found: dict[str, NDArray[np.float64]], cells: Cells) -> dict[str, list[float]]:
    """Mean over the cells, weighted by area, and spread of each feature, as rows of one field."""
    columns = {}
    for name, values in found.items():
        known = np.isfinite(values)
        weights = np.where(known, cells.area, 0.0)
        mean = spread = np.nan
        if known.any():
            mean = float(np.average(np.where(known, values, 0), weights=weights))
        if known.sum() > 1:
            away = np.where(known, (values - mean) ** 2, 0)
            spread = float(np.sqrt(np.average(away, weights=weights)))
        columns[f"{name}_mean"], columns[f"{name}_spread"] = [mean], [spread]
    return columns
