"""The annotated cells that are most similar to a cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from napari_marrow.learning.annotating.codes import UNKNOWN, Codes, Values


@dataclass(frozen=True, eq=False)
class Similar:
    """Annotated cells, the most similar first.

    Attributes
    ----------
    rows
        (n,) of the table of all cells.
    distances
        (n,) root mean square of the differences of all features, in standard deviations.
    """

    rows: NDArray[np.intp]
    distances: Values


def most_similar(values: Values, given: Codes, row: int, count: int) -> Similar:
    """Return the cells with a class that are most similar to one, itself apart, of all fields.

    Parameters
    ----------
    values
        (n, features), see :func:`.standardized`.
    given
        (n,) the code of each cell's class, or -1.
    row
        The cell.
    count
        Cells to return, fewer where fewer have a class.
    """
    known = np.flatnonzero((given != UNKNOWN) & (np.arange(len(given)) != row))
    if not len(known):
        return Similar(known, np.zeros(0))
    neighbours = NearestNeighbors(n_neighbors=min(count, len(known))).fit(values[known])
    distances, found = neighbours.kneighbors(values[[row]])
    return Similar(known[found[0]], distances[0] / np.sqrt(values.shape[1]))
