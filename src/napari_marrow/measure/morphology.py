"""The form of nuclei and cells: size, outline, how much of the cell the nucleus fills."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

from napari_marrow.data.imports import importing
from napari_marrow.measure.cells import SIDE, Cells

SHAPES = ("eccentricity", "solidity", "extent", "circularity", "aspect")
"""Of a nucleus; the first three are what scikit-image's regionprops calls so."""
LEAST = 50
"""Pixels of the photograph that a nucleus has at least, for it to have an outline: it is then 8
wide. The outline of a smaller one would be that of its pixels."""
NEAR = 1.3
"""Another nucleus is near whose centre is no more diameters away: lobes of one nucleus are."""


def morphology(cells: Cells) -> dict[str, NDArray[np.float64]]:
    """The form of each cell.

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
        **{f"nucleus_{name}": nucleus[name] for name in SHAPES},
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
    tiny = (cells.area < LEAST) | _cut_off(cells.nucleus)
    bare = cells.cytoplasm_area == 0
    unseen = bare | tiny | _cut_off(cells.cytoplasm)
    return {
        "nucleus_area_px": cells.area.astype(np.float64),
        "nucleus_diameter_px": cells.diameter,
        **{name: np.where(tiny, np.nan, values) for name, values in outline.items()},
        "nuclei_near": _near(cells.y, cells.x, cells.diameter),
        "nucleus_to_cell_ratio": np.where(bare, np.nan, cells.area / size),
        "cell_area_px": np.where(bare, np.nan, size),
        **{name: np.where(unseen, np.nan, values) for name, values in whole.items()},
    }


def _shapes(masks: NDArray[np.bool_]) -> dict[str, NDArray[np.float64]]:
    """Properties of the regions of (n, SIDE, SIDE) masks, as scikit-image has them."""
    with importing:
        from skimage.measure import regionprops_table

    count = len(masks)
    numbers = np.arange(1, count + 1, dtype=np.int32)[:, None, None]
    tall = (masks * numbers).reshape(count * SIDE, SIDE)  # one below the other
    outlines = ("solidity", "extent", "perimeter_crofton")
    found = {name: np.full(count, np.nan) for name in outlines}
    if masks.any():
        table = regionprops_table(tall, properties=("label", *outlines))
        for name in outlines:
            found[name][table["label"] - 1] = table[name]
    shapes = _ellipses(masks)
    with np.errstate(divide="ignore", invalid="ignore"):
        circularity = 4 * np.pi * shapes["area"] / found.pop("perimeter_crofton") ** 2
    circularity[~np.isfinite(circularity)] = np.nan
    return {**shapes, **found, "circularity": circularity}


def _ellipses(masks: NDArray[np.bool_]) -> dict[str, NDArray[np.float64]]:
    """Area, centre, and form of the ellipse with the same second moments, of all masks at once.

    The formulas are those of regionprops, which goes through the masks one by one.
    """
    place = np.arange(SIDE, dtype=np.float64)
    rows, columns = (masks.sum(axis=axis, dtype=np.float64) for axis in (2, 1))
    area = np.where(masks.any(axis=(1, 2)), rows.sum(axis=1), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        y, x = rows @ place / area, columns @ place / area
        down, across = rows @ place**2 / area - y**2, columns @ place**2 / area - x**2
        both = (masks @ place) @ place / area - y * x
        middle, away = (down + across) / 2, np.hypot((down - across) / 2, both)
        longer, shorter = middle + away, np.maximum(middle - away, 0)
        aspect = np.sqrt(shorter / longer)
    return {"area": area, "y": y, "x": x, "aspect": aspect, "eccentricity": np.sqrt(1 - aspect**2)}


def _cut_off(masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether masks, (n, SIDE, SIDE), reach the sides of their squares: they go on beyond."""
    sides = np.concatenate([masks[:, [0, -1]], masks[:, :, [0, -1]].swapaxes(1, 2)], axis=1)
    return np.asarray(sides.any(axis=(1, 2)))


def _outline_variation(masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    inner = ndimage.binary_erosion(masks, np.ones((1, 3, 3)), border_value=1)
    number, y, x = np.nonzero(masks & ~inner)
    count = len(masks)
    size = np.bincount(number, minlength=count)
    with np.errstate(divide="ignore", invalid="ignore"):
        centre_y, centre_x = (np.bincount(number, v, count) / size for v in (y, x))
        away = np.hypot(y - centre_y[number], x - centre_x[number])
        mean = np.bincount(number, away, count) / size
        square = np.bincount(number, away**2, count) / size
        spread = np.sqrt(np.maximum(square - mean**2, 0)) / mean
    return np.where(size > 0, spread, np.nan)


def _near(
    y: NDArray[np.float64], x: NDArray[np.float64], diameter: NDArray[np.float64]
) -> NDArray[np.float64]:
    if not len(y):
        return np.zeros(0)
    tree = KDTree(np.column_stack([y, x]))
    found = tree.query_ball_point(tree.data, NEAR * diameter, return_length=True)
    return np.asarray(found, np.float64) - 1
