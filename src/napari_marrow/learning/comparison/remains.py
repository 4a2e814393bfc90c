"""What is left of photographs without what a model should go by: measured for controls.

The background is all pixels outside nuclei, cytoplasm and a rim about them. Of shape there are the
families of outlines, which see no levels.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from napari_marrow.data.cache import cached, checksum
from napari_marrow.data.fields import Collection, Field
from napari_marrow.imaging.nuclei import field_labels, typical_diameter
from napari_marrow.imaging.segmentation import segment_cytoplasm
from napari_marrow.learning.units.feature_table import measure
from napari_marrow.learning.units.samples import cells_of, table_arrays, table_of
from napari_marrow.measure.histogram import histogram
from napari_marrow.measure.settings import FAMILIES, STAIN_DEPENDENT_FAMILIES, FeatureSettings

RIM_DIAMETERS = 0.5
"""Width of the rim about cells that counts as theirs, in diameters of the usual nucleus."""
BACKGROUND, SHAPE = "background_", "shape_"
"""What the names of the columns begin with."""
_OUTLINES = tuple(name for name in FAMILIES if name not in STAIN_DEPENDENT_FAMILIES)


def measure_remains(
    collection: Collection,
    units: pd.DataFrame,
    unit: str,
    progress: Callable[[float, str], None],
) -> pd.DataFrame:
    """Return what is left of each unit: a row each, with background and shape.

    Parameters
    ----------
    collection
        The photographs.
    units
        A row a unit with ``image`` and ``index``.
    unit
        ``field`` or ``cell``.
    progress
        Called with what is done.
    """
    images = set(units["image"])
    fields = [field for field in collection.fields if collection.label(field) in images]
    tables = []
    for k, field in enumerate(fields):
        progress(k / len(fields), f"Controls of {field.name}")
        tables.append(_of_field(field, unit).assign(image=collection.label(field)))
    keys = ["image", "index"]
    found = units[keys].merge(pd.concat(tables, ignore_index=True), "left", keys)
    return found.drop(columns=keys)


def _of_field(field: Field, unit: str) -> pd.DataFrame:
    image = field.image()
    nuclei = cells_of(image, field_labels(field))
    settings = FeatureSettings(_OUTLINES, "cell" if unit == "cell" else "field")
    shape = measure(image, nuclei, settings).drop(columns=["y", "x"])
    shape = shape.rename(columns={name: SHAPE + name for name in shape if name != "index"})
    parts = ["background", checksum(image, nuclei)]
    own = cached(parts, lambda: _background_row(image, nuclei), table_arrays, table_of)
    return shape.assign(**{name: own[name].iloc[0] for name in own if name != "index"})


def _background_row(image: NDArray[np.uint8], nuclei: NDArray[np.integer]) -> pd.DataFrame:
    return pd.DataFrame({"index": [0], **background(image, outside_cells(image, nuclei))})


def outside_cells(image: NDArray[np.uint8], nuclei: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return which pixels are outside nuclei, cytoplasm and the rim about them.

    Parameters
    ----------
    image, nuclei
        RGB photograph, (height, width, 3), and its instance labels.
    """
    if not nuclei.any():
        return np.ones(nuclei.shape, bool)
    cells = (nuclei > 0) | (segment_cytoplasm(image, nuclei) > 0)
    away = ndimage.distance_transform_edt(~cells)
    return away > RIM_DIAMETERS * typical_diameter(nuclei)


def background(
    image: NDArray[np.uint8], outside: NDArray[np.bool_]
) -> dict[str, NDArray[np.float64]]:
    """Return histogram, mean and spread of the levels of some pixels; (1,) each.

    Not a number where there are none.
    """
    levels = image[outside].astype(np.float64)
    if not len(levels):
        levels = np.full((1, 3), np.nan)
    columns = {f"{BACKGROUND}mean_{k}": levels[:, k].mean(keepdims=True) for k in range(3)}
    columns |= {f"{BACKGROUND}spread_{k}": levels[:, k].std(keepdims=True) for k in range(3)}
    if outside.any():
        shares = histogram(image[None], outside[None])
        columns |= {BACKGROUND + name: values for name, values in shares.items()}
    return columns
