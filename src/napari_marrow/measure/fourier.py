"""Fourier features: the power of grey levels by spatial frequency and direction.

The second family of the published method. Powers are fractions of the whole, so they do not depend
on the strength of light and stain; they do depend on the focus.
"""

from __future__ import annotations

import os
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import fft

N_RINGS = 12
"""Rings of frequencies, each reaching 1.41 times as far as the one before, up to 0.5."""
N_SECTORS = 8
"""Directions from 0 to 180 degrees."""
N_LOW_FREQUENCIES = 4
"""Number of frequencies, from 0 cycles per picture up, down and across, that are given singly."""


def fourier(
    pictures: NDArray[np.uint8], inside: NDArray[np.bool_] | None = None
) -> dict[str, NDArray[np.float64]]:
    """Return Fourier features of pictures.

    Parameters
    ----------
    pictures
        (n, height, width, 3) RGB, uint8. In cells a pixel is 1/38 of the nucleus's width.
    inside
        (n, height, width), the pixels that count; all others take the mean level of these, which
        adds the least to the power. All count when None.

    Returns
    -------
    dict
        (n,) parts of the power of grey (luma) without its mean, 0 to 1:

        - ``fourier_ring_0.0884_0.1250_per_px``: of frequencies in this range, in cycles a pixel;
        - ``fourier_direction_000_022_deg``: of waves that run in these directions, from across
          (0) over down (90), of all frequencies up to half a cycle a pixel;
        - ``fourier_low_y1_x2``: of one cycle a picture down and two across, either way.

        Not a number where a picture is of one colour.
    """
    levels = [np.asarray(Image.fromarray(p).convert("L")) for p in pictures]
    grey: NDArray[np.float32] = np.array(levels, np.float32).reshape(pictures.shape[:3])
    if inside is not None:
        for level, mask in zip(grey, inside, strict=True):
            level[~mask] = level[mask].mean()
    spectrum = fft.rfft2(grey, workers=os.cpu_count())
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    power[:, 0, 0] = 0  # the mean
    width = grey.shape[2]
    # rfft2 leaves out what mirrors another: those columns count twice
    power[:, :, 1 : (width + 1) // 2] *= 2
    total = power.sum(axis=(1, 2), dtype=np.float64)
    total[total <= 0] = np.nan
    bins = _ring_and_sector(grey.shape[1], width)
    count = (N_RINGS + 1) * N_SECTORS
    sums = [np.bincount(bins, p.ravel(), count) for p in power]
    shares = np.reshape(sums, (-1, N_RINGS + 1, N_SECTORS))[:, :N_RINGS] / total[:, None, None]
    rings, directions = shares.sum(axis=2), shares.sum(axis=1)
    edges, step = _edges(), 180 / N_SECTORS
    found = {
        f"fourier_ring_{edges[k]:.4f}_{edges[k + 1]:.4f}_per_px": rings[:, k]
        for k in range(N_RINGS)
    }
    for k in range(N_SECTORS):
        name = f"fourier_direction_{int(k * step):03d}_{int((k + 1) * step):03d}_deg"
        found[name] = directions[:, k]
    return found | _low(power, total)


def _low(power: NDArray[np.float32], total: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return the power fractions of the lowest frequencies, up and down together."""
    height, columns = power.shape[1:]
    found = {}
    for y in range(N_LOW_FREQUENCIES):
        for x in range(N_LOW_FREQUENCIES):
            if (y, x) == (0, 0):
                continue
            rows = sorted({y % height, -y % height}) if y < height else []
            part = power[:, rows, x].sum(axis=1) if x < columns else np.zeros(len(power))
            found[f"fourier_low_y{y}_x{x}"] = part / total
    return found


def _edges() -> NDArray[np.float64]:
    """Return the limits of the rings, in cycles per pixel; the first ring begins at 0."""
    edges = 0.5 * 2.0 ** (-(N_RINGS - np.arange(N_RINGS + 1)) / 2)
    edges[0] = 0
    return edges


@lru_cache(maxsize=4)
def _ring_and_sector(height: int, width: int) -> NDArray[np.intp]:
    """Return ring and sector of each value that rfft2 gives, as one number, flat."""
    down, across = fft.fftfreq(height)[:, None], fft.rfftfreq(width)[None, :]
    ring = np.searchsorted(_edges()[1:], np.hypot(down, across))  # N_RINGS: in the corners, beyond
    angle = np.arctan2(down, across) % np.pi
    # on a limit is above it, on whichever side of it rounding left the number
    sector = (angle * N_SECTORS / np.pi + 1e-9).astype(np.intp) % N_SECTORS
    return (ring * N_SECTORS + sector).ravel()
