"""What is sent to who classifies a photograph, and the files that are written of the answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.fields import Field
from napari_marrow.data.pixel_size import pixel_size
from napari_marrow.imaging.nuclei import central_pixels, known_cytoplasm
from napari_marrow.imaging.run_length import RunLengthLabels
from napari_marrow.imaging.segmentation import segment_cytoplasm
from napari_marrow.learning.annotating.predicted import predicted_answers
from napari_marrow.learning.bundles.predictor import Prediction
from napari_marrow.report.colours import class_colours
from napari_marrow.report.exports.geojson import feature_collection, write_geojson
from napari_marrow.report.exports.pixels import FieldPixels
from napari_marrow.report.exports.tables import cell_table
from napari_marrow.report.overlay import write_overlay


@dataclass(frozen=True)
class PredictInput:
    """A photograph to classify, as it is sent to who classifies it; it can be pickled.

    Attributes
    ----------
    photograph
        Its files, which are read there; or pixels that are in no file.
    nuclei
        Those to take in place of the files'.
    overlay
        The PNG to draw the answer into.
    geojson
        The file to write the cells into.
    name
        Of the photograph in tables, for that file.
    keep_cells
        Return the cells that were classified, too.
    """

    photograph: Field | NDArray[np.uint8]
    nuclei: RunLengthLabels | None = None
    overlay: Path | None = None
    geojson: Path | None = None
    name: str = ""
    keep_cells: bool = False

    @property
    def has_files(self) -> bool:
        """Whether files are written of the answer."""
        return self.overlay is not None or self.geojson is not None


def write_input(
    model: str,
    classes: tuple[str, ...],
    one: PredictInput,
    prediction: Prediction,
    cells: RunLengthLabels | None,
) -> None:
    """Write the answer for a photograph: what runs last for each, perhaps in another process."""
    x, labels = one.photograph, None if cells is None else cells.decode()
    pixels = x.open() if isinstance(x, Field) else x
    if one.overlay is not None:
        name = x.name if isinstance(x, Field) else one.overlay.stem
        write_overlay(one.overlay, pixels, name, replace(prediction, labels=labels), classes)
    if one.geojson is not None and labels is not None:
        own = field_pixels(x if isinstance(x, Field) else None, pixels, labels)
        _write_cells(model, classes, one.name, one.geojson, prediction, own)


def field_pixels(
    field: Field | None,
    image: NDArray[np.uint8],
    nuclei: NDArray[np.integer],
    find_cytoplasm: bool = True,
) -> FieldPixels:
    """Return the pixels of a photograph to export: cytoplasm of its masks, else what is found.

    Parameters
    ----------
    field
        Its files; None where it is in none.
    image
        (height, width, 3) RGB.
    nuclei
        Instance labels, (height, width).
    find_cytoplasm
        Segment the cytoplasm where there is no mask of it; else none is known there.

    Raises
    ------
    MarrowError
        When a file can't be read.
    """
    cytoplasm = None if field is None else known_cytoplasm(field, nuclei)
    if cytoplasm is None and find_cytoplasm:
        cytoplasm = segment_cytoplasm(np.asarray(image), nuclei)
    size = None if field is None else pixel_size(field.path)
    return FieldPixels(image, nuclei, cytoplasm, size)


def _write_cells(
    model: str,
    classes: tuple[str, ...],
    name: str,
    path: Path,
    prediction: Prediction,
    pixels: FieldPixels,
) -> None:
    table = prediction.table
    places = central_pixels(pixels.nuclei, table["index"].to_numpy())
    answers = predicted_answers({name: table}, {name: places}, classes, model)
    cells = cell_table(answers, name, pixels)
    write_geojson(path, feature_collection(cells, answers, pixels, class_colours(classes)))
