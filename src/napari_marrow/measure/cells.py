"""Crops of the cells of a field, all of one size: what the families of features measure.

Every nucleus is scaled to the same width, so that texture and outline mean the same at any
magnification; only areas keep the pixels of the photograph.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_marrow.imaging.crops import cut_cells, cut_masks
from napari_marrow.imaging.distance import depth_of
from napari_marrow.imaging.white_point import WHITE_LEVEL, is_cut_out, white_point

SIDE_PX = 96
"""Side of a crop."""
SIDE_DIAMETERS = 2.5
"""Side of a crop in diameters of the nucleus, which is thus 38 pixels wide."""


@dataclass(frozen=True)
class CellCrops:
    """The cells of one photograph, in the order of their numbers.

    Attributes
    ----------
    index, y, x, area
        (n,) number, centroid and area of each nucleus, in pixels of the photograph.
    cytoplasm_area
        (n,) pixels of the photograph; 0 where no cytoplasm is known.
    images
        (n, SIDE_PX, SIDE_PX, 3) uint8, the photograph around each nucleus.
    inside
        (n, SIDE_PX, SIDE_PX) bool, True in the photograph and False beyond its edge.
    density
        (n, SIDE_PX, SIDE_PX, 3) float32, optical density against the photograph's white point.
    has_background
        Whether the photograph has one; cells that were cut out on black do not.
    nucleus, cytoplasm
        (n, SIDE_PX, SIDE_PX) bool, the cell's own.
    origin
        What they were cut from: photograph, labels of the nuclei, and of the cytoplasm.
    """

    index: NDArray[np.integer]
    y: NDArray[np.float64]
    x: NDArray[np.float64]
    area: NDArray[np.float64]
    cytoplasm_area: NDArray[np.float64]
    images: NDArray[np.uint8]
    inside: NDArray[np.bool_]
    density: NDArray[np.float32]
    has_background: bool
    nucleus: NDArray[np.bool_]
    cytoplasm: NDArray[np.bool_]
    origin: tuple[NDArray[np.uint8], NDArray[np.integer], NDArray[np.integer]]

    def __len__(self) -> int:
        return len(self.index)

    @classmethod
    def from_image(
        cls,
        image: NDArray[np.uint8],
        nuclei: NDArray[np.integer],
        cytoplasm: NDArray[np.integer],
    ) -> Self:
        """Crop every cell of a photograph.

        Parameters
        ----------
        image
            RGB photograph, (height, width, 3), uint8.
        nuclei
            Instance labels, (height, width).
        cytoplasm
            The same numbers in the cells' cytoplasm, (height, width); 0 elsewhere.
        """
        images, table = cut_cells(image, nuclei, SIDE_PX, SIDE_DIAMETERS, WHITE_LEVEL)
        around = np.where(nuclei > 0, 0, cytoplasm)
        inside = _inside(table, nuclei.shape)
        nucleus, plasm = cut_masks((nuclei, around), table, SIDE_PX) & inside
        levels = np.log10(np.arange(256, dtype=np.float32).clip(1))
        return cls(
            index=table["index"],
            y=table["y"],
            x=table["x"],
            area=table["area"],
            cytoplasm_area=np.asarray(ndimage.sum_labels(around > 0, around, table["index"])),
            images=images,
            inside=inside,
            density=np.log10(white_point(image)) - levels[images],
            has_background=not is_cut_out(image),
            nucleus=nucleus,
            cytoplasm=plasm,
            origin=(image, nuclei, cytoplasm),
        )

    @property
    def diameter(self) -> NDArray[np.float64]:
        """(n,) of a circle of the nucleus's area, in pixels of the photograph."""
        return np.sqrt(4 / np.pi * self.area)

    @cached_property
    def depth(self) -> NDArray[np.float32]:
        """(n, SIDE_PX, SIDE_PX) distance of each nucleus's pixels to its outline, in crop pixels.

        Computed once, as both morphology and texture need it.
        """
        found = np.zeros(self.nucleus.shape, np.float32)
        for mask, depth in zip(self.nucleus, found, strict=True):
            for window in ndimage.find_objects(mask.view(np.uint8)):  # none where all is False
                depth[window] = depth_of(mask[window])
        return found


def _inside(table: dict[str, NDArray], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Tell which pixels of the crops were resampled from pixels of the photograph alone."""
    scale = table["side"][:, None] / SIDE_PX  # of a crop's pixel, in pixels of the photograph
    margin = np.maximum(scale, 1)  # of averaging, or of bilinear interpolation
    inside = []
    for start, length in zip((table["top"], table["left"]), shape, strict=True):
        centres = start[:, None] + scale * (np.arange(SIDE_PX) + 0.5)
        inside.append((centres >= margin) & (centres <= length - margin))
    return inside[0][:, :, None] & inside[1][:, None, :]
