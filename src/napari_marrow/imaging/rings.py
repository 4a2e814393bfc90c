"""Rings around the cells of a field, in whose pixels the classes of the cells are shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PX_PER_WIDTH = 480
"""Height of a photograph, in pixels, for each pixel of the width of a ring."""
MIN_WIDTH_PX, MAX_WIDTH_PX = 2, 5
DASH_WIDTHS = 4
"""Length of the dashes of a ring, in its widths."""


def ring_width(height: int) -> int:
    """Return the width of rings over a photograph of this height, in pixels."""
    return int(np.clip(height // PX_PER_WIDTH, MIN_WIDTH_PX, MAX_WIDTH_PX))


@dataclass(frozen=True, eq=False)
class Rings:
    """The pixels of the rings of a field's cells.

    Attributes
    ----------
    shape
        (height, width) of the field.
    pixels
        (n,) of which each is in a ring: its number, row after row.
    parts
        (n,) of what it is: twice the position of its cell among the field's cells, by number, and
        one more where it is between two dashes.
    """

    shape: tuple[int, int]
    pixels: NDArray[np.int32]
    parts: NDArray[np.int32]

    @classmethod
    def of(cls, labels: NDArray[np.integer], width: int) -> Rings:
        """Return the rings inside the outlines of cells.

        Parameters
        ----------
        labels
            (height, width) numbers of the cells; 0 is no cell.
        width
            Of a ring, in pixels.
        """
        framed = np.pad(labels, width)
        middle = (slice(width, -width),) * 2
        on_rim = np.zeros(labels.shape, bool)
        for down, right in ((0, width), (2 * width, width), (width, 0), (width, 2 * width)):
            shifted = framed[down : down + labels.shape[0], right : right + labels.shape[1]]
            on_rim |= shifted != framed[middle]
        y, x = np.nonzero(on_rim & (labels > 0))
        numbers = np.unique(labels)
        cells = np.searchsorted(numbers[numbers > 0], labels[y, x])
        length = DASH_WIDTHS * width
        in_gap = (y // length + x // length) % 2 == 1
        pixels = np.ravel_multi_index((y, x), labels.shape)
        return cls(
            (labels.shape[0], labels.shape[1]),
            pixels.astype(np.int32),
            (2 * cells + in_gap).astype(np.int32),
        )

    def draw(
        self, frame: NDArray[np.uint8], codes: NDArray[np.uint8], gaps: NDArray[np.uint8]
    ) -> None:
        """Draw the rings into the upper left corner of a frame.

        Parameters
        ----------
        frame
            At least as large as the field.
        codes, gaps
            (cells,) the value of each cell's dashes, and of what is between them.
        """
        values = np.stack([codes, gaps], axis=1).ravel()[self.parts]
        if frame.shape == self.shape:
            frame.ravel()[self.pixels] = values  # a view: frames are contiguous
            return
        y, x = np.unravel_index(self.pixels, self.shape)
        frame[y, x] = values
