"""The pixels of a field whose cells are exported."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class FieldPixels:
    """The pixels of a field whose cells are exported.

    Attributes
    ----------
    image
        (height, width, 3) RGB.
    nuclei
        (height, width), the number of each cell in its nucleus.
    cytoplasm
        The same numbers in the cytoplasm; None where none is known.
    pixel_size_um
        Height and width of a pixel in micrometres; None where not known.
    """

    image: NDArray[np.uint8]
    nuclei: NDArray[np.integer]
    cytoplasm: NDArray[np.integer] | None = None
    pixel_size_um: tuple[float, float] | None = None

    @property
    def cells(self) -> NDArray[np.integer]:
        """(height, width), the number of each cell in its nucleus and its cytoplasm."""
        if self.cytoplasm is None:
            return self.nuclei
        own = np.isin(self.cytoplasm, self.nuclei)  # what has no nucleus is no cell
        return np.where(self.nuclei > 0, self.nuclei, np.where(own, self.cytoplasm, 0))
