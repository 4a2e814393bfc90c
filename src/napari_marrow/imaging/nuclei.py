"""Nuclei: one whole number a nucleus, from a mask or from the photograph itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_marrow.data.fields import Field
from napari_marrow.imaging.scale import enlarge, resize, shrink_factor
from napari_marrow.imaging.stain import optical_density

WORKING_SIZE = 640
"""Longer side, in pixels, at which shapes are judged; nuclei are then about 20 to 100 wide."""
SMALLEST = 0.25
"""Pieces under this part of the median nucleus's area are specks, not nuclei."""


def separate(mask: NDArray[np.bool_]) -> NDArray[np.uint16]:
    """Give every nucleus of a mask its own number; touching nuclei come apart.

    Watershed of the distance to the edge (Meyer 1994), seeded at the peaks of the smoothed
    distance. Shapes are judged at a working size of about 640 pixels and the numbers brought back
    to every pixel of the mask. Holes are filled; specks are dropped.

    Parameters
    ----------
    mask
        (height, width), True inside nuclei.

    Returns
    -------
    ndarray of uint16, shape (height, width)
        0 outside, 1 to n inside, in reading order of the first pixels.
    """
    factor = shrink_factor(mask.shape, WORKING_SIZE)
    small = _fill_holes(mask[::factor, ::factor])
    labels = _watershed(small)
    labels = _drop_specks(labels)
    if factor == 1:
        return labels
    # Rims that the thinned mask missed take the number of the nucleus they touch; holes that were
    # filled stay filled, which the inside of the thinned nuclei tells.
    rims = np.where(labels == 0, ndimage.maximum_filter(labels, 5), labels)
    full = enlarge(rims, factor, mask.shape)
    inside = enlarge(ndimage.binary_erosion(labels > 0), factor, mask.shape)
    full *= mask | inside
    return full


def _fill_holes(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """``ndimage.binary_fill_holes`` by labelling the outside, 5 times as fast."""
    pieces, count = ndimage.label(np.pad(~mask, 1, constant_values=True))
    return mask if count == 1 else (pieces != pieces[0, 0])[1:-1, 1:-1]


def _watershed(mask: NDArray[np.bool_]) -> NDArray[np.uint16]:
    from skimage.segmentation import watershed  # 0.2 s to import: once a nucleus is looked at

    pieces, count = ndimage.label(mask)
    if count == 0:
        return np.zeros(mask.shape, np.uint16)
    distance = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1].astype(np.float32)
    widths = ndimage.maximum(distance[mask], pieces[mask], np.arange(1, count + 1))
    radius = float(np.median(widths[widths >= 0.3 * widths.max()]))
    smooth = ndimage.gaussian_filter(distance, max(0.5, radius / 6))
    reach = 2 * max(2, round(0.6 * radius)) + 1
    peaks = (smooth == ndimage.maximum_filter(smooth, reach)) & (smooth >= 0.35 * radius) & mask
    seeds, _ = ndimage.label(peaks, np.ones((3, 3)))
    # A small nucleus beside a large one is overshadowed; every piece still gets one seed.
    bare = np.setdiff1d(np.arange(1, count + 1), pieces[seeds > 0])
    for piece in bare[widths[bare - 1] >= 0.35 * radius]:
        where = ndimage.maximum_position(distance, pieces, piece)
        seeds[where] = seeds.max() + 1
    return watershed(-smooth, seeds, mask=mask).astype(np.uint16)


def _drop_specks(labels: NDArray[np.uint16]) -> NDArray[np.uint16]:
    areas = np.bincount(labels.ravel())
    if len(areas) < 2:
        return labels
    areas[0] = 0
    keep = areas >= SMALLEST * np.median(areas[areas > 0])
    return np.where(keep, np.cumsum(keep), 0).astype(np.uint16)[labels]


def segment_nuclei(image: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Find the nuclei of a photograph, or of a picture of one cell, without any mask.

    Nuclei absorb red light, red cells hardly do: multi-Otsu (Liao et al. 2001) of the optical
    density of red weighted with that of green tells nucleus from cytoplasm from the rest; an
    opening rounds it off, and :func:`separate` takes touching nuclei apart.

    Parameters
    ----------
    image
        RGB photograph, (height, width, 3), uint8.

    Returns
    -------
    ndarray of uint16, shape (height, width)
        0 outside, 1 to n inside.
    """
    height, width = image.shape[:2]
    factor = shrink_factor(image.shape, WORKING_SIZE)
    small = resize(image, (max(1, height // factor), max(1, width // factor)))
    density = optical_density(small)
    score = ndimage.gaussian_filter(density[..., 0] + 0.5 * density[..., 1], 1)
    if np.ptp(score) < 0.05:  # an empty field has no two kinds of pixels to tell apart
        return np.zeros((height, width), np.uint16)
    from skimage.filters import threshold_multiotsu  # slow to import, and masks do not need it
    from skimage.morphology import disk

    mask = score > threshold_multiotsu(score, classes=3)[-1]
    mask = ndimage.binary_opening(mask, disk(2))
    labels = separate(mask)
    rows = (np.arange(height) * labels.shape[0] // height)[:, None]
    columns = np.arange(width) * labels.shape[1] // width
    return labels[rows, columns]


def nucleus_table(
    labels: NDArray[np.integer], cytoplasm: NDArray[np.integer] | None = None
) -> dict[str, NDArray]:
    """Number, centre and area of every nucleus, and how much of its cell it fills.

    Parameters
    ----------
    labels
        Instance labels of the nuclei, (height, width).
    cytoplasm
        The same numbers in the cells' cytoplasm, from :func:`join_cytoplasm`, or None.

    Returns
    -------
    dict
        Columns ``index``, ``y``, ``x`` (pixels, of the centre) and ``area`` (pixels); with
        cytoplasm also ``cytoplasm_area`` (pixels) and ``nucleus_to_cell``, the area of the nucleus
        over that of nucleus and cytoplasm, 0 to 1; not a number where a cell has no cytoplasm in
        the mask.
    """
    from skimage.measure import regionprops_table  # slow to import, and stacks do not need it

    table = regionprops_table(np.asarray(labels), properties=("label", "centroid", "area"))
    columns = {
        "index": table["label"],
        "y": table["centroid-0"],
        "x": table["centroid-1"],
        "area": table["area"],
    }
    if cytoplasm is None:
        return columns
    areas = np.bincount(cytoplasm.ravel(), minlength=int(labels.max(initial=0)) + 1)
    around = areas[table["label"]]
    ratio = np.where(around > 0, table["area"] / (table["area"] + around), np.nan)
    return {**columns, "cytoplasm_area": around, "nucleus_to_cell": ratio}


def join_cytoplasm(nuclei: NDArray[np.integer], cytoplasm: NDArray[np.bool_]) -> NDArray[np.uint16]:
    """Give every cytoplasm pixel the number of the nucleus nearest to it.

    Parameters
    ----------
    nuclei
        Instance labels, (height, width).
    cytoplasm
        (height, width), True in cytoplasm.

    Returns
    -------
    ndarray of uint16, shape (height, width)
        0 outside of cytoplasm and in the nuclei; all 0 where there is no nucleus.
    """
    factor = shrink_factor(nuclei.shape, WORKING_SIZE)
    small = nuclei[::factor, ::factor]
    if not small.any():
        return np.zeros(nuclei.shape, np.uint16)
    nearest = ndimage.distance_transform_edt(
        small == 0, return_distances=False, return_indices=True
    )
    owner = enlarge(small[tuple(nearest)], factor, nuclei.shape)
    return np.where(cytoplasm & (nuclei == 0), owner, 0).astype(np.uint16)


def field_labels(field: Field) -> NDArray[np.integer] | None:
    """The nuclei of a field as far as files tell: its instances, else its nucleus mask, else None.

    Instances are somebody's word for where each cell is; a mask still has to be taken apart.
    """
    labels = field.instances()
    if labels is not None:
        return labels
    mask = field.mask("nucleus")
    return None if mask is None else separate(mask)
