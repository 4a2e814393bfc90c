"""Codes of masks that hold nucleus and cytoplasm in one file, and which of them a file is in."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.doubtful_masks import MIN_FILLED_SHARE, find_nested

MaskKind = Literal["nucleus", "cytoplasm", "background", "cell"]
"""``cell`` is nucleus and cytoplasm together."""
MaskCode = Literal["white", "levels", "colours", "cell levels"]
"""How a file encodes which pixels are foreground: see :data:`CODES`."""
CODES: dict[MaskCode, dict[MaskKind, tuple[int, ...]]] = {
    "white": {},  # the file is of one kind, its name tells which
    "levels": {"nucleus": (255,), "cytoplasm": (128,), "background": (0,)},
    "colours": {"nucleus": (0, 255, 255), "cytoplasm": (0, 0, 255), "background": (255,) * 3},
    "cell levels": {"nucleus": (40,), "cytoplasm": (20,)},
}
"""Values of the pixels of each kind, in files that hold several: white-blood-cell sets, ALL-IDB2,
and SegPC's files of one cell."""
SHARED_CODES: tuple[MaskCode, ...] = ("levels", "colours")
"""Those of masks of whole fields that hold both."""
JPEG_NOISE_LEVELS = 48
"""How far from black and white JPEG leaves most pixels of a mask that was black and white."""
MIN_KNOWN_SHARE = 0.9
"""Of a mask's pixels, that have the values of its code: the rest are soft edges."""


def kinds_of(code: MaskCode) -> tuple[MaskKind, ...]:
    """Return the kinds that a mask in this code holds, where its name tells none."""
    return ("nucleus", "cytoplasm") if code in SHARED_CODES else ("nucleus",)


def share_in(array: NDArray[np.integer], code: MaskCode) -> float:
    """Return the share of a mask's pixels that have the values of a code; colours as by JPEG."""
    return float(sum(_have(array, value).mean() for value in CODES[code].values()))


def _have(array: NDArray[np.integer], value: tuple[int, ...]) -> NDArray[np.bool_]:
    return near(array, value, JPEG_NOISE_LEVELS if len(value) > 1 else 0)


def code_of(array: NDArray[np.integer]) -> MaskCode:
    """Return the code of a mask that holds nucleus and cytoplasm both; "white" for any other."""
    for code in SHARED_CODES:
        nucleus, cytoplasm = (_have(array, CODES[code][k]).mean() for k in kinds_of(code))
        is_known = share_in(array, code) >= MIN_KNOWN_SHARE
        if is_known and cytoplasm > MIN_FILLED_SHARE * nucleus > 0:
            return code
    return "levels" if nested_values(array) else "white"


def read_kind(
    array: NDArray[np.integer], kind: MaskKind, code: MaskCode
) -> NDArray[np.bool_] | None:
    """Return the foreground of one kind in a mask in this code; None where it is in another.

    A pixel is foreground where it is nearer to the value of ``kind`` than half way to the next.
    Levels other than the published ones are told by which of them is inside the other.
    """
    values: Mapping[MaskKind, tuple[int, ...]] = CODES[code]
    if code in SHARED_CODES and share_in(array, code) < MIN_KNOWN_SHARE:
        values = nested_values(array)
    if not values:
        return None
    levels = sorted({v for value in values.values() for v in value} | {0})
    tolerance = min(b - a for a, b in pairwise(levels)) // 2
    return near(array, values.get(kind, ()), tolerance)


def nested_values(array: NDArray[np.integer]) -> dict[MaskKind, tuple[int, ...]]:
    """Return the values of a mask in two levels or colours on 0, one of them inside the other."""
    foreground = array > 0 if array.ndim == 2 else array.max(axis=2) > 0
    levels, inner, outer = find_nested(array, foreground)
    if len(levels) != 2 or foreground.all():
        return {}
    background = (0,) * len(inner)
    return {"nucleus": inner, "cytoplasm": outer, "background": background}


def near(array: NDArray[np.integer], value: tuple[int, ...], tolerance: int) -> NDArray[np.bool_]:
    """Return where every channel is within ``tolerance`` of ``value``; nowhere without a value."""
    planes = [array] if array.ndim == 2 else [array[..., k] for k in range(3)]
    value = value * len(planes) if len(value) == 1 else value  # grey stored as colour
    if len(planes) != len(value):
        return np.zeros(array.shape[:2], bool)
    close = [np.abs(np.int32(p) - v) <= tolerance for p, v in zip(planes, value, strict=True)]
    return np.logical_and.reduce(close)
