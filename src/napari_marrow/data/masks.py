"""Masks: which files they are, whose they are, and which of their pixels are meant.

A SN-AM mask pixel is (255, 255, 255). The other pixels are black in some files and a copy of the
photograph in others, so "not black" is wrong: only "every channel is 255" reads both. Other sets
keep nucleus and cytoplasm in one file, as levels of grey or as colours.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.images import decode, image_size, open_image

MaskKind = Literal["nucleus", "cytoplasm", "background", "cell"]
"""``cell`` is nucleus and cytoplasm together."""
MaskCode = Literal["white", "levels", "colours", "cell levels"]
"""How a file says which pixels are meant: see :data:`CODES`."""
CODES: dict[MaskCode, dict[MaskKind, tuple[int, ...]]] = {
    "white": {},  # the file is of one kind, its name tells which
    "levels": {"nucleus": (255,), "cytoplasm": (128,), "background": (0,)},
    "colours": {"nucleus": (0, 255, 255), "cytoplasm": (0, 0, 255), "background": (255,) * 3},
    "cell levels": {"nucleus": (40,), "cytoplasm": (20,)},
}
"""Values of the pixels of each kind, in files that hold several: white-blood-cell sets, ALL-IDB2,
and SegPC's files of one cell."""
LABELS_MARK = b'"napari_marrow": {"missing":'
"""In the description of a TIFF, near its beginning, in files of saved labels."""
_LOSSY = frozenset({".jpg", ".jpeg"})
_LOSSY_WHITE = 240
_NOISE = 48
"""How far from black and white JPEG leaves most pixels of a mask that was black and white."""
_STEP = 16
"""Every such row is looked at to tell what kind of mask a file holds."""
_WORDS: dict[str, MaskKind] = {
    "nucleus": "nucleus",
    "nuclei": "nucleus",
    "nuc": "nucleus",
    "cyto": "cytoplasm",
    "cytoplasm": "cytoplasm",
    "background": "background",
    "bg": "background",
}
_NAME = re.compile(
    rf"^(?P<stem>.+?)[_\- ](?P<kind>{'|'.join(_WORDS)})(?:[_\- ]?mask)?s?$", re.IGNORECASE
)
_LOOKS_LIKE_MASK = re.compile(r"(?:^|[_\- ])masks?(?:$|[_\- .\d])", re.IGNORECASE)


def mask_kind(path: Path) -> tuple[str, MaskKind] | None:
    """Stem of the photograph and kind of mask that a file's name tells, or None for no mask.

    >>> mask_kind(Path("MM_5_also_ref_image_cyto_mask.bmp"))
    ('MM_5_also_ref_image', 'cytoplasm')
    """
    match = _NAME.match(path.stem)
    return (match["stem"], _WORDS[match["kind"].lower()]) if match else None


def looks_like_mask(path: Path) -> bool:
    """Whether a name says "mask" without telling of what: never an image to learn from."""
    return bool(_LOOKS_LIKE_MASK.search(path.stem))


def has_labels_mark(path: Path) -> bool:
    """Whether a TIFF is a Labels layer that was saved by this plugin: its description says so."""
    if path.suffix.lower() not in (".tif", ".tiff"):
        return False
    try:
        with open(path, "rb") as file:
            return LABELS_MARK in file.read(4096)
    except OSError:
        return False  # what can't be read is said elsewhere


def read_mask(
    path: Path | str, shape: tuple[int, int], kind: MaskKind = "nucleus", code: MaskCode = "white"
) -> NDArray[np.bool_]:
    """Read a mask as booleans of ``shape`` (height, width).

    In the code ``white`` a pixel is meant where all three channels are 255 (in a JPEG file, 240 or
    more), or, with one channel, where it is above half of the range; so too where three channels
    are nearly black and nearly white but for the noise that JPEG leaves, whatever the file is now.
    One channel of more than 8 bits, or of small numbers only, holds instance labels: every number
    is meant. In the other codes
    a pixel is meant where it is nearer to the value of ``kind`` than half way to the next.

    Raises
    ------
    MarrowError
        When the mask has another size than its photograph, or can't be read.
    """
    path = Path(path)
    size = image_size(path)
    if size != shape:
        raise MarrowError(
            f"{path} is {size[1]}x{size[0]} and its photograph {shape[1]}x{shape[0]} pixels; "
            "make a mask of the same size, or remove it."
        )
    if code == "white" and path.suffix.lower() == ".bmp":
        return _white(255, open_image(path))
    array = _decoded(path, shape)
    lossy = path.suffix.lower() in _LOSSY
    if code != "white":
        return _near(array, CODES[code].get(kind), _half_way(code))
    if array.ndim == 2:
        return array if array.dtype == bool else array > _half(array, lossy)
    top = np.iinfo(array.dtype).max
    return _white(_LOSSY_WHITE if lossy else top, array)


def _decoded(path: Path, shape: tuple[int, int]) -> NDArray:
    """The pixels as they are stored, without alpha: (height, width) or (height, width, 3)."""
    array = decode(path)
    if array.ndim == 3 and array.shape[-1] == 2:  # grey and alpha
        array = array[..., 0]
    if array.shape[:2] != shape or array.ndim > 3 or array.dtype.kind not in "bui":
        raise MarrowError(
            f"{path} holds {array.dtype} values of the shape {array.shape}, which is no mask; "
            "save it as one picture of 8 bits a channel, or remove it."
        )
    return array[..., :3] if array.ndim == 3 else array


def _white(least: int, array: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where a mask of three channels is white; one without white may be 0/1 stored as colour."""
    if _is_noisy(array):
        return _all_at_least(128, array)
    meant = _all_at_least(least, array)
    grey = array[..., 0]
    if meant.any() or not all(np.array_equal(grey, array[..., k]) for k in (1, 2)):
        return meant
    return grey > _half(grey, lossy=least == _LOSSY_WHITE)


def _is_noisy(array: NDArray[np.integer]) -> bool:
    """Whether a mask of three channels is black and white but for noise, as JPEG leaves it.

    Where a mask copies its photograph, what is not white is seldom black.
    """
    if array.dtype != np.uint8:
        return False
    red, green, blue = (array[::_STEP, ::3, k] for k in range(3))
    least = np.minimum(np.minimum(red, green), blue)
    most = np.maximum(np.maximum(red, green), blue)
    black, white = most <= _NOISE, least >= 255 - _NOISE
    if not black.any() or black.sum() < 0.8 * (~white).sum():
        return False
    return bool(((least > 0) & (most < 255)).any())


def _all_at_least(least: int, array: NDArray[np.uint8]) -> NDArray[np.bool_]:
    red, green, blue = (array[..., k] for k in range(3))
    if least == np.iinfo(array.dtype).max:
        # Two "and"s of three flat planes: a reduction over an axis of three is 5 times slower.
        return (red & green & blue) == least
    return np.minimum(np.minimum(red, green), blue) >= least


def _half(array: NDArray[np.integer], lossy: bool) -> int:
    """Half of the range of a one-channel mask, or 0 where every number is meant.

    0/1 masks and instance labels exist beside 0/255; a lossy file has noise near 0 instead.
    """
    top = int(array.max(initial=0))
    labels = array.dtype.itemsize > 1 or top <= np.iinfo(array.dtype).max // 2
    return 0 if labels and not lossy else np.iinfo(array.dtype).max // 2


def _half_way(code: MaskCode) -> int:
    """Half of the least distance between two values of a code."""
    values = sorted({v for value in CODES[code].values() for v in value} | {0})
    return min(b - a for a, b in pairwise(values)) // 2


def _near(
    array: NDArray[np.integer], value: tuple[int, ...] | None, most: int
) -> NDArray[np.bool_]:
    """Where every channel is within ``most`` of ``value``; nowhere if there is no value."""
    if value is None:
        return np.zeros(array.shape[:2], bool)
    if array.ndim == 3 and len(value) == 1:
        array = array[..., 0]  # grey stored as colour
    planes = [array] if array.ndim == 2 else [array[..., k] for k in range(3)]
    if len(planes) != len(value):
        return np.zeros(array.shape[:2], bool)
    near = [np.abs(p.astype(np.int16) - v) <= most for p, v in zip(planes, value, strict=True)]
    return np.logical_and.reduce(near)
