"""Features of a photograph or of its cells: one table, one column per feature, by families."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.nuclei import join_cytoplasm, separate
from napari_marrow.imaging.segmentation import segment_cytoplasm, segment_nuclei
from napari_marrow.imaging.validate import checked_labels, checked_photograph
from napari_marrow.measure.cells import CellCrops
from napari_marrow.measure.colour import colour
from napari_marrow.measure.fourier import fourier
from napari_marrow.measure.histogram import green, histogram
from napari_marrow.measure.lobes import lobes
from napari_marrow.measure.morphology import morphology
from napari_marrow.measure.settings import FeatureSettings
from napari_marrow.measure.texture import texture
from napari_marrow.measure.thumbnail_grid import pixels

if TYPE_CHECKING:
    import pandas as pd

Columns = dict[str, NDArray[np.float64]]
IMAGE_FAMILIES: dict[str, Callable[..., Columns]]
IMAGE_FAMILIES = {measure.__name__: measure for measure in (histogram, green, fourier, pixels)}
CELL_FAMILIES: dict[str, Callable[[CellCrops], Columns]]
CELL_FAMILIES = {measure.__name__: measure for measure in (morphology, lobes, colour, texture)}
KEYS = ("index", "y", "x")
"""Columns before the features: 0 and the centre for a field, else the nucleus's own."""


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
        separated and joined. What is missing and needed is segmented.
    settings
        Families and unit; histogram and Fourier of the field when None.

    Returns
    -------
    DataFrame
        ``index``, ``y``, ``x``, and a column per feature; a row per unit. For a field, what is
        measured cell by cell is given as ``<name>_mean``, weighted by the nuclei's areas,
        ``<name>_spread``, the standard deviation over cells (not a number with fewer than two), and
        ``nuclei_count``.
        Values are not a number where there is nothing to measure.

    Raises
    ------
    MarrowError
        When the settings can't work, the image is no colour photograph, or masks do not fit it.
    """
    import pandas as pd

    settings = settings or FeatureSettings()
    settings.check()
    image = checked_photograph(image)
    cells = None
    if settings.needs_nuclei:
        cells = CellCrops.from_image(image, *_regions(image, masks or {}))
    if settings.unit == "cell" and cells is not None:
        return pd.DataFrame(_measure_cells(cells, settings.families))
    return pd.DataFrame(_measure_field(image, cells, settings.families))


def _measure_cells(cells: CellCrops, families: Iterable[str]) -> dict[str, NDArray]:
    columns: dict[str, NDArray] = {"index": cells.index, "y": cells.y, "x": cells.x}
    for name in families:
        if name in CELL_FAMILIES:
            columns |= CELL_FAMILIES[name](cells)
        else:
            columns |= IMAGE_FAMILIES[name](cells.images, cells.inside)
    return columns


def _measure_field(
    image: NDArray[np.uint8], cells: CellCrops | None, families: Iterable[str]
) -> dict[str, ArrayLike]:
    height, width = image.shape[:2]
    columns: dict[str, ArrayLike] = {"index": [0], "y": [(height - 1) / 2], "x": [(width - 1) / 2]}
    for name in families:
        if name in IMAGE_FAMILIES:
            columns |= IMAGE_FAMILIES[name](image[None])
        elif cells is not None:
            for feature, values in CELL_FAMILIES[name](cells).items():
                mean, spread = _mean_and_spread(values, cells.area)
                columns |= {f"{feature}_mean": [mean], f"{feature}_spread": [spread]}
    if cells is not None:
        columns["nuclei_count"] = [float(len(cells))]
    return columns


def _mean_and_spread(
    values: NDArray[np.float64], areas: NDArray[np.float64]
) -> tuple[float, float]:
    """Return mean and standard deviation of the finite values, weighted by area."""
    known = np.isfinite(values)
    if not known.any():
        return np.nan, np.nan
    mean = np.average(values[known], weights=areas[known])
    variance = np.average((values[known] - mean) ** 2, weights=areas[known])
    return float(mean), float(np.sqrt(variance)) if known.sum() > 1 else np.nan


def _regions(
    image: NDArray[np.uint8], masks: Mapping[str, NDArray]
) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Return the labels of the nuclei, and their numbers in the cytoplasm."""
    if unknown := sorted(set(masks) - {"nucleus", "cytoplasm"}):
        raise MarrowError(
            f"There is no mask {', '.join(unknown)} for features; give nucleus and cytoplasm."
        )
    if "nucleus" in masks:
        nuclei = checked_labels(masks["nucleus"], image.shape, allow_bool=True)
        nuclei = separate(nuclei) if nuclei.dtype == bool else nuclei
    else:
        nuclei = segment_nuclei(image)
    if "cytoplasm" not in masks:
        return nuclei, segment_cytoplasm(image, nuclei)
    cytoplasm = checked_labels(masks["cytoplasm"], image.shape, "cytoplasm values", allow_bool=True)
    return nuclei, join_cytoplasm(nuclei, cytoplasm) if cytoplasm.dtype == bool else cytoplasm
