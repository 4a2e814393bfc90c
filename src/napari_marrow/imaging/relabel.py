"""Labels of any whole numbers, worked on by small ones: what is counted is a list up to the top."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MAX_SMALL_LABEL = 65535
"""Largest label up to which a table with a row for every number is used."""


def small_numbers(labels: NDArray[np.integer]) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Labels by small numbers, in the same order, and what each of these stands for.

    Labels without numbers above 65535 are given back as they are.

    >>> labels, numbers = small_numbers(np.array([[0, 2000000000], [7, 7]]))
    >>> labels.tolist(), numbers.tolist()
    ([[0, 2], [1, 1]], [0, 7, 2000000000])
    """
    top = int(labels.max(initial=0))
    if top <= MAX_SMALL_LABEL:
        return labels, np.arange(top + 1)
    numbers = np.union1d(labels, np.zeros(1, labels.dtype))
    return np.searchsorted(numbers, labels).astype(np.int32), numbers


def in_few_bits(numbers: NDArray[np.integer]) -> NDArray[np.unsignedinteger]:
    """The same numbers as uint16 where they fit, else as a wider type."""
    kind = np.min_scalar_type(int(numbers.max(initial=0)))
    return numbers.astype(np.promote_types(np.uint16, kind))
