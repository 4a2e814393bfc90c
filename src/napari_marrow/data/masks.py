"""Masks: which files they are, whose they are, and which of their pixels are foreground.

A SN-AM mask pixel is (255, 255, 255). The other pixels are black in some files and a copy of the
photograph in others, so "not black" is wrong: only "every channel is 255" reads both. Other sets
keep nucleus and cytoplasm in one file, as levels of grey or as colours.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.doubtful_masks import (
    decide_by_photograph,
    marks_most,
    marks_nothing,
    nested_levels,
    one_number,
)
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.images import JPEG_SUFFIXES, decode, image_size, open_image
from napari_marrow.data.mask_codes import (
    JPEG_NOISE_LEVELS,
    SHARED_CODES,
    MaskCode,
    MaskKind,
    code_of,
    nested_values,
    read_kind,
    share_in,
)

LABELS_MARK = b'"napari_marrow": {"missing":'
"""In the description of a TIFF, near its beginning, in files of saved labels."""
_LOSSY_WHITE_LEVEL = 240
_MIN_LABEL_FLATNESS = 0.6
"""Share of pixels that equal their neighbours: measured were 0.8 and more in labels, 0.03 at most
in masks that went through JPEG, and 0.55 in photographs, in smooth grey ones."""
_MIN_BLACK_SHARE = 0.8
"""Of what is not white, in a mask that is black and white."""
_MIN_LEVEL_SHARE = 0.995
"""Of a picture in levels, that is a mask by its pixels alone."""
_MIN_SAMPLE_PX = 512
"""Rows and columns of a mask that are looked at to tell its code."""
_MIN_LABEL_AREA_PX = 16
_MAX_FILES_READ = 8
"""Of a folder of masks, spread over it, to tell their code."""
_SAMPLED_ROW_STEP = 16
"""Every such row is sampled to tell what kind of mask a file holds."""
_MIN_VISIBLE_SHARE = 0.001
"""Of the sample that is not nearly black; white is surely among it then."""
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
    """Return the photograph's stem and the kind of mask by a file's name, or None for no mask.

    >>> mask_kind(Path("MM_5_also_ref_image_cyto_mask.bmp"))
    ('MM_5_also_ref_image', 'cytoplasm')
    """
    match = _NAME.match(path.stem)
    return (match["stem"], _WORDS[match["kind"].lower()]) if match else None


def looks_like_mask(path: Path) -> bool:
    """Whether a name says "mask" without its kind: never an image to learn from."""
    return bool(_LOOKS_LIKE_MASK.search(path.stem))


def has_labels_mark(path: Path) -> bool:
    """Whether a TIFF is a Labels layer that was saved by this plugin: its description says so."""
    if path.suffix.lower() not in (".tif", ".tiff"):
        return False
    try:
        with open(path, "rb") as file:
            return LABELS_MARK in file.read(4096)
    except OSError:
        return False  # reported elsewhere


def holds_mask(path: Path, min_share: float = _MIN_LEVEL_SHARE) -> bool | None:
    """Whether the pixels of a picture are those of a mask; None where it shows nothing.

    They are levels or colours of nucleus and cytoplasm, at least ``min_share`` of them, as editing
    leaves stray values; or black and white, or labels, all without soft edges. Only what takes less
    than a bit a pixel is decoded: photographs never do.
    """
    try:
        height, width = image_size(path)
        if path.stat().st_size > 1000 + height * width / 8:
            return False
        array = _sample(path)
    except (MarrowError, OSError):
        return None  # reported elsewhere
    if (array == array[0, 0]).all():
        return None
    if any(share_in(array, code) >= min_share for code in SHARED_CODES):
        return True
    numbers = one_number(array)
    counts = np.bincount(numbers.ravel()) if array.ndim == 2 else np.unique_counts(numbers).counts
    if counts[counts < _MIN_LABEL_AREA_PX].sum() > (1 - _MIN_LEVEL_SHARE) * numbers.size:
        return False  # a photograph, or soft edges, which may be of levels
    if nested_levels(array, _channels(array, np.bitwise_or) > 0):
        return bool(nested_values(array))
    return _encoding(array, lossy=False) in ("labels", "colours")


def shared_code(paths: Sequence[Path]) -> MaskCode:
    """Return the code of a folder's masks where half of them hold nucleus and cytoplasm, or white.

    A few files are read.
    """
    sample = paths[:: -(-len(paths) // _MAX_FILES_READ) or 1]
    codes = Counter(map(_code_of_file, sample))
    best = max(SHARED_CODES, key=lambda code: codes[code])
    return best if 0 < len(sample) <= 2 * codes[best] else "white"


def _code_of_file(path: Path) -> MaskCode:
    try:
        return code_of(_sample(path))
    except MarrowError:
        return "white"  # reported elsewhere


def _sample(path: Path) -> NDArray[np.integer]:
    """Return every pixel of a small mask, and of a large one some rows and columns."""
    size = image_size(path)
    step = max(1, min(size) // _MIN_SAMPLE_PX)
    return _whole_numbers(_decode(path, size)[0][::step, ::step])


def read_mask(
    path: Path | str,
    shape: tuple[int, int],
    kind: MaskKind = "nucleus",
    code: MaskCode = "white",
    photograph: Callable[[], NDArray[np.uint8]] | None = None,
) -> NDArray[np.bool_]:
    """Read a mask as booleans of ``shape`` (height, width), from one channel, three, or alpha.

    In the code ``white`` the pixels themselves tell what is foreground:

    - Flat numbers or flat colours on a background of exactly 0 are instance labels: every pixel
      that is not 0 is foreground. Where there are colours and also white, only white is.
    - Where there is white and at least four fifths of the rest are nearly black, the mask is black
      and white, perhaps with soft edges or the noise of JPEG: the upper half of the range is
      foreground.
    - All else is a copy of the photograph: foreground is white alone, which is 255 in every
      channel, 240 or more in a JPEG file, and 65280 or more where there are 16 bits.

    The alpha channel is used where it varies, and the colours are constant or a copy of the
    photograph. Where this marks nothing, or most of the picture or its border, ``photograph`` is
    called, if given: the foreground is what is darker in it, see :mod:`.doubtful_masks`.

    Numbers are flat where most equal their neighbours to the right and below; a photograph and
    JPEG have noise. A file in another code holds several kinds, see :func:`.mask_codes.read_kind`;
    where its pixels are not in that code, it is read in the code ``white``, as of nuclei alone.

    Raises
    ------
    MarrowError
        When the mask has another size than its photograph, can't be read, or may be read in
        several ways.
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
        alpha = None
    else:
        array, alpha = _decode(path, shape)
    if code != "white":
        found = read_kind(_whole_numbers(array), kind, code)
        if found is not None or kind != "nucleus":
            return np.zeros(shape, bool) if found is None else found
    lossy = path.suffix.lower() in JPEG_SUFFIXES
    if alpha is not None and alpha.min() < alpha.max():
        array = alpha if _tells_nothing(array) else array
    array = _whole_numbers(array)
    foreground = _foreground(array, lossy)
    if photograph is None or not array.any():
        return foreground
    if marks_nothing(array, foreground) or (kind != "background" and marks_most(foreground)):
        return decide_by_photograph(path, array, foreground, kind, photograph())
    return foreground


def _tells_nothing(colours: NDArray[np.integer]) -> bool:
    """Whether colours beside an alpha channel are constant, or a copy of the photograph."""
    is_constant = bool((colours == colours[0, 0]).all())
    return is_constant or _encoding(colours, lossy=False) == "copy"


def _whole_numbers(array: NDArray) -> NDArray[np.integer]:
    """Return numbers in the narrowest type: it tells how many bits are used; true is 255."""
    if array.dtype == bool:
        return array * np.uint8(255)
    if array.dtype == np.uint8:
        return array
    array = np.maximum(array, 0)
    return array.astype(np.min_scalar_type(int(array.max(initial=0))), copy=False)


def _decode(path: Path, shape: tuple[int, int]) -> tuple[NDArray, NDArray | None]:
    """Return the pixels as stored, (height, width) or (height, width, 3), and alpha if it is."""
    array, alpha = decode(path), None
    if array.ndim == 3 and array.shape[-1] in (2, 4):
        array, alpha = array[..., :-1], array[..., -1]
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.shape[:2] != shape or array.ndim > 3 or array.dtype.kind not in "bui":
        raise MarrowError(
            f"{path} holds {array.dtype} values of the shape {array.shape}, which is no mask; "
            "save it as one picture of 8 bits a channel, or remove it."
        )
    return array[..., :3] if array.ndim == 3 else array, alpha


def _foreground(array: NDArray[np.integer], lossy: bool) -> NDArray[np.bool_]:
    """Return the foreground of a mask of whole numbers, (height, width), in the code ``white``."""
    if array.dtype.itemsize > 2:  # no camera has so many levels
        return _channels(array, np.bitwise_or) > 0
    half, white = (0x80, 0xFF) if array.dtype == np.uint8 else (0x8000, 0xFF00)
    if lossy:
        white = _LOSSY_WHITE_LEVEL
    encoding = _encoding(array, lossy)
    # All these bounds are ones followed by zeros in binary, so the "and" of the channels reaches
    # them where every channel does. A reduction over an axis of three is 5 times slower.
    foreground = _channels(array, np.bitwise_and) >= (half if encoding == "binary" else white)
    if encoding == "labels" or (encoding == "colours" and not foreground.any()):
        return _channels(array, np.bitwise_or) > 0
    return foreground


def _channels(array: NDArray, operation: np.ufunc) -> NDArray:
    """Join the channels two by two; an array of one channel stays as it is."""
    if array.ndim == 2:
        return array
    red, green, blue = (array[..., k] for k in range(3))
    return operation(operation(red, green), blue)


def _encoding(
    array: NDArray[np.integer], lossy: bool
) -> Literal["binary", "labels", "colours", "copy"]:
    """Return how a mask of 8 or 16 bits encodes its foreground, by a sample of its pixels.

    "colours" are labels, unless there is white besides.
    """
    shift = 8 * array.dtype.itemsize - 8
    for step in (_SAMPLED_ROW_STEP, 1):
        here = array[:-1:step, :-1]
        low, high = _channels(here, np.minimum), _channels(here, np.maximum)
        if (high >> shift > JPEG_NOISE_LEVELS).mean() > _MIN_VISIBLE_SHARE:
            break  # else the white may be in other rows
    dark, bright = high >> shift <= JPEG_NOISE_LEVELS, low >> shift >= 255 - JPEG_NOISE_LEVELS
    background = np.bincount(high.ravel()).argmax()  # 0, or what JPEG made of it
    between = (high != background) & ~bright
    flat = (here == array[:-1:step, 1:]) & (here == array[1::step, :-1])
    is_flat = high.max() == 1 or (
        between.any() and _channels(flat, np.logical_and)[between].mean() >= _MIN_LABEL_FLATNESS
    )
    if is_flat and not lossy and (high == 0).any():
        return "labels" if np.array_equal(low, high) else "colours"
    mostly_dark = dark.any() and dark.sum() >= _MIN_BLACK_SHARE * (~bright).sum()
    return "binary" if bright.any() and mostly_dark else "copy"
