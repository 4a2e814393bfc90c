"""The answers of a trained model in the one table that cells are shown and exported from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_marrow.learning.annotating.cells import (
    KEYS,
    CellAnswers,
    MeasuredCells,
    MeasuredField,
)
from napari_marrow.learning.annotating.codes import UNKNOWN

if TYPE_CHECKING:
    import pandas as pd


def predicted_answers(
    tables: Mapping[str, pd.DataFrame],
    places: Mapping[str, NDArray[np.intp]],
    classes: Sequence[str],
    model: str,
) -> CellAnswers:
    """Return the answers of a model for the cells of fields; no class was given by anybody.

    Parameters
    ----------
    tables
        By the name of the field the table of its :class:`.Prediction`; at least one.
    places
        By the name of the field, (n, 2) row and column of a pixel of each cell.
    classes
        Of the model.
    model
        Its name.
    """
    import pandas as pd

    measured = {name: MeasuredField(table[[*KEYS]], places[name]) for name, table in tables.items()}
    cells = MeasuredCells.of(measured)
    joined = pd.concat([*tables.values()], ignore_index=True)
    return CellAnswers(
        cells=cells,
        classes=tuple(classes),
        given=np.full(len(cells), UNKNOWN, np.intp),
        origins=np.full(len(cells), "", str),
        model=model,
        probabilities=joined[[f"probability_{name}" for name in classes]].to_numpy(np.float64),
        reasons=joined["reason"].to_numpy(str),
    )
