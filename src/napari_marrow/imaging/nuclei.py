"""Nuclei of a mask: one whole number each, with their areas and their cytoplasm."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_marrow.data.fields import Field
from napari_marrow.data.imports import importing
from napari_marrow.imaging.components import closed, solidity, weighted_quantile
from napari_marrow.imaging.distance import depth_of, erode, peaks_of
from napari_marrow.imaging.fill_holes import fill_holes
from napari_marrow.imaging.relabel import in_few_bits, small_numbers
from napari_marrow.imaging.resize import enlarge, shrink_factor

WORKING_SIZE = 640
"""Longer side, in pixels, at which shapes are judged; nuclei are then about 20 to 100 wide."""
NARROWEST = 0.33
"""Pieces under this part of the typical nucleus's radius are specks, not nuclei."""
SMALLEST = 0.1
"""Likewise for its area: cells a third as wide as the typical one just stay."""
RAGGED = 0.86
"""Nuclei fill this part of their convex hull; bits of a mask full of gaps fill less."""
GAPS = (2, 4, 6)
"""Radii, at the working size, of the gaps that chromatin leaves in a mask."""
MOST = 2000
"""How many bits to judge; a mask with more is noise, and stays as it is."""
GAP = 8
"""Pixels that a hand may leave blank between a nucleus and its cytoplasm."""


def separate(mask: NDArray[np.bool_], *, gaps: bool = True) -> NDArray[np.uint16]:
    """Give every nucleus of a mask its own number; touching nuclei come apart.

    Watershed of the distance to the edge (Meyer 1994), seeded at the peaks of the smoothed
    distance. Shapes are judged at a working size of about 640 pixels and the numbers brought back
    to every pixel of the mask. Holes of nuclei are filled, gaps between three and more are not
    (:func:`.fill_holes`). Nuclei that gaps cut to ragged bits, as a threshold leaves them of pale
    chromatin, are made whole where closing the gaps gives fewer and rounder ones. Specks
    are dropped: what is under a third of the typical radius or a tenth of the area. The typical
    nucleus is the median by area: neither many specks nor one giant cell among many nuclei changes
    it.

    Parameters
    ----------
    mask
        (height, width), True inside nuclei.
    gaps
        Whether the mask may have such gaps. Where it is known to have none, what is ragged is
        something else than a nucleus.

    Returns
    -------
    ndarray of uint16, shape (height, width)
        0 outside, 1 to n inside, in reading order of the first pixels.
    """
    factor = shrink_factor(mask.shape, WORKING_SIZE)
    thin = mask[::factor, ::factor]
    filled, depth = fill_holes(thin)
    labels = _drop_specks(_watershed(filled, depth))
    if gaps:
        filled, labels = _made_whole(filled, labels)
    if factor == 1:
        return labels
    # Rims that the thinned mask missed take the number of the nucleus they touch, and so do the
    # rims of holes.
    rims = np.where(labels == 0, ndimage.maximum_filter(labels, 5), labels)
    holes = ndimage.maximum_filter(filled & ~thin, 3) & erode(filled)
    full = enlarge(rims, factor, mask.shape)
    full *= mask | enlarge(holes, factor, mask.shape)
    return full


def _watershed(mask: NDArray[np.bool_], depth: NDArray[np.float32]) -> NDArray[np.uint16]:
    with importing:
        from skimage.segmentation import watershed  # 0.2 s to import: once a nucleus is looked at

    pieces, count = ndimage.label(mask)
    if count == 0:
        return np.zeros(mask.shape, np.uint16)
    widths = ndimage.maximum(depth[mask], pieces[mask], np.arange(count + 1))
    # Rims do not count: they are most of what specks are made of.
    typical = weighted_quantile(widths, np.bincount(pieces[depth > 1], minlength=count + 1))
    wide = (widths > 0) & (widths >= NARROWEST * typical)
    # What the small ones would have cut to bits stays whole.
    radius = float(np.median(widths[widths >= 0.5 * typical]))
    smooth, peaks = peaks_of(depth, radius)
    seeds, found = ndimage.label(peaks, np.ones((3, 3)))
    # A small nucleus beside a large one is overshadowed; every piece still gets one seed.
    wide[pieces[peaks]] = False
    if wide.any():
        tops = wide[pieces] & (depth == widths[pieces])
        seeds[tops] = found + pieces[tops]
    return watershed(-smooth, seeds, mask=mask).astype(np.uint16)


def _made_whole(
    mask: NDArray[np.bool_], labels: NDArray[np.uint16]
) -> tuple[NDArray[np.bool_], NDArray[np.uint16]]:
    """A mask whose gaps cut nuclei to ragged bits, and its nuclei, without these gaps."""
    first = ragged = _ragged(labels)
    best = mask, labels
    somewhere = np.zeros(int(labels.max(initial=0)) + 1, np.intp)  # a pixel of each
    somewhere[labels.ravel()] = np.arange(labels.size)
    for radius in GAPS:
        if not ragged.any():
            break
        pieces, count = ndimage.label(closed(mask, radius))
        area, bits = (
            np.bincount(pieces[where], minlength=count + 1) for where in (labels > 0, first)
        )
        broken = (bits > 0) & (bits >= 0.5 * area)  # what is whole for the most part stays
        if not (np.bincount(pieces.ravel()[somewhere[1:]], minlength=count + 1)[broken] > 1).any():
            continue  # nothing would become one
        whole = mask | fill_holes(broken[pieces])[0]
        nuclei = _drop_specks(_watershed(whole, depth_of(whole)))
        left = _ragged(nuclei)
        if nuclei.max() < labels.max() and np.count_nonzero(left) < np.count_nonzero(ragged):
            best, ragged = (whole, nuclei), left
    return best


def _ragged(labels: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Where nuclei are that fill too little of their convex hulls."""
    if labels.max(initial=0) > MOST:
        return np.zeros(labels.shape, bool)
    bits = [
        number
        for number, place in enumerate(ndimage.find_objects(labels), 1)
        if solidity(labels[place] == number) < RAGGED
    ]
    return np.isin(labels, bits)


def _drop_specks(labels: NDArray[np.uint16]) -> NDArray[np.uint16]:
    areas = np.bincount(labels.ravel())
    if len(areas) < 2:
        return labels
    areas[0] = 0
    keep = (areas > 0) & (areas >= SMALLEST * weighted_quantile(areas, areas))
    return np.where(keep, np.cumsum(keep), 0).astype(np.uint16)[labels]


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
    with importing:
        from skimage.measure import regionprops_table  # slow to import, and stacks do not need it

    small, numbers = small_numbers(np.asarray(labels))
    table = regionprops_table(small, properties=("label", "centroid", "area"))
    columns = {
        "index": numbers[table["label"]],
        "y": table["centroid-0"],
        "x": table["centroid-1"],
        "area": table["area"],
    }
    if cytoplasm is None:
        return columns
    around = _areas_of(columns["index"], cytoplasm)
    ratio = np.where(around > 0, table["area"] / (table["area"] + around), np.nan)
    return {**columns, "cytoplasm_area": around, "nucleus_to_cell": ratio}


def _areas_of(index: NDArray[np.integer], labels: NDArray[np.integer]) -> NDArray[np.intp]:
    """How many pixels of labels have each of these numbers."""
    small, numbers = small_numbers(labels)
    areas = np.append(np.bincount(small.ravel(), minlength=len(numbers)), 0)
    places = np.searchsorted(numbers, index)
    found = np.append(numbers, 0)[places] == index
    return np.where(found, areas[places], 0)


def join_cytoplasm(
    nuclei: NDArray[np.integer], cytoplasm: NDArray[np.bool_]
) -> NDArray[np.unsignedinteger]:
    """Give every cytoplasm pixel the number of its cell's nucleus.

    A cell is one connected piece of nucleus and cytoplasm; a blank of up to 8 pixels between the
    two, as hands leave it, does not break it. In a piece of several nuclei each pixel goes to the
    nearest one, by a watershed of the distance to them. Pieces are judged at the working size of
    :func:`separate`.

    Parameters
    ----------
    nuclei
        Instance labels, (height, width).
    cytoplasm
        (height, width), True in cytoplasm.

    Returns
    -------
    ndarray of uint16, shape (height, width)
        0 outside of cytoplasm and in the nuclei. Pieces of cytoplasm without a nucleus have numbers
        of their own, above all of the nuclei's. A wider type where numbers are above 65535.
    """
    factor = shrink_factor(nuclei.shape, WORKING_SIZE)
    rest = cytoplasm & (nuclei == 0)
    small, numbers = small_numbers(nuclei[::factor, ::factor])
    thin = rest[::factor, ::factor]
    owner = _flood(small, thin, -(-GAP // factor))
    lone, count = ndimage.label(thin & (owner == 0), np.ones((3, 3)))
    owner = np.where(lone > 0, lone + len(numbers) - 1, owner)
    above = np.arange(1, count + 1, dtype=np.uint64) + np.uint64(nuclei.max(initial=0))
    numbers = in_few_bits(np.concatenate([numbers.astype(np.uint64), above]))
    if not owner.any():
        return np.zeros(nuclei.shape, np.uint16)
    # Rims that the thinned masks missed take the nearest number.
    nearest = ndimage.distance_transform_edt(
        owner == 0, return_distances=False, return_indices=True
    )
    full = enlarge(numbers[owner[tuple(nearest)]], factor, nuclei.shape)
    return np.where(rest, full, numbers.dtype.type(0))


def _flood(
    nuclei: NDArray[np.integer], cytoplasm: NDArray[np.bool_], gap: int
) -> NDArray[np.integer]:
    """Numbers of the nuclei, spread over the cytoplasm that hangs together with them."""
    with importing:
        from skimage.segmentation import watershed  # slow to import, as above

    if not nuclei.any():
        return np.zeros(nuclei.shape, np.uint16)
    distance = ndimage.distance_transform_edt(nuclei == 0).astype(np.float32)
    cell = cytoplasm | (nuclei > 0)
    pieces, count = ndimage.label(cell, np.ones((3, 3)))
    # Only pieces that lack one of the two reach over a gap, so that whole cells close to each other
    # stay apart.
    whole = np.zeros(count + 1, bool)
    whole[np.intersect1d(pieces[nuclei > 0], pieces[cytoplasm])] = True
    lacking = ndimage.maximum_filter(cell & ~whole[pieces], 2 * gap + 1)
    bridges = lacking & (distance <= gap)
    return watershed(distance, nuclei.astype(np.int32), np.ones((3, 3)), mask=cell | bridges)


def field_labels(field: Field) -> NDArray[np.integer] | None:
    """The nuclei of a field as far as files tell: its instances, else its nucleus mask, else None.

    Instances are somebody's word for where each cell is; a mask still has to be taken apart.
    """
    labels = field.instances()
    if labels is not None:
        return labels
    mask = field.mask("nucleus")
    return None if mask is None else separate(mask)
