"""The canvas of a simulated field, with the shapes and textures that are painted on it.

Lengths are in field heights, so a small field shows the scene of a large one, only coarser.
Amounts of stain are painted; they add up as optical density does. The colours come later, with the
stain batch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import scipy  # its sub-packages are imported when they are first used

NUCLEAR, BASOPHIL, RED, PINK, DARK = range(5)
"""Stain planes: chromatin purple, cytoplasm blue, haemoglobin, pink-violet, precipitate."""

ANGLES = np.linspace(-np.pi, np.pi, 361)
"""At which an outline is sampled, in radians."""


class Window(NamedTuple):
    """A rectangle of a canvas around a centre, with its pixels' distances from that centre."""

    slices: tuple[slice, slice]
    dy: np.ndarray  # (h, 1) float32, field heights
    dx: np.ndarray  # (1, w) float32, field heights


@dataclass
class Canvas:
    """Stain and labels of a field that is being drawn.

    Attributes
    ----------
    stain
        (5, H, W) float32, relative amount of each stain.
    nuclei, cytoplasm
        (H, W) uint16, instance labels.
    cell_depth, nucleus_depth
        (H, W) float32, depth of a pixel inside the nearest white cell or nucleus, in field
        heights; negative outside. New cells are pressed flat against those already there.
    """

    height: int
    width: int
    stain: np.ndarray = field(init=False)
    nuclei: np.ndarray = field(init=False)
    cytoplasm: np.ndarray = field(init=False)
    cell_depth: np.ndarray = field(init=False)
    nucleus_depth: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        shape = (self.height, self.width)
        self.stain = np.zeros((5, *shape), np.float32)
        self.nuclei = np.zeros(shape, np.uint16)
        self.cytoplasm = np.zeros(shape, np.uint16)
        self.cell_depth = np.full(shape, -1, np.float32)
        self.nucleus_depth = np.full(shape, -1, np.float32)

    @property
    def pixel(self) -> float:
        """Side of a pixel in field heights."""
        return 1.0 / self.height

    def window(self, y: float, x: float, reach: float) -> Window:
        """Return the pixels within ``reach`` of (y, x); there are none outside the field."""
        rows, dy = self._span(y, reach, self.height)
        columns, dx = self._span(x, reach, self.width)
        return Window((rows, columns), dy[:, None], dx[None, :])

    def _span(self, centre: float, reach: float, size: int) -> tuple[slice, np.ndarray]:
        low = max(int(np.floor((centre - reach) * self.height)), 0)
        high = max(min(int(np.ceil((centre + reach) * self.height)), size), low)
        places = (np.arange(low, high, dtype=np.float32) + 0.5) * self.pixel - centre
        return slice(low, high), places.astype(np.float32)


def interpolate(grid: np.ndarray, ys: np.ndarray, xs: np.ndarray) -> np.ndarray:
    """Sample a coarse grid on a rectangle of points with a smooth (cubic B-spline) kernel.

    The points form a rectangle, so this is two small matrix products, much faster than a general
    resampling of a 5-megapixel field.

    Parameters
    ----------
    grid
        (m, n) float32.
    ys, xs
        (h,) and (w,) positions in units of the grid's spacing; outside the grid its border counts.

    Returns
    -------
    np.ndarray
        (h, w) float32.
    """
    return _weights(ys, grid.shape[0]) @ grid.astype(np.float32) @ _weights(xs, grid.shape[1]).T


def _weights(at: np.ndarray, n: int) -> np.ndarray:
    at = np.clip(np.ravel(at), 0, n - 1).astype(np.float32)
    base = np.floor(at).astype(int)
    t = at - base
    kernel = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    weights = np.zeros((at.size, n), np.float32)
    rows = np.arange(at.size)
    for step, value in enumerate(kernel):
        np.add.at(weights, (rows, np.clip(base + step - 1, 0, n - 1)), value / 6)
    return weights


def mottle(win: Window, rng: np.random.Generator, reach: float, grain: float) -> np.ndarray:
    """Return a random texture of mean 0 and deviation 1; ``grain`` is a share of ``reach``.

    It is made on a coarse grid first, so it is the same whatever the number of pixels.
    """
    n = int(np.clip(np.ceil(5.0 / grain), 8, 128))
    grid = scipy.ndimage.gaussian_filter(rng.standard_normal((n, n)).astype(np.float32), 0.7)
    grid = (grid - grid.mean()) / (grid.std() + 1e-6)
    ys, xs = ((d / reach + 1) / 2 * (n - 1) for d in (win.dy, win.dx))
    return 1.3 * interpolate(grid, ys, xs)


def outline(
    rng: np.random.Generator,
    radius: float,
    stretch: float,
    angle: float,
    wobble: float,
    fray: float = 0.0,
) -> np.ndarray:
    """Return the radius of a closed, irregular oval at each of 361 angles, in field heights.

    ``wobble`` is the size of its large bumps and ``fray`` that of its small ones, as shares of
    the radius.
    """
    turned = ANGLES - angle
    long, short = np.sqrt(stretch), 1 / np.sqrt(stretch)
    oval = 1 / np.sqrt((np.cos(turned) / long) ** 2 + (np.sin(turned) / short) ** 2)
    bumps = np.zeros_like(ANGLES)
    for waves in range(2, 8):
        size, phase = rng.normal(0, wobble / waves), rng.uniform(0, 2 * np.pi)
        bumps += size * np.cos(waves * ANGLES + phase)
    if fray > 0:
        for waves in range(8, 36, 3):
            size, phase = rng.normal(0, fray * 12 / waves), rng.uniform(0, 2 * np.pi)
            bumps += size * np.cos(waves * ANGLES + phase)
    return radius * oval * (1 + bumps)


def depth_and_share(
    win: Window, edge: np.ndarray, y: float = 0.0, x: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return each pixel's depth inside an outline, and its distance as a share of the radius.

    ``y`` and ``x`` move the outline away from the window's centre. Both results are (h, w)
    float32; the first is in field heights and negative outside.
    """
    dy, dx = win.dy - np.float32(y), win.dx - np.float32(x)
    away = np.hypot(dy, dx)
    turn = (np.arctan2(dy, dx) + np.float32(np.pi)) * np.float32(180 / np.pi)
    low = turn.astype(np.int32)
    np.clip(low, 0, 359, out=low)
    table = edge.astype(np.float32)
    radius = table[low] + (turn - low) * (table[low + 1] - table[low])
    return radius - away, away / radius


def smooth_step(depth: np.ndarray, soft: float) -> np.ndarray:
    """Rise from 0 to 1 over a width of ``soft`` centred on a depth of 0."""
    t = np.clip(depth / np.float32(soft) + np.float32(0.5), 0, 1)
    return t * t * (3 - 2 * t)
