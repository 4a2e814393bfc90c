"""Copies of one picture, found by what they show: re-encoded, scaled, turned, mirrored, brightened.

A picture's signature is its low spatial frequencies, once as they are and once weighted so that
fine ones count as much as coarse ones (those alone make any two dark discs on a bright ground
alike). Signatures are compared by both correlations, in all eight turns at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn

THUMBNAIL_PX = 64
N_FREQUENCIES, N_COARSE = 28, 14
"""Rows and columns of the cosine transform that are compared: up to 14 periods a picture, and 7."""
# By benchmarks/copies.py JPEGs of quality 50 and half the size reach 0.9926 and 0.76 with their
# original. Of different pictures above 0.65 in the second, drawn ones with discs in the same places
# reach 0.970 in the first, photographs of one cell taken twice 0.9899.
MIN_COARSE_CORRELATION, MIN_CORRELATION = 0.99, 0.65
MAX_CUT_AWAY_LEVEL = 24
"""Highest grey level of what was cut away to black, after JPEG. It is no part of a picture: cells
that were cut out resemble each other by their outline."""
MAX_LIT_FRACTION = 0.9
MIN_CONTRAST = 0.5
"""Smallest standard deviation, in grey levels, of a thumbnail that shows something."""
BLOCK_ROWS = 256

_FREQUENCY = np.hypot(*np.indices((N_FREQUENCIES, N_FREQUENCIES)))
_WEIGHTS = np.where(_FREQUENCY < N_FREQUENCIES, _FREQUENCY**2, 0)
_COARSE_WEIGHTS = (_FREQUENCY > 0) & (_FREQUENCY < N_COARSE)
_IS_COMPARED = np.stack([_WEIGHTS > 0, _COARSE_WEIGHTS])
PACKED_SIZE = int(_IS_COMPARED.sum())
"""Values of a signature that is packed."""
Floats = NDArray[np.float32]


class Copies(NamedTuple):
    """Pairs of copies: indices of the pictures, and whether one was turned."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    is_turned: NDArray[np.bool_]


def signature_of(sample: NDArray[np.uint8]) -> Floats:
    """Return the :func:`signature` of a picture from its pixels, (n, n, 3) RGB."""
    # sums of flat planes: numpy is 5 times slower along an axis of three
    red, green, blue = np.moveaxis(sample.astype(np.float32), 2, 0)
    return signature((red + green + blue) / 3)


def signature(grey: Floats) -> Floats:
    """Return what a picture is compared by.

    Parameters
    ----------
    grey
        (n, n), 0..255, the picture squeezed to a square; n is a multiple of 64.

    Returns
    -------
    ndarray of float32, shape (2, 28, 28)
        Coefficients of the cosine transform, each (28, 28) of norm 1: weighted, of what was not cut
        away; and coarse ones as they are. All 0 of a picture without contrast, which is like none.
    """
    lit = grey > MAX_CUT_AWAY_LEVEL
    filled = np.where(lit, grey, grey[lit].mean()) if 0 < lit.mean() < MAX_LIT_FRACTION else grey
    step = len(grey) // THUMBNAIL_PX
    rows = np.stack([filled, grey]).reshape(2, THUMBNAIL_PX, step, -1).mean(2)
    thumbnails = rows.reshape(2, THUMBNAIL_PX, THUMBNAIL_PX, step).mean(3)
    if thumbnails[0].std() < MIN_CONTRAST:
        return np.zeros((2, *_WEIGHTS.shape), np.float32)
    low = dctn(thumbnails, axes=(1, 2))[:, :N_FREQUENCIES, :N_FREQUENCIES]
    low = low * np.stack([_WEIGHTS, _COARSE_WEIGHTS])
    return (low / np.linalg.norm(low, axis=(1, 2), keepdims=True)).astype(np.float32)


def find_copies(signatures: Floats) -> Copies:
    """Find all pairs of pictures that are copies, from their signatures, (n, 2, 28, 28).

    The lower index is first.
    """
    found = []
    for start in range(0, len(signatures), BLOCK_ROWS):
        first, second, is_turned = find_copies_in(
            signatures[start : start + BLOCK_ROWS], signatures[start:]
        )
        once = first < second
        found.append((first[once] + start, second[once] + start, is_turned[once]))
    return Copies(*map(np.concatenate, zip(*found, strict=True)))


def find_copies_in(signatures: Floats, others: Floats) -> Copies:
    """Find which pictures are copies of which others, from signatures, (n and m, 2, 28, 28)."""
    straight, best = _correlations(signatures[:, 0], others[:, 0], lambda a, b: a @ b.T)
    first, second = np.nonzero(best >= MIN_CORRELATION)
    pairs = signatures[first, 1], others[second, 1]
    _, best = _correlations(*pairs, lambda a, b: (a * b).sum(axis=1))
    same = best >= MIN_COARSE_CORRELATION
    is_turned = straight[first, second] < MIN_CORRELATION
    return Copies(first[same], second[same], is_turned[same])


def pack_signatures(signatures: Floats) -> NDArray[np.float16]:
    """Return signatures, (n, 2, 28, 28), in few bytes to store: (n, 767), without what is 0."""
    return signatures[:, _IS_COMPARED].astype(np.float16)


def unpack_signatures(packed: NDArray[np.float16]) -> Floats:
    """Return the signatures that :func:`pack_signatures` packed."""
    signatures = np.zeros((len(packed), *_IS_COMPARED.shape), np.float32)
    signatures[:, _IS_COMPARED] = packed
    return signatures


def _correlations(
    first: Floats, second: Floats, multiply: Callable[[Floats, Floats], Floats]
) -> tuple[Floats, Floats]:
    """Return the correlations of signatures of norm 1 as they are, and in the best of all turns.

    To mirror a picture changes the sign of its odd coefficients along that axis, to transpose it
    transposes them, and a turn is both. So the correlations of all eight turns are sums and
    differences of the products of even and odd parts.
    """
    found = []
    for other in (second, second.transpose(0, 2, 1)):
        parts = zip(_even_and_odd(first), _even_and_odd(other), strict=True)
        ee, eo, oe, oo = (multiply(a, b) for a, b in parts)
        turned = np.maximum(ee + eo + np.abs(oe + oo), ee - eo + np.abs(oe - oo))
        found.append((ee + eo + oe + oo, turned))
    return found[0][0], np.maximum(found[0][1], found[1][1])


def _even_and_odd(signatures: Floats) -> list[Floats]:
    """Return the coefficients by parity of row and column: even-even, even-odd, and so on."""
    parts = (signatures[:, u::2, v::2] for u in (0, 1) for v in (0, 1))
    return [part.reshape(len(part), part.shape[1] * part.shape[2]) for part in parts]
