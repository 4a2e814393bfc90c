"""Predicted cells of open photographs, as their layers show them, ready to be exported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image, Labels, Layer
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.project.annotations import PERSON
from napari_marrow.data.text import listed
from napari_marrow.imaging.nuclei import central_pixels
from napari_marrow.imaging.run_length import labels_in
from napari_marrow.jobs.export_cells_job import ExportCellsJob, ExportSettings
from napari_marrow.report.colours import class_colours
from napari_marrow.report.exports.pixels import FieldPixels
from napari_marrow.viewer.annotating.open_field import field_name
from napari_marrow.viewer.layer_info import Kind, LayerInfo
from napari_marrow.viewer.make.exported import photograph_pixels
from napari_marrow.viewer.photograph.corrections import is_corrected
from napari_marrow.viewer.photograph.links import labels_of
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.stack import Pixels

if TYPE_CHECKING:
    import pandas as pd

    from napari_marrow.learning.annotating.cells import CellAnswers

NO_PREDICTED_CELLS = "No predicted cells are open; label the layers with a model of cells first."
MODEL = "model"
"""Name of a model of which only its answers are known."""
PROBABILITY = "probability_"


@dataclass(frozen=True, eq=False)
class PredictedCells:
    """The predicted cells of one photograph, as they were when they were asked for.

    Attributes
    ----------
    photograph
        Whose they are.
    labels
        (height, width), or (fields, height, width) numbered through.
    table
        The features of their layer.
    model
        The name of the model.
    """

    photograph: Photograph
    labels: Pixels
    table: pd.DataFrame
    model: str

    def rows(self) -> list[int]:
        """Return the slices that have cells."""
        if "field" not in self.table:
            return [0]
        return sorted({*self.table["field"].astype(int).tolist()})

    def of(self, row: int) -> pd.DataFrame:
        """Return the cells of a slice."""
        if "field" not in self.table:
            return self.table
        return self.table[self.table["field"].astype(int) == row]

    def labels_of(self, row: int) -> NDArray[np.integer]:
        """Return the labels of a slice."""
        return self.photograph.part(self.labels, row)


def predicted_cells(layers: Sequence[Layer]) -> list[PredictedCells]:
    """Gather the predicted cells of all open photographs; on the viewer's thread.

    Raises
    ------
    MarrowError
        When there are none, or they are of several models.
    """
    found = []
    for image, over in labels_of(layers).items():
        found += [_gathered(image, x, layers) for x in over if _is_predicted(x)]
    if not found:
        raise MarrowError(NO_PREDICTED_CELLS)
    if len(models := sorted({x.model for x in found})) > 1:
        raise MarrowError(
            f"The predicted cells are of several models ({listed(models)}); label all layers with "
            "one, or remove the others."
        )
    return found


def _is_predicted(layer: Labels) -> bool:
    return LayerInfo.of(layer).kind is Kind.PREDICTED and "class" in layer.features


def _gathered(image: Image, layer: Labels, layers: Sequence[Layer]) -> PredictedCells:
    model = LayerInfo.of(layer).model
    name = MODEL if model is None else model.name
    return PredictedCells(Photograph.of(image, layers), layer.data, layer.features.copy(), name)


def predicted_job(
    cells: Sequence[PredictedCells], out: Path, settings: ExportSettings
) -> ExportCellsJob:
    """Return what writes predicted cells; for a worker.

    Raises
    ------
    MarrowError
        When fields of two photographs have the same name: one would take the other's place.
    """
    read: dict[str, Callable[[], FieldPixels]] = {}
    slices: dict[str, tuple[PredictedCells, int]] = {}
    for one in cells:
        for row in one.rows():
            name = field_name(one.photograph, row)
            if name in slices:
                raise MarrowError(
                    f"{slices[name][0].photograph.name} and {one.photograph.name} both have a "
                    f"field {name}; close one of them, or give its folder another name."
                )
            slices[name] = one, row
            read[name] = partial(_pixels, one, row, settings.cytoplasm)
    answers = _answers(slices)
    return ExportCellsJob(answers, class_colours(answers.classes), read, out, settings)


def _pixels(one: PredictedCells, row: int, find_cytoplasm: bool) -> FieldPixels:
    return photograph_pixels(one.photograph, row, one.labels_of(row), find_cytoplasm)


def _answers(slices: dict[str, tuple[PredictedCells, int]]) -> CellAnswers:
    """Return what tables of features say: a corrected class was given by a person."""
    import pandas as pd

    from napari_marrow.learning.annotating.cells import (
        KEYS,
        CellAnswers,
        MeasuredCells,
        MeasuredField,
    )
    from napari_marrow.viewer.make.cell_table import shown_classes

    tables = {name: one.of(row) for name, (one, row) in slices.items()}
    measured = {
        name: MeasuredField(tables[name][[*KEYS]], _places(tables[name], one.labels_of(row)))
        for name, (one, row) in slices.items()
    }
    joined = pd.concat([*tables.values()], ignore_index=True)
    classes = tuple(shown_classes(joined))
    columns = [f"{PROBABILITY}{name}" for name in classes]
    given = np.full(len(joined), -1, np.intp)
    corrected = is_corrected(joined).to_numpy()
    named = joined["class"].astype(str)
    given[corrected] = [classes.index(name) for name in named[corrected]]
    doubted, reasons = joined["uncertain"].astype(bool), joined["reason"].fillna("").astype(str)
    return CellAnswers(
        cells=MeasuredCells.of(measured),
        classes=classes,
        given=given,
        origins=np.where(corrected, PERSON, ""),
        model=next(iter(slices.values()))[0].model,
        probabilities=joined.reindex(columns=columns, fill_value=0.0).to_numpy(np.float64),
        reasons=np.where(doubted, reasons, "").astype(str),
    )


def _places(table: pd.DataFrame, labels: NDArray[np.integer]) -> NDArray[np.intp]:
    """Return a pixel of each cell; of one that is gone, which is reported later, the first."""
    index = table["index"].to_numpy(np.intp)
    found = np.zeros((len(index), 2), np.intp)
    there = np.isin(index, labels_in(labels))
    found[there] = central_pixels(labels, index[there])
    return found
