"""Segment nuclei and cytoplasm of a photograph without masks: full fields and single cells.

Stains and cameras differ, so every threshold is derived from the picture. What all of these stains
share: nuclei absorb green light most, and blue light much less, whereas red cells absorb more of
the blue.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_marrow.data.cache import checksum
from napari_marrow.data.imports import importing
from napari_marrow.imaging.field_of_view import surround, without_surround
from napari_marrow.imaging.label_cache import cached_labels
from napari_marrow.imaging.nuclei import (
    WORKING_SIZE_PX,
    join_cytoplasm,
    join_lobes,
    separate_at_working_size,
    typical_diameter,
)
from napari_marrow.imaging.relabel import in_few_bits, small_numbers
from napari_marrow.imaging.resize import shrink_factor, stretch, working_copy
from napari_marrow.imaging.settings import SegmentSettings
from napari_marrow.imaging.stain import optical_density
from napari_marrow.imaging.validate import checked_labels, checked_photograph
from napari_marrow.imaging.white_point import MAX_BLACK_LEVEL, is_cut_out, white_point

BLUE_WEIGHT = 0.5
"""Weight of absorbed blue light, taken from absorbed green: red cells, which absorb more blue than
green, are left with half of their density, and nuclei keep most of theirs."""
OPENING_RADIUS_PX = 2
"""Radius of the disc that has to fit into a nucleus, at the working size."""
MAX_BLUE_TO_GREEN = 0.8
"""Blue over green light that a nucleus absorbs. Nuclei of all sets tried have 0.61 and less, red
cells 0.94 and more."""
MIN_DENSITY = 0.1
"""Smallest density of a nucleus, as a fraction of the light: below, the picture holds noise."""
MIN_DIAMETER_PX, FINE_DIAMETER_PX = 18, 20
"""Nuclei of a smaller diameter are segmented again, at a working size that gives the second."""
WIDE_DIAMETER_PX = 35
"""Wider nuclei are smoothed and opened as if they were so wide."""
MAJORITY_SIGMA_PX = 1.2
"""Standard deviation of the weights by which neighbours count, for nuclei 35 pixels wide."""
MIN_CENTRAL_DIAMETER_FRACTION = 1 / 8
"""Diameter of the nucleus in a picture of one cell, in parts of the shorter side."""
MAX_NUCLEI_OF_ONE_CELL = 8
"""Nuclei in a picture of one cell: its lobes and its neighbours. A field has more."""
MIN_EXPLAINED_VARIANCE_FRACTION = 0.8
"""Part of the variance that two classes explain where there are two: 0.64 is that of one normal
distribution cut in half, 0.75 of a uniform one."""


def segment_nuclei(
    image: NDArray[np.uint8], settings: SegmentSettings | None = None
) -> NDArray[np.uint16]:
    """Segment the nuclei of a photograph, or of a picture of one cell, without any mask.

    The threshold is the upper one of multi-Otsu (Liao et al. 2001) with three classes, of the light
    that is absorbed: green less half of blue, against the white point. Components that are not
    purple are dropped, and touching nuclei separated (:func:`.separate`). In a picture of one cell,
    which has a whole nucleus in its middle and few others, nuclei cut off by the edge belong to
    neighbours and are dropped.

    Parameters
    ----------
    image
        RGB photograph, (height, width, 3), uint8. An alpha channel is ignored.
    settings
        Limits of area, in pixels of ``image``.

    Returns
    -------
    ndarray of uint16, shape (height, width)
        0 outside, 1 to n inside.

    Raises
    ------
    MarrowError
        When ``image`` is no colour photograph, or the settings are invalid.
    """
    settings = settings or SegmentSettings()
    settings.check()
    image = checked_photograph(image)
    factor = shrink_factor(image.shape, WORKING_SIZE_PX)
    small = working_copy(image, factor)
    outside, cut_out = surround(small), is_cut_out(small)
    labels = _labels_of(small, outside, cut_out)
    while factor > 1 and not cut_out and (width := typical_diameter(labels)) < MIN_DIAMETER_PX:
        # Touching nuclei merge at a small scale: segment at larger ones until they are wide enough.
        closer = int(factor * width / FINE_DIAMETER_PX) if width else factor // 2
        factor = max(1, min(factor - 1, closer))
        small = working_copy(image, factor)
        labels = _labels_of(small, stretch(outside, small.shape[:2]), cut_out)
    return _within_limits(stretch(labels, image.shape[:2]), settings, outside)


def found_nuclei(image: NDArray[np.uint8]) -> NDArray[np.integer]:
    """Return what :func:`segment_nuclei` finds without settings, each photograph segmented once.

    Training and prediction, too, take these where a photograph has no nuclei.
    """
    return cached_labels(["found nuclei", checksum(image)], lambda: segment_nuclei(image))


def _labels_of(
    image: NDArray[np.uint8], outside: NDArray[np.bool_], cut_out: bool
) -> NDArray[np.uint16]:
    """Segment the nuclei of a photograph at the working size."""
    inside = (image.max(axis=-1) > MAX_BLACK_LEVEL) & ~outside
    absorbed = absorbed_light(without_surround(image, outside))
    green, blue = absorbed[..., 1], absorbed[..., 2]
    if cut_out:
        return separate_at_working_size(_opened(_nuclei_on_black(green, inside)))
    density = green - BLUE_WEIGHT * blue
    components, count = _components(inside & (density > _upper_threshold(density[inside])))
    numbers = np.arange(count + 1)
    purple = ndimage.mean(blue, components, numbers) <= MAX_BLUE_TO_GREEN * ndimage.mean(
        green, components, numbers
    )
    purple &= ndimage.mean(density, components, numbers) >= MIN_DENSITY
    purple[0] = False
    return _without_neighbours(separate_at_working_size(purple[components]))


def _components(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    """Return the connected components of an opened mask, and their number.

    Where nuclei are wide, their chromatin shows grains in a sharp picture: each pixel is then what
    most pixels around it are, which fills the grains and moves no straight edge.
    """
    components, count = ndimage.label(_opened(mask))
    scale = typical_diameter(components) / WIDE_DIAMETER_PX
    if scale <= 1:
        return components, count
    share = ndimage.gaussian_filter(mask.astype(np.float32), MAJORITY_SIGMA_PX * scale)
    return ndimage.label(_opened(share > 0.5, round(OPENING_RADIUS_PX * scale)))


def absorbed_light(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the fraction of light that each pixel absorbs: 0 at the white point, 1 for black."""
    return (1 - image / white_point(image)).astype(np.float32, copy=False)


def _upper_threshold(values: NDArray[np.float32]) -> float:
    with importing:
        from skimage.filters import threshold_multiotsu

    try:
        return float(threshold_multiotsu(values, classes=3)[-1]) if values.size else np.inf
    except ValueError:  # fewer than three values: nothing to tell apart
        return np.inf


def _nuclei_on_black(green: NDArray[np.float32], inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the nuclei of cells cut out: all of a cell, unless it has clearly two classes."""
    values = green[inside]
    if not np.ptp(values):
        return inside
    dark = values > (threshold := _otsu(values))
    part = dark.mean()
    between = part * (1 - part) * (values[dark].mean() - values[~dark].mean()) ** 2
    two_classes = between >= MIN_EXPLAINED_VARIANCE_FRACTION * values.var()
    return inside & (green > threshold) if two_classes else inside


def _otsu(values: NDArray[np.float32]) -> float:
    with importing:
        from skimage.filters import threshold_otsu

    return float(threshold_otsu(values))


def _opened(mask: NDArray[np.bool_], radius: int = OPENING_RADIUS_PX) -> NDArray[np.bool_]:
    """Open a mask with a disc; beyond the edge the picture continues as it ends."""
    rim = 2 * radius
    rows, columns = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    disc = rows**2 + columns**2 <= radius**2
    return ndimage.binary_opening(np.pad(mask, rim, mode="edge"), disc)[rim:-rim, rim:-rim]


def _cut_off(labels: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Tell for each label whether the picture's edge cuts it off; the background counts as well."""
    cut_off = np.zeros(int(labels.max(initial=0)) + 1, bool)
    for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        cut_off[side] = True
    cut_off[0] = True
    return cut_off


def _without_neighbours(labels: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """In a picture of one cell drop the nuclei that the edge cuts off; else change nothing."""
    cut_off = _cut_off(labels)
    height, width = labels.shape
    middle = labels[height * 3 // 8 : height - height * 3 // 8]
    middle = middle[:, width * 3 // 8 : width - width * 3 // 8]
    whole = np.unique(middle[~cut_off[middle]])
    if len(cut_off) > MAX_NUCLEI_OF_ONE_CELL + 1 or not len(whole):
        return labels
    diameter = np.sqrt(4 / np.pi * np.bincount(labels.ravel())[whole].max())
    if diameter < MIN_CENTRAL_DIAMETER_FRACTION * min(height, width):
        return labels
    return np.where(cut_off[labels], np.uint16(0), labels)


def _within_limits(
    labels: NDArray[np.uint16], settings: SegmentSettings, outside: NDArray[np.bool_]
) -> NDArray[np.uint16]:
    """Return the labels within the limits of the settings, numbered without gaps."""
    areas = np.bincount(labels.ravel())
    keep = areas >= max(1, settings.smallest)
    if settings.largest:
        keep &= areas <= settings.largest
    if not settings.cut_off:
        keep &= ~_cut_off(labels)
        keep[labels[stretch(ndimage.binary_dilation(outside, iterations=3), labels.shape)]] = False
    keep[0] = False
    return np.where(keep, np.cumsum(keep), 0).astype(np.uint16)[labels]


# --- cytoplasm -----------------------------------------------------------------------------------

CYTOPLASM_REACH_DIAMETERS = 0.8
"""Distance from the nucleus at which cytoplasm ends, in diameters of the nucleus."""
MIN_RING_PX = 50
"""Area around a nucleus from which a threshold can be derived."""
MAX_TOUCHED_FRACTION = 0.2
"""Part of the outer border that something else may touch, where a cell stands alone."""
MIN_SOLIDITY_ALONE, MIN_SOLIDITY = 0.93, 0.85
"""Part of its convex hull that a cell fills: one that stands alone, and any."""
RIM_WIDTH_DIAMETERS = 0.15
"""Width of cytoplasm, in diameters of the nucleus, where no edge of the cell is found."""


def segment_cytoplasm(
    image: NDArray[np.uint8], nuclei: NDArray[np.integer]
) -> NDArray[np.unsignedinteger]:
    """Segment the cytoplasm around known nuclei.

    Where nothing touches a cell, it is all that is darker than the background. Where something
    does, red cells most often, it is what absorbs more red and green than blue light. Both by
    Otsu's threshold (Otsu 1979) of the pixels up to 0.8 nucleus diameters away that are no nearer
    to another nucleus. Where neither gives the shape of a cell, a thin rim is returned. In cells
    cut out on black, all that is no nucleus is cytoplasm.

    Parameters
    ----------
    image
        RGB photograph, (height, width, 3), uint8.
    nuclei
        Instance labels, (height, width).

    Returns
    -------
    ndarray of uint16, shape (height, width)
        The nucleus's label in its cytoplasm, 0 elsewhere. A wider type where labels are above
        65535.

    Raises
    ------
    MarrowError
        When ``image`` is no colour photograph, or ``nuclei`` are no labels of its size.
    """
    image = checked_photograph(image)
    nuclei, numbers = small_numbers(checked_labels(nuclei, image.shape))
    coarse = shrink_factor(image.shape, WORKING_SIZE_PX)
    width = typical_diameter(nuclei)
    fits = not width or width / coarse >= MIN_DIAMETER_PX
    small = working_copy(image, coarse if fits else max(1, int(width / FINE_DIAMETER_PX)))
    outside = stretch(surround(working_copy(image, coarse)), small.shape[:2])
    if is_cut_out(small):
        cells = small.max(axis=-1) > MAX_BLACK_LEVEL
    else:
        cells = _cells(small, stretch(nuclei, small.shape[:2]), outside)
    joined = join_cytoplasm(nuclei, stretch(cells, image.shape[:2]) & (nuclei == 0))
    joined[joined >= len(numbers)] = 0
    return in_few_bits(numbers)[joined]


def _cells(
    image: NDArray[np.uint8], nuclei: NDArray[np.integer], outside: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return the mask of whole cells, at the working size."""
    density = optical_density(without_surround(image, outside))
    red, green, blue = np.moveaxis(ndimage.gaussian_filter(density, (1, 1, 0)), -1, 0)
    tissue, stained = red + green + blue, red + 0.5 * green - blue
    lobes = join_lobes(nuclei)
    cells = np.zeros(nuclei.shape, bool)
    for number, place in enumerate(ndimage.find_objects(lobes), 1):
        diameter = float(np.sqrt(4 / np.pi * np.count_nonzero(lobes[place] == number)))
        margin = int(CYTOPLASM_REACH_DIAMETERS * diameter) + 2
        window = tuple(slice(max(0, s.start - margin), s.stop + margin) for s in place)
        own, other = lobes[window] == number, (lobes[window] > 0) & (lobes[window] != number)
        away = ndimage.distance_transform_edt(~own)
        near = (away < CYTOPLASM_REACH_DIAMETERS * diameter) & ~other & ~outside[window]
        if other.any():
            near &= away <= ndimage.distance_transform_edt(~other)
        cells[window] |= _cell(own, near, away, tissue[window], stained[window])
    return cells


def _cell(
    nucleus: NDArray[np.bool_],
    near: NDArray[np.bool_],
    away: NDArray[np.float64],
    tissue: NDArray[np.float32],
    stained: NDArray[np.float32],
) -> NDArray[np.bool_]:
    """Return the mask of one cell, nucleus included."""
    ring = near & (away > 1)
    if np.count_nonzero(ring) < MIN_RING_PX:
        return nucleus
    alone = _grown(nucleus, near & (tissue > _otsu(tissue[ring])))
    border = near & (away > away[near].max() - 2)
    if alone[border].mean() <= MAX_TOUCHED_FRACTION and _solidity(alone) >= MIN_SOLIDITY_ALONE:
        return alone
    stained_near = near & (stained > _otsu(stained[ring]))
    cell = _grown(nucleus, stained_near)
    if _solidity(cell) >= MIN_SOLIDITY:
        return cell
    diameter = np.sqrt(4 / np.pi * np.count_nonzero(nucleus))
    return _grown(nucleus, stained_near & (away <= RIM_WIDTH_DIAMETERS * diameter))


def _grown(nucleus: NDArray[np.bool_], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the opened part of a mask that is connected to the nucleus, without holes."""
    components, _ = ndimage.label(_opened(mask | nucleus) | nucleus)
    connected = np.isin(components, np.unique(components[nucleus]))
    return ndimage.binary_fill_holes(connected)


def _solidity(mask: NDArray[np.bool_]) -> float:
    with importing:
        from skimage.measure import regionprops

    return float(regionprops(mask.astype(np.uint8))[0].solidity)
