"""The cells of a field, all cut to one size: what the families of features measure.

Every nucleus is brought to the same width, so that texture and outline mean the same at any
magnification; only areas keep the pixels of the photograph.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_marrow.imaging.crops import cut_cells, cut_masks
from napari_marrow.imaging.distance import depth_of
from napari_marrow.imaging.white_point import WHITE_LEVEL, is_cut_out, white_point

SIDE = 96
"""Pixels of a crop's side."""
DIAMETERS = 2.5
"""Its side in diameters of the nucleus, which is thus 38 pixels wide."""


@dataclass(frozen=True)
class Cells:
    """Cells of one photograph, in the order of their numbers.

    Attributes
    ----------
    index, y, x, area
        (n,) number, centre and area of each nucleus, in pixels of the photograph.
    cytoplasm_area
        (n,) pixels of the photograph; 0 where no cytoplasm is known.
    pictures
        (n, SIDE, SIDE, 3) uint8, the photograph about each nucleus as it is.
    inside
        (n, SIDE, SIDE) bool, what of them lies in the photograph and not beyond its edge.
    density
        (n, SIDE, SIDE, 3) float32, optical density against the photograph's own background, or
        against white where it has none.
    has_background
        Whether it has one; cells that were cut out on black do not.
    nucleus, cytoplasm
        (n, SIDE, SIDE) bool, the cell's own.
    """

    index: NDArray[np.integer]
    y: NDArray[np.float64]
    x: NDArray[np.float64]
    area: NDArray[np.float64]
    cytoplasm_area: NDArray[np.float64]
    pictures: NDArray[np.uint8]
    inside: NDArray[np.bool_]
    density: NDArray[np.float32]
    has_background: bool
    nucleus: NDArray[np.bool_]
    cytoplasm: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.index)

    @property
    def diameter(self) -> NDArray[np.float64]:
        """(n,) of a circle of the nucleus's area, in pixels of the photograph."""
        return np.sqrt(4 / np.pi * self.area)

    @cached_property
    def depth(self) -> NDArray[np.float32]:
        """(n, SIDE, SIDE) distance of each nucleus's pixels to its outline, in pixels of the crop.

        Measured once, as both outline and texture need it.
        """
        found = np.zeros(self.nucleus.shape, np.float32)
        for mask, depth in zip(self.nucleus, found, strict=True):
            for window in ndimage.find_objects(mask.astype(np.uint8)):  # none where all is False
                depth[window] = depth_of(mask[window])
        return found


def cut(
    image: NDArray[np.uint8], nuclei: NDArray[np.integer], cytoplasm: NDArray[np.integer]
) -> Cells:
    """Cut every cell of a photograph.

    Parameters
    ----------
    image
        RGB photograph, (height, width, 3), uint8.
    nuclei
        Instance labels, (height, width).
    cytoplasm
        The same numbers in the cells' cytoplasm, (height, width); 0 elsewhere.
    """
    pictures, table = cut_cells(image, nuclei, SIDE, DIAMETERS, WHITE_LEVEL)
    around = np.where(nuclei > 0, 0, cytoplasm)
    names, counts = np.unique(around[around > 0], return_counts=True)
    areas = np.zeros(len(table["index"]))
    known = np.isin(table["index"], names)
    areas[known] = counts[np.searchsorted(names, table["index"][known])]
    inside = _inside(table, nuclei.shape)
    nucleus, plasm = cut_masks((nuclei, around), table, SIDE) & inside
    levels = np.log10(np.arange(256, dtype=np.float32).clip(1))
    light = np.log10(white_point(image))
    return Cells(
        index=table["index"],
        y=table["y"],
        x=table["x"],
        area=table["area"],
        cytoplasm_area=areas,
        pictures=pictures,
        inside=inside,
        density=light - levels[pictures],
        has_background=not is_cut_out(image),
        nucleus=nucleus,
        cytoplasm=plasm,
    )


def _inside(table: dict[str, NDArray], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which pixels of the crops lie in the photograph with all that was mixed into them."""
    side = table["side"][:, None] / SIDE  # of a crop's pixel, in pixels of the photograph
    reach = np.maximum(side, 1)  # of the means of shrinking, of the lines of enlarging
    within = []
    for start, length in zip((table["top"], table["left"]), shape, strict=True):
        middles = start[:, None] + side * (np.arange(SIDE) + 0.5)
        within.append((middles >= reach) & (middles <= length - reach))
    return within[0][:, :, None] & within[1][:, None, :]
