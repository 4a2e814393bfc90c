"""The layout of white cells in a field whose nuclei touch: rows and clumps of a few cells each.

Lengths are in field heights, as in :mod:`napari_marrow.simulation.scene`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from napari_marrow.simulation.cells import CellPlan
from napari_marrow.simulation.scene import new_cell

TOUCHING_DISTANCE_FRACTIONS = (0.84, 0.94)
"""Distance of touching nuclei as a share of their radii's sum: under 1, so that they flatten."""


def plan_clumps(class_name: str, aspect: float, rng: np.random.Generator) -> list[CellPlan]:
    """Lay out the white cells of a field in clumps of nuclei that touch, with a few lone ones."""
    wanted = rng.uniform(0.06, 0.1) * aspect
    cells: list[CellPlan] = []
    covered = 0.0
    for _ in range(400):
        if covered >= wanted:
            break
        clump = _clump(class_name, cells, aspect, rng)
        cells += clump
        covered += sum(np.pi * c.nucleus_radius**2 for c in clump)
    return cells


def _clump(
    class_name: str, others: list[CellPlan], aspect: float, rng: np.random.Generator
) -> list[CellPlan]:
    count = 1 if rng.random() < 0.2 else 1 + min(int(rng.geometric(0.4)), 5)
    first = new_cell(class_name, rng)
    y, x = float(rng.uniform(0, 1)), float(rng.uniform(0, aspect))
    first = replace(first, y=y, x=x, pressed=True)
    if not _has_room(first, others, aspect):
        return []
    clump = [first]
    for _ in range(12 * (count - 1)):
        if len(clump) == count:
            break
        at = clump[int(rng.integers(len(clump)))]
        cell = _against(at, new_cell(class_name, rng), rng)
        # of a cell with two nuclei it would not be clear which of them touches
        if cell.binucleate or at.binucleate:
            continue
        if _has_room(cell, others, aspect) and _fits_clump(cell, clump):
            clump.append(cell)
    return clump


def _against(at: CellPlan, cell: CellPlan, rng: np.random.Generator) -> CellPlan:
    """Put a cell so that its nucleus touches that of another, cytoplasm to the other side."""
    towards = at.angle + rng.uniform(-1.2, 1.2)
    if at.kind == "blast":  # a nucleus that fills its cell can be touched from any side
        towards = rng.uniform(0, 2 * np.pi)
    away = rng.uniform(*TOUCHING_DISTANCE_FRACTIONS) * (at.nucleus_radius + cell.nucleus_radius)
    angle = float(towards + np.pi + rng.normal(0, 0.4))
    y, x = at.nucleus_yx
    y += away * np.sin(towards) - cell.shift * np.sin(angle)
    x += away * np.cos(towards) - cell.shift * np.cos(angle)
    return replace(cell, y=float(y), x=float(x), angle=angle, pressed=True)


def _has_room(cell: CellPlan, others: list[CellPlan], aspect: float) -> bool:
    """Whether its nucleus is visible in the field, and clear of other clumps."""
    return cell.is_visible(aspect) and all(
        cell.distance(o) >= 1.1 * (cell.radius + o.radius) for o in others
    )


def _fits_clump(cell: CellPlan, clump: list[CellPlan]) -> bool:
    """Whether no nucleus is pressed out of shape, and no cell covers another's nucleus."""
    for other in clump:
        (ay, ax), (by, bx) = cell.nucleus_yx, other.nucleus_yx
        both = cell.nucleus_radius + other.nucleus_radius
        if np.hypot(ay - by, ax - bx) < TOUCHING_DISTANCE_FRACTIONS[0] * both:
            return False
        if cell.distance(other) < 0.6 * (cell.radius + other.radius):
            return False
    return True
