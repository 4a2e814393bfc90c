"""The cells of one field: where each is, and which the strokes of a person have changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_marrow.imaging.run_length import RunLengthLabels

Box = tuple[slice, slice]
MAX_AT_HAND = 4
"""Fields whose cells are not encoded: those that were used last."""


@dataclass(frozen=True, eq=False)
class FieldCells:
    """The cells of one field.

    Attributes
    ----------
    labels
        (height, width), whole numbers; 0 is no cell.
    """

    labels: NDArray[np.integer]

    @cached_property
    def _boxes(self) -> list[Box | None]:
        return ndimage.find_objects(self.labels)

    @property
    def numbers(self) -> list[int]:
        """The numbers of the cells, in order."""
        return [k for k, box in enumerate(self._boxes, 1) if box is not None]

    def number_at(self, y: int, x: int) -> int:
        """Return the cell at a pixel; 0 where there is none, also outside."""
        height, width = self.labels.shape
        return int(self.labels[y, x]) if 0 <= y < height and 0 <= x < width else 0

    def pixels(self, number: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return rows and columns of all pixels of a cell; empty where there is none."""
        box = self._boxes[number - 1] if 0 < number <= len(self._boxes) else None
        if box is None:
            return np.empty(0, np.intp), np.empty(0, np.intp)
        y, x = np.nonzero(self.labels[box] == number)
        return y + box[0].start, x + box[1].start

    def place(self, number: int) -> tuple[int, int]:
        """Return the pixel of a cell that is nearest to its centre of mass."""
        y, x = self.pixels(number)
        nearest = int(np.argmin((y - y.mean()) ** 2 + (x - x.mean()) ** 2))
        return int(y[nearest]), int(x[nearest])

    @property
    def places(self) -> NDArray[np.intp]:
        """(cells, 2) the pixel of each cell that is nearest to its centre of mass, by number."""
        return np.array([self.place(k) for k in self.numbers], np.intp).reshape(-1, 2)

    def painted_since(
        self, painted: NDArray[np.integer], codes: Mapping[int, int]
    ) -> dict[int, int]:
        """Return the cells that somebody has painted on, and what most of the new paint is.

        Parameters
        ----------
        painted
            (height, width), the code of a class at each pixel, or 0.
        codes
            What all pixels of each cell were painted with before; those without are 0.

        Returns
        -------
        dict
            By the number of the cell the new code, perhaps 0, which erases.

        >>> cells = FieldCells(np.array([[1, 1, 2, 0]]))
        >>> cells.painted_since(np.array([[0, 1, 2, 2]]), {1: 1})
        {1: 0, 2: 2}
        """
        table = np.zeros(int(self.labels.max(initial=0)) + 1, np.int64)
        for number, code in codes.items():
            table[number] = code
        changed = (painted != table[self.labels]) & (self.labels > 0)
        n_codes = int(painted.max(initial=0)) + 1
        pairs = self.labels[changed].astype(np.int64) * n_codes + painted[changed]
        found, counts = np.unique(pairs, return_counts=True)
        pairs_by_count = found[np.argsort(counts, kind="stable")]  # the most frequent comes last
        newest = {int(pair // n_codes): int(pair % n_codes) for pair in pairs_by_count}
        return dict(sorted(newest.items()))


@dataclass(frozen=True, eq=False)
class EncodedCells:
    """The cells of one field in little memory.

    Attributes
    ----------
    labels
        (height, width).
    """

    labels: RunLengthLabels

    @classmethod
    def of(cls, labels: NDArray[np.integer]) -> EncodedCells:
        """Encode labels, (height, width)."""
        return cls(RunLengthLabels.encode(labels))

    @property
    def cells(self) -> FieldCells:
        """The cells; those of the last few fields that were asked for are at hand."""
        return _decoded(self)


@lru_cache(MAX_AT_HAND)
def _decoded(encoded: EncodedCells) -> FieldCells:
    return FieldCells(encoded.labels.decode())
