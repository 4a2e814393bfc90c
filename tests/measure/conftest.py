"""CellCrops to measure: those of a simulated field, and some made by hand, pixel by pixel."""

from collections.abc import Callable

import numpy as np
import pytest

from napari_marrow.measure.cells import SIDE_PX, CellCrops
from napari_marrow.simulation.phantom import PhantomField, PhantomSettings, draw_field


@pytest.fixture(scope="session")
def phantom_field() -> PhantomField:
    """A simulated field of ALL, with its nuclei and cytoplasm. Look, don't touch."""
    return draw_field("ALL", 1, PhantomSettings(width=320, height=240))


@pytest.fixture(scope="session")
def make_cells() -> Callable[..., CellCrops]:
    """A function that makes cells of their density (n, side, side, 3) and masks, without a cut."""

    def make(density: np.ndarray, nucleus: np.ndarray, cytoplasm: np.ndarray | None = None):
        count = len(nucleus)
        around = np.zeros_like(nucleus) if cytoplasm is None else cytoplasm
        return CellCrops(
            index=np.arange(1, count + 1),
            y=np.arange(count) * 1000.0,
            x=np.zeros(count),
            area=nucleus.sum(axis=(1, 2)).astype(float),
            cytoplasm_area=around.sum(axis=(1, 2)).astype(float),
            images=np.zeros((count, SIDE_PX, SIDE_PX, 3), np.uint8),
            inside=np.ones((count, SIDE_PX, SIDE_PX), bool),
            density=density.astype(np.float32),
            has_background=True,
            nucleus=nucleus,
            cytoplasm=around,
            origin=(np.zeros((1, 1, 3), np.uint8), *np.zeros((2, 1, 1), np.uint8)),
        )

    return make


@pytest.fixture(scope="session")
def disc() -> Callable[..., np.ndarray]:
    """A function that draws a filled circle or ellipse: True inside."""

    def draw(shape, centre, radius, ratio=1.0, angle=0.0) -> np.ndarray:
        y, x = np.indices(shape)
        y, x = y - centre[0], x - centre[1]
        along = x * np.cos(angle) + y * np.sin(angle)
        across = y * np.cos(angle) - x * np.sin(angle)
        return (along / radius) ** 2 + (across / (radius * ratio)) ** 2 <= 1

    return draw
