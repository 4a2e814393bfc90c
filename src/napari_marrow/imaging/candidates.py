"""The first look at a photograph: what in it may be nuclei, and how finely it must be looked at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_marrow.imaging.components import multi_otsu, opened, weighted_quantile
from napari_marrow.imaging.fill_holes import fill_holes
from napari_marrow.imaging.resize import shrink_factor, stretch, working_copy
from napari_marrow.imaging.stain import optical_density

PURPLE, RED = 0.68, 0.65
"""Part of the typical nucleus's purple that another nucleus has at least, and of the red light that
it absorbs. Of the latter, annotated nuclei have 0.69 and more; what is found
outside of the annotations, smears of burst nuclei among it, has from 0.48 on."""
NUCLEAR = (0.115, 0.125, 0.22)
"""What a nucleus absorbs at least, as optical density against the background: red and half of green
over blue, green over blue, and green. Found nuclei of ALL-IDB2, SN-AM, SegPC and white blood cells
have 0.153, 0.165 and 0.269 and more; nine in ten of the red cells of ALL-IDB2 have 0.08, 0.09 and
0.18 at the most. Half way between, as other stains may be paler."""
EMPTY = 0.05
"""Densities that differ by less are of one kind of pixels: there is nothing to tell apart."""
LONGEST = 640
"""Pixels of a photograph's longer side when it is looked at, where its nuclei are wide enough."""
NARROW, WIDE = 18, 20
"""Nuclei that are less wide then, in pixels, are looked at again, at a size at which they have the
second width, or the one that the photograph gives them."""


def working_size(image: NDArray[np.uint8], inside: NDArray[np.bool_]) -> int:
    """How long the longer side must be for the nuclei to be seen: more than usual for small ones.

    Parameters
    ----------
    image
        RGB photograph, (height, width, 3), uint8.
    inside
        What of its working copy of the usual size is no surround and not cut away.

    Returns
    -------
    int
        Pixels. The usual ones also where no nucleus is seen at any size.
    """
    longest = LONGEST
    if shrink_factor(image.shape, longest) == 1:
        return longest
    while True:
        small = working_copy(image, longest)
        shown = stretch(inside, small.shape[:2])
        width = _typical_width(optical_density(small), shown)
        thinned = shrink_factor(image.shape, longest)
        if thinned == 1 and not width:
            return LONGEST
        # from afar a clump is one wide nucleus: look again until nothing new is seen
        finer = _longest(image.shape, width * thinned, longest) if width else 2 * longest
        if finer == longest:
            return longest
        longest = finer


def nuclei_size(nuclei: NDArray[np.integer]) -> int:
    """The same where the nuclei are known, from their labels, (height, width)."""
    areas = np.bincount(nuclei.ravel())[1:]
    if not areas.any():
        return LONGEST
    return _longest(nuclei.shape, np.sqrt(4 / np.pi * np.median(areas[areas > 0])), LONGEST)


def _longest(shape: tuple[int, ...], width: float, least: int) -> int:
    """The longer side at which nuclei of this width in the photograph are wide enough."""
    if width / shrink_factor(shape, least) >= NARROW:
        return least
    thinned = max(1, int(width / WIDE))
    return max(least, -(-max(shape[:2]) // thinned))


def _typical_width(density: NDArray[np.float32], inside: NDArray[np.bool_]) -> float:
    """Diameter of the nuclei that are half of the stained area, in pixels; 0 where none is seen."""
    if np.ptp(density[..., :2]) < EMPTY:
        return 0.0
    mask = plausible(alike(candidates(density, inside, 1), density), density)
    pieces, count = ndimage.label(mask)
    if not count:
        return 0.0
    areas = np.bincount(pieces.ravel())[1:].astype(np.float64)
    return float(np.sqrt(4 / np.pi * weighted_quantile(areas, areas)))


def candidates(
    density: NDArray[np.float32], inside: NDArray[np.bool_], radius: int = 2
) -> NDArray[np.bool_]:
    """What absorbs more red and green light than all else, and is no thinner than a disc."""
    dark = ndimage.gaussian_filter(density[..., 0] + 0.5 * density[..., 1], 1)
    limits = multi_otsu(dark[inside])
    return (
        tidy((dark > limits[-1]) & inside, radius) if limits is not None else np.zeros_like(inside)
    )


def tidy(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Without what is thinner than a disc, and with its holes filled."""
    return fill_holes(opened(mask, radius))[0]


def alike(mask: NDArray[np.bool_], density: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Without the pieces that are much less purple or dark than most of the stained area."""
    pieces, count = ndimage.label(mask)
    if count < 2:
        return mask
    numbers = np.arange(1, count + 1)
    areas = np.bincount(pieces.ravel())[1:]
    keep = np.ones(count + 1, bool)
    keep[0] = False
    for values, part in ((density[..., 1] - density[..., 2], PURPLE), (density[..., 0], RED)):
        means = ndimage.mean(values, pieces, numbers)
        keep[1:] &= means >= part * weighted_quantile(means, areas, 0.6)
    return keep[pieces]


def plausible(mask: NDArray[np.bool_], density: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Without the pieces that no stain colours so: thresholds find something in any picture."""
    pieces, count = ndimage.label(mask)
    numbers = np.arange(1, count + 1)
    red, green, blue = (ndimage.mean(density[..., k], pieces, numbers) for k in range(3))
    measured = np.array([red + 0.5 * green - blue, green - blue, green]).reshape(3, count)
    enough = (measured >= np.array(NUCLEAR)[:, None]).all(axis=0)
    return np.concatenate([[False], enough])[pieces]
