"""Nuclei and cells of a photograph that has no masks: full fields and pictures of single cells.

Stains and cameras differ, so no fixed colour is asked for. A first look at the whole picture finds
where nuclei are, by what all these stains share: nuclei absorb more red and green light than
anything else. A second look at each nucleus's own surroundings finds its edge. Then what is much
less purple than the rest goes: overlapping red cells, smears. So does what is not purple at all:
thresholds find something dark in a picture without nuclei too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_marrow.data.errors import MarrowError
from napari_marrow.imaging.candidates import (
    EMPTY,
    LONGEST,
    alike,
    candidates,
    nuclei_size,
    plausible,
    tidy,
    working_size,
)
from napari_marrow.imaging.components import (
    multi_otsu,
    opened,
    otsu,
    solidity,
    touching,
    windows,
    without_holes,
    without_spurs,
)
from napari_marrow.imaging.field_of_view import surround, without_surround
from napari_marrow.imaging.nuclei import join_cytoplasm, separate
from napari_marrow.imaging.relabel import in_few_bits, small_numbers
from napari_marrow.imaging.resize import stretch, working_copy
from napari_marrow.imaging.settings import SegmentSettings
from napari_marrow.imaging.stain import optical_density, white_balance
from napari_marrow.imaging.validate import checked_labels, checked_photograph
from napari_marrow.imaging.white_point import MAX_BLACK_LEVEL, is_cut_out

LOOKS = 2
"""Times that the edges are found from the surroundings; with the first, these become better."""
AROUND = 0.8
"""How far the surroundings reach, in diameters of the nucleus."""
SPUR = 0.2
"""What is thinner than this part of the nucleus is deep is none of it: bits of red cells."""
LOBES = 0.3
"""How far apart, in diameters, lobes of one nucleus lie at the most."""
PARTED = 0.8
"""Part of the variance that two classes explain where there are two: 0.64 is that of one normal
distribution cut in half, 0.75 of an even one."""
ROUND, ROUNDISH = 0.93, 0.85
"""Part of its convex hull that a cell fills which nothing touches, and that any cell fills."""
RIM = 0.15
"""Width of cytoplasm, in diameters of the nucleus, where no edge of the cell is to be seen."""


def segment_nuclei(
    image: NDArray[np.uint8], settings: SegmentSettings | None = None
) -> NDArray[np.uint16]:
    """Find the nuclei of a photograph, or of a picture of one cell, without any mask.

    Thresholds are those of multi-Otsu (Liao et al. 2001) with three classes: first of the optical
    density of red and half that of green, over the whole picture; then of green, around each
    nucleus. In a picture of one cell, which has a whole nucleus in its middle and few others, those
    cut off by the edge belong to neighbours and are left out. :func:`.separate` takes touching
    nuclei apart.

    Parameters
    ----------
    image
        RGB photograph, (height, width, 3), uint8. Alpha, where there is any, is not looked at.
    settings
        Limits of size, in pixels of ``image``.

    Returns
    -------
    ndarray of uint16, shape (height, width)
        0 outside, 1 to n inside.

    Raises
    ------
    MarrowError
        When ``image`` is no colour photograph, or the settings can't work.
    """
    settings = settings or SegmentSettings()
    if problems := settings.problems():
        raise MarrowError(" ".join(problems))
    image = checked_photograph(image)
    small = working_copy(image, LONGEST)
    outside = surround(small)
    cut_away = small.max(axis=-1) <= MAX_BLACK_LEVEL
    cut_out = is_cut_out(small)
    longest = LONGEST if cut_out else working_size(image, ~(cut_away | outside))
    if longest > LONGEST:
        small = working_copy(image, longest)
        outside, cut_away = stretch(outside, small.shape[:2]), small.max(axis=-1) <= MAX_BLACK_LEVEL
    small = without_surround(small, outside)
    density, green = optical_density(small), white_balance(small)[..., 1]
    inside = ~(cut_away | outside)
    if np.ptp(density[..., :2]) < EMPTY:
        return np.zeros(image.shape[:2], np.uint16)
    if cut_out:
        mask = _of_cut_out_cells(small[..., 1], inside)  # there is no background to go by
    else:
        mask = _of_one_cell(_nuclei(density, green, inside), density, green, inside)
    labels = stretch(separate(mask, gaps=False), image.shape[:2])
    return _limited(labels, settings, outside)


def segment_cytoplasm(
    image: NDArray[np.uint8], nuclei: NDArray[np.integer]
) -> NDArray[np.unsignedinteger]:
    """Find the cytoplasm around nuclei that are known.

    A cell that nothing touches is all that differs from the background about its nucleus. Where
    something touches it, red cells most often, cytoplasm is what absorbs more red and green than
    blue light there. Both by Otsu's threshold (Otsu 1979) of what lies up to 0.8 nucleus diameters
    away and is no nearer to another nucleus. Where no edge of the cell is to be seen among its
    neighbours, a thin rim is all that is said. Of a cell on black all is cytoplasm that is no
    nucleus.

    Parameters
    ----------
    image
        RGB photograph, (height, width, 3), uint8.
    nuclei
        Instance labels, (height, width).

    Returns
    -------
    ndarray of uint16, shape (height, width)
        The nucleus's number in its cytoplasm, 0 elsewhere. A wider type where numbers are above
        65535.

    Raises
    ------
    MarrowError
        When ``image`` is no colour photograph, or ``nuclei`` are no labels of its size.
    """
    image = checked_photograph(image)
    nuclei, numbers = small_numbers(checked_labels(nuclei, image.shape))
    small = working_copy(image, nuclei_size(nuclei))
    labels = stretch(nuclei, small.shape[:2])
    cut_out = is_cut_out(small)
    outside = stretch(surround(working_copy(image, LONGEST)), small.shape[:2])
    small = without_surround(small, outside)
    density = ndimage.gaussian_filter(optical_density(small), (1, 1, 0))
    tissue = density.sum(axis=-1)
    stained = density[..., 0] + 0.5 * density[..., 1] - density[..., 2]
    inside = small.max(axis=-1) > MAX_BLACK_LEVEL
    cells = inside.copy() if cut_out else np.zeros(labels.shape, bool)
    for window, own, other, diameter in () if cut_out else windows(_lobes_joined(labels), AROUND):
        away = ndimage.distance_transform_edt(~own)
        near = (away < AROUND * diameter) & ~other & ~outside[window]
        if other.any():  # the half that is nearer to another nucleus is that one's
            near &= away <= ndimage.distance_transform_edt(~other)
        cells[window] |= _cell(own, near, away, tissue[window], stained[window])
    full = stretch(cells, image.shape[:2])
    joined = join_cytoplasm(nuclei, full & (nuclei == 0))
    joined[joined >= len(numbers)] = 0
    return in_few_bits(numbers)[joined]


# --- nuclei --------------------------------------------------------------------------------------


def _nuclei(
    density: NDArray[np.float32], green: NDArray[np.uint8], inside: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    mask = alike(candidates(density, inside), density)
    for _ in range(LOOKS):
        mask = alike(_with_own_edges(mask, green, inside), density)
    return plausible(mask, density)


def _of_cut_out_cells(green: NDArray[np.uint8], inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Nuclei of cells on black: all of a cell, unless two kinds of pixels are clearly in it."""
    values = green[inside].astype(np.float32)
    dark = values <= otsu(values)
    part = dark.mean()
    if values.var() > 0 and 0 < part < 1:
        between = part * (1 - part) * (values[dark].mean() - values[~dark].mean()) ** 2
        if between >= PARTED * values.var():
            return tidy(inside & (green <= values[dark].max()), 2)
    return tidy(inside, 2)


def _with_own_edges(
    mask: NDArray[np.bool_], green: NDArray[np.uint8], inside: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """The nuclei again, each by the threshold of its surroundings."""
    pieces, _ = ndimage.label(mask)
    found = np.zeros_like(mask)
    for window, own, other, diameter in windows(pieces, AROUND):
        away = ndimage.distance_transform_edt(~own)
        near = (away <= AROUND * diameter) & ~other & inside[window]
        limits = multi_otsu(green[window][near])
        if limits is None:
            found[window] |= own
            continue
        dark = (green[window] <= limits[0]) & near
        found[window] |= without_spurs(touching(dark, _core(own, diameter / 10)), SPUR)
    return tidy(found, 2)


def _core(own: NDArray[np.bool_], depth: float) -> NDArray[np.bool_]:
    """What lies deeper in a nucleus than its rim; where it is cut off, up to the edge."""
    deep = ndimage.distance_transform_edt(np.pad(own, 1, mode="edge"))[1:-1, 1:-1] > depth
    return deep if deep.any() else own


def _of_one_cell(
    mask: NDArray[np.bool_],
    density: NDArray[np.float32],
    green: NDArray[np.uint8],
    inside: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """In a picture of one cell only the nuclei that are whole; else the mask as it is."""
    pieces, edge, middle = _whole_ones(mask)
    shortest = min(mask.shape)
    if len(edge) > 8:  # a field of many
        return mask
    if middle is None and mask.any() and edge[1:].all():
        # A dark neighbour can hide a pale nucleus from the first look at the picture.
        apart = ndimage.distance_transform_edt(~mask) > shortest / 20
        again, _, found = _whole_ones(_nuclei(density, green, inside & apart))
        return mask if found is None else again == found
    if middle is None:
        return mask
    whole = int((~edge[1:]).sum())
    wide = np.sqrt(4 / np.pi * np.count_nonzero(pieces == middle)) >= shortest / 7
    return ~edge[pieces] & mask if whole == 1 or (wide and whole <= 6) else mask


def _whole_ones(
    mask: NDArray[np.bool_],
) -> tuple[NDArray[np.int32], NDArray[np.bool_], int | None]:
    """Pieces, which of them the edge cuts off, and the largest whole one in the middle, if any."""
    pieces, count = ndimage.label(mask)
    edge = np.zeros(count + 1, bool)
    for side in (pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]):
        edge[side] = True
    edge[0] = True
    height, width = mask.shape
    middle = pieces[height * 3 // 8 : height - height * 3 // 8]
    middle = middle[:, width * 3 // 8 : width - width * 3 // 8]
    whole = np.unique(middle[~edge[middle]])
    if not len(whole):
        return pieces, edge, None
    areas = np.bincount(pieces.ravel())
    best = int(whole[np.argmax(areas[whole])])
    wide = np.sqrt(4 / np.pi * areas[best])
    return pieces, edge, best if wide > min(mask.shape) / 16 else None


def _limited(
    labels: NDArray[np.uint16], settings: SegmentSettings, outside: NDArray[np.bool_]
) -> NDArray[np.uint16]:
    """Labels within the limits of the settings, numbered through again."""
    areas = np.bincount(labels.ravel())
    keep = areas >= max(1, settings.smallest)
    if settings.largest:
        keep &= areas <= settings.largest
    if not settings.cut_off:
        for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
            keep[side] = False
        keep[labels[stretch(ndimage.binary_dilation(outside, iterations=3), labels.shape)]] = False
    keep[0] = False
    return np.where(keep, np.cumsum(keep), 0).astype(np.uint16)[labels]


# --- cytoplasm -----------------------------------------------------------------------------------


def _lobes_joined(labels: NDArray[np.integer]) -> NDArray[np.integer]:
    """One number for nuclei that lie close together: most often the lobes of one nucleus."""
    nuclei = labels > 0
    if not nuclei.any():
        return labels
    areas = np.bincount(labels[nuclei])
    diameter = np.sqrt(4 / np.pi * np.median(areas[areas > 0]))
    groups, _ = ndimage.label(ndimage.distance_transform_edt(~nuclei) <= LOBES * diameter / 2)
    return groups * nuclei


def _cell(
    nucleus: NDArray[np.bool_],
    near: NDArray[np.bool_],
    away: NDArray[np.float64],
    tissue: NDArray[np.float32],
    stained: NDArray[np.float32],
) -> NDArray[np.bool_]:
    """A nucleus and what belongs to its cell."""
    ring = near & (away > 1)
    if np.count_nonzero(ring) < 50:
        return nucleus
    alone = _grown(nucleus, near & (tissue > otsu(tissue[ring])))
    outside = near & (away > away[near].max() - 2)
    fits = np.count_nonzero(alone & outside) <= 0.2 * np.count_nonzero(outside)
    if fits and solidity(alone) >= ROUND:
        return alone
    stained_near = near & (stained > otsu(stained[ring]))
    cell = _grown(nucleus, stained_near)
    if solidity(cell) >= ROUNDISH:
        return cell
    width = RIM * np.sqrt(4 / np.pi * np.count_nonzero(nucleus))
    return _grown(nucleus, stained_near & (away <= width))


def _grown(nucleus: NDArray[np.bool_], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return without_holes(touching(opened(mask | nucleus, 3) | nucleus, nucleus))
