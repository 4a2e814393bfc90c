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
from napari_marrow.data.images import decode, image_size, is_bits_from_white, open_image

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
_FLAT = 0.6
"""Share of pixels that equal their neighbours: measured were 0.8 and more in labels, 0.03 at most
in masks that went through JPEG, and 0.55 in photographs, in smooth grey ones."""
_EVEN = 0.4
"""The same beside a black that JPEG made 1 or 2: at most 0.26 was measured there, in labels of 3
pixels' radius 0.65."""
_STEP = 16
"""Every such row is looked at to tell what kind of mask a file holds."""
_SEEN = 0.001
"""Share of what is looked at that must not be nearly black: white is surely among it then."""
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


def holds_levels(path: Path) -> bool:
    """Whether a picture is made of the levels of nucleus, cytoplasm and background, and is small.

    Only what takes less than a bit a pixel is decoded: photographs never do.
    """
    try:
        height, width = image_size(path)
        if path.stat().st_size > 1000 + height * width / 8:
            return False
        array = _decoded(path, (height, width))
    except (MarrowError, OSError):
        return False  # what can't be read is said elsewhere
    levels = {value[0] for value in CODES["levels"].values()}
    found = set(np.unique(array).tolist())
    same = np.array_equal(_channels(array, np.minimum), _channels(array, np.maximum))
    return same and len(found) > 1 and found <= levels and max(found) == max(levels)


def read_mask(
    path: Path | str, shape: tuple[int, int], kind: MaskKind = "nucleus", code: MaskCode = "white"
) -> NDArray[np.bool_]:
    """Read a mask as booleans of ``shape`` (height, width), from one channel or three.

    In the code ``white`` the pixels themselves tell which are meant:

    - Flat numbers or flat colours on a background of exactly 0 are instance labels: every pixel
      that is not 0 is meant. Where there are colours and also white, only white is.
    - Where there is white and at least four fifths of the rest are nearly black, the mask is black
      and white, perhaps with the noise of JPEG: meant is the upper half of the range. JPEG can
      leave 1 or 2 as the black; then 0 is part of the noise, while beside labels it is flat.
    - All else is a copy of the photograph: meant is white alone, which is 255 in every channel,
      240 or more in a JPEG file, and 65280 or more where there are 16 bits.

    Numbers are flat where most equal their neighbours to the right and below; a photograph and
    JPEG have noise. Of one bit a pixel, 1 is meant as tifffile reads it, also where the file says
    that 0 is white, as tifffile writes booleans. In the other codes a pixel is meant where it is
    nearer to the value of ``kind`` than half way to the next.

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
        array: NDArray = open_image(path)  # a view of the file is faster than decoding
    else:
        array = _decoded(path, shape)
    if code != "white":
        return _near(array, CODES[code].get(kind), _half_way(code))
    if array.dtype == bool:
        return ~array if is_bits_from_white(path) else array
    return _meant(array, lossy=path.suffix.lower() in _LOSSY)


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


def _meant(array: NDArray[np.integer], lossy: bool) -> NDArray[np.bool_]:
    """Which pixels of a mask of whole numbers are meant, (height, width), by the code ``white``."""
    array = _narrowed(array)
    if array.dtype.itemsize > 2:  # no camera has so many levels
        return _channels(array, np.bitwise_or) > 0
    half, white = (0x80, 0xFF) if array.dtype == np.uint8 else (0x8000, 0xFF00)
    if lossy:
        white = _LOSSY_WHITE
    encoding = _encoding(array, lossy)
    # All these bounds are ones followed by zeros in binary, so the "and" of the channels reaches
    # them where every channel does. A reduction over an axis of three is 5 times slower.
    lowest = _channels(array, np.bitwise_and)
    meant = lowest >= (half if encoding == "binary" else white)
    if encoding == "labels" or (encoding == "colours" and not meant.any()):
        return _without_halo(_channels(array, np.bitwise_or))
    return meant


def _without_halo(numbers: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Where flat numbers are not 0; small ones that are not flat are the noise around large ones.

    So a mask of 0 and 254 is read that went through JPEG, or was resized with soft edges.
    """
    meant = numbers > 0
    half = int(numbers.max(initial=0)) // 2
    small = meant & (numbers <= half)
    here = small[:-1, :-1]
    corner = numbers[:-1, :-1]
    even = (corner == numbers[:-1, 1:]) & (corner == numbers[1:, :-1])
    if here.any() and even[here].mean() <= _FLAT / 2:
        meant &= ~small
    return meant


def _narrowed(array: NDArray[np.integer]) -> NDArray[np.integer]:
    """The same numbers in the narrowest type that holds them; those below 0 become 0."""
    if array.dtype == np.uint8:
        return array
    array = np.maximum(array, 0)
    return array.astype(np.min_scalar_type(int(array.max(initial=0))), copy=False)


def _channels(array: NDArray, operation: np.ufunc) -> NDArray:
    """Channels joined two by two; an array of one channel as it is."""
    if array.ndim == 2:
        return array
    red, green, blue = (array[..., k] for k in range(3))
    return operation(operation(red, green), blue)


def _encoding(array: NDArray[np.integer], lossy: bool) -> str:
    """How a mask of 8 or 16 bits says what is meant, by some of its pixels.

    Returns
    -------
    str
        "binary", "copy", "labels" (grey), or "colours": labels, unless there is white besides.
    """
    bits = 8 * array.dtype.itemsize
    step, below, above = _looked_at(array)
    dark, bright = above >> (bits - 8) <= _NOISE, below >> (bits - 8) >= 255 - _NOISE
    nothing = above == 0
    if (nothing | (below == np.iinfo(array.dtype).max)).all():
        return "binary"
    background = nothing.any() or above.min() == above.max()
    labels = not lossy and background and (above.max() == 1 or _is_flat(array, step))
    noise = bool(labels) and _is_noise(array, int(np.bincount(above[dark], minlength=1).argmax()))
    if labels and not noise:
        return "labels" if np.array_equal(below, above) else "colours"
    few_between = dark.sum() >= 0.8 * (~bright).sum()
    return "binary" if dark.any() and (noise or bright.any()) and few_between else "copy"


def _looked_at(array: NDArray) -> tuple[int, NDArray, NDArray]:
    """Which rows are looked at (every so many), and the least and most of their channels.

    Where they are all but black, the few white pixels may lie between: then all pixels are.
    """
    for step, across in ((_STEP, 3), (1, 1)):
        planes = array[::step, ::across]
        below, above = _channels(planes, np.minimum), _channels(planes, np.maximum)
        if (above > _NOISE).mean() > _SEEN:
            break
    return step, below, above


def _is_flat(array: NDArray, step: int) -> bool:
    """Whether most pixels that are neither black nor white equal those to the right and below."""
    here = array[:-1:step, :-1:3]
    even = (here == array[:-1:step, 1::3]) & (here == array[1::step, :-1:3])
    between = _channels(here > 0, np.logical_or)
    between &= _channels(here < np.iinfo(array.dtype).max, np.logical_or)
    even = _channels(even, np.logical_and)
    return bool(between.any() and even[between].mean() > _FLAT)


def _is_noise(array: NDArray, ground: int) -> bool:
    """Whether ``ground`` is a black that JPEG made 1 or 2: what else is not white is not flat.

    What rings around white is cut off at exactly 0 there. In labels 0 is as flat as the rest. All
    pixels are looked at: in a small picture few rows hold white.
    """
    white = (255 - _NOISE) << 8 * (array.dtype.itemsize - 1)
    if not ground or array.max() < white:
        return False
    here = array[:-1, :-1]
    rest = _channels((here != ground) & (here < white), np.logical_or)
    even = _channels((here == array[:-1, 1:]) & (here == array[1:, :-1]), np.logical_and)
    return bool(rest.any() and even[rest].mean() <= _EVEN)


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
