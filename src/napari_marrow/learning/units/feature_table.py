"""A table of measured units: the features of every field or cell of a collection."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_marrow.data.cache import cached, checksum
from napari_marrow.data.failures import Failures
from napari_marrow.data.fields import Collection, Field
from napari_marrow.imaging.augment import rotate90
from napari_marrow.imaging.intensity import edges
from napari_marrow.imaging.nuclei import field_labels
from napari_marrow.learning.units.samples import (
    cells_of,
    check_found,
    check_masks,
    table_arrays,
    table_of,
    with_classes,
)
from napari_marrow.measure.colour import MEAN_COLOUR, mean_colour
from napari_marrow.measure.extract import KEYS, features
from napari_marrow.measure.settings import AUTO, FeatureSettings, is_size

KNOWN = ("image", *KEYS, "class", "source")
"""Columns of the table that are not features, in this order."""


def measure(
    image: NDArray[np.uint8], nuclei: NDArray[np.integer] | None, settings: FeatureSettings
) -> pd.DataFrame:
    """Measure the features of one photograph, as learning and prediction take them.

    What was measured before comes from the cache: it is known by the photograph's pixels, the
    nuclei and the settings.

    Cytoplasm is always found in the photograph, also where there is a mask of it: most sets have
    such masks for some fields only, and cells drawn by hand differ from cells found. With a
    class that has more of them, the difference would tell the class.

    Parameters
    ----------
    image
        RGB photograph, (height, width, 3), uint8.
    nuclei
        Instance labels, (height, width); found in the photograph when None.
    settings
        What to measure.
    """
    cells = cells_of(image, nuclei) if settings.needs_nuclei else None
    parts = ["features", repr(settings), checksum(image, cells)]
    masks = None if cells is None else {"nucleus": cells}
    return cached(parts, lambda: features(image, masks, settings), table_arrays, table_of)


def measure_field(
    field: Field, image: str, settings: FeatureSettings, *, augmented: bool = False
) -> pd.DataFrame:
    """Measure the features of a field, with ``image``, ``class``, ``source`` and its mean colour.

    ``augmented`` adds the rows of its rotated copy and of its edges, as the paper has them.
    """
    check_masks(field)
    pixels, nuclei = field.image(), field_labels(field) if settings.needs_nuclei else None
    pictures = [(pixels, nuclei)]
    if augmented:
        turned = None if nuclei is None else rotate90(nuclei)
        pictures += [(rotate90(pixels), turned), (edges(pixels), nuclei)]
    tables = []
    for picture, labels in pictures:
        table = measure(picture, labels, settings)
        colours = dict(zip(MEAN_COLOUR, mean_colour(picture), strict=True))
        tables.append(table.assign(**colours))
    table = with_classes(pd.concat(tables, ignore_index=True), field, image, settings.unit)
    return table[[*KNOWN, *(name for name in table.columns if name not in KNOWN)]]


def measure_collection(
    collection: Collection,
    settings: FeatureSettings,
    progress: Callable[[float, str], None] = lambda fraction, text: None,
    failures: Failures | None = None,
    *,
    augmented: bool = False,
) -> pd.DataFrame:
    """Measure every field of a collection, or every cell in them.

    Parameters
    ----------
    collection, settings
        What to measure.
    progress
        Called with what is done.
    failures
        Takes the fields that can't be read or have a mask that does not fit; without it, the first
        ends the work.
    augmented
        Measure a rotated copy and the edges of each field as well (protocol ``paper``).

    Returns
    -------
    DataFrame
        ``image``, ``index``, ``y``, ``x``, ``class`` (None where unknown), ``source``, the mean
        colour of the field, and a column a feature.

    Raises
    ------
    MarrowError
        When no field can be used, or one can't and there is no ``failures``; when no cell is found
        at all.
    """
    tables = []
    failures = Failures(strict=True) if failures is None else failures
    for k, field in enumerate(collection.fields):
        progress(k / len(collection.fields), f"Measuring {field.name}")
        name = collection.label(field)
        with failures.leaving_out(name):
            tables.append(measure_field(field, name, settings, augmented=augmented))
    failures.check_some_left(len(collection.fields))
    table = pd.concat([t for t in tables if len(t)] or tables[:1], ignore_index=True)
    check_found(table, collection)
    return table


def feature_columns(table: pd.DataFrame) -> tuple[str, ...]:
    """Return the columns of a table of measured units that are features."""
    return tuple(name for name in table.columns if name not in (*KNOWN, *MEAN_COLOUR))


def usable_columns(
    table: pd.DataFrame, families: Sequence[str], *, leave_out: bool
) -> tuple[str, ...]:
    """Return the features that a model may choose from.

    Parameters
    ----------
    table
        Of measured units.
    families
        As they were asked for.
    leave_out
        Whether sizes are left out of ``auto`` families; see :func:`.chosen_families`.
    """
    found = feature_columns(table)
    if leave_out and AUTO in families:
        return tuple(name for name in found if not is_size(name))
    return found
