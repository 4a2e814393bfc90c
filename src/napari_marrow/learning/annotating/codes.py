"""Codes of the classes of cells, and the types that they come in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

UNKNOWN = -1
"""Code of a cell without a class."""

Values = NDArray[np.float64]
Codes = NDArray[np.intp]
