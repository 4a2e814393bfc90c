"""Samples of a network: crops of cells or tiles of fields, at the network's input size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_marrow.audit.appearance import THUMBNAIL_PX, appearance
from napari_marrow.data.cache import Arrays, cached, checksum
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.failures import Failures
from napari_marrow.data.fields import Collection, Field
from napari_marrow.imaging.crops import cut_cells
from napari_marrow.imaging.nuclei import field_labels
from napari_marrow.imaging.relabel import in_few_bits
from napari_marrow.imaging.resize import resize
from napari_marrow.imaging.segmentation import found_nuclei
from napari_marrow.imaging.stain import white_balance
from napari_marrow.imaging.validate import checked_labels
from napari_marrow.imaging.white_point import WHITE_LEVEL, white_point
from napari_marrow.learning.settings import Preprocessing
from napari_marrow.measure.colour import MEAN_COLOUR, mean_colour
from napari_marrow.measure.settings import FeatureSettings

MAX_MASK_SHARE_DIFFERENCE = 0.25
"""Largest difference between classes in the fraction of fields with a nucleus mask."""


@dataclass(frozen=True)
class Units:
    """Fields or cells with their images and what is known of them.

    Attributes
    ----------
    images
        (n, size, size, 3) uint8; a field contributes several tiles, a cell one crop.
    owner
        (n,) row of ``table`` that each image belongs to.
    table
        A row a unit: ``image``, ``index`` (0 for a field, the instance number for a cell), ``y``,
        ``x`` (pixels), ``class``, ``source``, and the unit's mean colour.
    features
        (n, features) what is measured of each unit, for a network that takes that, too; not a
        number where it could not be. None of the others.
    """

    images: NDArray[np.uint8]
    owner: NDArray[np.intp]
    table: pd.DataFrame
    features: NDArray[np.float32] | None = None

    @property
    def n_features(self) -> int:
        """Number of measured features."""
        return 0 if self.features is None else self.features.shape[1]

    @property
    def image_features(self) -> NDArray[np.float32] | None:
        """(images, features) what is measured of the unit of each image."""
        return None if self.features is None else self.features[self.owner]

    def mean_over_images(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Average rows of ``values``, one an image, over the images of each unit."""
        sums = np.zeros((len(self.table), values.shape[1]), np.float64)
        np.add.at(sums, self.owner, values)
        return sums / np.bincount(self.owner, minlength=len(self.table))[:, None]

    def take(self, rows: NDArray[np.intp]) -> Units:
        """Return the units of these rows of the table, in this order."""
        place = np.full(len(self.table), -1)
        place[rows] = np.arange(len(rows))
        chosen = np.flatnonzero(place[self.owner] >= 0)
        table = self.table.iloc[rows].reset_index(drop=True)
        features = None if self.features is None else self.features[rows]
        return Units(self.images[chosen], place[self.owner[chosen]], table, features)

    def arrays(self) -> Arrays:
        """Return the units as arrays, for the cache; they have no class and source yet."""
        return {"images": self.images, "owner": self.owner, **table_arrays(self.table)}

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> Units:
        """Return the units that :meth:`arrays` stored."""
        return cls(arrays["images"], arrays["owner"], table_of(arrays))


def table_arrays(table: pd.DataFrame) -> Arrays:
    """Return a table of numbers as arrays, for the cache: those of all columns but ``index``."""
    values = table.drop(columns="index")
    return {
        "index": table["index"].to_numpy(),
        "names": values.columns.to_numpy(str),
        "values": values.to_numpy(np.float64),
    }


def table_of(arrays: Arrays) -> pd.DataFrame:
    """Return the table that :func:`table_arrays` stored, with ``index`` first."""
    values = pd.DataFrame(arrays["values"], columns=arrays["names"].tolist())
    values.insert(0, "index", arrays["index"])
    return values


def cut_units(
    image: NDArray[np.uint8], labels: NDArray[np.integer] | None, preprocessing: Preprocessing
) -> Units:
    """Cut the units out of one photograph, without class and source.

    What was cut before comes from the cache, as in :func:`.measure`.

    Parameters
    ----------
    image
        RGB photograph, (height, width, 3), uint8.
    labels
        Instance labels of the nuclei, (height, width); found in the image when None. Only used
        for cells.
    preprocessing
        The preprocessing of the model.
    """
    nuclei = None
    if preprocessing.unit == "cell":
        nuclei = cells_of(image, labels)
    parts = ["crops", repr(preprocessing), checksum(image, nuclei)]
    make = partial(_cut, image, nuclei, preprocessing)
    return cached(parts, make, Units.arrays, Units.of_arrays)


def cells_of(image: NDArray[np.uint8], labels: NDArray[np.integer] | None) -> NDArray[np.integer]:
    """Return instance labels in one type, whatever a file or layer has; found when None."""
    if labels is None:
        return found_nuclei(image)
    return in_few_bits(checked_labels(labels, image.shape))


def _cut(
    image: NDArray[np.uint8], labels: NDArray[np.integer] | None, preprocessing: Preprocessing
) -> Units:
    balanced = white_balance(image) if preprocessing.white_balance else image
    if labels is None:
        return _field_unit(image, balanced, preprocessing)
    crops, cells = cut_cells(
        balanced, labels, preprocessing.input_size, preprocessing.crop_factor, WHITE_LEVEL
    )
    table = pd.DataFrame({name: cells[name] for name in ("index", "y", "x")})
    # The colour before white balance, which only multiplies it: the baseline sees the stain.
    gain = white_point(image) / WHITE_LEVEL if preprocessing.white_balance else 1
    table[list(MEAN_COLOUR)] = crops.mean(axis=(1, 2)) * gain  # also where no cell was found
    return Units(crops, np.arange(len(crops)), table)


def _field_unit(image: NDArray, balanced: NDArray, preprocessing: Preprocessing) -> Units:
    height, width = image.shape[:2]
    side = max(1, min(height, width) // preprocessing.tiles)
    rows, columns = _starts(height, side), _starts(width, side)
    size = (preprocessing.input_size, preprocessing.input_size)
    tiles = [resize(balanced[y : y + side, x : x + side], size) for y in rows for x in columns]
    table = pd.DataFrame({"index": [0], "y": [(height - 1) / 2], "x": [(width - 1) / 2]})
    table[list(MEAN_COLOUR)] = mean_colour(image)[None]
    return Units(np.stack(tiles), np.zeros(len(tiles), np.intp), table)


def _starts(length: int, side: int) -> list[int]:
    """Return where tiles begin that cover a length evenly, with the least overlap."""
    count = -(-length // side)
    return [round(s) for s in np.linspace(0, length - side, count)]


def measurements(units: Units) -> NDArray[np.float64]:
    """Return by what units are compared with classes, (n, measurements).

    That are their features, or of a network of pixels alone what they look like, (n, 16); see
    :func:`~napari_marrow.audit.appearance`.
    """
    if units.features is not None:
        return units.features.astype(np.float64)
    size = (THUMBNAIL_PX, THUMBNAIL_PX)
    thumbnails = np.array([resize(image, size) for image in units.images])
    return units.mean_over_images(appearance(thumbnails).astype(np.float64))


def collect_units(
    collection: Collection,
    preprocessing: Preprocessing,
    progress: Callable[[float, str], None] = lambda fraction, text: None,
    failures: Failures | None = None,
) -> Units:
    """Cut the units of every field that has a class (or annotated cells) for training.

    Fields that can't be read, or have a mask that does not fit, are added to ``failures``.

    Raises
    ------
    MarrowError
        When no field can be used, or one can't and there is no ``failures``; when no cell is found.
    """
    parts = []
    failures = Failures(strict=True) if failures is None else failures
    for k, field in enumerate(collection.fields):
        progress(k / len(collection.fields), f"Reading {field.name}")
        name = collection.label(field)
        with failures.leaving_out(name):
            parts.append(_labelled_units(field, name, preprocessing))
    failures.check_some_left(len(collection.fields))
    images = np.concatenate([p.images for p in parts])
    starts = np.cumsum([0] + [len(p.table) for p in parts[:-1]])
    owner = np.concatenate([p.owner + start for p, start in zip(parts, starts, strict=True)])
    table = pd.concat([p.table for p in parts], ignore_index=True)
    check_found(table, collection)
    return Units(images, owner, table)


def check_found(table: pd.DataFrame, collection: Collection) -> None:
    """Raise MarrowError where no unit was found in a whole collection."""
    if table.empty:
        raise MarrowError(
            f"No cell was found in the {len(collection.fields)} fields of {collection.root}; "
            "add nucleus masks or annotate cells."
        )


def _labelled_units(field: Field, image: str, preprocessing: Preprocessing) -> Units:
    check_masks(field)
    labels = field_labels(field) if preprocessing.unit == "cell" else None
    units = cut_units(field.image(), labels, preprocessing)
    table = with_classes(units.table, field, image, preprocessing.unit)
    known = np.flatnonzero(table["class"].notna())
    return Units(units.images, units.owner, table).take(known)


def check_masks(field: Field) -> None:
    """Read all masks of a field, so that one that does not fit is reported now.

    Raises
    ------
    MarrowError
        When one can't be read, or that of the nuclei is empty.
    """
    for kind in sorted(field.mask_kinds):
        mask = field.mask(kind)
        if kind == "nucleus" and mask is not None and field.labels is None and not mask.any():
            raise MarrowError(
                f"The nucleus mask of {field.path} is empty, so there is nothing to learn from; "
                "draw the nuclei, or remove the mask to have them found."
            )


def drawn_notes(collection: Collection, measured: FeatureSettings) -> list[str]:
    """Return a warning where one class has nucleus masks far more often than another.

    Drawn outlines differ from found ones, which is enough to tell such classes apart.
    """
    if not measured.needs_nuclei:
        return []
    drawn: dict[str, list[bool]] = {}
    for field in collection.fields:
        if field.class_name is not None:
            own = field.labels is not None or "nucleus" in field.mask_kinds
            drawn.setdefault(field.class_name, []).append(own)
    shares = [np.mean(own) for own in drawn.values()]
    if not shares or max(shares) - min(shares) <= MAX_MASK_SHARE_DIFFERENCE:
        return []
    counts = [f"{sum(own)} of {len(own)} fields of {name}" for name, own in sorted(drawn.items())]
    return [
        f"Nuclei come from masks in {' and in '.join(counts)}, and were found in the others: drawn "
        "and found nuclei differ, so a model can tell the classes by that; use masks of all "
        "fields, or of none."
    ]


def with_classes(table: pd.DataFrame, field: Field, image: str, unit: str) -> pd.DataFrame:
    """Add ``image`` (the field's name), ``source`` and ``class`` (None if unknown) to units."""
    classes: list[str | None] = [field.class_name] * len(table)
    if unit == "cell" and field.cell_classes:
        classes = [field.cell_classes.get(int(i), field.class_name) for i in table["index"]]
    elif field.class_name is None and field.cell_classes:
        classes = [_common_class(field)]
    known = table.assign(image=image, source=field.source)
    known["class"] = classes
    return known


def _common_class(field: Field) -> str:
    """Return the class of all annotated cells of a field, which must have the same."""
    found = sorted(set(field.cell_classes.values()))
    if len(found) > 1:
        raise MarrowError(
            f"{field.name} has annotated cells of {' and '.join(found)}; "
            "train on cells instead of fields, or annotate one class a field."
        )
    return found[0]


def class_codes(table: pd.DataFrame, classes: tuple[str, ...]) -> NDArray[np.intp]:
    """Return the number of each unit's class in ``classes``."""
    return pd.Categorical(table["class"], categories=list(classes)).codes.astype(np.intp)
