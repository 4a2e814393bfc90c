"""White cells, red cells, platelets and dust of a simulated field.

Lengths are in field heights, angles in radians.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

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
    """Position and build of a white cell; lengths in field heights, angles in radians."""

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
    def nucleus_offset(self) -> tuple[float, float]:
        """Vector (y, x) from the cell's centre to that of the nucleus."""
        return self.shift * np.sin(self.angle), self.shift * np.cos(self.angle)

    @property
    def nucleus_yx(self) -> tuple[float, float]:
        """Centre of the nucleus."""
        y, x = self.nucleus_offset
        return self.y + float(y), self.x + float(x)

    def is_visible(self, aspect: float) -> bool:
        """Whether enough of the nucleus is in the field to be seen."""
        (y, x), margin = self.nucleus_yx, 0.35 * self.nucleus_radius
        return margin < y < 1 - margin and margin < x < aspect - margin

    def distance(self, other: CellPlan) -> float:
        """Return the distance of the cells' centres."""
        return float(np.hypot(self.y - other.y, self.x - other.x))


@dataclass(frozen=True)
class CellShape:
    """A white cell on the canvas.

    Attributes
    ----------
    cell, nucleus
        (h, w) depth of each pixel inside them, negative outside.
    share
        (h, w) distance from the nucleus' centre over its radius.
    reach
        Half the side of the window.
    """

    plan: CellPlan
    win: Window
    cell: np.ndarray
    nucleus: np.ndarray
    share: np.ndarray
    reach: float


class Stain(NamedTuple):
    """Amounts of stain in the nucleus (chromatin, pink) and in the cytoplasm (blue, granules)."""

    chromatin: np.ndarray
    pink: np.ndarray
    blue: np.ndarray
    granules: np.ndarray | float = 0.0


# --- white cells ---------------------------------------------------------------------------------


def draw_white_cell(canvas: Canvas, plan: CellPlan, label: int, rng: np.random.Generator) -> None:
    """Paint a white cell and write its nucleus and cytoplasm under ``label``."""
    reach = plan.radius * np.sqrt(plan.stretch) * 1.25 + plan.nucleus_radius * 0.2
    win = canvas.window(plan.y, plan.x, reach)
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
    cell = np.minimum(cell, -canvas.cell_depth[win.slices])
    nucleus = np.minimum(nucleus, -canvas.nucleus_depth[win.slices])
    cell = np.maximum(cell, nucleus)

    shape = CellShape(plan, win, cell, nucleus, share, reach)
    _write_labels(canvas, shape, label)
    _paint_white_cell(canvas, shape, rng)
    for depth, new in ((canvas.cell_depth, cell), (canvas.nucleus_depth, nucleus)):
        np.maximum(depth[win.slices], new, out=depth[win.slices])


def _nucleus_depth(
    win: Window, plan: CellPlan, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    y, x = plan.nucleus_offset
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


def _write_labels(canvas: Canvas, shape: CellShape, label: int) -> None:
    nuclei, cytoplasm = canvas.nuclei[shape.win.slices], canvas.cytoplasm[shape.win.slices]
    inner = (shape.nucleus > 0) & (nuclei == 0)
    outer = (shape.cell > 0) & ~inner & (nuclei == 0) & (cytoplasm == 0)
    cytoplasm[inner] = 0  # a nucleus pressed into its neighbour's rim takes that place
    nuclei[inner] = label
    cytoplasm[outer] = label


def _paint_white_cell(canvas: Canvas, shape: CellShape, rng: np.random.Generator) -> None:
    plan = shape.plan
    stain = canvas.stain[(slice(None), *shape.win.slices)]
    inside = smooth_step(shape.nucleus, max(0.0045, 1.2 * canvas.pixel))
    around = smooth_step(shape.cell, max(0.007, 1.2 * canvas.pixel)) * (1 - inside)
    paint = {"blast": _blast, "plasma": _plasma, "lymphocyte": _lymphocyte}[plan.kind]
    amounts = paint(shape, rng)
    # a nucleus is a ball: a little thinner, hence paler, towards its edge
    thick = 0.82 + 0.18 * np.clip(shape.nucleus / (0.35 * plan.nucleus_radius), 0, 1)
    if plan.pressed:
        stain[BASOPHIL] *= 1 - inside
    stain[NUCLEAR] += inside * amounts.chromatin * thick + around * amounts.granules
    stain[PINK] += inside * amounts.pink
    stain[BASOPHIL] += around * amounts.blue


def _spots(
    shape: CellShape, rng: np.random.Generator, count: int, size: float, spread: float
) -> np.ndarray:
    """Sum round soft spots inside the nucleus, 1 at their centres; sizes in nucleus radii."""
    win, radius = shape.win, shape.plan.nucleus_radius
    y0, x0 = shape.plan.nucleus_offset
    total = np.zeros(shape.cell.shape, np.float32)
    for _ in range(count):
        turn, away = rng.uniform(0, 2 * np.pi), spread * radius * np.sqrt(rng.random())
        y, x = y0 + away * np.sin(turn), x0 + away * np.cos(turn)
        wide = size * radius * rng.uniform(0.8, 1.25)
        total += np.exp(-(((win.dy - y) / wide) ** 2)) * np.exp(-(((win.dx - x) / wide) ** 2))
    return total


def _blast(shape: CellShape, rng: np.random.Generator) -> Stain:
    """Stain fine, even chromatin with one or two pale nucleoli, and a thin, clear blue rim."""
    win, reach = shape.win, shape.reach
    fine, coarse = mottle(win, rng, reach, 0.06), mottle(win, rng, reach, 0.3)
    nucleoli = np.clip(_spots(shape, rng, int(rng.integers(0, 3)), 0.2, 0.6), 0, 1)
    tone = rng.uniform(0.92, 1.12)
    chromatin = tone * (1 + 0.085 * fine + 0.08 * coarse - 0.24 * nucleoli)
    pink = np.clip(0.2 + 0.08 * coarse - 0.05 * fine, 0, None)
    blue = rng.uniform(0.4, 1.0) * (1 + 0.2 * mottle(win, rng, reach, 0.2))
    return Stain(chromatin, pink, np.clip(blue, 0.1, None))


def _lymphocyte(shape: CellShape, rng: np.random.Generator) -> Stain:
    """Stain a small, dark, blocky nucleus, and hardly any cytoplasm."""
    blocks = mottle(shape.win, rng, shape.reach, 0.28)
    chromatin = rng.uniform(1.08, 1.25) * (1 + 0.14 * np.tanh(1.5 * blocks))
    pink = np.clip(0.12 - 0.06 * blocks, 0, None)
    blue = rng.uniform(0.6, 1.0) * (1 + 0.1 * mottle(shape.win, rng, shape.reach, 0.2))
    return Stain(chromatin, pink, np.clip(blue, 0.1, None))


def _plasma(shape: CellShape, rng: np.random.Generator) -> Stain:
    """Stain clock-face chromatin, and wide blue cytoplasm, deeper at its edge, with a pale hof."""
    plan, win, reach = shape.plan, shape.win, shape.reach
    clumps = _clock_face(shape, rng)
    nucleoli = np.clip(_spots(shape, rng, int(rng.integers(0, 2)), 0.17, 0.3), 0, 1)
    chromatin = rng.uniform(0.92, 1.12) * (0.4 + 0.8 * clumps - 0.16 * nucleoli)
    pink = 0.55 - 0.45 * clumps
    # the hof: pale Golgi zone beside the nucleus, towards the cell's middle
    y, x = plan.nucleus_offset
    back = -0.75 * plan.nucleus_radius
    y, x = y + back * np.sin(plan.angle), x + back * np.cos(plan.angle)
    wide = rng.uniform(0.55, 0.8) * plan.nucleus_radius
    hof = np.exp(-((win.dy - y) ** 2 + (win.dx - x) ** 2) / wide**2)
    deep = 0.72 + 0.4 * np.exp(-np.clip(shape.cell, 0, None) / (0.22 * plan.radius))
    fine, coarse = mottle(win, rng, reach, 0.07), mottle(win, rng, reach, 0.22)
    blue = rng.uniform(0.6, 1.15) * deep * (1 + 0.15 * fine + 0.17 * coarse)
    blue = blue * (1 - rng.uniform(0.35, 0.65) * hof)
    granules = 0.04 + 0.05 * np.clip(fine + coarse - 0.8, 0, None)
    return Stain(chromatin, pink, np.clip(blue, 0.08, None), np.clip(granules, 0, None))


def _clock_face(shape: CellShape, rng: np.random.Generator) -> np.ndarray:
    """Return the dark clumps (1) and paler gaps (0) of a plasma cell's nucleus."""
    win, share, reach = shape.win, shape.share, shape.reach
    y, x = shape.plan.nucleus_offset
    turn = np.arctan2(win.dy - y, win.dx - x)
    hours, phase = int(rng.integers(7, 11)), rng.uniform(0, 2 * np.pi)
    swing = 0.35 * mottle(win, rng, reach, 0.5)
    ring = np.exp(-(((share - 0.82) / 0.2) ** 2)) * np.cos(hours * turn + phase + 2 * swing)
    rough = 0.6 * mottle(win, rng, reach, 0.13) + 0.8 * mottle(win, rng, reach, 0.065)
    return smooth_step(0.22 + 0.5 * ring + 0.7 * rough + 0.4 * (share > 0.88), 1.7)


# --- everything else -----------------------------------------------------------------------------


@dataclass(frozen=True)
class RedPlan:
    """Position and build of a red cell; lengths in field heights."""

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
    if plan.spikes > 0:
        teeth = np.cos(count * ANGLES + phase + wander * np.sin(2 * ANGLES + phase))
        edge = edge * (1 + plan.spikes * (np.clip(teeth, 0, 1) ** 2 - 0.4))
    depth, share = depth_and_share(win, edge)
    body = smooth_step(depth, max(0.004, 1.2 * canvas.pixel))
    dimple = plan.pallor * np.exp(-((share**2 / size) ** 2))
    ring = 0.22 * plan.pallor * np.exp(-(((share - 0.78) / 0.16) ** 2))
    amount = plan.strength * body * (0.97 - dimple + ring)
    # densities add, but red cells are soft: where two lie on each other both are thinner
    plane = canvas.stain[(RED, *win.slices)]
    amount *= 1 - 0.7 * np.clip(plane, 0, 1)
    # light bends at the edge of a thick cell: a thin bright line runs around it
    amount -= halo * np.exp(-(((depth + 0.0045) / 0.003) ** 2))
    hidden = smooth_step(canvas.cell_depth[win.slices], 0.006)
    plane += amount * (1 - 0.88 * hidden)


def draw_platelet(
    canvas: Canvas, y: float, x: float, size: float, rng: np.random.Generator
) -> None:
    """Paint a platelet: a small, pale, granular purple body of radius ``size`` field heights."""
    edge = outline(rng, size, rng.uniform(1, 1.5), rng.uniform(0, np.pi), 0.2)
    win = canvas.window(y, x, 1.8 * size)
    depth, _ = depth_and_share(win, edge)
    grains = np.clip(0.5 + 0.5 * mottle(win, rng, 1.8 * size, 0.3), 0, 2)
    body = smooth_step(depth, 0.7 * size)
    canvas.stain[(NUCLEAR, *win.slices)] += 0.22 * body * grains
    canvas.stain[(BASOPHIL, *win.slices)] += 0.35 * body


def draw_speck(canvas: Canvas, y: float, x: float, size: float, strength: float) -> None:
    """Paint a round dark speck of radius ``size`` field heights."""
    win = canvas.window(y, x, 1.5 * size + 2 * canvas.pixel)
    depth = np.float32(size) - np.hypot(win.dy, win.dx)
    plane = canvas.stain[(DARK, *win.slices)]
    soft = max(0.0025, 1.2 * canvas.pixel)
    # most dirt lies on the glass beside the cells, some on top of them
    amount = strength * (1 - 0.8 * smooth_step(canvas.cell_depth[win.slices], 0.006))
    np.maximum(plane, amount * smooth_step(depth, soft), out=plane)


def draw_vacuole(canvas: Canvas, y: float, x: float, size: float) -> None:
    """Clear a round hole, as dissolved fat leaves it, with a thin darker edge."""
    win = canvas.window(y, x, size + 0.02)
    depth = np.float32(size) - np.hypot(win.dy, win.dx)
    stain = canvas.stain[(slice(None), *win.slices)]
    free = 1 - smooth_step(canvas.cell_depth[win.slices], 0.006)
    empty = free * smooth_step(depth, 0.008)
    stain *= 1 - empty
    stain[BASOPHIL] += 0.3 * free * np.exp(-(((depth + 0.004) / 0.006) ** 2)) - 0.12 * empty
    stain[RED] -= 0.2 * empty  # brighter than the film around it, which the lamp is set for
