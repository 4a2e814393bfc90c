"""How single things of a simulated field look: white cells, red cells, platelets, dust.

Lengths are in field heights, angles in radians.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_marrow.simulation.canvas import (
    ANGLES,
    BASOPHIL,
    DARK,
    NUCLEAR,
    PINK,
    RED,
    Canvas,
    Window,
    depth_and_share,
    mottle,
    outline,
    smooth_step,
)


@dataclass(frozen=True)
class CellPlan:
    """Where a white cell lies and how it is built; lengths in field heights, angles in radians."""

    kind: str  # "blast", "plasma" or "lymphocyte"
    y: float
    x: float
    radius: float  # of the cell, before it is stretched
    nucleus_radius: float
    shift: float  # from the cell's centre to that of the nucleus, along the angle
    angle: float
    stretch: float  # long axis over short axis
    binucleate: bool = False
    pressed: bool = False  # against neighbours: its nucleus pushes their cytoplasm aside

    @property
    def nucleus_yx(self) -> tuple[float, float]:
        """Centre of the nucleus."""
        return (
            self.y + self.shift * float(np.sin(self.angle)),
            self.x + self.shift * float(np.cos(self.angle)),
        )


# --- white cells ---------------------------------------------------------------------------------


def draw_white_cell(canvas: Canvas, plan: CellPlan, label: int, rng: np.random.Generator) -> None:
    """Paint a white cell and write its nucleus and cytoplasm under ``label``."""
    reach = plan.radius * np.sqrt(plan.stretch) * 1.25 + plan.nucleus_radius * 0.2
    win = canvas.window(plan.y, plan.x, reach)
    if win is None:
        return
    wobble = {"blast": 0.035, "plasma": 0.09, "lymphocyte": 0.04}[plan.kind]
    fray = 0.001 + 0.006 * rng.random() ** 3 if plan.kind == "plasma" else 0.002
    edge = outline(rng, plan.radius, plan.stretch, plan.angle, wobble, fray)
    cell, _ = depth_and_share(win, edge)
    if plan.kind == "plasma":  # a ragged edge, in steps too shallow to tear anything off
        cell = cell + np.float32(0.0015) * mottle(win, rng, reach, 0.1)
    nucleus, share = _nucleus_depth(win, plan, rng)
    # the nucleus stays inside its own cell, and neither cell nor nucleus runs into a neighbour
    rim = max(0.0035, 0.06 * plan.nucleus_radius)
    nucleus = np.minimum(nucleus, cell - rim)
    cell = np.minimum(cell, -canvas.cell_depth[win.where])
    nucleus = np.minimum(nucleus, -canvas.nucleus_depth[win.where])
    cell = np.maximum(cell, nucleus)

    _write_labels(canvas, win, cell, nucleus, label)
    _paint_white_cell(canvas, win, plan, cell, nucleus, share, reach, rng)
    for depth, new in ((canvas.cell_depth, cell), (canvas.nucleus_depth, nucleus)):
        np.maximum(depth[win.where], new, out=depth[win.where])


def _nucleus_depth(
    win: Window, plan: CellPlan, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    y, x = plan.shift * np.sin(plan.angle), plan.shift * np.cos(plan.angle)
    stretch, wobble = (1.05, 0.045) if plan.kind == "blast" else (1.08, 0.04)
    stretch += abs(rng.normal(0, 0.07))
    tilt = rng.uniform(0, np.pi)
    edge = outline(rng, plan.nucleus_radius, stretch, tilt, wobble)
    if not plan.binucleate:
        return depth_and_share(win, edge, y, x)
    # two lobes that touch, side by side across the cell's long axis: one nucleus mask
    apart = 0.86 * plan.nucleus_radius
    sy, sx = apart * np.cos(plan.angle), -apart * np.sin(plan.angle)
    other = outline(rng, plan.nucleus_radius, 1.05, tilt, wobble)
    first = depth_and_share(win, edge, y + sy, x + sx)
    second = depth_and_share(win, other, y - sy, x - sx)
    return np.maximum(first[0], second[0]), np.minimum(first[1], second[1])


def _write_labels(
    canvas: Canvas, win: Window, cell: np.ndarray, nucleus: np.ndarray, label: int
) -> None:
    nuclei, cytoplasm = canvas.nuclei[win.where], canvas.cytoplasm[win.where]
    inner = (nucleus > 0) & (nuclei == 0)
    outer = (cell > 0) & ~inner & (nuclei == 0) & (cytoplasm == 0)
    cytoplasm[inner] = 0  # a nucleus pressed into its neighbour's rim takes that place
    nuclei[inner] = label
    cytoplasm[outer] = label


def _paint_white_cell(
    canvas: Canvas,
    win: Window,
    plan: CellPlan,
    cell: np.ndarray,
    nucleus: np.ndarray,
    share: np.ndarray,
    reach: float,
    rng: np.random.Generator,
) -> None:
    stain = canvas.stain[(slice(None), *win.where)]
    inside = smooth_step(nucleus, max(0.0045, 1.2 * canvas.pixel))
    around = smooth_step(cell, max(0.007, 1.2 * canvas.pixel)) * (1 - inside)
    paint = {"blast": _blast, "plasma": _plasma, "lymphocyte": _lymphocyte}[plan.kind]
    chromatin, pink, blue, granules = paint(win, plan, cell, share, reach, rng)
    # a nucleus is a ball: a little thinner, hence paler, towards its edge
    thick = 0.82 + 0.18 * np.clip(nucleus / (0.35 * plan.nucleus_radius), 0, 1)
    if plan.pressed:
        stain[BASOPHIL] *= 1 - inside
    stain[NUCLEAR] += inside * chromatin * thick + around * granules
    stain[PINK] += inside * pink
    stain[BASOPHIL] += around * blue


Look = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | float]
"""Amounts of chromatin and pink in the nucleus, of blue and granules in the cytoplasm."""


def _spots(
    win: Window, rng: np.random.Generator, plan: CellPlan, count: int, size: float, far: float
) -> np.ndarray:
    """Sum of round soft spots inside the nucleus, 1 at their centres; sizes in nucleus radii."""
    y0, x0 = plan.shift * np.sin(plan.angle), plan.shift * np.cos(plan.angle)
    total = np.zeros((win.dy.shape[0], win.dx.shape[1]), np.float32)
    for _ in range(count):
        turn, away = rng.uniform(0, 2 * np.pi), far * plan.nucleus_radius * np.sqrt(rng.random())
        y, x = y0 + away * np.sin(turn), x0 + away * np.cos(turn)
        wide = size * plan.nucleus_radius * rng.uniform(0.8, 1.25)
        total += np.exp(-(((win.dy - y) / wide) ** 2)) * np.exp(-(((win.dx - x) / wide) ** 2))
    return total


def _blast(
    win: Window,
    plan: CellPlan,
    cell: np.ndarray,
    share: np.ndarray,
    reach: float,
    rng: np.random.Generator,
) -> Look:
    """Fine, even chromatin with one or two pale nucleoli; a thin, clear blue rim."""
    fine, coarse = mottle(win, rng, reach, 0.06), mottle(win, rng, reach, 0.3)
    nucleoli = np.clip(_spots(win, rng, plan, int(rng.integers(0, 3)), 0.2, 0.6), 0, 1)
    tone = rng.uniform(0.92, 1.12)
    chromatin = tone * (1 + 0.085 * fine + 0.08 * coarse - 0.24 * nucleoli)
    pink = np.clip(0.2 + 0.08 * coarse - 0.05 * fine, 0, None)
    blue = rng.uniform(0.4, 1.0) * (1 + 0.2 * mottle(win, rng, reach, 0.2))
    return chromatin, pink, np.clip(blue, 0.1, None), 0.0


def _lymphocyte(
    win: Window,
    plan: CellPlan,
    cell: np.ndarray,
    share: np.ndarray,
    reach: float,
    rng: np.random.Generator,
) -> Look:
    """Small, dark, blocky nucleus; hardly any cytoplasm."""
    blocks = mottle(win, rng, reach, 0.28)
    chromatin = rng.uniform(1.08, 1.25) * (1 + 0.14 * np.tanh(1.5 * blocks))
    pink = np.clip(0.12 - 0.06 * blocks, 0, None)
    blue = rng.uniform(0.6, 1.0) * (1 + 0.1 * mottle(win, rng, reach, 0.2))
    return chromatin, pink, np.clip(blue, 0.1, None), 0.0


def _plasma(
    win: Window,
    plan: CellPlan,
    cell: np.ndarray,
    share: np.ndarray,
    reach: float,
    rng: np.random.Generator,
) -> Look:
    """Clock-face chromatin; wide blue cytoplasm, deeper at its edge, with a pale hof."""
    clumps = _clock_face(win, plan, share, reach, rng)
    nucleoli = np.clip(_spots(win, rng, plan, int(rng.integers(0, 2)), 0.17, 0.3), 0, 1)
    chromatin = rng.uniform(0.92, 1.12) * (0.4 + 0.8 * clumps - 0.16 * nucleoli)
    pink = 0.55 - 0.45 * clumps
    # the hof: pale Golgi zone beside the nucleus, towards the cell's middle
    y, x = plan.shift * np.sin(plan.angle), plan.shift * np.cos(plan.angle)
    back = -0.75 * plan.nucleus_radius
    y, x = y + back * np.sin(plan.angle), x + back * np.cos(plan.angle)
    wide = rng.uniform(0.55, 0.8) * plan.nucleus_radius
    hof = np.exp(-((win.dy - y) ** 2 + (win.dx - x) ** 2) / wide**2)
    deep = 0.72 + 0.4 * np.exp(-np.clip(cell, 0, None) / (0.22 * plan.radius))
    fine, coarse = mottle(win, rng, reach, 0.07), mottle(win, rng, reach, 0.22)
    blue = rng.uniform(0.6, 1.15) * deep * (1 + 0.15 * fine + 0.17 * coarse)
    blue = blue * (1 - rng.uniform(0.35, 0.65) * hof)
    granules = 0.04 + 0.05 * np.clip(fine + coarse - 0.8, 0, None)
    return chromatin, pink, np.clip(blue, 0.08, None), np.clip(granules, 0, None)


def _clock_face(
    win: Window, plan: CellPlan, share: np.ndarray, reach: float, rng: np.random.Generator
) -> np.ndarray:
    """Dark clumps (1) and paler gaps (0) of a plasma cell's nucleus."""
    y, x = plan.shift * np.sin(plan.angle), plan.shift * np.cos(plan.angle)
    turn = np.arctan2(win.dy - y, win.dx - x)
    hours, phase = int(rng.integers(7, 11)), rng.uniform(0, 2 * np.pi)
    swing = 0.35 * mottle(win, rng, reach, 0.5)
    ring = np.exp(-(((share - 0.82) / 0.2) ** 2)) * np.cos(hours * turn + phase + 2 * swing)
    rough = 0.6 * mottle(win, rng, reach, 0.13) + 0.8 * mottle(win, rng, reach, 0.065)
    return smooth_step(0.22 + 0.5 * ring + 0.7 * rough + 0.4 * (share > 0.88), 1.7)


# --- everything else -----------------------------------------------------------------------------


@dataclass(frozen=True)
class RedPlan:
    """Where a red cell lies and what it looks like; lengths in field heights."""

    y: float
    x: float
    radius: float
    angle: float
    stretch: float
    pallor: float  # 0 flat .. 1 empty centre
    spikes: float  # height of the spikes of a crenated cell, as a share of its radius
    strength: float  # relative haemoglobin


def draw_red_cell(canvas: Canvas, plan: RedPlan, halo: float, rng: np.random.Generator) -> None:
    """Paint a red cell; it yields where a white cell lies on it."""
    win = canvas.window(plan.y, plan.x, plan.radius * np.sqrt(plan.stretch) * 1.2 + 0.012)
    edge = outline(rng, plan.radius, plan.stretch, plan.angle, 0.05)
    count, phase = int(rng.integers(10, 16)), rng.uniform(0, 2 * np.pi)
    wander, size = rng.uniform(0.3, 0.9), rng.uniform(0.14, 0.3)
    if win is None:
        return
    if plan.spikes > 0:
        teeth = np.cos(count * ANGLES + phase + wander * np.sin(2 * ANGLES + phase))
        edge = edge * (1 + plan.spikes * (np.clip(teeth, 0, 1) ** 2 - 0.4))
    depth, share = depth_and_share(win, edge)
    body = smooth_step(depth, max(0.004, 1.2 * canvas.pixel))
    dimple = plan.pallor * np.exp(-((share**2 / size) ** 2))
    ring = 0.22 * plan.pallor * np.exp(-(((share - 0.78) / 0.16) ** 2))
    amount = plan.strength * body * (0.97 - dimple + ring)
    # densities add, but red cells are soft: where two lie on each other both are thinner
    plane = canvas.stain[(RED, *win.where)]
    amount *= 1 - 0.7 * np.clip(plane, 0, 1)
    # light bends at the edge of a thick cell: a thin bright line runs around it
    amount -= halo * np.exp(-(((depth + 0.0045) / 0.003) ** 2))
    hidden = smooth_step(canvas.cell_depth[win.where], 0.006)
    plane += amount * (1 - 0.88 * hidden)


def draw_platelet(
    canvas: Canvas, y: float, x: float, size: float, rng: np.random.Generator
) -> None:
    """Paint a platelet: a small, pale, granular purple body of radius ``size`` field heights."""
    edge = outline(rng, size, rng.uniform(1, 1.5), rng.uniform(0, np.pi), 0.2)
    win = canvas.window(y, x, 1.8 * size)
    if win is None:
        return
    depth, _ = depth_and_share(win, edge)
    grains = np.clip(0.5 + 0.5 * mottle(win, rng, 1.8 * size, 0.3), 0, 2)
    body = smooth_step(depth, 0.7 * size)
    canvas.stain[(NUCLEAR, *win.where)] += 0.22 * body * grains
    canvas.stain[(BASOPHIL, *win.where)] += 0.35 * body


def draw_speck(canvas: Canvas, y: float, x: float, size: float, strength: float) -> None:
    """Paint a round dark speck of radius ``size`` field heights."""
    win = canvas.window(y, x, 1.5 * size + 2 * canvas.pixel)
    if win is not None:
        depth = np.float32(size) - np.hypot(win.dy, win.dx)
        plane = canvas.stain[(DARK, *win.where)]
        soft = max(0.0025, 1.2 * canvas.pixel)
        # most dirt lies on the glass beside the cells, some on top of them
        amount = strength * (1 - 0.8 * smooth_step(canvas.cell_depth[win.where], 0.006))
        np.maximum(plane, amount * smooth_step(depth, soft), out=plane)


def draw_vacuole(canvas: Canvas, y: float, x: float, size: float) -> None:
    """Clear a round hole, as dissolved fat leaves it, with a thin darker edge."""
    win = canvas.window(y, x, size + 0.02)
    if win is not None:
        depth = np.float32(size) - np.hypot(win.dy, win.dx)
        stain = canvas.stain[(slice(None), *win.where)]
        free = 1 - smooth_step(canvas.cell_depth[win.where], 0.006)
        empty = free * smooth_step(depth, 0.008)
        stain *= 1 - empty
        stain[BASOPHIL] += 0.3 * free * np.exp(-(((depth + 0.004) / 0.006) ** 2)) - 0.12 * empty
        stain[RED] -= 0.2 * empty  # brighter than the film around it, which the lamp is set for
