"""What is written of the cells of photographs; quick to import."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from napari_marrow.data.options import Settings, option
from napari_marrow.report.exports.pixels import FieldPixels

if TYPE_CHECKING:
    from napari_marrow.learning.annotating.cells import CellAnswers
    from napari_marrow.learning.counting.heldout import HeldOutErrors


@dataclass(frozen=True)
class ExportSettings(Settings):
    """What to write of the cells."""

    table: bool = option(
        True,
        "Table of cells (CSV)",
        "cells.csv: a row a cell with its class, who gave it, the model's answer, probabilities, "
        "doubts, areas and nucleus-to-cell ratio; shares.csv: the share of each class by field.",
    )
    geojson: bool = option(
        True,
        "Outlines for QuPath (GeoJSON)",
        "A file a field with the outline of each cell and of its nucleus, class and measurements.",
    )
    labels: bool = option(
        False,
        "Labels (TIFF)",
        "The numbers of the cells in their nuclei, and in their cytoplasm, for ImageJ and QuPath.",
    )
    overlay: bool = option(
        False, "Pictures (PNG)", "The photographs at full size with the cells in their colours."
    )
    cytoplasm: bool = option(
        True,
        "Find cytoplasm",
        "Find the cytoplasm of each cell where no mask has it; without it the outline of such a "
        "cell is that of its nucleus, and its nucleus-to-cell ratio is not known.",
    )

    def problems(self) -> list[str]:
        """Return a sentence for each option that can't work."""
        wanted = self.table or self.geojson or self.labels or self.overlay
        return [
            *super().problems(),
            *([] if wanted else ["Nothing is ticked; tick what to write."]),
        ]


@dataclass(frozen=True, eq=False)
class ExportCellsJob:
    """Write these cells.

    Attributes
    ----------
    answers
        The cells and what is known of their classes.
    colours
        ``#RRGGBB`` of each class.
    read
        By the name of a field what reads its pixels; called when its turn comes.
    out
        The folder; an older export there is replaced.
    settings
        What to write.
    errors
        Of the model that answered, for the shares; None where they are not known.
    force
        Replace an older export also where somebody edited it.
    """

    answers: CellAnswers
    colours: Mapping[str, str]
    read: Mapping[str, Callable[[], FieldPixels]]
    out: Path
    settings: ExportSettings = field(default_factory=ExportSettings)
    errors: HeldOutErrors | None = None
    force: bool = False
