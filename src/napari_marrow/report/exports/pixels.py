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
        """(height, width), the number of each cell in its nucleus and its cytoplasm.

        Cytoplasm without a nucleus has numbers of its own, or those that it has there.
        """
        if self.cytoplasm is None:
            return self.nuclei
        return np.where(self.nuclei > 0, self.nuclei, self.cytoplasm)
