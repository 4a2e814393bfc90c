"""Morphology of nuclei and cells: size, outline, how much of the cell the nucleus fills."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

from napari_marrow.data.imports import importing
from napari_marrow.measure.cells import SIDE_PX, CellCrops

NUCLEUS_SHAPES = ("eccentricity", "solidity", "extent", "circularity", "aspect")
"""Shape features of a nucleus; the first three as scikit-image's regionprops defines them."""
PROPERTIES = (
    "area",
    "centroid",
    "eccentricity",
    "axis_major_length",
    "axis_minor_length",
    "solidity",
    "extent",
    "perimeter_crofton",
)
MIN_NUCLEUS_AREA_PX = 50
"""Smallest area, in the photograph, of a nucleus with an outline: it is then 8 pixels wide, and the
outline of a smaller one would be that of its pixels."""
MAX_NEIGHBOUR_DISTANCE_DIAMETERS = 1.3
"""Largest distance between the centroids of near nuclei, such as the lobes of one nucleus."""


def morphology(cells: CellCrops) -> dict[str, NDArray[np.float64]]:
    """Return the morphology of each cell.

    Returns
    -------
    dict
        (n,) each. ``*_px`` are pixels of the photograph, all others have no unit and do not depend
        on the magnification. Circularity is 4 pi area / perimeter squared, by Crofton's perimeter;
        aspect the shorter axis over the longer one; outline variation the standard deviation of
        the outline's distance from the centre, over its mean; depth the largest distance to the
        outline over the diameter; off centre how far the nucleus's centre lies from the cell's, in
        diameters; nuclei near counts other nuclei within 1.3 diameters. What depends on
        cytoplasm is not a number where there is none, and what depends on an outline where the
        nucleus has fewer than 50 pixels, or nucleus or cell is larger than the square about it.
    """
    nucleus, cell = _shapes(cells.nucleus), _shapes(cells.nucleus | cells.cytoplasm)
    width = np.sqrt(4 / np.pi * nucleus["area"])
    outline = {
        **{f"nucleus_{name}": nucleus[name] for name in NUCLEUS_SHAPES},
        "nucleus_outline_variation": _outline_variation(cells.nucleus),
        "nucleus_depth": cells.depth.max(axis=(1, 2), initial=0) / width,
    }
    whole = {
        "cell_eccentricity": cell["eccentricity"],
        "cell_solidity": cell["solidity"],
        "cell_circularity": cell["circularity"],
        "nucleus_off_centre": np.hypot(nucleus["y"] - cell["y"], nucleus["x"] - cell["x"]) / width,
    }
    size = cells.area + cells.cytoplasm_area
    tiny = (cells.area < MIN_NUCLEUS_AREA_PX) | _touches_border(cells.nucleus)
    bare = cells.cytoplasm_area == 0
    unseen = bare | tiny | _touches_border(cells.cytoplasm)
    return {
        "nucleus_area_px": cells.area.astype(np.float64),
        "nucleus_diameter_px": cells.diameter,
        **{name: np.where(tiny, np.nan, values) for name, values in outline.items()},
        "nuclei_near": _count_neighbours(cells.y, cells.x, cells.diameter),
        "nucleus_to_cell_ratio": np.where(bare, np.nan, cells.area / size),
        "cell_area_px": np.where(bare, np.nan, size),
        **{name: np.where(unseen, np.nan, values) for name, values in whole.items()},
    }


def _shapes(masks: NDArray[np.bool_]) -> dict[str, NDArray[np.float64]]:
    """Return properties of the regions of (n, SIDE_PX, SIDE_PX) masks, by scikit-image."""
    with importing:
        from skimage.measure import regionprops_table

    numbers = np.arange(1, len(masks) + 1, dtype=np.int32)[:, None, None]
    stacked = (masks * numbers).reshape(-1, SIDE_PX)  # one below the other
    stacked = np.pad(stacked, ((0, 1), (0, 0)))  # not empty, even without cells
    table = regionprops_table(stacked, properties=("label", *PROPERTIES))
    rows = table.pop("label") - 1
    shapes = {name: np.full(len(masks), np.nan) for name in table}
    for name, values in table.items():
        shapes[name][rows] = values
    shapes["y"] = shapes.pop("centroid-0") - SIDE_PX * np.arange(len(masks))
    shapes["x"] = shapes.pop("centroid-1")
    with np.errstate(divide="ignore", invalid="ignore"):
        circularity = 4 * np.pi * shapes["area"] / shapes["perimeter_crofton"] ** 2
        shapes["aspect"] = shapes["axis_minor_length"] / shapes["axis_major_length"]
    shapes["circularity"] = np.where(np.isfinite(circularity), circularity, np.nan)
    return shapes


def _touches_border(masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which masks, (n, SIDE_PX, SIDE_PX), reach the border of the crop and go on beyond."""
    sides = np.concatenate([masks[:, [0, -1]], masks[:, :, [0, -1]].swapaxes(1, 2)], axis=1)
    return np.asarray(sides.any(axis=(1, 2)))


def _outline_variation(masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the coefficient of variation of the outline's distance from its centre."""
    rims = masks & ~ndimage.binary_erosion(masks, np.ones((1, 3, 3)), border_value=1)
    variation = np.full(len(masks), np.nan)
    for k in np.flatnonzero(rims.any(axis=(1, 2))):
        outline = np.argwhere(rims[k])
        distance = np.linalg.norm(outline - outline.mean(axis=0), axis=1)
        variation[k] = distance.std() / distance.mean()
    return variation


def _count_neighbours(
    y: NDArray[np.float64], x: NDArray[np.float64], diameter: NDArray[np.float64]
) -> NDArray[np.float64]:
    if not len(y):
        return np.zeros(0)
    tree = KDTree(np.column_stack([y, x]))
    found = tree.query_ball_point(
        tree.data, MAX_NEIGHBOUR_DISTANCE_DIAMETERS * diameter, return_length=True
    )
    return np.asarray(found, np.float64) - 1
