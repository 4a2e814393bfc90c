"""The layout of a simulated field, its backdrop, and its colours by stain and microscope.

Lengths are in field heights: a field is 1 high and ``aspect`` wide. The number of pixels matters
only in the very last step (sensor noise), so that a scene is the same at every size.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy  # its sub-packages are imported when they are first used

from napari_marrow.simulation.canvas import (
    BASOPHIL,
    DARK,
    NUCLEAR,
    PINK,
    Canvas,
    interpolate,
    smooth_step,
)
from napari_marrow.simulation.cells import (
    CellPlan,
    RedPlan,
    draw_platelet,
    draw_speck,
    draw_vacuole,
)


@dataclass(frozen=True)
class Batch:
    """A stain batch and the microscope it was photographed with."""

    light: tuple[float, float, float]  # empty background, 8-bit red, green, blue
    nuclear: tuple[float, float, float]  # optical density of one unit of each stain
    basophil: tuple[float, float, float]
    red: tuple[float, float, float]
    pallor: float  # typical pallor of its red cells
    crenated: float  # share of fields with crenated red cells
    halo: float  # bright line around red cells
    dirt: float  # how much precipitate


PINK_OD = (0.10, 0.36, 0.10)
DARK_OD = (0.95, 0.92, 0.36)

BATCHES = (
    # warm beige, strongly stained, ring-shaped red cells
    Batch((183, 166, 160), (0.34, 0.66, 0.20), (0.20, 0.15, 0.03), (0.20, 0.30, 0.19),
          0.85, 0.15, 0.06, 0.3),
    # lilac-white, crenated red cells, much precipitate
    Batch((187, 184, 194), (0.37, 0.72, 0.20), (0.19, 0.18, 0.04), (0.22, 0.33, 0.20),
          0.45, 0.75, 0.05, 1.5),
    # blue, flat red cells
    Batch((107, 133, 182), (0.33, 0.66, 0.19), (0.17, 0.18, 0.03), (0.17, 0.24, 0.19),
          0.15, 0.10, 0.10, 0.5),
    # neutral grey, thin grey red cells with a bright line around them
    Batch((192, 193, 198), (0.39, 0.66, 0.16), (0.19, 0.20, 0.05), (0.10, 0.13, 0.09),
          0.10, 0.10, 0.22, 0.5),
    # brown, crenated red cells
    Batch((160, 139, 124), (0.36, 0.72, 0.28), (0.19, 0.16, 0.05), (0.14, 0.25, 0.19),
          0.50, 0.80, 0.05, 0.5),
    # pink
    Batch((212, 178, 212), (0.50, 0.58, 0.14), (0.20, 0.17, 0.04), (0.05, 0.17, 0.06),
          0.25, 0.20, 0.12, 0.6),
)  # fmt: skip
"""Stain batches, by acquisition number; colours as in published marrow photographs."""


# --- layout --------------------------------------------------------------------------------------


def plan_white_cells(class_name: str, aspect: float, rng: np.random.Generator) -> list[CellPlan]:
    """Lay out the white cells of a field.

    Both classes cover about the same share of the field with nuclei: what tells them apart is the
    cells' build, not how much purple there is.
    """
    wanted = rng.uniform(0.052, 0.095) * aspect
    cells: list[CellPlan] = []
    covered = 0.0
    for _ in range(400):
        if covered >= wanted:
            break
        plan = new_cell(class_name, rng)
        placed = _place(plan, cells, aspect, rng)
        if placed is not None:
            cells.append(placed)
            covered += np.pi * plan.nucleus_radius**2 * (1.7 if plan.binucleate else 1)
    return cells


def new_cell(class_name: str, rng: np.random.Generator) -> CellPlan:
    """Build a cell of a class at (0, 0): a blast, or a plasma cell, or a lymphocyte beside them."""
    angle = float(rng.uniform(0, 2 * np.pi))
    if class_name == "ALL":
        nucleus = float(np.clip(rng.normal(0.0575, 0.007), 0.045, 0.077))
        radius = nucleus * rng.uniform(1.06, 1.17)
        shift = rng.uniform(0.3, 1.0) * (radius - nucleus)
        return CellPlan("blast", 0, 0, radius, nucleus, shift, angle, rng.uniform(1, 1.1))
    if rng.random() < 0.25:
        nucleus = float(np.clip(rng.normal(0.043, 0.004), 0.035, 0.052))
        radius = nucleus * rng.uniform(1.1, 1.22)
        return CellPlan("lymphocyte", 0, 0, radius, nucleus, 0.1 * nucleus, angle, 1.06)
    nucleus = float(np.clip(rng.normal(0.055, 0.005), 0.044, 0.066))
    two = bool(rng.random() < 0.08)
    radius = nucleus * rng.uniform(1.55, 1.95) * (1.25 if two else 1)
    stretch = rng.uniform(1.05, 1.4)
    shift = (0.25 if two else rng.uniform(0.75, 1.0)) * (radius * np.sqrt(stretch) - nucleus)
    return CellPlan("plasma", 0, 0, radius, nucleus, shift, angle, stretch, two)


def _place(
    plan: CellPlan, cells: list[CellPlan], aspect: float, rng: np.random.Generator
) -> CellPlan | None:
    """Find room for a cell: beside one already there as often as not, else anywhere free."""
    at = cells[int(rng.integers(len(cells)))] if cells else None
    beside = at is not None and rng.random() < 0.42
    turn, tight = rng.uniform(0, 2 * np.pi), rng.uniform(0.86, 1.0)
    y, x = rng.uniform(0.0, 1.0), rng.uniform(0.0, aspect)
    if beside and at is not None:
        away = tight * (plan.radius + at.radius)
        y, x = at.y + away * np.sin(turn), at.x + away * np.cos(turn)
    moved = replace(plan, y=float(y), x=float(x))
    if not moved.is_visible(aspect):
        return None
    for other in cells:
        gap = moved.distance(other) / (plan.radius + other.radius)
        if gap < (0.85 if other is at and beside else 1.1):
            return None
    return moved


def plan_red_cells(
    batch: Batch,
    whites: list[CellPlan],
    holes: list[tuple[float, float, float]],
    aspect: float,
    rng: np.random.Generator,
) -> list[RedPlan]:
    """Lay out the red cells of a field, some alone, some in clumps and rows."""
    round_things = [(c.y, c.x, c.radius * 0.96) for c in whites] + holes
    white_cover = sum(np.pi * c.radius**2 for c in whites)
    # cytoplasm takes the place of red cells, so that the classes absorb about the same light
    wanted = rng.uniform(0.36, 0.6) * aspect - 1.0 * white_cover
    clumping, crenated = rng.uniform(0.25, 0.75), rng.random() < batch.crenated
    size, oval = rng.uniform(0.039, 0.048), rng.uniform(0.06, 0.25)
    reds: list[RedPlan] = []
    covered, drift = 0.0, 0.0
    for _ in range(1500):
        if covered >= wanted:
            break
        radius = size * float(np.clip(rng.normal(1, 0.1), 0.7, 1.35))
        joined = bool(reds) and rng.random() < clumping
        drift += rng.normal(0, 0.7)
        y, x = rng.uniform(-0.04, 1.04), rng.uniform(-0.04, aspect + 0.04)
        spacing, spiked = rng.uniform(0.5, 1.0), rng.random() < 0.8
        back = int(rng.integers(1, 4))
        look = (rng.uniform(0, np.pi), 1 + abs(rng.normal(0, oval)), rng.normal(0, 0.15))
        spikes, strength = rng.uniform(0.07, 0.16), rng.uniform(0.85, 1.12)
        if joined:
            last = reds[-min(back, len(reds))]
            away = spacing * (radius + last.radius)
            y, x = last.y + away * np.sin(drift), last.x + away * np.cos(drift)
        if not _red_fits(y, x, radius, reds, round_things, aspect, joined):
            continue
        pallor = float(np.clip(batch.pallor + look[2], 0, 0.85))
        spikes = spikes if crenated and spiked else 0.0
        reds.append(RedPlan(y, x, radius, look[0], look[1], pallor, spikes, strength))
        covered += np.pi * radius**2 * (0.8 if joined else 1)
    return reds


def _red_fits(
    y: float,
    x: float,
    radius: float,
    reds: list[RedPlan],
    round_things: list[tuple[float, float, float]],
    aspect: float,
    joined: bool,
) -> bool:
    if not (-0.05 < y < 1.05 and -0.05 < x < aspect + 0.05):
        return False
    if any(np.hypot(y - a, x - b) < r + 0.78 * radius for a, b, r in round_things):
        return False
    near = 0.45 if joined else 0.98
    return all(np.hypot(y - r.y, x - r.x) >= near * (radius + r.radius) for r in reds)


def plan_holes(
    whites: list[CellPlan], aspect: float, rng: np.random.Generator
) -> list[tuple[float, float, float]]:
    """Lay out the holes that dissolved fat leaves: none in most fields, a few in some."""
    holes: list[tuple[float, float, float]] = []
    count = int(rng.integers(1, 5)) if rng.random() < 0.3 else 0
    for _ in range(count):
        y, x, size = rng.uniform(0, 1), rng.uniform(0, aspect), rng.uniform(0.015, 0.09)
        clear = all(np.hypot(y - c.y, x - c.x) > size + 1.3 * c.radius for c in whites)
        if clear and all(np.hypot(y - a, x - b) > size + r for a, b, r in holes):
            holes.append((y, x, size))
    return holes


# --- backdrop and small things -------------------------------------------------------------------


def cloud(shape: tuple[int, int], aspect: float, slope: float, seed: int) -> np.ndarray:
    """Random clouds over a whole field: (H, W) float32 of mean 0 and deviation 1.

    ``slope`` says how fast small detail fades: 1 is grainy, 2 is smooth. The clouds are made on a
    coarse grid, the same for every number of pixels.
    """
    rows, columns = 160, max(8, round(160 * aspect))
    grid = np.random.default_rng(seed).standard_normal((rows, columns))
    fy, fx = np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)[None, :]
    frequency = np.hypot(fy, fx)
    frequency[0, 0] = np.inf
    grid = np.fft.irfft2(np.fft.rfft2(grid) / frequency**slope, s=(rows, columns))
    grid = ((grid - grid.mean()) / grid.std()).astype(np.float32)
    ys = (np.arange(shape[0]) + 0.5) / shape[0] * (rows - 1)
    xs = (np.arange(shape[1]) + 0.5) / shape[1] * (columns - 1)
    return interpolate(grid, ys, xs)


def paint_film(canvas: Canvas, aspect: float, rng: np.random.Generator) -> None:
    """Paint the thin, blotchy film of plasma that lies between the cells."""
    shape = (canvas.height, canvas.width)
    seeds = [int(s) for s in rng.integers(0, 2**31, 3)]
    amount, grain = 0.02 + 0.25 * rng.beta(1.2, 3), rng.uniform(0.01, 0.05)
    film = cloud(shape, aspect, 1.5, seeds[0])
    fine = cloud(shape, aspect, 0.6, seeds[1])
    pink = 0.03 + 0.2 * amount * cloud(shape, aspect, 1.1, seeds[2]) + 0.6 * grain * fine
    between = 1 - 0.85 * smooth_step(canvas.cell_depth, 0.006)  # cells push the film aside
    canvas.stain[BASOPHIL] += between * np.clip(amount * (1 + 0.45 * film) + grain * fine, 0, None)
    canvas.stain[PINK] += between * np.clip(pink, 0, None)


def paint_smudge(canvas: Canvas, aspect: float, rng: np.random.Generator) -> None:
    """Paint, in some fields, the fibrous pink rest of a crushed cell."""
    if rng.random() > 0.3:
        return
    y, x = rng.uniform(0, 1), rng.uniform(0, aspect)
    size, seed, angle = rng.uniform(0.05, 0.11), int(rng.integers(2**31)), rng.uniform(0, np.pi)
    win = canvas.window(y, x, 2.4 * size)
    whole = np.random.default_rng(seed).standard_normal((120, 120)).astype(np.float32)
    # threads: the zero crossings of two noises form a net of crooked fibres
    scale = 119 / (4.8 * size)
    ys, xs = win.dy * scale + 59.5, win.dx * scale + 59.5
    net = [interpolate(scipy.ndimage.gaussian_filter(part, (1.6, 1.0)) * 4.5, ys, xs)
           for part in (whole, whole.T[::-1])]  # fmt: skip
    fibres = sum(np.exp(-((part / 0.22) ** 2)) for part in net)
    long = (win.dx * np.cos(angle) + win.dy * np.sin(angle)) / (1.4 * size)
    short = (win.dy * np.cos(angle) - win.dx * np.sin(angle)) / (0.7 * size)
    ragged = interpolate(scipy.ndimage.gaussian_filter(whole, 6) * 21, ys, xs)
    body = 1 / (1 + np.exp(5 * (long**2 + short**2 - 0.7 + 0.45 * ragged)))
    free = canvas.cell_depth[win.slices] < -0.002
    canvas.stain[(PINK, *win.slices)] += free * body * (0.25 + 0.4 * fibres)
    canvas.stain[(NUCLEAR, *win.slices)] += free * body * 0.08 * fibres


def paint_small_things(
    canvas: Canvas, batch: Batch, holes: list[tuple[float, float, float]], rng: np.random.Generator
) -> None:
    """Paint fat holes, platelets and precipitate."""
    aspect = canvas.width / canvas.height
    for hole in holes:
        draw_vacuole(canvas, *hole)
    for child in rng.spawn(int(rng.integers(0, 7))):
        y, x, size = child.uniform(0, 1), child.uniform(0, aspect), child.uniform(0.008, 0.015)
        draw_platelet(canvas, y, x, size, child)
    for child in rng.spawn(int(rng.poisson(18 * aspect * rng.random()))):  # bits of platelets
        y, x, size = child.uniform(0, 1), child.uniform(0, aspect), child.uniform(0.002, 0.005)
        draw_platelet(canvas, y, x, size, child)
    for child in rng.spawn(int(rng.poisson(32 * batch.dirt * aspect * rng.uniform(0.4, 1.4)))):
        _precipitate(canvas, aspect, child)
    for child in rng.spawn(int(rng.poisson(25 * aspect))):
        y, x = child.uniform(0, 1), child.uniform(0, aspect)
        draw_speck(canvas, y, x, child.uniform(0.0008, 0.002), child.uniform(0.1, 0.5))


def _precipitate(canvas: Canvas, aspect: float, rng: np.random.Generator) -> None:
    """Draw a short crooked string of dark grains, as dried stain leaves it."""
    y, x = rng.uniform(0, 1), rng.uniform(0, aspect)
    amount, spread = rng.uniform(0.6, 0.9), rng.uniform(0.0025, 0.0045)
    turn = rng.uniform(0, 2 * np.pi)
    for _ in range(1 + int(rng.geometric(0.2))):
        draw_speck(canvas, y, x, 0.0013 + rng.gamma(2, 0.0011), amount)
        turn += rng.normal(0, 1.6)
        step = spread * rng.uniform(0.5, 2)
        y, x = y + step * np.sin(turn), x + step * np.cos(turn)


# --- light ---------------------------------------------------------------------------------------


def develop(
    canvas: Canvas, batch: Batch, rng: np.random.Generator, noise: np.random.Generator
) -> np.ndarray:
    """Photograph a painted canvas: (H, W, 3) uint8.

    Light that passes stain of optical density D is weakened to 10^-D of itself. Stain strength,
    exposure and white balance vary a little from field to field, as they do on one slide.
    """
    colours = np.array(
        [batch.nuclear, batch.basophil, batch.red, PINK_OD, DARK_OD], dtype=np.float32
    )
    colours[:DARK] *= np.exp(rng.normal(0, 0.07, (4, 1)))
    light = np.array(batch.light) * np.exp(rng.normal(0, 0.055)) * np.exp(rng.normal(0, 0.02, 3))
    lamp = _illumination(canvas, rng)
    blur = rng.uniform(0.0007, 0.0013) * canvas.height
    grain = noise.standard_normal((canvas.height, canvas.width), dtype=np.float32)
    image = np.empty((canvas.height, canvas.width, 3), np.uint8)
    for channel in range(3):
        density = np.zeros((canvas.height, canvas.width), np.float32)
        for stain, weight in zip(canvas.stain, colours[:, channel], strict=True):
            density += weight * stain
        density *= np.float32(-np.log(10))
        seen = np.exp(density, out=density)
        seen = scipy.ndimage.gaussian_filter(seen, blur, truncate=3)
        seen *= np.float32(light[channel]) * lamp
        own = noise.standard_normal(seen.shape, dtype=np.float32)
        seen += np.sqrt(np.clip(seen, 0, None)) * (0.07 * grain + 0.11 * own)
        image[..., channel] = np.clip(np.rint(seen), 0, 255)
    return image


def _illumination(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Vignette and slope of the lamp: (H, W) float32 of about 1 in the middle."""
    aspect = canvas.width / canvas.height
    ys = ((np.arange(canvas.height, dtype=np.float32) + 0.5) / canvas.height - 0.5)[:, None]
    xs = ((np.arange(canvas.width, dtype=np.float32) + 0.5) / canvas.width - 0.5)[None, :] * aspect
    y0, x0 = rng.normal(0, 0.12, 2)
    fall, slope = rng.uniform(0.06, 0.22), rng.uniform(0, 0.07)
    turn = rng.uniform(0, 2 * np.pi)
    lamp = 1.03 - fall * ((ys - y0) ** 2 + (xs - x0) ** 2)
    return (lamp + slope * (np.sin(turn) * ys + np.cos(turn) * xs)).astype(np.float32)
