"""Nuclei with their lobes: the morphology of a nucleus in several pieces, measured as one.

The nucleus of a granulocyte has lobes, which segmentation separates like touching nuclei. What
tells such cells apart is the nucleus as a whole and the cell about it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_marrow.imaging.nuclei import WORKING_SIZE_PX, join_lobes
from napari_marrow.imaging.relabel import small_numbers
from napari_marrow.imaging.resize import shrink_factor
from napari_marrow.measure.cells import CellCrops
from napari_marrow.measure.morphology import morphology


def lobes(cells: CellCrops) -> dict[str, NDArray[np.float64]]:
    """Return the morphology of each nucleus together with its lobes.

    Lobes are nuclei less than 0.3 diameters apart (:func:`.join_lobes`), so touching nuclei of
    several cells count as lobes, too.

    Returns
    -------
    dict
        (n,) each, the same for all lobes of a nucleus. ``lobes_count``; ``lobes_largest``, the area
        of the largest lobe over that of all; and what :func:`.morphology` returns, with ``lobes_``
        before the name.
    """
    image, nuclei, cytoplasm = cells.origin
    groups = group_lobes(nuclei, cells.index)
    if len(np.unique(groups)) < len(groups):
        regions = (renumber(labels, cells.index, groups) for labels in (nuclei, cytoplasm))
        wholes = CellCrops.from_image(image, *regions)
        rows = np.searchsorted(wholes.index, groups)
    else:  # no nucleus has lobes: each is whole already
        wholes, rows = cells, np.arange(len(cells))
    largest = np.zeros(len(wholes))
    np.maximum.at(largest, rows, cells.area)
    found = {
        "count": np.bincount(rows, minlength=len(wholes)).astype(np.float64),
        "largest": largest / wholes.area,
        **morphology(wholes),
    }
    return {f"lobes_{name}": values[rows] for name, values in found.items()}


def group_lobes(nuclei: NDArray[np.integer], index: NDArray[np.integer]) -> NDArray[np.int32]:
    """Return the number of the group of lobes that each nucleus is in, from 1.

    Parameters
    ----------
    nuclei
        Instance labels, (height, width).
    index
        (n,) the nuclei, in ascending order.
    """
    small, numbers = small_numbers(nuclei)
    factor = shrink_factor(nuclei.shape, WORKING_SIZE_PX)
    seen = small[::factor, ::factor]
    joined = join_lobes(seen)
    group = np.zeros(len(numbers), np.int32)
    group[seen] = joined
    lone = np.flatnonzero(group == 0)  # also those too small to be seen at the working size
    group[lone] = int(joined.max(initial=0)) + 1 + np.arange(len(lone))
    return group[np.searchsorted(numbers, index)]


def renumber(
    labels: NDArray[np.integer], old: NDArray[np.integer], new: NDArray[np.integer]
) -> NDArray[np.integer]:
    """Replace numbers of labels, ``old`` in ascending order, by ``new``; all others by 0."""
    small, numbers = small_numbers(labels)
    known = np.isin(numbers, old)
    replacement = np.zeros(len(numbers), new.dtype)
    replacement[known] = new[np.searchsorted(old, numbers[known])]
    return replacement[small]
