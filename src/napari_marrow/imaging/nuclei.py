"""Separate the nuclei of a mask, measure them, and assign cytoplasm to them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_marrow.data.fields import Field
from napari_marrow.data.imports import importing
from napari_marrow.imaging.distance import depth_of, weighted_median
from napari_marrow.imaging.fill_holes import component_depths, fill_holes, typical_radius
from napari_marrow.imaging.label_cache import cached_field_labels
from napari_marrow.imaging.relabel import in_few_bits, small_numbers
from napari_marrow.imaging.resize import enlarge, shrink_factor

WORKING_SIZE_PX = 640
"""Longer side at which shapes are judged; nuclei are then about 20 to 100 pixels wide."""
SMOOTHING_SIGMA_RADII = 0.125
"""Standard deviation, in radii of a nucleus, that smooths the distance to the edge."""
MIN_SEED_DISTANCE_RADII = 0.5
"""Distance between the centres of two nuclei, in radii; nearer maxima are one nucleus."""
MIN_SEED_DEPTH_RADII = 0.35
"""Depth of a nucleus's centre, in radii of the typical one; less is a bump of its outline."""
MIN_AREA_FRACTION = 0.1
"""Area of a nucleus, in parts of the typical one: cells a third as wide stay, specks go."""
MAX_LOBE_DISTANCE_DIAMETERS = 0.3
"""Distance between lobes of one nucleus, in diameters."""
MAX_BLANK_PX = 8
"""Width of the blank that hand-drawn masks may have between a nucleus and its cytoplasm."""


def separate(mask: NDArray[np.bool_]) -> NDArray[np.uint16]:
    """Give every nucleus of a mask its own label; touching nuclei are separated.

    Watershed of the distance to the edge (Meyer 1994), seeded at the maxima of the smoothed
    distance. Shapes are judged at a working size of about 640 pixels and the labels brought back
    to every pixel of the mask. Holes of nuclei are filled (:func:`.fill_holes`). What has less than
    a tenth of the typical nucleus's area is dropped. The typical nucleus is the median by area:
    neither many specks nor one giant cell among many nuclei changes it.

    Parameters
    ----------
    mask
        (height, width), True inside nuclei.

    Returns
    -------
    ndarray of uint16, shape (height, width)
        0 outside, 1 to n inside, in the order of the rows of their centres.
    """
    factor = shrink_factor(mask.shape, WORKING_SIZE_PX)
    small = mask[::factor, ::factor]
    labels = separate_at_working_size(small)
    if factor == 1:
        return labels
    # Rims that the small mask missed take the label of the nucleus they touch.
    holes = ndimage.maximum_filter((labels > 0) & ~small, 3) & ndimage.binary_erosion(labels > 0)
    rims = np.where(labels == 0, ndimage.maximum_filter(labels, 5), labels)
    full = enlarge(rims, factor, mask.shape)
    full *= mask | enlarge(holes, factor, mask.shape)
    return full


def separate_at_working_size(mask: NDArray[np.bool_]) -> NDArray[np.uint16]:
    """Do the same with a mask whose nuclei are about 20 to 100 pixels wide."""
    labels = _without_specks(_watershed(fill_holes(mask)))
    for number, place in enumerate(ndimage.find_objects(labels), 1):
        window = labels[place]  # openings that one nucleus alone encloses are its own
        window[ndimage.binary_fill_holes(window == number) & (window == 0)] = number
    return labels


def _watershed(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    with importing:  # 0.2 s to import: once a nucleus is looked at
        from skimage.feature import peak_local_max
        from skimage.segmentation import watershed

    components, count = ndimage.label(mask)
    if not count:
        return components
    depth = depth_of(mask)
    radii = component_depths(depth, components, count)
    radius = float(np.median(radii[radii >= 0.5 * typical_radius(mask, depth)]))
    smooth = ndimage.gaussian_filter(depth, max(0.5, SMOOTHING_SIGMA_RADII * radius))
    maxima = peak_local_max(
        smooth,
        min_distance=max(2, round(MIN_SEED_DISTANCE_RADII * radius)),
        threshold_abs=MIN_SEED_DEPTH_RADII * radius,
        exclude_border=False,
    )
    maxima = maxima[mask[tuple(maxima.T)]]
    # A small nucleus is under the threshold, or overshadowed; every component gets one seed.
    without = np.setdiff1d(np.arange(1, count + 1), components[tuple(maxima.T)])
    seeds = np.zeros(mask.shape, np.int32)
    places = [tuple(place) for place in maxima]
    if len(without):
        places += ndimage.maximum_position(depth, components, without)
    for number, (row, column) in enumerate(sorted(places), 1):
        seeds[row, column] = number
    return watershed(-smooth, seeds, mask=mask)


def _without_specks(labels: NDArray[np.int32]) -> NDArray[np.uint16]:
    areas = np.bincount(labels.ravel())
    areas[0] = 0
    keep = areas > 0
    if keep.any():
        keep &= areas >= MIN_AREA_FRACTION * weighted_median(areas, areas)
    return np.where(keep, np.cumsum(keep), 0).astype(np.uint16)[labels]


def typical_diameter(labels: NDArray[np.integer]) -> float:
    """Return the diameter of the nuclei that are half of the stained area; 0 without any."""
    areas = np.bincount(labels.ravel())[1:]
    return float(np.sqrt(4 / np.pi * weighted_median(areas, areas))) if len(areas) else 0.0


def join_lobes(nuclei: NDArray[np.integer]) -> NDArray[np.int32]:
    """Number nuclei that may be the lobes of one alike: those less than 0.3 diameters apart.

    Parameters
    ----------
    nuclei
        Instance labels, (height, width).

    Returns
    -------
    ndarray of int32, shape (height, width)
        0 outside of the nuclei, 1 to n in groups of them. Nuclei of several cells that touch are
        one group, too.
    """
    gap = MAX_LOBE_DISTANCE_DIAMETERS * typical_diameter(nuclei) / 2
    near = ndimage.distance_transform_edt(nuclei == 0) <= gap
    return np.where(nuclei > 0, ndimage.label(near)[0], 0)


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
    around = ndimage.sum_labels(cytoplasm > 0, cytoplasm, columns["index"]).astype(np.intp)
    ratio = np.where(around > 0, table["area"] / (table["area"] + around), np.nan)
    return {**columns, "cytoplasm_area": around, "nucleus_to_cell": ratio}


def central_pixels(labels: NDArray[np.integer], index: NDArray[np.integer]) -> NDArray[np.intp]:
    """Return row and column of the pixel of each label that is nearest to its centre of mass.

    Parameters
    ----------
    labels
        (height, width).
    index
        (n,) numbers that occur there.
    """
    small, numbers = small_numbers(np.asarray(labels))
    boxes = dict(zip(numbers[1:].tolist(), ndimage.find_objects(small), strict=True))
    found = np.empty((len(index), 2), np.intp)
    for k, number in enumerate(index.tolist()):
        box = boxes[number]
        y, x = np.nonzero(labels[box] == number)
        nearest = np.argmin((y - y.mean()) ** 2 + (x - x.mean()) ** 2)
        found[k] = y[nearest] + box[0].start, x[nearest] + box[1].start
    return found


def join_cytoplasm(
    nuclei: NDArray[np.integer], cytoplasm: NDArray[np.bool_]
) -> NDArray[np.unsignedinteger]:
    """Give every cytoplasm pixel the label of its cell's nucleus.

    A cell is one connected component of nucleus and cytoplasm; a blank of up to 8 pixels between
    the two, as hands leave it, does not break it. In a component of several nuclei each pixel goes
    to the nearest one, by a watershed of the distance to them. Components are judged at the working
    size of :func:`separate`.

    Parameters
    ----------
    nuclei
        Instance labels, (height, width).
    cytoplasm
        (height, width), True in cytoplasm.

    Returns
    -------
    ndarray of uint16, shape (height, width)
        0 outside of cytoplasm and in the nuclei. Components of cytoplasm without a nucleus have
        labels of their own, above all of the nuclei's. A wider type where labels are above 65535.
    """
    factor = shrink_factor(nuclei.shape, WORKING_SIZE_PX)
    rest = cytoplasm & (nuclei == 0)
    small, numbers = small_numbers(nuclei[::factor, ::factor])
    small_rest = rest[::factor, ::factor]
    owner = _flood(small.astype(np.int32), small_rest, -(-MAX_BLANK_PX // factor))
    lone, count = ndimage.label(small_rest & (owner == 0), np.ones((3, 3)))
    owner = np.where(lone > 0, lone + len(numbers) - 1, owner)
    above = np.arange(1, count + 1, dtype=np.uint64) + np.uint64(nuclei.max(initial=0))
    numbers = in_few_bits(np.concatenate([numbers.astype(np.uint64), above]))
    if not owner.any():
        return np.zeros(nuclei.shape, np.uint16)
    # Rims that the small masks missed take the nearest label.
    nearest = ndimage.distance_transform_edt(
        owner == 0, return_distances=False, return_indices=True
    )
    full = enlarge(numbers[owner[tuple(nearest)]], factor, nuclei.shape)
    return np.where(rest, full, numbers.dtype.type(0))


def known_cytoplasm(field: Field, nuclei: NDArray[np.integer]) -> NDArray[np.integer] | None:
    """Return the numbers of nuclei in the cytoplasm of a field's masks; None without any there.

    Parameters
    ----------
    field
        Whose masks are read.
    nuclei
        Instance labels, (height, width), perhaps others than those of the field.

    Raises
    ------
    MarrowError
        When a mask can't be read.
    """
    mask = field.mask("cytoplasm")
    if mask is None:
        return None
    marked, own = field.instances("cytoplasm"), field.instances()
    if marked is not None and own is not None and np.array_equal(own, nuclei):
        return marked  # cell by cell, with the same numbers
    return join_cytoplasm(nuclei, mask)


def _flood(
    nuclei: NDArray[np.int32], cytoplasm: NDArray[np.bool_], blank: int
) -> NDArray[np.int32]:
    """Spread the labels of the nuclei over connected cytoplasm, then over blanks to the rest."""
    with importing:
        from skimage.segmentation import watershed  # slow to import, as above

    if not nuclei.any():
        return nuclei
    distance = ndimage.distance_transform_edt(nuclei == 0).astype(np.float32)
    cell = cytoplasm | (nuclei > 0)
    labels = watershed(distance, nuclei, np.ones((3, 3)), mask=cell)
    # Only cells that lack nucleus or cytoplasm reach over a blank, so that whole cells stay apart.
    lone = cell & (labels == 0)
    bare = ~np.isin(labels, labels[cytoplasm & (labels > 0)])
    near = (distance <= blank) & (ndimage.maximum_filter(lone | (bare & cell), 2 * blank + 1))
    return watershed(distance, labels, np.ones((3, 3)), mask=cell | near)


def field_labels(field: Field) -> NDArray[np.integer] | None:
    """Return the nuclei in a field's files: its instances, else those of its mask, else None.

    Instance labels are used as they are; a mask is separated into nuclei. Results for the same
    files come from the cache.
    """
    if field.labels is None and "nucleus" not in field.mask_kinds:
        return None
    return cached_field_labels(field, "nuclei", lambda: _labels_of_files(field))


def _labels_of_files(field: Field) -> NDArray[np.integer]:
    labels = field.instances()
    if labels is None and (mask := field.mask("nucleus")) is not None:
        labels = separate(mask)
    assert labels is not None  # it has a file of either
    return labels
